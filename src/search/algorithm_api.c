// SPDX-License-Identifier: Apache-2.0
#include "base/archive.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"
#include "search/algorithm.h"
#include "search/form.h"
#include "search/loop.h"
#include "search/plugins/plugin_install.h"
#include "search/plugins/plugin_run.h"
#include "search/plugins/plugin_store.h"
#include "store/db.h"
#include "tasks/tasks.h"

struct algorithm_record {
    const char *name, *path, *conda_home, *conda_env, *creator, *createtime, *type;
    bool remote_exec;
    const char *log_level;
};

static const struct field algorithm_record_fields[] = {
    { "name",       TEXT(struct algorithm_record, name),        .doc = "as algoDef.algorithm takes it; a built-in in any case" },
    { "path",       TEXT(struct algorithm_record, path),        .doc = "where a plugin is installed" },
    { "condaHome",  TEXT(struct algorithm_record, conda_home),  .doc = "of a plugin, as given" },
    { "condaEnv",   TEXT(struct algorithm_record, conda_env),   .doc = "of a plugin, as given" },
    { "creator",    TEXT(struct algorithm_record, creator),     .doc = "who installed a plugin" },
    { "createtime", TEXT(struct algorithm_record, createtime),  .doc = "when a plugin was installed; local time" },
    { "type",       TEXT(struct algorithm_record, type),        .doc = "BUILD_IN or USER_PLUGIN" },
    { "remoteExec", BOOLEAN(struct algorithm_record, remote_exec), .doc = "of a plugin, as given; false" },
    { "logLevel",   TEXT(struct algorithm_record, log_level),   .doc = "of a plugin, as given" },
    { .type = FIELD_END },
};

static const struct searches *room(const struct call *c) { return c->room; }
static const struct settings *settings_of(const struct call *c) { return room(c)->tasks->config.settings; }

/* --- reading --- */

static void add_builtin(const struct algorithm *a, struct text *out)
{
    const struct algorithm_record record = { .name = a->name, .type = "BUILD_IN" };

    fields_to_text(algorithm_record_fields, &record, out);
}

static void add_plugin(struct call *c, const struct plugin *p, struct text *out)
{
    char created[32];
    const struct algorithm_record record = {
        .name = p->name, .path = plugin_dir(settings_of(c), p->name, c->mem), .conda_home = p->conda_home,
        .conda_env = p->conda_env, .creator = p->creator, .createtime = clock_local_text(p->created_ms, created),
        .type = "USER_PLUGIN", .remote_exec = p->remote_exec, .log_level = p->log_level,
    };

    fields_to_text(algorithm_record_fields, &record, out);
}

struct listing {
    struct call *call;
    struct text *out;
};

static int list_plugin(void *arg, const struct plugin *p, struct err *err)
{
    struct listing *l = arg;

    (void)err;
    text_add(l->out, l->out->len > 1 ? "," : "");
    add_plugin(l->call, p, l->out);
    return 0;
}

static int list_algorithms(struct call *c, struct err *err)
{
    CLEANUP(text_done) struct text out = {0};
    const char *type = call_query(c, "type");
    struct listing listing = { c, &out };

    if (type && *type && !text_same(type, "BUILD_IN") && !text_same(type, "USER_PLUGIN"))
        return err_field(err, "type", "BUILD_IN or USER_PLUGIN",
                         "algorithms are BUILD_IN or USER_PLUGIN, not \"%.40s\"", type);
    text_add_char(&out, '[');
    for (int i = 0; algorithms[i] && !text_same(type, "USER_PLUGIN"); i++) {
        text_add(&out, i ? "," : "");
        add_builtin(algorithms[i], &out);
    }
    if (!text_same(type, "BUILD_IN") && plugins_each(c->db, list_plugin, &listing, err) < 0)
        return -1;
    text_add_char(&out, ']');
    return reply_json(c, 200, &out);
}

