// SPDX-License-Identifier: Apache-2.0
/* POST /hypersearch: from the parts real clients send to a stored search. Everything is checked
 * before anything is kept: the files are placed as those of a task would be, which refuses what no
 * task could run, and then set aside for the experiments. */
#include "search/search_create.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "search/form.h"
#include "search/loop.h"
#include "search/plugins/plugin_store.h"
#include "search/priors/prior_collect.h"
#include "search/priors/prior_store.h"
#include "store/db.h"
#include "tasks/exec_paths.h"
#include "tasks/tasks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

struct new_search {             /* a request on its way */
    struct call *call;
    struct searches *searches;
    struct submission submission;
    struct submission_file *files;
    struct search_plan plan;
    struct priors priors;
    struct search row;
    char *folder;               /* <data>/searches/<package> */
    struct search_news news;
};

/* --- what was sent --- */

static void find_files(struct new_search *n)
{
    struct call *c = n->call;

    n->files = mem_alloc(c->mem, ((size_t)c->n_parts + 1) * sizeof *n->files);
    for (int i = 0; i < c->n_parts; i++) {
        const struct part *p = &c->parts[i];

        if (!form_is_file(p) || p == prior_part(c))
            continue;
        n->files[n->submission.n_files++] = (struct submission_file){
            .path = p->path,
            .data = p->data,
            .len = p->len,
            .move = true,
            .name = p->filename && *p->filename ? p->filename : NULL,
        };
    }
    n->submission.files = n->files;
}

/* --- making it --- */

static const struct settings *settings_of(const struct new_search *n)
{
    return n->searches->tasks->config.settings;
}

static uint64_t random_bits(void)
{
    uint64_t bits;

    if (getrandom(&bits, sizeof bits, 0) != sizeof bits)
        bits = (uint64_t)clock_mono_ns(); /* only so early at boot that there is no entropy yet */
    return bits;
}

static int read_plan(struct new_search *n, const struct text *document, struct err *err)
{
    CLEANUP(db_closep) struct db *db = db_open(n->searches->tasks->config.db_path, DB_READ, err);
    const struct algorithm_source plugins = plugins_source(db);

    if (!db)
        return -1;
    return document_read(document->data, document->len, text_same(settings_of(n)->power_sampling, "log"), &plugins,
                         n->call->mem, &n->plan, err);
}

static int check(struct new_search *n, struct err *err)
{
    struct call *c = n->call;
    CLEANUP(text_done) struct text document = {0};
    const struct document *doc = &n->plan.doc;

    if (form_document(c, "the search", &document, err) < 0 || read_plan(n, &document, err) < 0)
        return -1;
    find_files(n);
    n->submission.user = c->user;
    n->submission.admin = c->role == ADMIN;
    n->submission.sig_name = doc->model.sig_name;
    n->submission.args = doc->model.args;
    return submit_check(n->searches->tasks, &n->submission, c->mem, err);
}

/* The row; secrets of the arguments go no further. */
static int describe(struct new_search *n, struct err *err)
{
    struct mem *mem = n->call->mem;
    struct document doc = n->plan.doc;
    const struct exec *e = &n->submission.exec;
    struct algorithm_ctx *algorithm;
    CLEANUP(text_done) struct text spec = {0};
    int64_t seed = n->plan.seed != INT_UNSET ? n->plan.seed : (int64_t)(random_bits() >> 1);

    algorithm = search_algorithm(&n->plan, seed, /* wake= */ NULL, NULL, err);
    if (!algorithm)
        return -1;
    if (!doc.name)
        doc.name = mem_printf(mem, "%s-hpo-%" PRId64, e->creator, clock_mono_ns());
    doc.model.args = n->submission.parsed.echo;
    document_write(&doc, &spec);
    n->row = (struct search){
        .name = doc.name,
        .creator = e->creator,
        .state = search_state_name(SEARCH_SUBMITTED),
        .sig_name = e->sig_name,
        .args = doc.model.args,
        .spec = mem_strdup(mem, spec.data),
        .seed = seed,
        .created_ms = clock_unix_ms(),
        .planned = n->plan.algorithm->planned(algorithm),
        .prior_told = INT_UNSET,
        .prior_skipped = INT_UNSET,
    };
    n->plan.algorithm->free(algorithm);
    return 0;
}

