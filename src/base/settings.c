// SPDX-License-Identifier: Apache-2.0
#include "base/settings.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/program.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
    CONF_MAX_BYTES = 1 << 20,
    KEY_MAX = 96,                   /* bytes; the longest key has a group's name in it */
    GROUP_NAME_MAX = 64,            /* bytes */
};

struct loaded {
    struct settings s;      /* first: what callers hold */
    struct mem *mem;        /* all text */
};

/* key, where it goes, default as it would be written in the file, doc. "<data>" in a default stands for the
 * data directory; an empty default of a path below the program is worked out in fill_program_paths(). */
#define SETTINGS(S)                                                                                   \
    S("http.listen", "127.0.0.1:9280", "ADDR:PORT of plain HTTP, empty for none; port 0 takes a free one", \
      TEXT(struct settings, http_listen), .max = 256)                                                 \
    S("https.listen", "0.0.0.0:9243", "ADDR:PORT of HTTPS, empty for none; port 0 takes a free one",  \
      TEXT(struct settings, https_listen), .max = 256)                                                \
    S("http.threads", "0", "threads that answer requests; 0 is one per core",                         \
      INT(struct settings, http_threads), .max = 256)                                                 \
    S("http.header_max", "32", "largest header of a request",                                         \
      INT(struct settings, http_header_max_kib), .min = 4, .max = 1024, .unit = "KiB")                \
    S("http.body_max", "16", "largest JSON body", INT(struct settings, http_body_max_mib),            \
      .min = 1, .max = 1024, .unit = "MiB")                                                           \
    S("http.upload_max", "8192", "largest upload", INT(struct settings, http_upload_max_mib),         \
      .min = 1, .max = 16777216, .unit = "MiB")                                                       \
    S("http.connections_max", "1024", "connections open at a time",                                   \
      INT(struct settings, http_connections_max), .min = 8, .max = 1000000)                           \
    S("http.idle_timeout", "120", "a connection without traffic is closed after this",                \
      INT(struct settings, http_idle_s), .min = 1, .max = 86400, .unit = "s")                         \
    S("http.csrf", "required", "whether a changing request that signs in by cookie alone needs the "  \
      "csrftoken", TEXT(struct settings, http_csrf), ALLOWED("required", "lenient"))                  \
    S("log.level", "info", "the least that is logged", TEXT(struct settings, log_level),              \
      ALLOWED("debug", "info", "warn", "error"))                                                      \
    S("accounts.token_lifetime", "12", "how long a token handed out at logon is good",                \
      INT(struct settings, token_hours), .min = 1, .max = 8784, .unit = "hours")                      \
    S("accounts.password_cache", "600", "how long a correct password is remembered, so that Basic "   \
      "sign-in costs nothing; 0 checks it in full each time",                                         \
      INT(struct settings, password_cache_s), .max = 86400, .unit = "s")                              \
    S("paths.data", "<data>/data", "DLI_DATA_FS: where users' training data is",                      \
      TEXT(struct settings, data_fs), .min = 1, .max = 4095)                                          \
    S("paths.shared", "<data>/shared", "DLI_SHARED_FS: tools and models shared by tasks",             \
      TEXT(struct settings, shared_fs), .min = 1, .max = 4095)                                        \
    S("paths.python", "/usr/bin/python3", "interpreter of tasks that name no environment",            \
      TEXT(struct settings, python), .min = 1, .max = 4095)                                           \
    S("paths.conda", "", "folder of the conda installation whose environments tasks may name",        \
      TEXT(struct settings, conda_home), .max = 4095)                                                 \
    S("paths.frameworks", "", "shipped framework definitions; empty: those installed with the program", \
      TEXT(struct settings, frameworks_dir), .max = 4095)                                             \
    S("paths.plugins", "<data>/plugins", "this site's framework definitions, *.conf, read again when "  \
      "they change", TEXT(struct settings, plugins_dir), .min = 1, .max = 4095)                       \
    S("paths.runtime", "", "Python modules offered to tasks; empty: those installed with the program", \
      TEXT(struct settings, runtime_dir), .max = 4095)                                                \
    S("paths.shepherd", "", "the program that watches one task; empty: the one installed with the "   \
      "program", TEXT(struct settings, shepherd), .max = 4095)                                        \
    S("frameworks.default_env", "", "conda environment of tasks that name none",                      \
      TEXT(struct settings, default_conda_env), .max = 255)                                           \
    S("tasks.stop_grace", "10", "time between asking a task to stop and killing it",                  \
      INT(struct settings, task_grace_s), .max = 3600, .unit = "s")                                   \
    S("tasks.wall_limit", "0", "longest run of a task; 0 is no limit",                                \
      INT(struct settings, task_wall_max_h), .max = 87840, .unit = "hours")                           \
    S("tasks.open_files", "65536", "files a task may have open",                                      \
      INT(struct settings, task_files_max), .min = 64, .max = 1048576)                                \
    S("tasks.enforce_memory", "false", "whether a task that uses more memory than it asked for is "   \
      "ended", BOOLEAN(struct settings, task_enforce_memory))                                         \
    S("tasks.precreate_model_dir", "auto", "whether the folder for a task's model exists before it starts", \
      TEXT(struct settings, precreate_model_dir), ALLOWED("auto", "always", "never"))                 \
    S("packages.entries_max", "200000", "files in an uploaded package",                               \
      INT(struct settings, package_entries_max), .min = 1, .max = 100000000)                          \
    S("packages.unpacked_max", "65536", "size of an uploaded package once unpacked",                  \
      INT(struct settings, package_bytes_max_mib), .min = 1, .max = 16777216, .unit = "MiB")          \
    S("datasets.roots", "", "folders that datasets may be made from, separated by colons; empty: paths.data "  \
      "and paths.shared", TEXT(struct settings, dataset_roots), .max = 65536)                         \
    S("datasets.entries_max", "5000000", "files, folders and links in an archive uploaded as a dataset", \
      INT(struct settings, dataset_entries_max), .min = 1, .max = 1000000000)                         \
    S("datasets.unpacked_max", "1048576", "size of an archive uploaded as a dataset, unpacked",       \
      INT(struct settings, dataset_bytes_max_mib), .min = 1, .max = 1073741824, .unit = "MiB")        \
    S("cluster.unknown_group", "refuse", "what happens to a task for an instance group that does not exist", \
      TEXT(struct settings, unknown_group), ALLOWED("refuse", "default"))                             \
    S("cluster.default_group", "default", "instance group of tasks that name none",                   \
      TEXT(struct settings, default_group), .min = 1, .max = GROUP_NAME_MAX)                          \
    S("search.warm_interpreters", "4", "interpreters kept ready with their imports done, so that trials of " \
      "searches start at once; 0 starts each trial anew",                                             \
      INT(struct settings, warm_interpreters), .max = 64)                                             \
    S("search.warm_idle", "60", "such an interpreter ends when it has started no trial for this long", \
      INT(struct settings, warm_idle_s), .min = 1, .max = 86400, .unit = "s")                         \
    S("search.power_sampling", "log", "with `power` exponents (log) or values (linear) are uniform",  \
      TEXT(struct settings, power_sampling), ALLOWED("log", "linear"))                                \
    S("search.create_reply", "auto", "answer to a new search: its bare name, an object with uid and " \
      "href, or what the kind of client expects",                                                     \
      TEXT(struct settings, create_reply), ALLOWED("auto", "name", "object"))                         \
    S("search.unknown_algorithm", "empty", "answer to asking for an algorithm that does not exist: "  \
      "200 with {}, or 400", TEXT(struct settings, unknown_algorithm), ALLOWED("empty", "refuse"))    \
    S("search.plugin_install", "users", "who may install algorithms: every user, or administrators only", \
      TEXT(struct settings, plugin_install), ALLOWED("users", "admins"))                              \
    S("search.plugin_limit", "600", "how long an installed algorithm may think about one answer",     \
      INT(struct settings, plugin_limit_s), .min = 1, .max = 86400, .unit = "s")                      \
    S("search.plugin_log_max", "16", "log that is kept of an installed algorithm in one search",      \
      INT(struct settings, plugin_log_max_mib), .min = 1, .max = 65536, .unit = "MiB")                \
    S("api.success_status", "openapi", "where success statuses follow: the API document",             \
      TEXT(struct settings, success_status), ALLOWED("openapi"))                                      \
    S("events.keep", "90", "how long events are kept", INT(struct settings, events_keep_days),        \
      .min = 1, .max = 36500, .unit = "days")

