// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/kind_csv.h"

#include "base/csv.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/builder/broken.h"
#include "datasets/builder/build.h"
#include "datasets/builder/content.h"
#include "datasets/builder/dealing.h"
#include "datasets/builder/labelled.h"
#include "datasets/builder/script.h"
#include "datasets/formats/csv_index.h"
#include "datasets/formats/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLUGIN_FOLDER ".plugin"     /* in the target, while a plug-in's tables are read */

enum {
    CLASSES_MAX = 10000,            /* of a stratified split; a column with more is not one of classes */
    TELL_EVERY = 4096,              /* rows */
    WRITE_AT_ONCE = 1 << 20,        /* bytes */
};

/* A table that is written. */
struct part {
    FILE *file;
    const char *path;
    int64_t bytes;
    struct csv_index index;
};

/* A table that is read. */
struct table {
    enum split split;
    const char *path;               /* NULL: there is none */
    const char *header;             /* its text; "": the first row has data, NULL: not read yet */
    size_t n_columns;
    size_t class_column;
};

struct csv_build {
    struct build *b;
    struct table tables[N_SPLITS];
    struct part parts[N_SPLITS];
    struct dealing dealing;
    bool by_class;
    struct names *classes;          /* only the empty text unless by_class */
    int64_t counts[CLASSES_MAX];    /* rows of each class of the training table */
    struct share shares[CLASSES_MAX];
    int64_t n_rows;                 /* read, broken ones included */
    struct contents *contents;
};

typedef int row_fn(struct csv_build *c, const struct table *t, const struct csv_row *row, struct err *err);

/* --- reading --- */

/* The first row: the columns, and whether it names them. */
static void look_at_first(struct table *t, const struct csv_row *row, struct mem *mem)
{
    bool named = csv_is_header(row);

    t->header = named ? mem_strndup(mem, row->data, row->len) : "";
    t->n_columns = row->n_cells;
    if (!named || !csv_find_column(row, labelled_columns, &t->class_column))
        t->class_column = row->n_cells - 1;
}

/* Calls fn for each row of data, those of the wrong width too. */
static int each_row(struct csv_build *c, struct table *t, row_fn *fn, struct err *err)
{
    CLEANUP(csv_reader_freep) struct csv_reader *r = csv_open(t->path, err);
    struct csv_row row;
    int64_t n = 0, told = 0;
    int more;

    if (!r)
        return -1;
    while ((more = csv_next(r, &row, err)) > 0) {
        if (n++ == 0)
            look_at_first(t, &row, c->b->mem);
        if ((n > 1 || !t->header[0]) && fn(c, t, &row, err) < 0)
            return -1;
        if (n % TELL_EVERY == 0) {
            progress_add(&c->b->progress, split_names[t->split], row.end - told);
            told = row.end;
        }
    }
    if (more < 0)
        return -1;
    if (n == 0)
        return err_field(err, split_names[t->split], "a CSV file", "%s has no rows", t->path);
    progress_add(&c->b->progress, split_names[t->split], row.end - told);
    return 0;
}

/* --- splitting --- */

/* The number of a row's class; `add` when it may be new. -1: it is, or there are too many. */
static int64_t class_of(struct csv_build *c, const struct table *t, const struct csv_row *row, bool add)
{
    CLEANUP(text_done) struct text class = {0};

    if (c->by_class)
        csv_cell(row, t->class_column, &class);
    if (!add || names_count(c->classes) == CLASSES_MAX)
        return names_find(c->classes, class.data ? class.data : "", class.len);
    return (int64_t)names_add(c->classes, class.data ? class.data : "", class.len);
}

static int count_row(struct csv_build *c, const struct table *t, const struct csv_row *row, struct err *err)
{
    int64_t class;

    if (row->n_cells != t->n_columns)
        return 0;
    class = class_of(c, t, row, /* add= */ true);
    if (class < 0)
        return err_field(err, "image.split", "another way to split", "%s cannot be split by class: column %zu has more than %d values",
                         t->path, t->class_column + 1, CLASSES_MAX);
    c->counts[class]++;
    return 0;
}

