// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/voc_tree.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/builder/build.h"
#include "datasets/builder/dealing.h"
#include "datasets/formats/names.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_FILE_MAX = 256 << 20 };         /* bytes */

struct source {
    const char *field;              /* of the orders */
    const char *path;               /* NULL: none */
};

static struct source source_of(const struct orders *o, enum split split)
{
    static const char *const texts[N_SPLITS] = { "image.trainText", "image.valText", "image.testText" };
    static const char *const images[N_SPLITS] = { "image.trainImages", "image.valImages", "image.testImages" };

    if (orders_list(o, split))
        return (struct source){ texts[split], orders_list(o, split) };
    if (orders_images(o, split))
        return (struct source){ images[split], orders_images(o, split) };
    return (struct source){ split_names[split], orders_source(o, split) };
}

/* --- trees --- */

static int add_tree(struct build *b, struct voc_sources *s, const char *root, const char *field, struct err *err)
{
    struct voc_tree t;

    if (!file_is_dir(mem_printf(b->mem, "%s/" VOC_IMAGES, root)) || !file_is_dir(mem_printf(b->mem, "%s/" VOC_ANNOTATIONS, root)))
        return err_field(err, field, "a folder of Pascal VOC, or a list in its " VOC_LISTS,
                         "%s has no folders " VOC_IMAGES " and " VOC_ANNOTATIONS, root);
    t.images = build_source(b, field, mem_printf(b->mem, "%s/" VOC_IMAGES, root), err);
    if (!t.images)
        return -1;
    t.annotations = build_source(b, field, mem_printf(b->mem, "%s/" VOC_ANNOTATIONS, root), err);
    if (!t.annotations)
        return -1;
    for (int i = 0; i < s->n_trees; i++)
        if (strcmp(s->trees[i].images, t.images) == 0 && strcmp(s->trees[i].annotations, t.annotations) == 0)
            return i;
    s->trees[s->n_trees] = t;
    return s->n_trees++;
}

/* The tree that a list belongs to, by its place: <root>/ImageSets/Main/<list>. */
static const char *root_of_list(struct mem *mem, const char *list)
{
    char *root = mem_strdup(mem, list);

    for (int i = 0; i < 3; i++) {
        char *slash = strrchr(root, '/');

        if (!slash || slash == root)
            return "/";
        *slash = '\0';
    }
    return root;
}

/* --- stems --- */

static void add_item(struct voc_part *p, const char *stem, int tree)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 256;
        p->items = xrealloc(p->items, p->cap * sizeof *p->items);
    }
    p->items[p->n++] = (struct voc_item){ stem, tree };
}

/* The bytes of a line's stem: lists of a class have a mark after it, whether the image shows one. */
static size_t stem_len(const char *line, size_t len)
{
    static const char *const marks[] = { "-1", "0", "1" };
    size_t word;

    while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
        len--;
    for (word = len; word > 0 && line[word - 1] != ' ' && line[word - 1] != '\t';)
        word--;
    for (size_t i = 0; word > 0 && i < ARRAY_LEN(marks); i++)
        if (len - word == strlen(marks[i]) && strncmp(line + word, marks[i], len - word) == 0)
            return stem_len(line, word);
    return len;
}

static int read_list(struct build *b, struct voc_part *p, const char *path, int tree, const char *field, struct err *err)
{
    CLEANUP(text_done) struct text text = {0};
    const char *line, *next;
    int64_t number = 1;

    if (file_read(path, LIST_FILE_MAX, &text, err) < 0)
        return -1;
    for (line = text.data; *line; line = next, number++) {
        size_t len = strcspn(line, "\n");
        const char *stem;

        next = line + len + (line[len] == '\n');
        len -= len > 0 && line[len - 1] == '\r';
        stem = mem_strndup(b->mem, line, stem_len(line, len));
        if (!stem[0])
            continue;
        if (!path_name_ok(stem))
            return err_field(err, field, "a name of an image without its folder and ending on each line",
                             "%s, line %lld: \"%.100s\" is not the name of an image", path, (long long)number, stem);
        add_item(p, stem, tree);
    }
    return 0;
}

struct collecting {
    struct build *b;
    struct voc_part *part;
    int tree;
};