#define AS_FIELD(key, def, text, ...) { .name = (key), .doc = text "; default " def, __VA_ARGS__ },
#define AS_DEFAULT(key, def, text, ...) (def),

const struct field settings_table[] = { SETTINGS(AS_FIELD) { .type = FIELD_END } };
static const char *const defaults[] = { SETTINGS(AS_DEFAULT) };

/* What stands after "group.<name>." */
static const struct field group_table[] = {
    { "slots", INT(struct setting_group, slots), .max = 100000,
      .doc = "CPU slots; default 0, one per core" },
    { "gpus", TEXT(struct setting_group, gpus), .min = 1, .max = 1024,
      .doc = "auto, none, or indices as in 0,1; default auto" },
    { "memory_mib", INT(struct setting_group, memory_mib), .max = 1 << 30, .unit = "MiB",
      .doc = "memory that tasks may ask for in all; default 0, the machine's" },
    { "user", TEXT(struct setting_group, user), .max = 64,
      .doc = "OS user that runs the tasks; default empty, the server's own" },
    { "backend", TEXT(struct setting_group, backend), ALLOWED("local", "null"),
      .doc = "what runs the tasks; default local" },
    { "consumer", TEXT(struct setting_group, consumer), .min = 1, .max = 255,
      .doc = "path shown to clients that ask for one; default /<name>" },
    { .type = FIELD_END },
};

