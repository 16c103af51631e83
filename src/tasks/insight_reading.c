// SPDX-License-Identifier: Apache-2.0
#include "tasks/insight_reading.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "tasks/exec_paths.h"
#include "tasks/insight_dicts.h"
#include "tasks/insight_files.h"
#include "tasks/insight_parse.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    PIECE_BYTES = 64 << 10,
    FOLDERS_MAX = 64,           /* folders of one task that are listened to */
};

struct series {
    struct series *next;
    int64_t n;                  /* points so far */
    bool of_dicts;              /* came from val_dict_list.json */
    char name[];
};

struct file {                   /* one that grows */
    struct file *next;
    char *path;
    char *suffix;               /* of its series: "" or "@worker-1" */
    struct parser parser;
    off_t at;
    ino_t inode;
};

struct dicts {                  /* val_dict_list.json */
    struct timespec changed;    /* as of the last look */
    off_t size;
    ino_t inode;
    int64_t n_entries;          /* told so far */
    uint64_t hash;              /* of those */
};

struct reading {
    char *result_dir, *run_dir;
    struct file *files;
    struct series *series, *recent;
    int n_series;
    int64_t n_points;
    int64_t done, total;
    struct dicts dicts;

    struct mem *mem;            /* of this turn */
    struct metric_row *rows;
    size_t n_rows, cap_rows;
    const char *replaced[READING_SERIES_MAX];
    size_t n_replaced;
    const char *folders[FOLDERS_MAX + 1];
    int n_folders;
    int64_t output_bytes;
    int64_t bytes_left;
    bool more;
};

struct reading *reading_new(const char *result_dir, const char *run_dir)
{
    struct reading *r = xcalloc(1, sizeof *r);

    r->result_dir = xstrdup(result_dir);
    r->run_dir = xstrdup(run_dir);
    r->done = r->total = INT_UNSET;
    return r;
}

void reading_restart(struct reading *r)
{
    struct series *series;
    struct file *file;

    while ((file = r->files)) {
        r->files = file->next;
        parser_done(&file->parser);
        free(file->path);
        free(file->suffix);
        free(file);
    }
    while ((series = r->series)) {
        r->series = series->next;
        free(series);
    }
    r->recent = NULL;
    r->n_series = 0;
    r->n_points = 0;
    r->dicts = (struct dicts){0};
}

void reading_free(struct reading *r)
{
    if (!r)
        return;
    reading_restart(r);
    mem_free(r->mem);
    free(r->rows);
    free(r->result_dir);
    free(r->run_dir);
    free(r);
}

/* --- points --- */

static struct series *find_series(struct reading *r, const char *name, const char *suffix)
{
    struct series *s = r->recent && r->recent->next ? r->recent->next : r->series, *new;
    size_t len = strlen(name), suffix_size = strlen(suffix) + 1;

    /* Programs write the same metrics in the same order again and again. */
    if (!s || strncmp(s->name, name, len) != 0 || strcmp(s->name + len, suffix) != 0) {
        for (s = r->series; s; s = s->next) {
            if (strncmp(s->name, name, len) == 0 && strcmp(s->name + len, suffix) == 0)
                break;
        }
    }
    if (s || r->n_series == READING_SERIES_MAX)
        return r->recent = s;
    new = xcalloc(1, sizeof *new + len + suffix_size);
    memcpy(new->name, name, len);
    memcpy(new->name + len, suffix, suffix_size);
    if (r->recent) {
        new->next = r->recent->next;
        r->recent->next = new;
    } else {
        new->next = r->series;
        r->series = new;
    }
    r->n_series++;
    return r->recent = new;
}

static struct series *add_point(struct reading *r, const char *suffix, const struct point *p)
{
    struct series *s = find_series(r, p->series, suffix);

    if (!s || r->n_points == READING_POINTS_MAX)
        return NULL;
    if (r->n_rows == r->cap_rows) {
        r->cap_rows = r->cap_rows ? 2 * r->cap_rows : 64;
        r->rows = xrealloc(r->rows, r->cap_rows * sizeof *r->rows);
    }
    r->rows[r->n_rows++] = (struct metric_row){
        .series = s->name, .n = s->n++, .step = p->step, .time_ms = p->time_ms, .value = p->value,
    };
    r->n_points++;
    return s;
}

