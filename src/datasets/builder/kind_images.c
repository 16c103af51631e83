// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/kind_images.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/builder/build.h"
#include "datasets/builder/image_work.h"
#include "datasets/builder/ordered.h"
#include "datasets/builder/record_sink.h"
#include "datasets/builder/shares.h"
#include "datasets/formats/datum.h"

#include <inttypes.h>
#include <string.h>

static const char lmdb_backend[] = "LMDB";

struct images {
    struct build *b;
    struct listing listing;
    struct image_plan plan;
    int64_t n_files, broken_max;        /* links that were refused included */
    struct contents *contents;
    struct image_sizes *sizes;
    struct image_stats stats;           /* of the training images */
    int width, height;                  /* of the records; 0: none yet, -1: not all the same */

    enum split split;                   /* the one that is being written */
    uint32_t *order;                    /* its items, in the order of their records */
    struct record_sink *sink;
};

static void images_done(struct images *m)
{
    listing_done(&m->listing);
    contents_free(m->contents);
    image_stats_done(&m->stats);
    free(m->sizes);
    free(m->order);
    record_sink_abandon(m->sink);
}

/* --- one split --- */

static const struct item *item_at(const struct images *m, int64_t i) { return &m->listing.items[m->order[i]]; }

static void *start(void *arg) { return image_worker_new(&((struct images *)arg)->plan); }

static size_t work(void *arg, void *kept, int64_t i, void *slot)
{
    struct images *m = arg;
    struct image_record *r = slot;

    image_work(kept, item_at(m, i), m->split == SPLIT_TRAIN, r);
    return r->cap;
}

static void end(void *arg, void *kept)
{
    struct images *m = arg;

    image_stats_merge(&m->stats, image_worker_stats(kept));
    image_worker_free(kept);
}

static int take_broken(struct images *m, const char *name, const char *reason, struct err *err)
{
    struct report *r = &m->b->report;

    report_broken(r, name, reason);
    if (r->n_broken <= m->broken_max)
        return 0;
    if (m->broken_max == 0)
        return err_field(err, "maxBroken", "a share of images that may be broken", "%s %s", name, reason);
    return err_field(err, "maxBroken", "a larger share of images that may be broken",
                     "more than %" PRId64 " of %" PRId64 " images are broken; this one too: %s %s", m->broken_max, m->n_files,
                     name, reason);
}

static int take(void *arg, int64_t i, void *slot, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct images *m = arg;
    const struct item *item = item_at(m, i);
    const char *name = listing_name(&m->listing, item, mem);
    const struct image_record *r = slot;

    progress_add(&m->b->progress, split_names[m->split], 1);
    if (r->broken)
        return take_broken(m, name, r->reason, err);
    if (contents_add(m->contents, m->split, m->order[i], r->fingerprint, err) < 0)
        return -1;
    image_sizes_add(m->sizes, r->width, r->height);
    if (m->width == 0)
        m->width = r->out_width, m->height = r->out_height;
    else if (m->width != r->out_width || m->height != r->out_height)
        m->width = m->height = -1;
    return record_sink_write(m->sink, i, item->label, name + strlen(split_names[m->split]) + 1, r->framed, r->len, err);
}

static void slot_done(void *slot) { image_record_done(slot); }

/* Training records are shuffled, unless all is to stay in sequence: a program that reads them one after the other must not
 * see class after class. By class, each class for itself. Returns how many there are. */
static size_t make_order(struct images *m, bool by_class)
{
    const struct orders *o = m->b->orders;
    CLEANUP(freep) uint32_t *all = xcalloc(m->listing.n + 1, sizeof *all);
    CLEANUP(freep) size_t *at = xcalloc(m->listing.labels.n + 1, sizeof *at);
    size_t n = 0;

    for (size_t i = 0; i < m->listing.n; i++)
        if (m->listing.items[i].split == m->split)
            all[n++] = (uint32_t)i;
    if (m->split == SPLIT_TRAIN && share_rule_of(o->image.split) != SHARE_SEQUENTIAL)
        shares_shuffle((uint64_t)o->seed, all, n);
    free(m->order);
    m->order = xcalloc(n + 1, sizeof *m->order);
    if (!by_class) {
        memcpy(m->order, all, n * sizeof *all);
        return n;
    }
    for (size_t i = 0; i < n; i++)
        at[m->listing.items[all[i]].label + 1]++;
    for (size_t i = 1; i <= m->listing.labels.n; i++)
        at[i] += at[i - 1];
    for (size_t i = 0; i < n; i++)
        m->order[at[m->listing.items[all[i]].label]++] = all[i];
    return n;
}