/* --- one value --- */

static int set_int(const struct field *f, const char *value, int64_t *ret, struct err *err)
{
    char *end;
    long long v;

    errno = 0;
    v = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || (double)v < f->min || (double)v > f->max)
        return err_set(err, ERR_BAD_INPUT, "%s = %s: expected a whole number%s%s from %.0f to %.0f",
                       f->name, value, f->unit ? " of " : "", f->unit ? f->unit : "", f->min,
                       f->max);
    *ret = v;
    return 0;
}

static int set_bool(const struct field *f, const char *value, bool *ret, struct err *err)
{
    static const char *const yes[] = { "true", "yes", "on", "1" };
    static const char *const no[] = { "false", "no", "off", "0" };

    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (text_same(value, yes[i]) || text_same(value, no[i])) {
            *ret = text_same(value, yes[i]);
            return 0;
        }
    }
    return err_set(err, ERR_BAD_INPUT, "%s = %s: expected true or false", f->name, value);
}

static int set_word(const struct field *f, const char *value, const char **ret, struct err *err)
{
    CLEANUP(text_done) struct text words = {0};

    for (const char *const *w = f->allowed; *w; w++) {
        if (text_same(value, *w)) {
            *ret = *w;
            return 0;
        }
        text_addf(&words, "%s%s", w == f->allowed ? "" : ", ", *w);
    }
    return err_set(err, ERR_BAD_INPUT, "%s = %s: expected one of %s", f->name, value, words.data);
}

static int set_text(const struct field *f, const char *value, struct mem *mem, const char **ret,
                    struct err *err)
{
    size_t len = strlen(value);

    if (len < (size_t)f->min)
        return err_set(err, ERR_BAD_INPUT, "%s needs a value", f->name);
    if (len > (size_t)f->max)
        return err_set(err, ERR_BAD_INPUT, "%s is longer than %.0f bytes", f->name, f->max);
    *ret = mem_strdup(mem, value);
    return 0;
}

static int set_value(const struct field *f, const char *value, struct mem *mem, void *out,
                     struct err *err)
{
    void *at = (char *)out + f->offset;

    if (f->type == FIELD_INT)
        return set_int(f, value, at, err);
    if (f->type == FIELD_BOOL)
        return set_bool(f, value, at, err);
    if (f->allowed)
        return set_word(f, value, at, err);
    return set_text(f, value, mem, at, err);
}