static int show_algorithm(struct call *c, struct err *err)
{
    CLEANUP(text_done) struct text out = {0};
    const char *name = call_param(c, "algoName");
    const struct algorithm *a = algorithm_find(name);
    struct plugin p;
    int found = a ? 1 : plugins_find(c->db, name, c->mem, &p, err);

    if (found < 0)
        return -1;
    if (a)
        add_builtin(a, &out);
    else if (found)
        add_plugin(c, &p, &out);
    else if (text_same(settings_of(c)->unknown_algorithm, "empty"))
        text_add(&out, "{}");
    else
        return err_set(err, ERR_BAD_INPUT, "there is no algorithm \"%.60s\"", name);
    return reply_json(c, 200, &out);
}

/* --- installing --- */

struct change_of_plugin {       /* a plugin being installed or deleted by a call */
    struct call *call;
    struct plugin plugin;
    struct plugin_files from;
};

/* The uploaded file. Some clients send it under the name of the description. */
static const char *find_archive(struct call *c)
{
    for (int i = 0; i < c->n_parts; i++)
        if (form_is_file(&c->parts[i]) && c->parts[i].path)
            return c->parts[i].path;
    for (int i = 0; i < c->n_parts; i++)
        if (c->parts[i].filename && c->parts[i].path && archive_is(c->parts[i].path))
            return c->parts[i].path;
    return NULL;
}

static int read_request(struct change_of_plugin *n, struct err *err)
{
    struct call *c = n->call;
    CLEANUP(text_done) struct text document = {0};
    struct new_plugin in;

    if (form_document(c, "the algorithm", &document, err) < 0 ||
        new_plugin_read(document.data, document.len, c->mem, &in, err) < 0)
        return -1;
    n->plugin = (struct plugin){ .name = in.name, .creator = c->user, .conda_home = in.conda_home,
                                 .conda_env = in.conda_env, .log_level = in.log_level, .remote_exec = in.remote_exec,
                                 .created_ms = clock_unix_ms() };
    n->from.archive = find_archive(c);
    n->from.folder = in.path;
    n->from.anywhere = c->role == ADMIN;
    if (!n->from.archive && !n->from.folder)
        return err_field(err, "file", "a tar of the plugin's folder in a part named file, or `path` in data",
                         "neither a file nor the path of a folder on the server came with the algorithm");
    return 0;
}

static int refuse_taken(const struct change_of_plugin *n, struct err *err)
{
    return err_field(err, "name", "a name that no algorithm has",
                     "there is an algorithm named \"%.60s\" already; delete it or choose another name", n->plugin.name);
}

static int check_taken(const struct change_of_plugin *n, struct err *err)
{
    CLEANUP(db_closep) struct db *db = db_open(room(n->call)->tasks->config.db_path, DB_READ, err);
    struct plugin p;
    int found = db ? plugins_find(db, n->plugin.name, n->call->mem, &p, err) : -1;

    return found > 0 ? refuse_taken(n, err) : found;
}

static int make_plugin(struct db *db, void *arg, struct err *err)
{
    const struct change_of_plugin *n = arg;

    return plugins_insert(db, &n->plugin, err);
}

static int install(struct call *c, struct err *err)
{
    struct change_of_plugin *n = c->state;

    if (read_request(n, err) < 0 || check_taken(n, err) < 0 ||
        plugin_place(settings_of(c), n->plugin.name, &n->from, err) < 0)
        return -1;
    if (writer_run(room(c)->tasks->config.writer, make_plugin, n, err) < 0) {
        plugin_remove(settings_of(c), n->plugin.name);
        return err->kind == ERR_CONFLICT ? refuse_taken(n, err) : -1;
    }
    plugin_unmark(settings_of(c), n->plugin.name);
    return 0;
}

static int installed(struct call *c, struct err *err)
{
    const struct change_of_plugin *n = c->state;

    (void)err;
    return reply_creation(c, "/hypersearch/algorithm/", n->plugin.name);
}

static struct change_of_plugin *new_change(struct call *c)
{
    struct change_of_plugin *n = mem_alloc(c->mem, sizeof *n);

    n->call = c;
    c->state = n;
    return n;
}

static int install_algorithm(struct call *c, struct err *err)
{
    if (c->role != ADMIN && text_same(settings_of(c)->plugin_install, "admins"))
        return err_set(err, ERR_FORBIDDEN, "only administrators install algorithms here (search.plugin_install)");
    new_change(c);
    return call_work(c, install, installed);
}

/* --- deleting --- */

