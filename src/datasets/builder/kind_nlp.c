// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/kind_nlp.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/builder/broken.h"
#include "datasets/builder/build.h"
#include "datasets/builder/content.h"
#include "datasets/builder/dealing.h"
#include "datasets/builder/label_names.h"
#include "datasets/builder/labelled.h"
#include "datasets/formats/names.h"
#include "datasets/formats/tokens.h"
#include "datasets/formats/vocabulary.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    CLASSES_MAX = 10000,
    WORDS_MAX = 100000,             /* in the vocabulary */
    WORDS_COUNTED_MAX = 1 << 20,    /* different ones at a time while texts are read: 80 MiB */
    LABEL_MAX = 255,                /* bytes */
    WRITE_AT_ONCE = 1 << 20,        /* bytes */
};

struct part {
    const char *source;             /* NULL: none of its own */
    const char *csv, *ids;          /* paths */
    FILE *file;                     /* the csv; NULL until a text belongs to it */
    int64_t records, bytes;
    int64_t counts[CLASSES_MAX];    /* texts of each class */
};

struct nlp {
    struct build *b;
    struct part parts[N_SPLITS];
    struct names *labels;
    bool labels_given;
    struct vocabulary *vocabulary;
    struct dealing dealing;
    bool by_class;
    int64_t planned[CLASSES_MAX];   /* training texts of each class, or all at 0 unless by_class, that are to be dealt */
    struct share shares[CLASSES_MAX];
    enum split split;               /* that is read */
    int64_t told, n_read, n_beside;
    struct contents *contents;
    struct text line;
};

/* --- one text --- */

/* Why a text cannot be used, or NULL. */
static const char *refuse(const struct labelled *l)
{
    size_t len = strlen(l->label);

    if (l->broken)
        return l->broken;
    if (len == 0 || len > LABEL_MAX)
        return "has no class of 1 to 255 bytes";
    if (!text_is_utf8(l->label, len) || !text_is_utf8(l->text, l->len))
        return "is not UTF-8";
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)l->label[i] < ' ' || l->label[i] == '\\')
            return "has a class with a backslash or control characters";
    for (size_t i = 0; i < l->len; i++)
        if ((unsigned char)l->text[i] > ' ' && l->text[i] != '\\')
            return NULL;
    return "has no text";
}

/* The number of a class; -1: the labels file does not have it, or there are too many. */
static int64_t class_of(struct nlp *n, const char *label)
{
    if (n->labels_given || names_count(n->labels) == CLASSES_MAX)
        return names_find(n->labels, label, strlen(label));
    return (int64_t)names_add(n->labels, label, strlen(label));
}

/* The same with the reason, a phrase that follows the text's place. */
static int64_t check_text(struct nlp *n, const struct labelled *l, const char **ret_reason)
{
    int64_t class;

    *ret_reason = refuse(l);
    if (*ret_reason)
        return -1;
    class = class_of(n, l->label);
    if (class < 0)
        *ret_reason = n->labels_given ? "has a class that the labels do not name" : "has a class too many; 10000 are possible";
    return class;
}

static void tell(struct nlp *n, const struct labelled *l)
{
    progress_add(&n->b->progress, split_names[n->split], l->end - n->told);
    n->told = l->end;
}

static int count_text(void *arg, const struct labelled *l, struct err *err)
{
    struct nlp *n = arg;
    const char *reason;
    int64_t class = l->beside ? -1 : check_text(n, l, &reason);

    (void)err;
    tell(n, l);
    if (class >= 0)
        n->planned[n->by_class ? class : 0]++;
    return 0;
}

static void count_word(void *arg, const char *word, size_t len) { vocabulary_count(arg, word, len); }

/* "<class>\<text>" */
static int write_text(struct nlp *n, enum split split, const struct labelled *l, struct err *err)
{
    struct part *p = &n->parts[split];
    struct text *line = &n->line;

    text_clear(line);
    text_add(line, l->label);
    text_add_char(line, '\\');
    text_add_n(line, l->text, l->len);
    text_add_char(line, '\n');
    for (size_t i = strlen(l->label) + 1; i + 1 < line->len; i++)
        if ((unsigned char)line->data[i] < ' ' || line->data[i] == 0x7f || line->data[i] == '\\')
            line->data[i] = ' ';
    if (fwrite(line->data, 1, line->len, p->file) != line->len)
        return err_errno(err, ERR_INTERNAL, "%s cannot be written", p->csv);
    p->bytes += (int64_t)line->len;
    return contents_add(n->contents, split, p->records++, content_fingerprint((const uint8_t *)line->data, line->len), err);
}