/* --- files that grow --- */

struct source {                 /* where points come from */
    struct reading *reading;
    struct file *file;
    int64_t time_ms;            /* when the file was written last: the time of points without one */
};

static void take_point(void *arg, const struct point *p)
{
    const struct source *s = arg;
    struct point dated = *p;

    if (dated.time_ms == INT_UNSET)
        dated.time_ms = s->time_ms;
    add_point(s->reading, s->file->suffix, &dated);
}

static struct file *find_file(struct reading *r, const char *path, const char *label,
                              enum parse_source source)
{
    struct file *f = r->files;

    while (f && strcmp(f->path, path) != 0)
        f = f->next;
    if (f)
        return f;
    f = xcalloc(1, sizeof *f);
    f->path = xstrdup(path);
    f->suffix = xstrdup(strcmp(label, "worker-0") == 0 ? "" : mem_printf(r->mem, "@%s", label));
    parser_init(&f->parser, source);
    f->next = r->files;
    r->files = f;
    return f;
}

static void rewind_file(struct file *f, ino_t inode)
{
    enum parse_source source = f->parser.source;

    parser_done(&f->parser);
    parser_init(&f->parser, source);
    f->at = 0;
    f->inode = inode;
}

static void take_progress(struct reading *r, const struct parser *p)
{
    if (p->done > r->done)
        r->done = p->done;
    if (p->total > r->total)
        r->total = p->total;
}

static void read_file(struct reading *r, struct file *f, int fd, const struct stat *st, bool last)
{
    struct source source = { r, f, st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000 };
    struct point_sink sink = { take_point, &source };
    char piece[PIECE_BYTES];
    ssize_t n = 1;

    if (f->inode != st->st_ino || f->at > st->st_size)
        rewind_file(f, st->st_ino);     /* another file, or cut short: what it says now is new */
    while (f->at < st->st_size && r->bytes_left > 0 && n > 0) {
        n = pread(fd, piece, sizeof piece, f->at);
        if (n > 0) {
            parser_feed(&f->parser, piece, (size_t)n, &sink);
            f->at += n;
            r->bytes_left -= n;
        }
    }
    if (f->at < st->st_size && n > 0)
        r->more = true;
    else if (last)
        parser_end(&f->parser, &sink);
    take_progress(r, &f->parser);
}

static void look_at(struct reading *r, const char *path, const char *label,
                    enum parse_source source, bool last)
{
    struct err err = {0};
    struct stat st;
    off_t size;
    CLEANUP(fd_closep) int fd = insight_file_open(path, &size, &err);

    if (fd >= 0 && fstat(fd, &st) == 0)
        read_file(r, find_file(r, path, label, source), fd, &st, last);
}

/* --- val_dict_list.json --- */

struct dict_turn {
    struct reading *reading;
    struct dicts now;           /* grows with the entries that are told */
    int64_t n_told;             /* entries to be passed over, told before */
    int64_t time_ms;
};

/* FNV-1a, 64 bits: whether the entries told before are still the same. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3;
    return hash;
}

static void hash_entry(struct dicts *d, const struct dict_entry *e)
{
    d->n_entries++;
    d->hash = hash_bytes(d->hash, &e->step, sizeof e->step);
    for (int i = 0; i < e->n_values; i++) {
        d->hash = hash_bytes(d->hash, e->values[i].name, strlen(e->values[i].name) + 1);
        d->hash = hash_bytes(d->hash, &e->values[i].value, sizeof e->values[i].value);
    }
}

static void hash_told(void *arg, const struct dict_entry *e)
{
    struct dict_turn *t = arg;

    if (t->now.n_entries < t->n_told)
        hash_entry(&t->now, e);
}

static void tell_entry(void *arg, const struct dict_entry *e)
{
    struct dict_turn *t = arg;
    char name[8 + DICTS_NAME_MAX];

    if (t->n_told-- > 0)
        return;
    hash_entry(&t->now, e);
    for (int i = 0; i < e->n_values; i++) {
        struct series *s;

        if (!isfinite(e->values[i].value))
            continue;
        snprintf(name, sizeof name, "val/%s", e->values[i].name);
        s = add_point(t->reading, "",
                      &(struct point){ name, e->step, t->time_ms, e->values[i].value });
        if (s)
            s->of_dicts = true;
    }
}

/* The file says something else than before: what it said is taken back. */
static void forget_dicts(struct reading *r)
{
    for (struct series *s = r->series; s; s = s->next) {
        if (!s->of_dicts)
            continue;
        r->replaced[r->n_replaced++] = s->name;
        r->n_points -= s->n;
        s->n = 0;
    }
}

