// SPDX-License-Identifier: Apache-2.0
/* What blocks around the task that builds a dataset: its orders before, its report afterwards. */
#include "datasets/build.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/program.h"
#include "base/settings.h"
#include "cluster/cluster.h"
#include "cluster/group.h"
#include "datasets/orders.h"
#include "datasets/report.h"
#include "datasets/roots.h"
#include "datasets/upload.h"
#include "store/db.h"
#include "store/writer.h"
#include "tasks/exec_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { TRIES_MAX = 3, THREADS_DEFAULT = 4, READ_CHUNK = 64 << 10 };

static const struct settings *settings_of(const struct datasets *d) { return d->tasks->config.settings; }

const char *dataset_dir(const struct datasets *d, const char *name, struct mem *mem)
{
    return mem_printf(mem, "%s/datasets/%s", settings_of(d)->data_dir, name);
}

const char *new_dir(const struct datasets *d, const char *name, struct mem *mem)
{
    return mem_printf(mem, "%s/datasets/.new/%s", settings_of(d)->data_dir, name);
}

char *new_name(struct mem *mem)
{
    uint64_t bits;

    if (getrandom(&bits, sizeof bits, 0) != sizeof bits)
        bits = (uint64_t)clock_mono_ns();   /* only so early at boot that there is no entropy yet */
    return mem_printf(mem, "%" PRIx64 "-%016" PRIx64, (uint64_t)clock_unix_ms(), bits);
}

/* --- before --- */

/* The group that sigid names, by its name or its id; the default group when it names none. */
static struct group *find_group(const struct datasets *d, const char *sig, struct err *err)
{
    struct cluster *cluster = d->tasks->config.cluster;
    struct group *g;

    for (int i = 0; sig && (g = cluster_each(cluster, i)); i++)
        if (strcmp(g->name, sig) == 0 || strcmp(g->id, sig) == 0)
            return g;
    return cluster_group(cluster, NULL, err);
}

/* Kinds that only look at what stays where it is need one thread. */
static int64_t choose_threads(const struct dataset_spec *s, const struct group *g)
{
    int64_t most = g->total.cpus < THREADS_DEFAULT ? g->total.cpus : THREADS_DEFAULT;

    if (s->threads != INT_UNSET)
        return s->threads;
    return text_starts(s->kind, "IMAGE") || strcmp(s->kind, "IMGTOVECTOR") == 0 ? most : 1;
}

/* As one word of a shell. */
static void add_word(struct text *out, const char *word)
{
    text_add_char(out, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            text_add(out, "'\\''");
        else
            text_add_char(out, *word);
    }
    text_add_char(out, '\'');
}

static int check_task(struct placing *p, const struct group *g, int64_t threads, struct mem *mem, struct err *err)
{
    CLEANUP(text_done) struct text args = {0};

    if (threads > g->total.cpus)
        return err_field(err, "threads", mem_printf(mem, "at most %" PRId64, g->total.cpus),
                         "instance group %s has %" PRId64 " slots, not %" PRId64, g->name, g->total.cpus, threads);
    text_addf(&args, "--exec-start dataset --workerDeviceType cpu --workerDeviceNum %" PRId64 " --user-cmd -- ", threads);
    add_word(&args, program_part(mem, "trainyard-dataset"));
    text_add(&args, " build orders.json");
    p->submission = (struct submission){
        .user = p->user, .admin = p->admin, .sig_name = g->name, .args = mem_strdup(mem, args.data),
        .files = &p->orders, .n_files = 1, .trial = INT_UNSET, .dataset = p->row.spec.name,
    };
    p->orders = (struct submission_file){ .name = "orders.json" };
    return submit_check(p->datasets->tasks, &p->submission, mem, err);
}

static int place(struct placing *p, const struct group *g, int64_t threads, struct mem *mem, struct err *err)
{
    const struct datasets *d = p->datasets;
    const struct orders_place at = { .target = new_dir(d, p->row.target, mem), .threads = (int)threads,
                                     .upload = p->upload ? upload_root(new_dir(d, p->upload, mem), mem) : NULL };
    CLEANUP(text_done) struct text orders = {0};

    if (orders_write(settings_of(d), &p->row.spec, &at, mem, &orders, err) < 0 || file_mkdirs(at.target, 0755, err) < 0 ||
        owner_give(at.target, g->user, err) < 0 ||
        (p->upload && owner_give(new_dir(d, p->upload, mem), g->user, err) < 0))
        return -1;
    p->orders.data = mem_strdup(mem, orders.data);
    p->orders.len = (int64_t)orders.len;
    return submit_place(d->tasks, &p->submission, mem, err);
}