static int plan_split(struct csv_build *c, struct err *err)
{
    if (each_row(c, &c->tables[SPLIT_TRAIN], count_row, err) < 0)
        return -1;
    for (size_t i = 0; i < names_count(c->classes); i++)
        c->shares[i] = dealing_share(&c->dealing, c->counts[i]);
    return 0;
}

/* Which part a row of the training table belongs to; -1: it was not there when the rows were counted. */
static int deal_row(struct csv_build *c, const struct table *t, const struct csv_row *row)
{
    int64_t class = class_of(c, t, row, /* add= */ false);

    if (class < 0 || c->counts[class]-- <= 0)
        return -1;
    return dealing_next(&c->dealing, &c->shares[class]);
}

/* --- writing --- */

static int write_line(struct part *p, const char *data, size_t len, struct err *err)
{
    if (fwrite(data, 1, len, p->file) != len || putc('\n', p->file) == EOF)
        return err_errno(err, ERR_INTERNAL, "%s cannot be written", p->path);
    p->bytes += (int64_t)len + 1;
    return 0;
}

static int open_part(struct csv_build *c, enum split split, const char *header, struct err *err)
{
    struct part *p = &c->parts[split];

    p->path = build_target(c->b, mem_printf(c->b->mem, "%s.csv", split_names[split]));
    p->file = fopen(p->path, "wxe");
    if (!p->file)
        return err_errno(err, ERR_INTERNAL, "%s cannot be written", p->path);
    setvbuf(p->file, NULL, _IOFBF, WRITE_AT_ONCE);
    return header[0] ? write_line(p, header, strlen(header), err) : 0;
}

static int put_row(struct csv_build *c, enum split split, const struct csv_row *row, const char *header, struct err *err)
{
    struct part *p = &c->parts[split];

    if (!p->file && open_part(c, split, header, err) < 0)
        return -1;
    if (contents_add(c->contents, split, p->index.n_rows, content_fingerprint((const uint8_t *)row->data, row->len), err) < 0)
        return -1;
    csv_index_add(&p->index, p->bytes);
    return write_line(p, row->data, row->len, err);
}

static int take_row(struct csv_build *c, const struct table *t, const struct csv_row *row, struct err *err)
{
    int split = t->split;

    c->n_rows++;
    if (row->n_cells != t->n_columns) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();

        return broken_add(c->b, mem_printf(mem, "%s, line %lld", t->path, (long long)row->line),
                          mem_printf(mem, "has %zu cells where the first row has %zu", row->n_cells, t->n_columns), err);
    }
    if (split == SPLIT_TRAIN && !dealing_keeps_all(&c->dealing))
        split = deal_row(c, t, row);
    if (split < 0)
        return err_set(err, ERR_BAD_INPUT, "%s was changed while it was read", t->path);
    return put_row(c, split, row, t->header, err);
}

static const char *name_of(void *arg, enum split split, int64_t number, struct mem *mem)
{
    (void)arg;
    return mem_printf(mem, "%s.csv, row %lld", split_names[split], (long long)number);
}

static int end_part(struct csv_build *c, enum split split, struct err *err)
{
    struct part *p = &c->parts[split];
    FILE *file = TAKE(p->file);
    bool ok = fflush(file) == 0 && fdatasync(fileno(file)) == 0;
    struct report_split *s;

    if (fclose(file) != 0 || !ok)
        return err_errno(err, ERR_INTERNAL, "%s cannot be written", p->path);
    if (csv_index_write(&p->index, p->path, err) < 0)
        return -1;
    s = report_split(&c->b->report, split, path_base(p->path));
    s->records = p->index.n_rows;
    s->bytes = p->bytes;
    return 0;
}

/* --- all of it --- */

static int find_table(struct csv_build *c, enum split split, struct err *err)
{
    struct table *t = &c->tables[split];
    const char *source = orders_source(c->b->orders, split);

    t->split = split;
    if (!source && split == SPLIT_TRAIN)
        return err_field(err, "train", "a CSV file", "the training data are missing");
    if (!source)
        return 0;
    t->path = build_source(c->b, split_names[split], source, err);
    if (!t->path)
        return -1;
    if (file_is_dir(t->path))
        return err_field(err, split_names[split], "a CSV file", "%s is a folder", t->path);
    return 0;
}