static int build_split(struct images *m, struct err *err)
{
    const struct orders *o = m->b->orders;
    bool lmdb = strcmp(o->backend, lmdb_backend) == 0, by_class = !lmdb && o->byclass;
    size_t n = make_order(m, by_class);
    struct record_sink_plan plan = { .split = m->split, .lmdb = lmdb, .by_class = by_class, .n = (int64_t)n,
                                     .shards = o->shards, .labels = m->listing.labels.names };
    struct ordered all = { .n = (int64_t)n, .n_threads = o->threads == INT_UNSET ? ordered_processors() : (int)o->threads,
                           .slot_size = sizeof(struct image_record), .arg = m, .start = start, .work = work, .take = take,
                           .end = end, .slot_done = slot_done };

    if (n == 0)
        return 0;
    m->sink = record_sink_open(m->b, &plan, err);
    if (!m->sink || ordered_run(&all, err) < 0 || record_sink_close(TAKE(m->sink), err) < 0)
        return -1;
    if (m->b->report.splits[m->split].records == 0)
        return err_field(err, "maxBroken", "", "none of the images for %s can be read", split_names[m->split]);
    return 0;
}

/* --- all of them --- */

static int write_mean(struct images *m, struct err *err)
{
    static const char name[] = "mean.binaryproto";
    CLEANUP(text_done) struct text text = {0};
    CLEANUP(freep) float *planes = image_stats_planes(&m->stats);
    struct report *r = &m->b->report;

    image_stats_report(&m->stats, r);
    if (!m->plan.datum || m->plan.as_they_are)
        return 0;
    if (!planes) {
        report_warn(r, "there is no mean file: %s", m->stats.mixed ? "the images have different sizes; give a height and a width"
                                                                   : "the images are too large");
        return 0;
    }
    blob_write(m->stats.channels, m->stats.height, m->stats.width, planes, &text);
    r->meanfile = name;
    return file_write(build_target(m->b, name), text.data, text.len, 0644, err);
}

static const char *name_of(void *arg, enum split split, int64_t number, struct mem *mem)
{
    const struct images *m = arg;

    (void)split;
    return listing_name(&m->listing, &m->listing.items[number], mem);
}

static int tell(struct images *m, struct err *err)
{
    struct report *r = &m->b->report;

    if (contents_report(m->contents, r, name_of, m, err) < 0)
        return -1;
    image_sizes_report(m->sizes, r);
    r->width = m->width > 0 ? m->width : INT_UNSET;
    r->height = m->height > 0 ? m->height : INT_UNSET;
    r->channels = m->plan.transform.channels;
    r->images = m->b->progress.done;
    for (size_t i = 0; i < m->listing.labels.n; i++)
        if (r->splits[SPLIT_TRAIN].per_label[i] == 0)
            report_warn(r, "the class %s has no training image", m->listing.labels.names[i]);
    if (m->width < 0 && !m->plan.encoded)
        report_warn(r, "the records have different sizes, which few programs can read; give a height and a width");
    return 0;
}

static void make_plan(struct images *m)
{
    const struct orders *o = m->b->orders;
    const struct image_orders *image = &o->image;
    struct image_plan *p = &m->plan;

    p->build = m->b;
    p->listing = &m->listing;
    p->datum = strcmp(o->backend, lmdb_backend) == 0;
    p->encoded = o->encoded;
    p->transform.channels = strcmp(image->type, "grayscale") == 0 ? 1 : 3;
    p->transform.width = image->width == INT_UNSET ? 0 : (int)image->width;
    p->transform.height = image->height == INT_UNSET ? 0 : (int)image->height;
    p->transform.fit = (enum fit)fit_of(image->resize);
    p->as_they_are = o->encoded && p->transform.channels == 3 && !p->transform.width && !p->transform.height;
}

static int build_all(struct images *m, struct err *err)
{
    struct build *b = m->b;

    if (listing_make(b, &m->listing, err) < 0)
        return -1;
    b->report.labels = m->listing.labels.names;
    b->report.n_labels = m->listing.labels.n;
    m->n_files = (int64_t)m->listing.n + b->report.n_broken;
    m->broken_max = (int64_t)(b->orders->max_broken * (double)m->n_files);
    if (b->report.n_broken > m->broken_max)
        return err_field(err, "maxBroken", "a larger share of images that may be broken",
                         "more than %" PRId64 " of %" PRId64 " files are links that lead astray", m->broken_max, m->n_files);
    m->contents = contents_new(b->orders->target, CONTENTS_KEPT);
    m->sizes = xcalloc(1, sizeof *m->sizes);
    make_plan(m);

    if (labels_write(b, &m->listing.labels, err) < 0)
        return -1;
    progress_start(&b->progress, "images", (int64_t)m->listing.n);
    for (int i = 0; i < N_SPLITS; i++) {
        m->split = i;
        if (build_split(m, err) < 0)
            return -1;
    }
    progress_end(&b->progress);
    return tell(m, err) < 0 ? -1 : write_mean(m, err);
}

static int build(struct build *b, struct err *err)
{
    struct images m = { .b = b };
    int result = build_all(&m, err);

    images_done(&m);
    return result;
}

static const char *const image_backends[] = { lmdb_backend, "TFrecords", NULL };

const struct kind images_kind = { .name = "IMAGEFORCLASSIFICATION", .backends = image_backends, .build = build, .each = look_records };