static int open_part(struct nlp *n, enum split split, struct err *err)
{
    struct part *p = &n->parts[split];
    const char *folder = build_target(n->b, mem_printf(n->b->mem, "csv/%s", split_names[split]));

    if (file_mkdirs(folder, 0755, err) < 0)
        return -1;
    p->csv = mem_printf(n->b->mem, "%s/%s.csv", folder, split_names[split]);
    p->ids = mem_printf(n->b->mem, "%s/%s.ids", folder, split_names[split]);
    p->file = fopen(p->csv, "wxe");
    if (!p->file)
        return err_errno(err, ERR_INTERNAL, "%s cannot be written", p->csv);
    setvbuf(p->file, NULL, _IOFBF, WRITE_AT_ONCE);
    return 0;
}

static int take_text(void *arg, const struct labelled *l, struct err *err)
{
    struct nlp *n = arg;
    enum split split = n->split;
    const char *reason;
    int64_t class;

    tell(n, l);
    if (l->beside) {
        n->n_beside++;
        return 0;
    }
    class = check_text(n, l, &reason);
    n->n_read++;
    if (class < 0)
        return broken_add(n->b, l->where, reason, err);
    if (split == SPLIT_TRAIN && !dealing_keeps_all(&n->dealing)) {
        size_t share = n->by_class ? (size_t)class : 0;

        if (n->planned[share]-- <= 0)
            return err_set(err, ERR_BAD_INPUT, "%s was changed while it was read", n->parts[split].source);
        split = dealing_next(&n->dealing, &n->shares[share]);
    }
    if (!n->parts[split].file && open_part(n, split, err) < 0)
        return -1;
    if (write_text(n, split, l, err) < 0)
        return -1;
    n->parts[split].counts[class]++;
    if (split == SPLIT_TRAIN)
        tokens_each(l->text, l->len, count_word, n->vocabulary);
    return 0;
}

/* --- what is written after the texts --- */

static int close_file(FILE *file, const char *path, struct err *err)
{
    bool ok = fflush(file) == 0 && fdatasync(fileno(file)) == 0;

    if (fclose(file) != 0 || !ok)
        return err_errno(err, ERR_INTERNAL, "%s cannot be written", path);
    return 0;
}

static int write_vocabulary(struct nlp *n, struct err *err)
{
    CLEANUP(text_done) struct text out = {0};

    vocabulary_rank(n->vocabulary, WORDS_MAX);
    for (size_t i = 0; i < vocabulary_size(n->vocabulary); i++)
        text_addf(&out, "%s\n", vocabulary_word(n->vocabulary, i));
    return file_write(build_target(n->b, "csv/ctx.txt"), out.data, out.len, 0644, err);
}

struct numbering {
    const struct vocabulary *vocabulary;
    struct text *line;
};

static void add_number(void *arg, const char *word, size_t len)
{
    struct numbering *to = arg;

    text_add_char(to->line, ' ');
    text_add_int(to->line, (int64_t)vocabulary_number(to->vocabulary, word, len));
}

/* A line "<class>\<text>" as numbers, into n->line. */
static void number_line(struct nlp *n, const struct names *sorted, const char *line, size_t len)
{
    size_t label_len = strcspn(line, "\\");
    struct numbering to = { n->vocabulary, &n->line };

    text_clear(&n->line);
    text_add_int(&n->line, names_find(sorted, line, label_len));
    tokens_each(line + label_len + 1, len - label_len - 1, add_number, &to);
    text_add_char(&n->line, '\n');
}

static void closep(FILE **file)
{
    if (*file)
        fclose(*file);
}

static int write_ids(struct nlp *n, const struct part *p, const struct names *sorted, struct err *err)
{
    CLEANUP(closep) FILE *in = fopen(p->csv, "re");
    CLEANUP(closep) FILE *out = fopen(p->ids, "wxe");
    CLEANUP(freep) char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    if (!in || !out)
        return err_errno(err, ERR_INTERNAL, "%s cannot be written", p->ids);
    while ((len = getline(&line, &cap, in)) > 0) {
        number_line(n, sorted, line, (size_t)len - 1);
        if (fwrite(n->line.data, 1, n->line.len, out) != n->line.len)
            return err_errno(err, ERR_INTERNAL, "%s cannot be written", p->ids);
    }
    if (ferror(in))
        return err_errno(err, ERR_INTERNAL, "%s cannot be read", p->csv);
    return close_file(TAKE(out), p->ids, err);
}

static const char *part_path(enum split split, struct mem *mem)
{
    return mem_printf(mem, "csv/%s/%s.csv", split_names[split], split_names[split]);
}

static void report_part(struct nlp *n, enum split split)
{
    const struct part *p = &n->parts[split];
    struct report *r = &n->b->report;
    struct report_split *s = report_split(r, split, part_path(split, r->mem));

    s->records = p->records;
    s->bytes = p->bytes;
    for (size_t i = 0; i < r->n_labels; i++)
        s->per_label[i] = p->counts[names_find(n->labels, r->labels[i], strlen(r->labels[i]))];
}

