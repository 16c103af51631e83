// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/listing.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/builder/shares.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 16 << 20 };          /* images of a dataset: what sums of 8-bit pixels in 32 bits allow */

static const char *const folder_fields[] = { "image.trainImages", "image.valImages", "image.testImages" };
static const char *const list_fields[] = { "image.trainText", "image.valText", "image.testText" };

struct making {
    struct build *b;
    struct listing *l;
    enum split source;
    bool labels_given;                  /* by a file; else they are what the training images have */
    uint32_t *sorted;                   /* [n_labels] numbers of the labels in the order of their names; malloc */
    int64_t n_beside;                   /* files that lie beside the class folders */
};

void listing_done(struct listing *l) { free(l->items); }

static int add_item(struct making *m, const char *path, int32_t label, struct err *err)
{
    struct listing *l = m->l;

    if (l->n == ITEMS_MAX)
        return err_field(err, folder_fields[m->source], "at most 16 million images", "there are more than %d images", ITEMS_MAX);
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 1024;
        l->items = xrealloc(l->items, l->cap * sizeof *l->items);
    }
    l->items[l->n++] = (struct item){ .path = mem_strdup(m->b->mem, path), .label = label, .split = m->source,
                                      .source = m->source };
    return 0;
}

/* --- labels --- */

static int read_labels(struct making *m, struct err *err)
{
    const struct orders *o = m->b->orders;
    const char *path = o->image.label_text ? o->image.label_text : o->labels;

    if (!path)
        return 0;
    m->labels_given = true;
    return labels_read(m->b, o->image.label_text ? "image.labelText" : "labels", path, &m->l->labels, err);
}

static int by_name(const void *a, const void *b, void *labels)
{
    const char **names = labels;

    return strcmp(names[*(const uint32_t *)a], names[*(const uint32_t *)b]);
}

static int sort_labels(struct making *m, struct err *err)
{
    const struct labels *l = &m->l->labels;

    m->sorted = xrealloc(m->sorted, (l->n + 1) * sizeof *m->sorted);
    for (size_t i = 0; i < l->n; i++)
        m->sorted[i] = (uint32_t)i;
    qsort_r(m->sorted, l->n, sizeof *m->sorted, by_name, l->names);
    for (size_t i = 1; i < l->n; i++)
        if (strcmp(l->names[m->sorted[i - 1]], l->names[m->sorted[i]]) == 0)
            return err_field(err, "labels", "a class once", "the class %s is listed twice", l->names[m->sorted[i]]);
    return 0;
}