/* Has the plug-in make the tables that are read instead. */
static int run_plugin(struct csv_build *c, struct err *err)
{
    const char *folder = build_target(c->b, PLUGIN_FOLDER);

    if (file_mkdirs(folder, 0755, err) < 0)
        return -1;
    for (int i = 0; i < N_SPLITS; i++) {
        struct table *t = &c->tables[i];
        const char *made = mem_printf(c->b->mem, "%s/%s.csv", folder, split_names[i]);

        if (!t->path)
            continue;
        if (script_run(c->b, (const char *const[]){ t->path, made, NULL }, folder, err) < 0)
            return -1;
        if (!file_exists(made))
            return err_field(err, "plugin", "a program that writes the table its second argument names",
                             "the plug-in ended without writing %s", made);
        t->path = made;
    }
    return 0;
}

static int start_progress(struct csv_build *c, struct err *err)
{
    int64_t bytes = 0;

    for (int i = 0; i < N_SPLITS; i++) {
        struct stat st;

        if (!c->tables[i].path)
            continue;
        if (stat(c->tables[i].path, &st) < 0)
            return err_errno(err, ERR_BAD_INPUT, "%s cannot be read", c->tables[i].path);
        bytes += i == SPLIT_TRAIN && !dealing_keeps_all(&c->dealing) ? 2 * st.st_size : st.st_size;
    }
    progress_start(&c->b->progress, "bytes", bytes);
    return 0;
}

static void compare_headers(struct csv_build *c, const struct table *t)
{
    if (strcmp(t->header, c->tables[SPLIT_TRAIN].header) != 0 || t->n_columns != c->tables[SPLIT_TRAIN].n_columns)
        report_warn(&c->b->report, "%s.csv has other columns than train.csv", split_names[t->split]);
}

static int take_tables(struct csv_build *c, struct err *err)
{
    for (int i = 0; i < N_SPLITS; i++)
        if (find_table(c, i, err) < 0)
            return -1;
    if (c->b->orders->plugin && run_plugin(c, err) < 0)
        return -1;
    dealing_init(&c->dealing, c->b->orders);
    c->by_class = strcmp(c->b->orders->image.split, "stratified") == 0;

    if (start_progress(c, err) < 0 || (!dealing_keeps_all(&c->dealing) && plan_split(c, err) < 0))
        return -1;
    for (int i = 0; i < N_SPLITS; i++) {
        if (!c->tables[i].path)
            continue;
        if (each_row(c, &c->tables[i], take_row, err) < 0)
            return -1;
        compare_headers(c, &c->tables[i]);
    }
    if (broken_check(c->b, c->n_rows, "rows", err) < 0)
        return -1;
    for (int i = 0; i < N_SPLITS; i++) {
        if (c->tables[i].path && !c->parts[i].file)
            return err_field(err, split_names[i], "a table with rows", "%s leaves no rows for %s.csv", c->tables[i].path,
                             split_names[i]);
        if (c->parts[i].file && end_part(c, i, err) < 0)
            return -1;
    }
    if (contents_report(c->contents, &c->b->report, name_of, NULL, err) < 0)
        return -1;
    progress_end(&c->b->progress);
    return file_remove_tree(build_target(c->b, PLUGIN_FOLDER), err);
}

static int build_csv(struct build *b, struct err *err)
{
    CLEANUP(freep) struct csv_build *c = xcalloc(1, sizeof *c);
    CLEANUP(names_freep) struct names *classes = names_new();
    CLEANUP(contents_freep) struct contents *contents = contents_new(b->orders->target, CONTENTS_KEPT);
    int result;

    c->b = b;
    c->classes = classes;
    c->contents = contents;
    result = take_tables(c, err);
    for (int i = 0; i < N_SPLITS; i++) {
        if (c->parts[i].file)
            fclose(c->parts[i].file);
        csv_index_done(&c->parts[i].index);
    }
    return result;
}

static const char *const csv_backends[] = { "CSV", NULL };

const struct kind csv_kind = { .name = "CSV", .backends = csv_backends, .build = build_csv };