static const char *name_of(void *arg, enum split split, int64_t number, struct mem *mem)
{
    (void)arg;
    return mem_printf(mem, "%s, row %lld", part_path(split, mem), (long long)number);
}

static int end_parts(struct nlp *n, struct err *err)
{
    CLEANUP(names_freep) struct names *sorted = names_new();

    if (label_names_write(n->b, n->labels, n->labels_given, err) < 0 || write_vocabulary(n, err) < 0)
        return -1;
    for (size_t i = 0; i < n->b->report.n_labels; i++)
        names_add(sorted, n->b->report.labels[i], strlen(n->b->report.labels[i]));
    for (int i = 0; i < N_SPLITS; i++) {
        struct part *p = &n->parts[i];

        if (p->source && !p->file)
            return err_field(err, split_names[i], "texts with a class each", "%s leaves no texts for %s", p->source, split_names[i]);
        if (!p->file)
            continue;
        if (close_file(TAKE(p->file), p->csv, err) < 0 || write_ids(n, p, sorted, err) < 0)
            return -1;
        report_part(n, i);
    }
    return contents_report(n->contents, &n->b->report, name_of, NULL, err);
}

/* --- all of it --- */

static int find_sources(struct nlp *n, int64_t *ret_bytes, struct err *err)
{
    int64_t bytes[N_SPLITS] = {0};

    if (!n->b->orders->train)
        return err_field(err, "train", "texts with a class each", "the training data are missing");
    for (int i = 0; i < N_SPLITS; i++) {
        const char *source = orders_source(n->b->orders, i);

        if (!source)
            continue;
        n->parts[i].source = build_source(n->b, split_names[i], source, err);
        if (!n->parts[i].source || labelled_bytes(n->b, n->parts[i].source, &bytes[i], err) < 0)
            return -1;
    }
    dealing_init(&n->dealing, n->b->orders);
    n->by_class = strcmp(n->b->orders->image.split, "random") != 0 && !n->dealing.in_order;
    *ret_bytes = bytes[0] + bytes[1] + bytes[2] + (dealing_keeps_all(&n->dealing) ? 0 : bytes[SPLIT_TRAIN]);
    return 0;
}

static int plan_split(struct nlp *n, struct err *err)
{
    n->told = 0;
    if (labelled_each(n->b, n->parts[SPLIT_TRAIN].source, count_text, n, err) < 0)
        return -1;
    for (int i = 0; i < CLASSES_MAX; i++)
        n->shares[i] = dealing_share(&n->dealing, n->planned[i]);
    return 0;
}

static int take_texts(struct nlp *n, struct err *err)
{
    int64_t bytes = 0;

    if (find_sources(n, &bytes, err) < 0 || label_names_read(n->b, n->labels, &n->labels_given, err) < 0)
        return -1;
    if (names_count(n->labels) > CLASSES_MAX)
        return err_field(err, "labels", "at most 10000 labels", "there are %zu labels", names_count(n->labels));
    progress_start(&n->b->progress, "bytes", bytes);
    if (!dealing_keeps_all(&n->dealing) && plan_split(n, err) < 0)
        return -1;
    for (int i = 0; i < N_SPLITS; i++) {
        n->split = i;
        n->told = 0;
        if (n->parts[i].source && labelled_each(n->b, n->parts[i].source, take_text, n, err) < 0)
            return -1;
    }
    if (n->n_beside)
        report_warn(&n->b->report, "%lld files that lie beside the class folders were passed over", (long long)n->n_beside);
    if (broken_check(n->b, n->n_read, "texts", err) < 0 || end_parts(n, err) < 0)
        return -1;
    progress_end(&n->b->progress);
    return 0;
}

static int build_nlp(struct build *b, struct err *err)
{
    CLEANUP(freep) struct nlp *n = xcalloc(1, sizeof *n);
    CLEANUP(names_freep) struct names *labels = names_new();
    CLEANUP(contents_freep) struct contents *contents = contents_new(b->orders->target, CONTENTS_KEPT);
    CLEANUP(vocabulary_freep) struct vocabulary *vocabulary = vocabulary_new(WORDS_COUNTED_MAX);
    int result;

    n->b = b;
    n->labels = labels;
    n->vocabulary = vocabulary;
    n->contents = contents;
    result = take_texts(n, err);
    for (int i = 0; i < N_SPLITS; i++)
        if (n->parts[i].file)
            fclose(n->parts[i].file);
    text_done(&n->line);
    return result;
}

static const char *const nlp_backends[] = { "Other", "CSV", NULL };

const struct kind nlp_kind = { .name = "NLP", .backends = nlp_backends, .build = build_nlp };