static const char *spec_json(const struct dataset_spec *spec, struct mem *mem)
{
    CLEANUP(text_done) struct text t = {0};

    fields_to_text(dataset_spec_fields, spec, &t);
    return mem_strdup(mem, t.data);
}

int build_place(struct placing *p, struct mem *mem, struct err *err)
{
    struct dataset *row = &p->row;
    struct group *g = find_group(p->datasets, row->spec.sig, err);
    struct exec *e = &p->submission.exec;
    struct err ignored = {0};
    int64_t threads;

    if (!g)
        return -1;
    threads = choose_threads(&row->spec, g);
    if (check_task(p, g, threads, mem, err) < 0)
        return -1;
    e->app_name = mem_printf(mem, "dataset %s", row->spec.name);
    row->target = new_name(mem);
    row->source = p->upload;
    row->status = dataset_status_name(DATASET_SUBMITTED);
    row->creator = e->creator;
    row->spec_text = spec_json(&row->spec, mem);
    row->sig_name = g->name;
    row->sig_id = g->id;
    row->master_url = e->master_url;
    row->exec = e->id;
    row->created_ms = e->created_ms;
    if (place(p, g, threads, mem, err) == 0)
        return 0;
    file_remove_tree(new_dir(p->datasets, row->target, mem), &ignored);
    return -1;
}

void build_unplace(struct placing *p, struct mem *mem)
{
    struct err ignored = {0};       /* what stays is removed at the next start */

    submit_undo(p->datasets->tasks, p->submission.exec.id, p->submission.exec.creator);
    file_remove_tree(new_dir(p->datasets, p->row.target, mem), &ignored);
}

/* --- afterwards --- */

struct ending {
    struct build *build;
    struct db *db;
    struct mem *mem;
    struct dataset row;
    struct dataset_news news;
    struct placing placing;         /* of another task */
};

/* The report, from where the dataset is built or, after an interruption, where it lies already. */
static int read_report(struct ending *e, const char *dir, struct report_outcome *ret, struct err *err)
{
    CLEANUP(text_done) struct text text = {0};
    CLEANUP(freep) char *chunk = xcalloc(1, READ_CHUNK);
    CLEANUP(fd_closep) int fd = roots_open(settings_of(e->build->datasets), dir,
                                           mem_printf(e->mem, "%s/report.json", dir), err);
    ssize_t n;

    if (fd < 0)
        return -1;
    while ((n = read(fd, chunk, READ_CHUNK)) > 0) {
        text_add_n(&text, chunk, (size_t)n);
        if (text.len > REPORT_MAX)
            return err_set(err, ERR_BAD_INPUT, "report.json is longer than %d bytes", REPORT_MAX);
    }
    return report_read(text.data ? text.data : "", text.len, e->mem, ret, err);
}

/* From the folder it was built in to the one with its name, on disk. Done already: fine. */
static int settle(const char *from, const char *to, const char *above, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (rename(from, to) < 0 && (errno != ENOENT || !file_is_dir(to)))
        return err_errno(err, ERR_INTERNAL, "put the dataset to %s", to);
    return fd < 0 || fsync(fd) < 0 ? err_errno(err, ERR_INTERNAL, "%s", above) : 0;
}

/* Of a part that is one file: the folder it lies in. */
static const char *folder_of(const char *path, struct mem *mem)
{
    if (!path || file_is_dir(path))
        return path;
    return mem_strndup(mem, path, (size_t)(path_base(path) - path - 1));
}

static int finish(struct ending *e, const struct report_outcome *report, struct err *err)
{
    const struct datasets *d = e->build->datasets;
    const char *dir = dataset_dir(d, e->row.spec.name, e->mem);
    CLEANUP(text_done) struct text text = {0};
    struct dataset_input input;
    json_t *summary;

    if (settle(new_dir(d, e->row.target, e->mem), dir, dataset_dir(d, "", e->mem), err) < 0)
        return -1;
    summary = json_loads(report->summary, 0, NULL);
    report_input(summary, dir, e->mem, &input);
    json_decref(summary);
    input.train_dir = folder_of(input.train_dir, e->mem);
    input.val_dir = folder_of(input.val_dir, e->mem);
    input.test_dir = folder_of(input.test_dir, e->mem);
    fields_to_text(dataset_input_fields, &input, &text);
    e->row.input_text = mem_strdup(e->mem, text.data);
    e->row.size_bytes = report->bytes;
    return 0;
}