static int make_removal(struct db *db, void *arg, struct err *err)
{
    const struct change_of_plugin *n = arg;

    return plugins_remove(db, n->plugin.name, err);
}

/* It could not be removed: a search runs with it, or another call was quicker and has its files. */
static int refuse_removal(const struct change_of_plugin *n, struct err *err)
{
    CLEANUP(db_closep) struct db *db = db_open(room(n->call)->tasks->config.db_path, DB_READ, err);
    struct mem *mem = n->call->mem;
    const char *name = n->plugin.name, *search = NULL;
    struct plugin p;
    int found = db ? plugins_find(db, name, mem, &p, err) : -1;

    if (found < 0 || plugins_find_user(db, name, mem, &search, err) < 0)
        return -1;
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "there is no algorithm \"%.60s\"", name);
    plugin_unmark(settings_of(n->call), name);
    return err_set(err, ERR_BAD_INPUT, "the algorithm \"%.60s\" is in use by the search \"%.100s\"; stop that first",
                   name, search ? search : "that has just ended");
}

static int remove_plugin(struct call *c, struct err *err)
{
    struct change_of_plugin *n = c->state;
    const char *name = n->plugin.name;

    if (plugin_mark(settings_of(c), name, err) < 0)
        return -1;
    if (writer_run(room(c)->tasks->config.writer, make_removal, n, err) == 0) {
        plugin_remove(settings_of(c), name);
        return 0;
    }
    if (err->kind == ERR_CONFLICT)
        return refuse_removal(n, err);
    plugin_unmark(settings_of(c), name);
    return -1;
}

static int removed(struct call *c, struct err *err)
{
    (void)err;
    return reply_empty(c, 204);
}

static int delete_algorithm(struct call *c, struct err *err)
{
    const char *name = call_param(c, "algoName");
    struct change_of_plugin *n;
    int found;

    if (algorithm_find(name))
        return err_set(err, ERR_BAD_INPUT, "the algorithm %s is built in and cannot be deleted",
                       algorithm_find(name)->name);
    n = new_change(c);
    found = plugins_find(c->db, name, c->mem, &n->plugin, err);
    if (found < 0)
        return -1;
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "there is no algorithm \"%.60s\"", name);
    if (!call_owns(c, n->plugin.creator))
        return err_set(err, ERR_FORBIDDEN,
                       "the algorithm \"%.60s\" is %.60s's: only its creator and administrators delete it", name,
                       n->plugin.creator);
    return call_work(c, remove_plugin, removed);
}

/* --- routes --- */

#define TAG .tag = "HyperSearch"
#define INSTALL(path_, operation_) \
    { POST, path_, USER, install_algorithm, operation_, TAG, .summary = "Install an algorithm", .form = true, \
      .parts = PARAMS({ "file", "file", false, "tar of the plugin's folder" }, \
                      { "data", "string", true, "name, path, condaHome, condaEnv, remoteExec, logLevel" }), \
      .reply = { 200, "CreationResponse", creation_fields }, .failures = FAILURES(400, 401, 403, 500) }

const struct route algorithms_routes[] = {
    { GET, "/hypersearch/algorithm", USER, list_algorithms, "getAllHPOAlgorithm", TAG, .summary = "The algorithms",
      .query = PARAMS({ "type", "string", false, "BUILD_IN or USER_PLUGIN" }),
      .reply = { 200, "[HpoAlgorithmDesc]", algorithm_record_fields }, .failures = FAILURES(400, 401, 403, 500) },
    INSTALL("/hypersearch/algorithm/install", "installHPOAlgorithm"),
    INSTALL("/hypersearch/algorithm", "installHPOAlgorithmHere"),       /* what the older API page says */
    { GET, "/hypersearch/algorithm/{algoName}", USER, show_algorithm, "getOneAlgorithm", TAG, .summary = "One algorithm",
      .reply = { 200, "HpoAlgorithmDesc", algorithm_record_fields }, .failures = FAILURES(400, 401, 403, 500) },
    { DELETE, "/hypersearch/algorithm/{algoName}", USER, delete_algorithm, "deleteOneHPOALGORITHM", TAG,
      .summary = "Remove an installed algorithm", .reply = { 204 }, .failures = FAILURES(400, 401, 403, 404, 500) },
    { .path = NULL },
};