static int collect_annotation(void *arg, const struct found *f, struct err *err)
{
    struct collecting *c = arg;
    size_t len = strlen(f->path);

    (void)err;
    if (len <= 4 || strcmp(f->path + len - 4, ".xml") != 0 || strchr(f->path, '/'))
        return 0;
    add_item(c->part, mem_strndup(c->b->mem, f->path, len - 4), c->tree);
    return 0;
}

static int all_annotated(struct build *b, const struct voc_sources *s, struct voc_part *p, int tree, struct err *err)
{
    struct collecting c = { b, p, tree };

    return build_walk(b, s->trees[tree].annotations, collect_annotation, &c, err);
}

/* The list of a tree that is named like the part: 1, or 0 when there is none. */
static int listed(struct build *b, struct voc_sources *s, enum split split, const char *root, int tree, const char *field,
                  struct err *err)
{
    const char *path = mem_printf(b->mem, "%s/" VOC_LISTS "/%s.txt", root, split_names[split]);

    if (!file_exists(path))
        return 0;
    path = build_source(b, field, path, err);
    return path && read_list(b, &s->parts[split], path, tree, field, err) == 0 ? 1 : -1;
}

/* --- the orders' sources --- */

/* Whether a part comes with the training tree: it has no source, and no percentage either. */
static bool comes_along(const struct orders *o, enum split split)
{
    return !source_of(o, split).path && !(split == SPLIT_VAL ? o->image.val_percentage : o->image.test_percentage);
}

static int take_tree(struct build *b, struct voc_sources *s, enum split split, const char *root, const char *field,
                     struct err *err)
{
    int tree = add_tree(b, s, root, field, err);
    int found = tree < 0 ? -1 : listed(b, s, split, root, tree, field, err);

    if (found == 0)
        return all_annotated(b, s, &s->parts[split], tree, err);
    for (int i = SPLIT_TRAIN + 1; found > 0 && split == SPLIT_TRAIN && i < N_SPLITS; i++)
        if (comes_along(b->orders, i) && listed(b, s, i, root, tree, field, err) < 0)
            return -1;
    return found < 0 ? -1 : 0;
}

static int take_source(struct build *b, struct voc_sources *s, enum split split, struct err *err)
{
    struct source from = source_of(b->orders, split);
    const char *path;
    int tree;

    if (!from.path && split == SPLIT_TRAIN)
        return err_field(err, "train", "a folder of Pascal VOC, or a list in its " VOC_LISTS, "the training data are missing");
    if (!from.path)
        return 0;
    path = build_source(b, from.field, from.path, err);
    if (!path)
        return -1;
    if (file_is_dir(path))
        return take_tree(b, s, split, path, from.field, err);
    tree = add_tree(b, s, root_of_list(b->mem, path), from.field, err);
    return tree < 0 ? -1 : read_list(b, &s->parts[split], path, tree, from.field, err);
}

static void deal_out(struct build *b, struct voc_sources *s)
{
    struct voc_part *from = &s->parts[SPLIT_TRAIN];
    struct dealing dealing;
    struct share share;
    size_t n = from->n;

    dealing_init(&dealing, b->orders);
    share = dealing_share(&dealing, (int64_t)n);
    from->n = 0;
    for (size_t i = 0; i < n; i++) {
        struct voc_item item = from->items[i];

        add_item(&s->parts[dealing_next(&dealing, &share)], item.stem, item.tree);
    }
}

/* Once is enough for a part. */
static void drop_doubles(struct build *b, struct voc_part *p)
{
    CLEANUP(names_freep) struct names *seen = names_new();
    size_t kept = 0;

    for (size_t i = 0; i < p->n; i++) {
        const char *stem = p->items[i].stem;

        names_add(seen, stem, strlen(stem));
        if (names_count(seen) == kept)
            b->report.n_same_split++;
        else
            p->items[kept++] = p->items[i];
    }
    p->n = kept;
}

int voc_sources_find(struct build *b, struct voc_sources *ret, struct err *err)
{
    *ret = (struct voc_sources){0};
    for (int i = 0; i < N_SPLITS; i++)
        if (take_source(b, ret, i, err) < 0)
            return -1;
    deal_out(b, ret);
    for (int i = 0; i < N_SPLITS; i++)
        drop_doubles(b, &ret->parts[i]);
    return 0;
}

void voc_sources_done(struct voc_sources *s)
{
    for (int i = 0; i < N_SPLITS; i++)
        free(s->parts[i].items);
}
