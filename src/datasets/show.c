// SPDX-License-Identifier: Apache-2.0
#include "datasets/show.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/field.h"
#include "base/mem.h"
#include "base/program.h"
#include "base/run.h"
#include "cluster/cluster.h"
#include "cluster/group.h"
#include "datasets/dataset.h"
#include "tasks/tasks.h"

#include <inttypes.h>
#include <pwd.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 24, NAMES_BYTES = 16 << 10 };

struct words {
    const char *items[WORDS_MAX + 1];
    int n;
};

static void add(struct words *w, const char *word) { w->items[w->n++] = word; }

/* A server that is root reads what a user built with the rights of that user only. */
static int add_user(const struct tasks *t, const struct dataset *d, struct words *w, struct mem *mem, struct err *err)
{
    const struct group *g = cluster_group(t->config.cluster, d->sig_name, err);
    struct passwd entry, *found = NULL;
    char *buf = mem_alloc(mem, NAMES_BYTES);

    if (!g)
        return -1;
    if (geteuid() != 0 || !g->user || !*g->user)
        return 0;
    if (getpwnam_r(g->user, &entry, buf, NAMES_BYTES, &found) != 0 || !found)
        return err_set(err, ERR_UNAVAILABLE, "the instance group's user %s does not exist on this machine", g->user);
    add(w, "/usr/bin/setpriv");
    add(w, mem_printf(mem, "--reuid=%u", (unsigned)found->pw_uid));
    add(w, mem_printf(mem, "--regid=%u", (unsigned)found->pw_gid));
    add(w, "--init-groups");
    add(w, "--");
    return 0;
}

/* What it complained of last, without the line end. */
static const char *last_words(const struct text *said, struct mem *mem)
{
    const char *end = said->data ? said->data + said->len : NULL, *start;

    while (end && end > said->data && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    if (!end || end == said->data)
        return "trainyard-dataset said nothing";
    for (start = end; start > said->data && start[-1] != '\n'; start--)
        ;
    return mem_strndup(mem, start, (size_t)(end - start));
}

static int run(const struct words *w, struct mem *mem, struct text *out, struct err *err)
{
    static const char *const env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL };
    const struct run_call call = { .argv = w->items, .env = env, .cwd = "/", .limit_ms = SHOW_MS,
                                   .memory_bytes = (int64_t)SHOW_MEMORY << 10, .output_max = SHOW_OUTPUT_MAX };
    CLEANUP(run_result_done) struct run_result r = {0};

    if (run_program(&call, &r, err) < 0)
        return -1;
    if (r.timed_out)
        return err_set(err, ERR_UNAVAILABLE, "looking into the dataset took longer than %d s", SHOW_MS / 1000);
    if (r.cut)
        return err_set(err, ERR_UNAVAILABLE, "what is to be shown is longer than %d bytes", SHOW_OUTPUT_MAX);
    if (!WIFEXITED(r.status))
        return err_set(err, ERR_UNAVAILABLE, "trainyard-dataset was ended by signal %d", WTERMSIG(r.status));
    if (WEXITSTATUS(r.status) != 0)
        return err_set(err, ERR_NOT_FOUND, "%.400s", last_words(&r.err, mem));
    text_add_n(out, r.out.data ? r.out.data : "", r.out.len);
    return 0;
}

/* `trainyard-dataset show <dir> WHAT --split SPLIT`, with whoever's rights. */
static int begin(const struct tasks *t, const struct dataset *d, const char *dir, const char *what, const char *split,
                 struct words *w, struct mem *mem, struct err *err)
{
    if (add_user(t, d, w, mem, err) < 0)
        return -1;
    add(w, program_part(mem, "trainyard-dataset"));
    add(w, "show");
    add(w, dir);
    add(w, what);
    add(w, "--split");
    add(w, split);
    return 0;
}

int show_sample(const struct tasks *t, const struct dataset *d, const char *dir, const struct show_sample *sample,
                struct mem *mem, struct text *out, struct err *err)
{
    struct words w = { .n = 0 };

    if (begin(t, d, dir, "sample", sample->split, &w, mem, err) < 0)
        return -1;
    add(&w, "--index");
    add(&w, mem_printf(mem, "%" PRId64, sample->index));
    add(&w, "--size");
    add(&w, mem_printf(mem, "%" PRId64, sample->size));
    if (sample->boxes)
        add(&w, "--boxes");
    return run(&w, mem, out, err);
}

int show_samples(const struct tasks *t, const struct dataset *d, const char *dir, const char *split, const char *label,
                 int64_t count, struct mem *mem, struct text *out, struct err *err)
{
    struct words w = { .n = 0 };

    if (begin(t, d, dir, "samples", split, &w, mem, err) < 0)
        return -1;
    add(&w, "--count");
    add(&w, mem_printf(mem, "%" PRId64, count));
    if (label) {
        add(&w, "--label");
        add(&w, label);
    }
    return run(&w, mem, out, err);
}