static int32_t find_label(const struct making *m, const char *name, size_t len)
{
    size_t low = 0, high = m->l->labels.n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *other = m->l->labels.names[m->sorted[middle]];
        int order = strncmp(name, other, len);

        if (order == 0 && other[len])
            order = -1;
        if (order == 0)
            return (int32_t)m->sorted[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

/* --- a folder for each class --- */

static bool is_hidden(const char *path)
{
    return path[0] == '.' || strstr(path, "/.") || text_same(path_base(path), "Thumbs.db");
}

static int take_file(void *arg, const struct found *f, struct err *err)
{
    struct making *m = arg;
    struct listing *l = m->l;
    const char *slash = strchr(f->path, '/');
    size_t len = slash ? (size_t)(slash - f->path) : 0;
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *class;
    int32_t label = -1;

    if (is_hidden(f->path))
        return 0;
    if (f->refused) {
        report_broken(&m->b->report, f->path, f->refused);
        return m->b->orders->max_broken > 0 ? 0 : err_field(err, "maxBroken", "a share of images that may be broken", "%s %s",
                                                            f->path, f->refused);
    }
    if (!slash) {
        m->n_beside++;
        return 0;
    }
    class = mem_strndup(mem, f->path, len);
    if (!path_name_ok(class))
        return err_field(err, folder_fields[m->source], "folders named in UTF-8 without control characters",
                         "the name of the class of %s/%s cannot be written into a list", l->folders[m->source], f->path);
    if (m->labels_given || m->source != SPLIT_TRAIN) {
        label = find_label(m, f->path, len);
        if (label < 0)
            return err_field(err, folder_fields[m->source], m->labels_given ? "folders named as in the labels file"
                                                                             : "folders named as those for training",
                             "the class %s of %s is not known", class, l->folders[m->source]);
    } else {                            /* classes come in the order of their names */
        const char *last = l->labels.n ? l->labels.names[l->labels.n - 1] : NULL;

        if ((!last || strcmp(last, class) != 0) && labels_add(m->b, &l->labels, class, len, err) < 0)
            return -1;
        label = (int32_t)l->labels.n - 1;
    }
    return add_item(m, f->link ? f->link : f->path, label, err);
}

static int list_folders(struct making *m, struct err *err)
{
    for (int i = 0; i < N_SPLITS; i++) {
        const char *folder = orders_images(m->b->orders, i);

        m->source = i;
        if (!folder)
            continue;
        m->l->folders[i] = build_source(m->b, folder_fields[i], folder, err);
        if (!m->l->folders[i])
            return -1;
        if (!file_is_dir(m->l->folders[i]))
            return err_field(err, folder_fields[i], "a folder with a folder for each class", "%s is not a folder", folder);
        if (build_walk(m->b, m->l->folders[i], take_file, m, err) < 0 || sort_labels(m, err) < 0)
            return -1;
    }
    if (m->n_beside)
        report_warn(&m->b->report, "%" PRId64 " files that lie beside the class folders were passed over", m->n_beside);
    return 0;
}

/* --- text lists --- */

static const char *folder_of(struct mem *mem, const char *path)
{
    return mem_strndup(mem, path, (size_t)(path_base(path) - path));
}

/* Where relative paths of a list begin. */
static int find_folder(struct making *m, struct err *err)
{
    const struct orders *o = m->b->orders;
    bool own = orders_images(o, m->source) != NULL;
    const char *folder = own ? orders_images(o, m->source) : o->image.train_images;

    if (!folder)
        folder = folder_of(m->b->mem, orders_list(o, m->source));
    m->l->folders[m->source] = build_source(m->b, folder_fields[own ? m->source : SPLIT_TRAIN], folder, err);
    return m->l->folders[m->source] ? 0 : -1;
}

static int bad_line(const struct making *m, int64_t number, const char *what, struct err *err)
{
    return err_field(err, list_fields[m->source], "lines with a path, a blank and a label",
                     "line %" PRId64 " of %s %s", number, orders_list(m->b->orders, m->source), what);
}

/* A number below LABELS_MAX, or a name from the labels file. */
static int32_t read_label(const struct making *m, const char *word, size_t len)
{
    int32_t label = 0;

    for (size_t i = 0; i < len; i++) {
        if (word[i] < '0' || word[i] > '9' || label > LABELS_MAX)
            return m->labels_given ? find_label(m, word, len) : -1;
        label = label * 10 + (word[i] - '0');
    }
    if (m->labels_given && (size_t)label >= m->l->labels.n)
        return find_label(m, word, len);
    return label < LABELS_MAX ? label : -1;
}

static int take_line(struct making *m, const char *line, size_t len, int64_t number, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    size_t word = len, path;
    int32_t label;

    while (word > 0 && line[word - 1] != ' ' && line[word - 1] != '\t')
        word--;
    for (path = word; path > 0 && (line[path - 1] == ' ' || line[path - 1] == '\t');)
        path--;
    if (path == 0)
        return bad_line(m, number, "has no label", err);
    label = read_label(m, line + word, len - word);
    if (label < 0)
        return bad_line(m, number, m->labels_given ? "has a label that is not in the labels file" : "has a label that is not a number",
                        err);
    return add_item(m, mem_strndup(mem, line, path), label, err);
}

static int list_one(struct making *m, struct err *err)
{
    CLEANUP(text_done) struct text text = {0};
    const char *at, *line;
    int64_t number = 0;
    size_t len;

    if (lines_read(m->b, list_fields[m->source], orders_list(m->b->orders, m->source), &text, err) < 0 || find_folder(m, err) < 0)
        return -1;
    at = text.data;
    for (line = lines_next(&at, &len); line; line = lines_next(&at, &len)) {
        number++;
        if (len > 0 && take_line(m, line, len, number, err) < 0)
            return -1;
    }
    return 0;
}

/* Without a labels file a class is called by its number. */
static int number_labels(struct making *m, struct err *err)
{
    int32_t most = -1;

    for (size_t i = 0; i < m->l->n; i++)
        if (m->l->items[i].label > most)
            most = m->l->items[i].label;
    for (int32_t i = 0; i <= most; i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        const char *name = mem_printf(mem, "%d", i);

        if (labels_add(m->b, &m->l->labels, name, strlen(name), err) < 0)
            return -1;
    }
    return 0;
}

static int list_texts(struct making *m, struct err *err)
{
    if (sort_labels(m, err) < 0)
        return -1;
    m->l->unchecked = true;
    for (int i = 0; i < N_SPLITS; i++) {
        m->source = i;
        if (orders_list(m->b->orders, i) && list_one(m, err) < 0)
            return -1;
    }
    return m->labels_given ? 0 : number_labels(m, err);
}

/* --- shares --- */

static void share_out(const struct build *b, struct listing *l)
{
    const struct image_orders *o = &b->orders->image;
    struct shares s = { .rule = (enum share_rule)share_rule_of(o->split), .val_percentage = (int)o->val_percentage,
                        .test_percentage = (int)o->test_percentage, .seed = (uint64_t)b->orders->seed };
    CLEANUP(freep) int32_t *labels = NULL;
    CLEANUP(freep) uint8_t *splits = NULL;
    size_t n = 0;

    while (n < l->n && l->items[n].source == SPLIT_TRAIN)
        n++;
    if (n == 0 || (s.val_percentage == 0 && s.test_percentage == 0))
        return;
    labels = xcalloc(n, sizeof *labels);
    splits = xcalloc(n, sizeof *splits);
    for (size_t i = 0; i < n; i++)
        labels[i] = l->items[i].label;
    shares_assign(&s, labels, n, l->labels.n, splits);
    for (size_t i = 0; i < n; i++)
        l->items[i].split = splits[i];
}

static int check_orders(const struct orders *o, struct err *err)
{
    const char *const *fields = o->image.text ? list_fields : folder_fields;
    const char *(*source)(const struct orders *, enum split) = o->image.text ? orders_list : orders_images;

    if (!source(o, SPLIT_TRAIN))
        return err_field(err, fields[SPLIT_TRAIN], o->image.text ? "a text list" : "a folder with a folder for each class",
                         "the training images are missing");
    return 0;
}

int listing_make(struct build *b, struct listing *ret, struct err *err)
{
    struct making m = { .b = b, .l = ret };
    int result;

    *ret = (struct listing){0};
    if (check_orders(b->orders, err) < 0 || read_labels(&m, err) < 0 || sort_labels(&m, err) < 0) {
        free(m.sorted);
        return -1;
    }
    result = b->orders->image.text ? list_texts(&m, err) : list_folders(&m, err);
    free(m.sorted);
    if (result < 0)
        return -1;
    if (ret->n == 0 || ret->items[0].source != SPLIT_TRAIN)
        return err_field(err, b->orders->image.text ? list_fields[0] : folder_fields[0],
                         b->orders->image.text ? "a list of images" : "a folder with a folder for each class",
                         "there are no images in %s", ret->folders[SPLIT_TRAIN] ? ret->folders[SPLIT_TRAIN] : "the list");
    share_out(b, ret);
    return 0;
}

/* --- names --- */

const char *listing_path(const struct build *b, const struct listing *l, const struct item *item, struct mem *mem,
                         struct err *err)
{
    const char *path = item->path[0] == '/' ? item->path : mem_printf(mem, "%s/%s", l->folders[item->source], item->path);
    CLEANUP(freep) char *plain = NULL;

    if (!l->unchecked)
        return path;
    plain = realpath(path, NULL);
    if (!plain) {
        err_errno(err, ERR_BAD_INPUT, "cannot be read");
        return NULL;
    }
    if (!build_allows(b, plain)) {
        err_set(err, ERR_BAD_INPUT, "lies outside of the data folders");
        return NULL;
    }
    return mem_strdup(mem, plain);
}

const char *listing_name(const struct listing *l, const struct item *item, struct mem *mem)
{
    (void)l;
    return mem_printf(mem, "%s/%s", split_names[item->split], item->path[0] == '/' ? item->path + 1 : item->path);
}
