// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/build.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/builder/kind.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { WALK_DEPTH_MAX = 64 };       /* folders in folders, links included */

/* --- where sources may lie --- */

static void find_roots(struct build *b)
{
    b->roots = mem_alloc(b->mem, b->orders->roots.n * sizeof *b->roots);
    for (size_t i = 0; i < b->orders->roots.n; i++) {
        CLEANUP(freep) char *plain = realpath(((const char **)b->orders->roots.items)[i], NULL);

        if (plain)
            b->roots[b->n_roots++] = mem_strdup(b->mem, plain);
    }
}

static bool is_within(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && (path[len] == '\0' || path[len] == '/' || folder[len - 1] == '/');
}

bool build_allows(const struct build *b, const char *plain)
{
    for (size_t i = 0; i < b->n_roots; i++)
        if (is_within(plain, b->roots[i]))
            return true;
    return false;
}

const char *build_source(const struct build *b, const char *field, const char *path, struct err *err)
{
    CLEANUP(freep) char *plain = realpath(path, NULL);

    if (!plain && (errno == ENOENT || errno == ENOTDIR)) {
        err_field(err, field, "a file or folder on the server", "there is no %s", path);
        return NULL;
    }
    if (!plain) {
        err_field(err, field, "a file or folder that you may read", "%s cannot be read: %s", path, strerror(errno));
        return NULL;
    }
    if (!build_allows(b, plain)) {
        err_field(err, field, "a path within the data folders", "%s lies outside of the data folders", path);
        return NULL;
    }
    return mem_strdup(b->mem, plain);
}

const char *build_target(const struct build *b, const char *name)
{
    return mem_printf(b->mem, "%s/%s", b->orders->target, name);
}

/* --- walks --- */

struct walk {
    const struct build *b;
    const char *start;
    found_fn *fn;
    void *arg;
};

static int not_dots(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static int walk_folder(const struct walk *w, const char *below, int depth, struct err *err);

/* NULL, or why the link is not followed. */
static const char *refuse_link(const struct walk *w, const char *folder, const char *plain)
{
    CLEANUP(freep) char *here = realpath(folder, NULL);

    if (!plain)
        return "is a link that leads nowhere";
    if (!build_allows(w->b, plain))
        return "is a link that leads out of the data folders";
    return here && is_within(here, plain) ? "is a link to a folder that it lies in" : NULL;
}

static int walk_entry(const struct walk *w, const char *below, const char *name, int depth, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *folder = below[0] ? mem_printf(mem, "%s/%s", w->start, below) : w->start;
    const char *rel = below[0] ? mem_printf(mem, "%s/%s", below, name) : name;
    const char *path = mem_printf(mem, "%s/%s", folder, name);
    CLEANUP(freep) char *plain = NULL;
    struct found f = { .path = rel };
    struct stat st;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : err_errno(err, ERR_BAD_INPUT, "%s cannot be read", path);
    if (S_ISLNK(st.st_mode)) {
        f.link = plain = realpath(path, NULL);
        f.refused = refuse_link(w, folder, plain);
        if (!f.refused && stat(plain, &st) < 0)
            f.refused = "is a link that leads nowhere";
    }
    if (f.refused)
        return w->fn(w->arg, &f, err);
    if (S_ISDIR(st.st_mode))
        return walk_folder(w, rel, depth + 1, err);
    f.bytes = st.st_size;
    return S_ISREG(st.st_mode) ? w->fn(w->arg, &f, err) : 0;
}

static int walk_folder(const struct walk *w, const char *below, int depth, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *path = below[0] ? mem_printf(mem, "%s/%s", w->start, below) : w->start;
    struct dirent **entries = NULL;
    int result = 0;
    int n;

    if (depth > WALK_DEPTH_MAX)
        return err_set(err, ERR_BAD_INPUT, "%s: folders lie more than %d deep", path, WALK_DEPTH_MAX);
    n = scandir(path, &entries, not_dots, by_bytes);
    if (n < 0)
        return err_errno(err, ERR_BAD_INPUT, "the folder %s cannot be read", path);
    for (int i = 0; i < n; i++) {
        if (result == 0)
            result = walk_entry(w, below, entries[i]->d_name, depth, err);
        free(entries[i]);
    }
    free(entries);
    return result;
}

int build_walk(const struct build *b, const char *folder, found_fn *fn, void *arg, struct err *err)
{
    struct walk w = { .b = b, .start = folder, .fn = fn, .arg = arg };

    return walk_folder(&w, "", 0, err);
}

/* --- all of it --- */

static int check_target(const struct orders *o, struct err *err)
{
    struct dirent **entries = NULL;
    int n = scandir(o->target, &entries, not_dots, NULL);

    if (n < 0)
        return err_errno(err, ERR_BAD_INPUT, "the folder %s cannot be read", o->target);
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    if (n > 0)
        return err_field(err, "target", "an empty folder", "the folder %s is not empty", o->target);
    return 0;
}

static int run_kind(struct build *b, struct orders *o, struct err *err)
{
    const struct kind *k = kind_find(o->kind);
    const char *backend;

    if (!k)
        return err_field(err, "kind", "", "datasets of kind %s cannot be built", o->kind);
    o->kind = k->name;
    backend = kind_backend(k, o->backend);
    if (!backend)
        return err_field(err, "backend", k->backends[0], "datasets of kind %s cannot be built as %s", o->kind, o->backend);
    o->backend = backend;
    find_roots(b);
    return k->build(b, err);
}

int build_run(const struct orders *o, struct mem *mem, struct err *err)
{
    struct orders own = *o;
    struct build b = { .orders = &own, .mem = mem };
    int64_t began = clock_mono_ns();
    struct err unwritten = {0};
    int result;

    if (check_target(o, err) < 0)
        return -1;
    report_init(&b.report, mem);
    result = run_kind(&b, &own, err);
    b.report.seconds = (double)(clock_mono_ns() - began) / 1e9;
    if (report_write(&b.report, &own, result < 0 ? err : NULL, &unwritten) < 0 && result == 0) {
        *err = unwritten;
        result = -1;
    }
    report_done(&b.report);
    return result;
}