/* --- keys --- */

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein's distance of two keys, both shorter than KEY_MAX. */
static size_t distance(const char *a, const char *b)
{
    size_t row[KEY_MAX + 1], len = strlen(b), diagonal, above;

    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            above = row[j];
            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[len];
}

static int unknown_key(const struct field *table, const char *key, const char *known_as,
                       struct err *err)
{
    const struct field *closest = NULL;
    size_t least = SIZE_MAX;

    for (const struct field *f = table; f->type != FIELD_END; f++) {
        size_t d = distance(key, f->name);

        if (d < least) {
            least = d;
            closest = f;
        }
    }
    if (least <= 1 + strlen(key) / 3)
        return err_set(err, ERR_BAD_INPUT, "there is no setting %s; did you mean %s?", known_as,
                       closest->name);
    return err_set(err, ERR_BAD_INPUT, "there is no setting %s; serve --help-config lists them all",
                   known_as);
}

static bool group_name_ok(const char *name)
{
    size_t len = strlen(name);

    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
            return false;
    return len > 0 && len <= GROUP_NAME_MAX && isalnum((unsigned char)name[0]);
}

/* The group of that name, added with its defaults when new. */
static struct setting_group *find_group(struct loaded *l, const char *name)
{
    struct setting_group *groups = (struct setting_group *)l->s.groups;
    int n = l->s.n_groups;

    for (int i = 0; i < n; i++)
        if (strcmp(groups[i].name, name) == 0)
            return &groups[i];
    groups = xrealloc(groups, (size_t)(n + 1) * sizeof *groups);
    groups[n] = (struct setting_group){
        .name = mem_strdup(l->mem, name), .gpus = "auto", .user = "", .backend = "local",
        .consumer = mem_printf(l->mem, "/%s", name),
    };
    l->s.groups = groups;
    l->s.n_groups = n + 1;
    return &groups[n];
}

static int set_group_key(struct loaded *l, const char *key, const char *value, struct err *err)
{
    const char *dot = strrchr(key, '.');
    const char *rest = key + strlen("group.");
    char name[KEY_MAX];
    const struct field *f;

    if (dot < rest)
        return err_set(err, ERR_BAD_INPUT, "%s: expected group.<name>.<key>", key);
    snprintf(name, sizeof name, "%.*s", (int)(dot - rest), rest);
    if (!group_name_ok(name))
        return err_set(err, ERR_BAD_INPUT,
                       "%s: the name of a group is 1 to %d letters, digits and ._-", key,
                       GROUP_NAME_MAX);
    f = fields_find(group_table, dot + 1);
    if (!f)
        return unknown_key(group_table, dot + 1, key, err);
    return set_value(f, value, l->mem, find_group(l, name), err);
}

/* "<data>" at the start of a path is the data directory. */
static const char *expand(struct loaded *l, const char *value)
{
    static const char data[] = "<data>";

    if (!text_starts(value, data))
        return value;
    return mem_printf(l->mem, "%s%s", l->s.data_dir, value + sizeof data - 1);
}

/* Whether each of the folders, separated by colons, starts with a slash. */
static bool folders_ok(const char *list)
{
    for (const char *at = list; *at; at += *at == ':')
        if (*at != '/')
            return false;
        else
            at += strcspn(at, ":");
    return true;
}

static int set_key(struct loaded *l, const char *key, const char *value, struct err *err)
{
    const struct field *f = fields_find(settings_table, key);

    if (strlen(key) >= KEY_MAX)
        return err_set(err, ERR_BAD_INPUT, "the key is longer than %d bytes", KEY_MAX - 1);
    if (text_starts(key, "group."))
        return set_group_key(l, key, value, err);
    if (!f)
        return unknown_key(settings_table, key, key, err);
    value = expand(l, value);
    if (text_starts(key, "paths.") && value[0] != '\0' && value[0] != '/') /* tasks run elsewhere */
        return err_set(err, ERR_BAD_INPUT, "%s = %s: expected a path that starts with /", key,
                       value);
    if (strcmp(key, "datasets.roots") == 0 && !folders_ok(value))
        return err_set(err, ERR_BAD_INPUT, "%s = %s: expected paths that start with /, separated by colons", key, value);
    return set_value(f, value, l->mem, &l->s, err);
}

