// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/show.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/text.h"
#include "datasets/builder/kind.h"
#include "datasets/builder/look.h"
#include "datasets/images/encode.h"
#include "datasets/images/transform.h"

#include <inttypes.h>
#include <string.h>

enum { QUALITY = 90, LINE = 2 /* pixels that a box's line is thick */ };

/* --- a picture --- */

struct drawing {
    int size;
    bool boxes, done;
    struct text *out;
};

static void workbench_freep(struct workbench **w) { workbench_free(*w); }
static void resampler_freep(struct resampler **r) { resampler_free(*r); }

/* Sides with the same proportions, the longer at most `size`. */
static void fit_sides(int size, int width, int height, int *ret_width, int *ret_height)
{
    int longer = width > height ? width : height;

    *ret_width = width, *ret_height = height;
    if (longer <= size)
        return;
    *ret_width = (int)(((int64_t)width * size + longer / 2) / longer);
    *ret_height = (int)(((int64_t)height * size + longer / 2) / longer);
    if (*ret_width < 1)
        *ret_width = 1;
    if (*ret_height < 1)
        *ret_height = 1;
}

static void draw_rectangle(struct image *image, int left, int top, int right, int bottom, const uint8_t color[3])
{
    for (int y = top; y <= bottom; y++)
        for (int x = left; x <= right; x++) {
            bool inside = x >= left + LINE && x <= right - LINE && y >= top + LINE && y <= bottom - LINE;

            if (x < 0 || y < 0 || x >= image->width || y >= image->height)
                continue;
            if (!inside)
                memcpy(image->pixels + ((size_t)y * (size_t)image->width + (size_t)x) * 3, color, 3);
        }
}

/* A class has the same colour in every picture. */
static const uint8_t *color_of(const char *label)
{
    static const uint8_t colors[][3] = {
        { 230, 57, 70 }, { 42, 157, 244 }, { 80, 200, 80 }, { 255, 183, 3 }, { 155, 93, 229 }, { 0, 187, 176 }, { 255, 112, 166 },
        { 251, 133, 0 },
    };
    unsigned hash = 5381;

    for (const char *c = label ? label : ""; *c; c++)
        hash = hash * 33 + (uint8_t)*c;
    return colors[hash % ARRAY_LEN(colors)];
}

static int clamp(int64_t v, int most) { return v < 0 ? 0 : v > most ? most : (int)v; }

static void draw_boxes(const struct sample *s, int width, int height, struct image *image)
{
    for (size_t i = 0; i < s->n_boxes; i++) {
        const struct box *b = &s->boxes[i];

        draw_rectangle(image, clamp((int64_t)b->left * image->width / width, image->width - 1),
                       clamp((int64_t)b->top * image->height / height, image->height - 1),
                       clamp((int64_t)b->right * image->width / width, image->width - 1),
                       clamp((int64_t)b->bottom * image->height / height, image->height - 1), color_of(b->label));
    }
}

static int draw_file(struct drawing *d, const struct sample *s, const uint8_t *data, size_t len, struct err *err)
{
    CLEANUP(workbench_freep) struct workbench *bench = workbench_new();
    struct transform t = { .channels = 3 };
    struct image *image;
    struct image_info info;

    if (image_info(data, len, &info, err) < 0)
        return err_wrap(err, "sample %" PRId64, s->index);
    fit_sides(d->size, info.width, info.height, &t.width, &t.height);
    image = transform(bench, &t, data, len, &info, err);
    if (!image)
        return err_wrap(err, "sample %" PRId64, s->index);
    if (d->boxes)
        draw_boxes(s, info.width, info.height, image);
    return image_to_jpeg(image, QUALITY, d->out, err);
}

static void from_planes(const struct sample *s, struct image *image)
{
    size_t n = (size_t)image->width * (size_t)image->height, channels = (size_t)image->channels;

    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < channels; c++)
            image->pixels[i * channels + c] = s->data[(channels - 1 - c) * n + i];
}

