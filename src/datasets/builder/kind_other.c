// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/kind_other.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "datasets/builder/build.h"

#include <string.h>
#include <sys/stat.h>

struct copying {
    struct build *b;
    const char *from;
    const char *to;                 /* NULL: only counted */
    enum split split;
    int64_t files, bytes;
};

static int copy_one(struct copying *c, const char *from, const char *name, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    char *to = mem_printf(mem, "%s/%s", c->to, name);
    char *slash = strrchr(to, '/');

    *slash = '\0';
    if (file_mkdirs(to, 0755, err) < 0)
        return -1;
    *slash = '/';
    if (file_copy(from, to, err) < 0)
        return -1;
    progress_add(&c->b->progress, split_names[c->split], 1);
    return 0;
}

static int take_file(void *arg, const struct found *f, struct err *err)
{
    struct copying *c = arg;
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    if (f->refused)
        return err_field(err, split_names[c->split], "links that stay within the data folders", "%s/%s %s", c->from, f->path,
                         f->refused);
    c->files++;
    c->bytes += f->bytes;
    return c->to ? copy_one(c, f->link ? f->link : mem_printf(mem, "%s/%s", c->from, f->path), f->path, err) : 0;
}

static int take_source(struct copying *c, struct err *err)
{
    struct stat st;

    c->files = c->bytes = 0;
    if (file_is_dir(c->from))
        return build_walk(c->b, c->from, take_file, c, err);
    if (stat(c->from, &st) < 0)
        return err_errno(err, ERR_BAD_INPUT, "%s cannot be read", c->from);
    c->files = 1;
    c->bytes = st.st_size;
    return c->to ? copy_one(c, c->from, path_base(c->from), err) : 0;
}

/* Counts first: whoever waits for a copy wants to know how much there is. */
static int build_folders(struct build *b, struct err *err)
{
    struct copying all[N_SPLITS] = {0};
    int64_t total = 0;

    if (!b->orders->train)
        return err_field(err, "train", "a folder with the training data", "the training data are missing");
    for (int i = 0; i < N_SPLITS; i++) {
        struct copying *c = &all[i];

        *c = (struct copying){ .b = b, .split = i };
        if (!orders_source(b->orders, i))
            continue;
        c->from = build_source(b, split_names[i], orders_source(b->orders, i), err);
        if (!c->from || take_source(c, err) < 0)
            return -1;
        total += c->files;
    }

    if (b->orders->copy)
        progress_start(&b->progress, "files", total);
    for (int i = 0; i < N_SPLITS; i++) {
        struct copying *c = &all[i];
        struct report_split *s;

        if (!c->from)
            continue;
        c->to = b->orders->copy ? build_target(b, split_names[i]) : NULL;
        if (c->to && (file_mkdirs(c->to, 0755, err) < 0 || take_source(c, err) < 0))
            return -1;
        s = report_split(&b->report, i, c->to ? split_names[i] : c->from);
        s->records = c->files;
        s->bytes = c->bytes;
    }
    progress_end(&b->progress);
    return 0;
}

static const char *const other_backends[] = { "Other", NULL };

const struct kind other_kind = { .name = "OTHER", .backends = other_backends, .build = build_folders, .each = look_folder };
const struct kind rawdata_kind = { .name = "RAWDATA", .backends = other_backends, .build = build_folders, .each = look_folder };