/* --- the file --- */

static char *trim(char *s)
{
    char *end = s + strlen(s);

    while (end > s && isspace((unsigned char)end[-1]))
        *--end = '\0';
    while (isspace((unsigned char)*s))
        s++;
    return s;
}

/* A comment starts the line or follows a blank, so that a value may hold a #. */
static void cut_comment(char *line)
{
    for (char *c = line; *c; c++)
        if (*c == '#' && (c == line || isspace((unsigned char)c[-1])))
            *c = '\0';
}

static int read_line(struct loaded *l, char *line, struct err *err)
{
    char *equals;

    cut_comment(line);
    line = trim(line);
    if (line[0] == '\0')
        return 0;
    equals = strchr(line, '=');
    if (!equals)
        return err_set(err, ERR_BAD_INPUT, "expected `key = value`");
    *equals = '\0';
    return set_key(l, trim(line), trim(equals + 1), err);
}

static int read_file(struct loaded *l, const char *path, struct err *err)
{
    CLEANUP(text_done) struct text file = {0};
    char *line, *rest;

    if (file_read(path, CONF_MAX_BYTES, &file, err) < 0)
        return -1;
    if (file.len == 0)
        return 0;
    if (!text_is_utf8(file.data, file.len) || strlen(file.data) != file.len)
        return err_set(err, ERR_BAD_INPUT, "%s is not UTF-8 text", path);
    rest = file.data;
    for (int number = 1; (line = strsep(&rest, "\n")); number++)
        if (read_line(l, line, err) < 0)
            return err_wrap(err, "%s:%d", path, number);
    return 0;
}

/* --- what depends on where things are --- */

static int set_defaults(struct loaded *l, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        if (set_key(l, settings_table[i].name, defaults[i], err) < 0)
            return -1;
    l->s.result_fs = mem_printf(l->mem, "%s/results", l->s.data_dir);
    return 0;
}

static void fill_program_paths(struct loaded *l)
{
    struct settings *s = &l->s;

    if (s->frameworks_dir[0] == '\0')
        s->frameworks_dir = program_file(l->mem, "../frameworks", "../share/trainyard/frameworks");
    if (s->runtime_dir[0] == '\0')
        s->runtime_dir =
            program_file(l->mem, "../runtime/python", "../share/trainyard/runtime/python");
    if (s->shepherd[0] == '\0')
        s->shepherd = program_part(l->mem, "trainyard-shepherd");
}

static const char *absolute(struct mem *mem, const char *path)
{
    CLEANUP(freep) char *plain = realpath(path, NULL);
    char here[PATH_MAX];

    if (plain)
        return mem_strdup(mem, plain);
    if (path[0] == '/' || !getcwd(here, sizeof here))
        return mem_strdup(mem, path);
    return mem_printf(mem, "%s/%s", here, path);
}

static int check_groups(struct loaded *l, struct err *err)
{
    CLEANUP(text_done) struct text names = {0};
    struct settings *s = &l->s;

    if (!group_name_ok(s->default_group))
        return err_set(err, ERR_BAD_INPUT,
                       "cluster.default_group = %s: the name of a group is letters, digits and ._-",
                       s->default_group);
    for (int i = 0; i < s->n_groups; i++) {
        if (strcmp(s->groups[i].name, s->default_group) == 0)
            return 0;
        text_addf(&names, "%s%s", i > 0 ? ", " : "", s->groups[i].name);
    }
    if (s->n_groups > 0)
        return err_set(err, ERR_BAD_INPUT, "cluster.default_group is %s, but only these groups are "
                       "described: %s; name one of them or add group.%s.slots", s->default_group,
                       names.data, s->default_group);
    find_group(l, s->default_group);
    return 0;
}

static int load(struct loaded *l, const char *data_dir, const char *conf_path, struct err *err)
{
    const char *path;

    l->s.data_dir = absolute(l->mem, data_dir);
    if (set_defaults(l, err) < 0)
        return -1;
    path = conf_path ? conf_path : mem_printf(l->mem, "%s/dlpd.conf", l->s.data_dir);
    if (conf_path || file_exists(path))
        if (read_file(l, path, err) < 0)
            return -1;
    fill_program_paths(l);
    return check_groups(l, err);
}