static void tell_dicts(struct reading *r, const struct text *text, int64_t time_ms)
{
    struct dict_turn t = { .reading = r, .n_told = r->dicts.n_entries, .time_ms = time_ms };
    struct err err = {0};

    if (dicts_read(text->data, text->len, hash_told, &t, &err) < 0)
        return;             /* half written: its end will be heard of too */
    if (t.now.n_entries != r->dicts.n_entries || t.now.hash != r->dicts.hash) {
        forget_dicts(r);
        t.now = (struct dicts){0};
        t.n_told = 0;
    }
    dicts_read(text->data, text->len, tell_entry, &t, &err);
    r->dicts.n_entries = t.now.n_entries;
    r->dicts.hash = t.now.hash;
}

static void look_at_dicts(struct reading *r)
{
    CLEANUP(text_done) struct text text = {0};
    const char *path = mem_printf(r->mem, "%s/val_dict_list.json", r->result_dir);
    struct err err = {0};
    struct stat st;

    if (lstat(path, &st) < 0 || (st.st_size == r->dicts.size && st.st_ino == r->dicts.inode &&
                                 st.st_mtim.tv_sec == r->dicts.changed.tv_sec &&
                                 st.st_mtim.tv_nsec == r->dicts.changed.tv_nsec))
        return;
    r->dicts.size = st.st_size;
    r->dicts.inode = st.st_ino;
    r->dicts.changed = st.st_mtim;
    if (insight_file_read(path, READING_DICTS_MAX, &text, &err) == 0)
        tell_dicts(r, &text, st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
}

/* --- a turn --- */

static void add_folder(struct reading *r, const char *path)
{
    if (r->n_folders < FOLDERS_MAX)
        r->folders[r->n_folders++] = path;
}

static void look_at_output(struct reading *r, bool last)
{
    struct list labels;
    struct stat st;

    exec_labels(r->run_dir, r->mem, &labels);
    for (size_t i = 0; i < labels.n; i++) {
        const char *label = ((const char *const *)labels.items)[i];

        look_at(r, exec_log_path(r->run_dir, label, "out", r->mem), label, PARSE_TEXT, last);
        if (lstat(exec_log_path(r->run_dir, label, "both", r->mem), &st) == 0)
            r->output_bytes += st.st_size;
    }
}

struct log_turn {
    struct reading *reading;
    bool last;
};

static void look_at_log(void *arg, const char *folder, const char *label)
{
    const struct log_turn *t = arg;
    struct reading *r = t->reading;

    add_folder(r, mem_strdup(r->mem, folder));
    look_at(r, mem_printf(r->mem, "%s/stdout", folder), label, PARSE_TEXT, t->last);
    look_at(r, mem_printf(r->mem, "%s/evaluation-metrics.txt", folder), label, PARSE_RECORDS,
            t->last);
}

void reading_turn(struct reading *r, bool last, struct reading_news *ret)
{
    struct log_turn t = { r, last };

    mem_free(r->mem);
    r->mem = mem_new();
    r->n_rows = r->n_replaced = 0;
    r->n_folders = 0;
    r->output_bytes = 0;
    r->bytes_left = READING_TURN_BYTES;
    r->more = false;

    add_folder(r, r->run_dir);
    add_folder(r, r->result_dir);
    add_folder(r, mem_printf(r->mem, "%s/log", r->result_dir));
    look_at_output(r, last);
    insight_each_log_folder(r->result_dir, look_at_log, &t);
    look_at_dicts(r);

    r->folders[r->n_folders] = NULL;
    *ret = (struct reading_news){
        .rows = r->rows, .n_rows = r->n_rows,
        .replaced = r->replaced, .n_replaced = r->n_replaced,
        .folders = r->folders, .output_bytes = r->output_bytes,
        .done = r->done, .total = r->total, .more = r->more,
    };
}
