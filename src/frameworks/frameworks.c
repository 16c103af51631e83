// SPDX-License-Identifier: Apache-2.0
/* The registry: definitions read from two folders, replaced as a whole when a file changes. */
#include "frameworks/framework.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/settings.h"
#include "base/text.h"
#include "frameworks/changes.h"
#include "frameworks/tools.h"
#include "frameworks/versions.h"

#include <dirent.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

enum {
    DEFINITION_MAX = 256 << 10,  /* bytes of one file; the real ones have a few thousand */
    DEFINITIONS_MAX = 1000,      /* files of one folder */
    VERSIONS_AGE_MS = 60 * 1000, /* a package installed meanwhile shows up this late at most */
    NAME_TRIED_MAX = 64,         /* bytes; longer names get no suggestion */
};

struct definitions {
    struct mem *mem; /* holds everything */
    struct framework *items;
    size_t n, n_shipped;
    uint64_t fingerprint; /* of the files they were read from */
    int64_t versions_ms;  /* monotonic time of looking up versions; 0 = not yet */
};

struct frameworks {
    const struct settings *settings;
    pthread_mutex_t lock; /* of all below */
    struct changes changes;
    struct definitions now;
};

/* --- the files --- */

static bool has_ending(const char *name, const char *ending)
{
    size_t len = strlen(name), tail = strlen(ending);

    return name[0] != '.' && len > tail && strcmp(name + len - tail, ending) == 0;
}

/* FNV-1a, continued from `hash`. */
static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3;
    return hash;
}

/* Changes when a file of `folder` with the ending is added, removed, renamed or written. The sum
 * does not depend on the order of reading. An absent folder counts as empty. */
static uint64_t folder_fingerprint(const char *folder, const char *ending)
{
    DIR *dir = opendir(folder);
    uint64_t sum = 0;
    struct dirent *entry;
    struct stat st;

    if (!dir)
        return 0;
    while ((entry = readdir(dir))) {
        if (!has_ending(entry->d_name, ending) || fstatat(dirfd(dir), entry->d_name, &st, 0) < 0)
            continue;
        uint64_t hash = mix(0xcbf29ce484222325, entry->d_name, strlen(entry->d_name));

        hash = mix(hash, &st.st_mtim, sizeof st.st_mtim);
        hash = mix(hash, &st.st_ino, sizeof st.st_ino);
        sum += mix(hash, &st.st_size, sizeof st.st_size);
    }
    closedir(dir);
    return sum;
}

static uint64_t fingerprint(const struct settings *s)
{
    return folder_fingerprint(s->frameworks_dir, ".json") * 31 +
           folder_fingerprint(s->plugins_dir, ".conf");
}

static int read_definition(const char *path, const char *name, struct mem *mem,
                           struct framework *ret, struct err *err)
{
    CLEANUP(text_done) struct text text = {0};
    json_t *json;
    int rc;

    if (file_read(path, DEFINITION_MAX, &text, err) < 0)
        return -1;
    json = reader_parse_object(text.data ? text.data : "", text.len, err);
    if (!json)
        return -1;
    rc = framework_from_json(json, name, mem, ret, err);
    json_decref(json);
    return rc;
}

/* A site definition that cannot be read is listed all the same, with the reason. */
static void list_as_broken(const char *name, const char *file, const struct err *why,
                           struct mem *mem, struct framework *ret)
{
    fields_init(framework_fields, ret);
    *ret = (struct framework){
        .name = mem_strdup(mem, name),
        .description = "",
        .deploy_mode = "cluster",
        .has_task0 = "",
        .exec_mode = "single",
        .app_name = mem_strdup(mem, name),
        .launch = "generator",
        .n_ps = INT_UNSET,
        .n_workers = INT_UNSET,
        .max_workers = INT_UNSET,
        .max_devices = INT_UNSET,
        .missing = mem_printf(mem, "%s cannot be read: %s", file, why->text),
    };
}

static void check_generator(const struct settings *s, struct mem *mem, struct framework *f)
{
    if (strcmp(f->launch, "generator") != 0 || !f->installed)
        return;
    f->installed = f->generator && tools_generator(s, f->generator, mem);
    if (!f->generator)
        f->missing = "its definition has no frameworkCmdGenerator";
    else if (!f->installed)
        f->missing = mem_printf(mem, "its generator %s is neither in %s/tools/dl_plugins nor in %s",
                                f->generator, s->shared_fs, s->plugins_dir);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcasecmp((*a)->d_name, (*b)->d_name);
}