static int draw_pixels(struct drawing *d, const struct sample *s, struct err *err)
{
    CLEANUP(resampler_freep) struct resampler *r = resampler_new();
    CLEANUP(image_done) struct image whole = {0}, small = {0};
    struct window w = {0};

    if ((s->channels != 1 && s->channels != 3) || s->width < 1 || s->height < 1 || s->width > IMAGE_SIDE_MAX ||
        s->height > IMAGE_SIDE_MAX || s->width * s->height > IMAGE_PIXELS_MAX ||
        (size_t)(s->width * s->height * s->channels) != s->len)
        return err_set(err, ERR_BAD_INPUT, "sample %" PRId64 " has no pixels that can be shown", s->index);
    image_make(&whole, (int)s->width, (int)s->height, (int)s->channels);
    if (s->form == SAMPLE_PLANES)
        from_planes(s, &whole);
    else
        memcpy(whole.pixels, s->data, s->len);
    fit_sides(d->size, whole.width, whole.height, &w.width, &w.height);
    w.n_columns = w.width;
    w.n_rows = w.height;
    image_make(&small, w.width, w.height, whole.channels);
    resample(r, &whole, &w, small.pixels, (size_t)small.width * (size_t)small.channels);
    return image_to_jpeg(&small, QUALITY, d->out, err);
}

static int draw(void *arg, const struct sample *s, struct err *err)
{
    CLEANUP(text_done) struct text file = {0};
    struct drawing *d = arg;
    int result;

    d->done = true;
    if (s->file)
        result = file_read(s->file, IMAGE_FILE_MAX, &file, err) < 0
                     ? -1 : draw_file(d, s, (const uint8_t *)file.data, file.len, err);
    else if (!s->data)
        result = err_set(err, ERR_BAD_INPUT, "sample %" PRId64 " is not an image", s->index);
    else if (s->form == SAMPLE_ENCODED)
        result = draw_file(d, s, s->data, s->len, err);
    else
        result = draw_pixels(d, s, err);
    return result < 0 ? -1 : 1;
}

static int check_kind(const struct look *l, struct err *err)
{
    if (l->kind->each)
        return 0;
    return err_set(err, ERR_BAD_INPUT, "datasets of kind %s have no samples to look at", l->kind->name);
}

int show_sample(const struct look *l, int64_t index, int size, bool boxes, struct text *out, struct err *err)
{
    struct drawing d = { .size = size, .boxes = boxes, .out = out };

    if (check_kind(l, err) < 0 || l->kind->each(l, index, draw, &d, err) < 0)
        return -1;
    if (!d.done)
        return err_set(err, ERR_NOT_FOUND, "the %s data have no sample %" PRId64, l->split, index);
    return 0;
}

/* --- a list --- */

struct listing_of {
    const char *label;
    int64_t left;
    struct text *out;
};

/* Whether it is of the class, or shows an object that is. */
static bool is_of(const struct sample *s, const char *label)
{
    bool found = s->label && strcmp(s->label, label) == 0;

    for (size_t i = 0; i < s->n_boxes && !found; i++)
        found = strcmp(s->boxes[i].label, label) == 0;
    return found;
}

static int list(void *arg, const struct sample *s, struct err *err)
{
    struct listing_of *l = arg;

    (void)err;
    if (l->label && !is_of(s, l->label))
        return 0;
    if (l->out->data[l->out->len - 1] != '[')
        text_add_char(l->out, ',');
    text_addf(l->out, "{\"index\":%" PRId64, s->index);
    if (s->label) {
        text_add(l->out, ",\"label\":");
        text_add_json(l->out, s->label);
    }
    if (s->path) {
        text_add(l->out, ",\"path\":");
        text_add_json(l->out, s->path);
    }
    text_add_char(l->out, '}');
    return --l->left > 0 ? 0 : 1;
}

int show_samples(const struct look *l, const char *label, int64_t count, struct text *out, struct err *err)
{
    struct listing_of listing = { .label = label, .left = count, .out = out };

    text_add_char(out, '[');
    if (check_kind(l, err) < 0 || l->kind->each(l, 0, list, &listing, err) < 0)
        return -1;
    text_add(out, "]\n");
    return 0;
}