struct settings *settings_load(const char *data_dir, const char *conf_path, struct err *err)
{
    struct loaded *l = xcalloc(1, sizeof *l);

    l->mem = mem_new();
    if (load(l, data_dir, conf_path, err) < 0) {
        settings_free(&l->s);
        return NULL;
    }
    return &l->s;
}

void settings_free(struct settings *s)
{
    struct loaded *l = (struct loaded *)s;

    if (!l)
        return;
    free((void *)l->s.groups);
    mem_free(l->mem);
    free(l);
}

/* --- what it prints --- */

static void sample_one(struct text *out, const struct field *f, const char *prefix,
                       const char *value)
{
    text_addf(out, "# %s", f->doc);
    if (f->type == FIELD_INT)
        text_addf(out, " (%.0f to %.0f%s%s)", f->min, f->max, f->unit ? " " : "",
                  f->unit ? f->unit : "");
    for (const char *const *w = f->allowed; w && *w; w++)
        text_addf(out, "%s%s%s", w == f->allowed ? " (" : ", ", *w, w[1] ? "" : ")");
    text_addf(out, "\n#%s%s =%s%s\n\n", prefix, f->name, value[0] ? " " : "", value);
}

void settings_sample(struct text *out)
{
    static const char *const examples[] = { "4", "auto", "16384", "trainer", "local", "/gpu" };

    text_add(out, "# Settings of trainyard, read once at start: key = value.\n"
                  "# Each line below shows a default; take the # away to change it.\n"
                  "# <data> stands for the data directory.\n\n");
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        sample_one(out, &settings_table[i], "", defaults[i]);
    text_add(out, "# Instance groups: group.<name>.<key>, as many as needed. Without any there is\n"
                  "# one, named by cluster.default_group, with all cores and GPUs. An example:\n\n");
    for (size_t i = 0; i < ARRAY_LEN(examples); i++)
        sample_one(out, &group_table[i], "group.gpu.", examples[i]);
}

/* Where this server's other base paths are, for clients on other machines: a listener on every
 * address is reached by the machine's name. */
static void add_rest_url(struct text *out, const struct settings *s)
{
    bool tls = s->https_listen[0] != '\0';
    const char *listen = tls ? s->https_listen : s->http_listen;
    const char *colon = strrchr(listen, ':');
    char host[256] = "localhost";

    if (colon && !text_starts(listen, "0.0.0.0:") && !text_starts(listen, "[::]:"))
        snprintf(host, sizeof host, "%.*s", (int)(colon - listen), listen);
    else if (gethostname(host, sizeof host - 1) < 0)
        snprintf(host, sizeof host, "localhost");
    text_addf(out, "%s://%s%s/platform/rest/", tls ? "https" : "http", host, colon ? colon : "");
}

static void add_pair(struct text *json, const char *key, const char *value)
{
    text_add_char(json, json->data[json->len - 1] == '{' ? ' ' : ',');
    text_add_json(json, key);
    text_add_char(json, ':');
    text_add_json(json, value);
}

void settings_public(const struct settings *s, struct text *json)
{
    CLEANUP(text_done) struct text url = {0};

    add_rest_url(&url, s);
    text_add_char(json, '{');
    add_pair(json, "DLI_SHARED_FS", s->shared_fs);
    add_pair(json, "DL_NFS_PATH", s->shared_fs);
    add_pair(json, "DLI_DATA_FS", s->data_fs);
    add_pair(json, "DLI_RESULT_FS", s->result_fs);
    add_pair(json, "DLI_CONDA_HOME", s->conda_home);
    add_pair(json, "DLI_DEFAULT_CONDA_ENV", s->default_conda_env);
    add_pair(json, "MSD_ENABLED", "true");
    add_pair(json, "METRICS_STREAMING", "true");
    add_pair(json, "PARM_MGR_DIR", s->runtime_dir);
    add_pair(json, "CwS_REST_URL", url.data);
    add_pair(json, "DLI_VERSION", TRAINYARD_VERSION);
    text_add_char(json, '}');
}