static int is_json(const struct dirent *entry) { return has_ending(entry->d_name, ".json"); }
static int is_conf(const struct dirent *entry) { return has_ending(entry->d_name, ".conf"); }

struct name_list {
    struct dirent **entries;
    int n;
};

static void names_done(struct name_list *names)
{
    for (int i = 0; i < names->n; i++)
        free(names->entries[i]);
    free(names->entries);
}

/* Room for `more` definitions behind those that are there. */
static void make_room(struct definitions *defs, int more)
{
    struct framework *grown = mem_alloc(defs->mem, (defs->n + (size_t)more) * sizeof *grown + 1);

    if (defs->n > 0)
        memcpy(grown, defs->items, defs->n * sizeof *grown);
    defs->items = grown;
}

/* Shipped definitions are ours: a broken one is an error. Site definitions never are. */
static int read_folder(const struct settings *s, bool shipped, struct definitions *defs,
                       struct err *err)
{
    const char *folder = shipped ? s->frameworks_dir : s->plugins_dir;
    CLEANUP(names_done) struct name_list names = {0};

    names.n = scandir(folder, &names.entries, shipped ? is_json : is_conf, by_name);
    if (names.n < 0) {
        names.n = 0;
        return shipped ? err_errno(err, ERR_UNAVAILABLE,
                                   "framework definitions in %s (paths.frameworks)", folder)
                       : 0;
    }
    make_room(defs, names.n);
    for (int i = 0; i < names.n && i < DEFINITIONS_MAX; i++) {
        const char *file = names.entries[i]->d_name;
        struct framework *f = &defs->items[defs->n++];
        const char *name = mem_strndup(defs->mem, file, strlen(file) - strlen(".json"));
        struct err why = {0};

        if (read_definition(mem_printf(defs->mem, "%s/%s", folder, file), name, defs->mem, f,
                            &why) < 0) {
            if (shipped)
                return err_set(err, why.kind, "framework definition %s: %s", file, why.text);
            list_as_broken(name, file, &why, defs->mem, f);
        }
        check_generator(s, defs->mem, f);
    }
    return 0;
}

/* --- the registry --- */

static int read_all(const struct settings *s, struct definitions *ret, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct definitions defs = { .mem = mem, .fingerprint = fingerprint(s) };

    if (read_folder(s, /* shipped= */ true, &defs, err) < 0)
        return -1;
    defs.n_shipped = defs.n;
    if (read_folder(s, /* shipped= */ false, &defs, err) < 0)
        return -1;
    (void)TAKE(mem);
    *ret = defs;
    return 0;
}

static void replace(struct frameworks *f, const struct definitions *defs)
{
    mem_free(f->now.mem);
    f->now = *defs;
}

/* Reads the files again if one changed. Under the lock. */
static int refresh(struct frameworks *f, struct err *err)
{
    const char *const folders[] = { f->settings->frameworks_dir, f->settings->plugins_dir };
    struct definitions defs;

    if (!changes_pending(&f->changes, folders, ARRAY_LEN(folders)))
        return 0;
    if (fingerprint(f->settings) == f->now.fingerprint)
        return 0;
    if (read_all(f->settings, &defs, err) < 0) {
        f->changes.looked_ms = 0;
        return -1;
    }
    replace(f, &defs);
    return 0;
}

/* Fills in homes and versions; under the lock. Old ones go with the memory they are in. */
static int refresh_versions(struct frameworks *f, struct err *err)
{
    int64_t now = clock_mono_ms();
    struct definitions defs;

    if (f->now.versions_ms && now - f->now.versions_ms < VERSIONS_AGE_MS)
        return 0;
    if (read_all(f->settings, &defs, err) < 0)
        return -1;
    for (size_t i = 0; i < defs.n; i++) {
        struct framework *fw = &defs.items[i];

        fw->home = python_prefix(fw->python ? fw->python : f->settings->python, defs.mem);
        if (fw->package && fw->home)
            fw->version = package_version(fw->home, fw->package, defs.mem);
    }
    defs.versions_ms = now;
    replace(f, &defs);
    return 0;
}

struct frameworks *frameworks_new(const struct settings *settings, struct err *err)
{
    struct definitions defs;
    struct frameworks *f;