/* What the end of its task says about the dataset; the files are where they belong. */
static int judge(struct ending *e, struct err *err)
{
    const struct build *b = e->build;
    const struct datasets *d = b->datasets;
    const char *built = new_dir(d, e->row.target, e->mem), *settled = dataset_dir(d, e->row.spec.name, e->mem);
    struct report_outcome report = {0};
    struct err why = {0};
    bool ended = strcmp(b->state, "FINISHED") == 0, told;

    told = read_report(e, ended && !file_is_dir(built) ? settled : built, &report, &why) == 0;
    e->row.report_text = report.summary;
    e->row.started_ms = b->started_ms;
    e->row.ended_ms = b->ended_ms == INT_UNSET ? clock_unix_ms() : b->ended_ms;
    if (ended && told && report.ok) {
        e->row.status = dataset_status_name(DATASET_FINISHED);
        return finish(e, &report, err);
    }
    e->row.status = dataset_status_name(strcmp(b->state, "KILLED") == 0 || e->row.stop_asked ? DATASET_KILLED : DATASET_ERROR);
    e->row.message = report.error ? report.error : b->why ? mem_strdup(e->mem, b->why) : ended ? why.text : NULL;
    e->row.message = mem_strdup(e->mem, e->row.message);
    return 0;
}

static int make_end(struct db *db, void *arg, struct err *err)
{
    struct ending *e = arg;

    return datasets_end(db, &e->row, &e->news, err);
}

/* What a build has left that is no dataset, and what was uploaded for it. */
static void clean_up(const struct ending *e)
{
    const struct datasets *d = e->build->datasets;
    struct err err = {0};

    if (file_remove_tree(new_dir(d, e->row.target, e->mem), &err) < 0 ||
        (e->row.source && file_remove_tree(new_dir(d, e->row.source, e->mem), &err) < 0))
        log_warn("dataset.sweep", "name=\"%s\" reason=\"%s\"", e->row.spec.name, err.text);
}

static int make_again(struct db *db, void *arg, struct err *err)
{
    struct ending *e = arg;

    return datasets_again(db, &e->placing.row, e->build->exec, &e->placing.submission.exec, err);
}

/* Its task was lost with its machine: another one builds it from the start. False: not any more, or not possible. */
static bool build_again(struct ending *e)
{
    struct build *b = e->build;
    struct placing *p = &e->placing;
    struct err err = {0};

    if (!b->lost || e->row.n_tries >= TRIES_MAX)
        return false;
    *p = (struct placing){ .datasets = b->datasets, .user = e->row.creator, .upload = e->row.source, .row = e->row };
    if (build_place(p, e->mem, &err) < 0)
        return false;
    if (writer_run(b->datasets->tasks->config.writer, make_again, e, &err) < 0) {
        build_unplace(p, e->mem);
        return false;
    }
    b->again = xstrdup(p->submission.exec.id);
    file_remove_tree(new_dir(b->datasets, e->row.target, e->mem), &err);
    return true;
}

static int end_build(struct ending *e, struct err *err)
{
    struct build *b = e->build;
    int rc;

    if (datasets_find(e->db, b->name, e->mem, &e->row, err) < 0 || dataset_fill(&e->row, 0, e->mem, err) < 0)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    if (build_again(e))
        return 0;
    if (judge(e, err) < 0)
        return -1;
    rc = writer_run(b->datasets->tasks->config.writer, make_end, e, err);
    if (rc == 0) {
        dataset_publish(b->datasets, e->row.creator, b->name, &e->news);
        clean_up(e);
    }
    text_done(&e->news.json);
    return rc;
}

void build_end(void *build)
{
    struct build *b = build;
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct ending e = { .build = b, .mem = mem };

    b->err = (struct err){0};
    e.db = db_open(b->datasets->tasks->config.db_path, DB_READ, &b->err);
    if (e.db)
        end_build(&e, &b->err);
    db_close(e.db);
    loop_post(b->datasets->tasks->config.loop, build_ended, b);
}

/* --- deleting --- */

static int make_removed(struct db *db, void *arg, struct err *err) { return datasets_remove(db, arg, err); }

/* The name is free once its folder is out of the way; what was in it may take longer to remove. */
int dataset_erase(struct datasets *d, const char *name, struct mem *mem, struct err *err)
{
    const char *dir = dataset_dir(d, name, mem), *aside = new_dir(d, new_name(mem), mem);

    if (rename(dir, aside) < 0 && errno != ENOENT)
        return err_errno(err, ERR_INTERNAL, "remove %s", dir);
    if (writer_run(d->tasks->config.writer, make_removed, (void *)name, err) < 0)
        return -1;
    return file_remove_tree(aside, err);
}