/* What the algorithm is told first becomes the search's own: whatever it came from may go. */
static int collect(struct new_search *n, struct err *err)
{
    bool any = false;

    if (priors_collect(n->call, n->searches, &n->plan, &n->priors, &any, err) < 0)
        return -1;
    if (any) {
        n->row.prior_told = (int64_t)n->priors.n;
        n->row.prior_skipped = n->priors.skipped;
    }
    return 0;
}

/* Moves the code folder of the trial submission aside. */
static int keep_package(struct new_search *n, struct err *err)
{
    struct mem *mem = n->call->mem;
    const struct exec *e = &n->submission.exec;
    const char *code = exec_code_dir(settings_of(n), e->creator, e->id, mem);

    if (n->submission.n_files == 0 && !n->plan.algorithm->keeps_files)
        return 0;
    n->row.package =
        mem_printf(mem, "%" PRIx64 "-%08x", (uint64_t)clock_unix_ms(), (unsigned)random_bits());
    n->folder = mem_printf(mem, "%s/searches/%s", settings_of(n)->data_dir, n->row.package);
    if (file_mkdirs(n->folder, 0711, err) < 0)
        return -1;
    if (rename(code, mem_printf(mem, "%s/package", n->folder)) < 0)
        return err_errno(err, ERR_INTERNAL, "keep the files of the search in %s", n->folder);
    return 0;
}

static int place(struct new_search *n, struct err *err)
{
    struct tasks *tasks = n->searches->tasks;
    const struct exec *e = &n->submission.exec;
    int rc;

    if (submit_place(tasks, &n->submission, n->call->mem, err) < 0)
        return -1;
    rc = keep_package(n, err);
    submit_undo(tasks, e->id, e->creator);
    return rc;
}

static int make_search(struct db *db, void *arg, struct err *err)
{
    struct new_search *n = arg;

    if (searches_insert(db, &n->row, &n->news, err) < 0)
        return -1;
    if (plugins_check_search(db, n->row.name, err) < 0)    /* it may have been deleted since it was looked up */
        return -1;
    return priors_insert(db, n->row.name, &n->priors, err);
}

static int store(struct new_search *n, struct err *err)
{
    struct searches *s = n->searches;
    struct live *live;

    if (writer_run(s->tasks->config.writer, make_search, n, err) < 0)
        return -1;
    news_publish(s, n->row.creator, n->row.name, &n->news);
    n->folder = NULL; /* the row names it now */
    live = live_load(s, n->row.name, err);
    if (!live)
        return -1;
    loop_post(s->tasks->config.loop, search_adopt, live);
    return 0;
}

static int create(struct call *c, struct err *err)
{
    struct new_search *n = c->state;
    struct err ignored = {0};
    int rc;

    if (check(n, err) < 0 || describe(n, err) < 0 || collect(n, err) < 0)
        return -1;
    rc = place(n, err);
    if (rc == 0)
        rc = store(n, err);
    if (rc < 0 && n->folder)
        file_remove_tree(n->folder, &ignored); /* what is left goes at the next start */
    text_done(&n->news.json);
    return rc;
}

/* --- the answer --- */

/* Two generations of clients read two forms; "auto" tells them by how they sign in and whether they
 * name a group. */
static bool wants_name(const struct new_search *n)
{
    const char *form = settings_of(n)->create_reply, *group = n->plan.doc.model.sig_name;

    if (!text_same(form, "auto"))
        return text_same(form, "name");
    return n->call->login == LOGIN_BASIC && group && *group;
}

static int created(struct call *c, struct err *err)
{
    const struct new_search *n = c->state;
    CLEANUP(text_done) struct text name = {0};

    (void)err;
    if (!wants_name(n))
        return reply_creation(c, "/hypersearch/", n->row.name);
    text_add_json(&name, n->row.name);
    return reply_json(c, 200, &name);
}

int search_create(struct call *c, struct err *err)
{
    struct new_search *n = mem_alloc(c->mem, sizeof *n);

    (void)err;
    n->call = c;
    n->searches = c->room;
    c->state = n;
    return call_work(c, create, created);
}