    if (tools_install(settings, err) < 0 || read_all(settings, &defs, err) < 0)
        return NULL;
    f = xcalloc(1, sizeof *f);
    f->settings = settings;
    f->now = defs;
    changes_init(&f->changes);
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

void frameworks_free(struct frameworks *f)
{
    if (!f)
        return;
    mem_free(f->now.mem);
    changes_done(&f->changes);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

/* Names before aliases, and site definitions, which stand last, before shipped ones. */
static const struct framework *look_up(const struct definitions *defs, const char *name)
{
    for (int by_alias = 0; by_alias < 2; by_alias++)
        for (size_t i = defs->n; i-- > 0;)
            if (framework_is_called(&defs->items[i], name, by_alias))
                return &defs->items[i];
    return NULL;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c; }

/* How many letters to change, add or drop to get from one name to the other, case ignored. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_TRIED_MAX + 1], n = strlen(b), corner, above;

    for (size_t k = 0; k <= n; k++)
        row[k] = k;
    for (size_t i = 1; a[i - 1]; i++) {
        corner = row[0];
        row[0] = i;
        for (size_t k = 1; k <= n; k++) {
            size_t best = corner + (lower(a[i - 1]) != lower(b[k - 1]));

            above = row[k];
            best = above + 1 < best ? above + 1 : best;
            row[k] = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
            corner = above;
        }
    }
    return row[n];
}

static const char *closest(const struct definitions *defs, const char *name)
{
    size_t best = strlen(name) / 2 + 1; /* further away it is another word */
    const char *found = NULL;

    if (strlen(name) > NAME_TRIED_MAX)
        return NULL;
    for (size_t i = 0; i < defs->n; i++) {
        size_t far;

        if (strlen(defs->items[i].name) > NAME_TRIED_MAX)
            continue;
        far = distance(name, defs->items[i].name);
        if (far < best) {
            best = far;
            found = defs->items[i].name;
        }
    }
    return found;
}

static int refuse_unknown(const struct definitions *defs, const char *name, struct err *err)
{
    CLEANUP(text_done) struct text names = {0};
    const char *near = closest(defs, name);

    for (size_t i = 0; i < defs->n; i++)
        if (defs->items[i].installed)
            text_addf(&names, "%s%s", names.len ? ", " : "", defs->items[i].name);
    return err_field(err, "--exec-start", names.data,
                     "no framework \"%.60s\"; %s%s%sGET /execs/frameworks lists them", name,
                     near ? "did you mean " : "", near ? near : "", near ? "? " : "");
}

/* Under the lock. */
static int find(struct frameworks *f, const char *name, struct mem *mem, struct framework *ret,
                struct err *err)
{
    const struct framework *found;

    if (refresh(f, err) < 0)
        return -1;
    found = look_up(&f->now, name);
    if (!found)
        return refuse_unknown(&f->now, name, err);
    if (!found->installed)
        return err_field(err, "--exec-start", NULL, "framework %s cannot be used: %s", found->name,
                         found->missing ? found->missing : "it is not installed");
    framework_copy(found, mem, ret);
    return 0;
}

int frameworks_find(struct frameworks *f, const char *name, struct mem *mem, struct framework *ret,
                    struct err *err)
{
    int rc;

    pthread_mutex_lock(&f->lock);
    rc = find(f, name, mem, ret, err);
    pthread_mutex_unlock(&f->lock);
    return rc;
}

/* A shipped definition that a site definition replaces is not shown beside it. */
static bool is_replaced(const struct definitions *defs, size_t i)
{
    return i < defs->n_shipped && look_up(defs, defs->items[i].name) != &defs->items[i];
}

int frameworks_all(struct frameworks *f, struct mem *mem, struct list *ret, struct err *err)
{
    struct framework *copies;
    size_t n = 0;

    pthread_mutex_lock(&f->lock);
    if (refresh(f, err) < 0 || refresh_versions(f, err) < 0) {
        pthread_mutex_unlock(&f->lock);
        return -1;
    }
    copies = mem_alloc(mem, f->now.n * sizeof *copies + 1);
    for (size_t i = 0; i < f->now.n; i++)
        if (!is_replaced(&f->now, i))
            framework_copy(&f->now.items[i], mem, &copies[n++]);
    pthread_mutex_unlock(&f->lock);
    *ret = (struct list){ .items = copies, .n = n };
    return 0;
}
