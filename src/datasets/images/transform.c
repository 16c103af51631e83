// SPDX-License-Identifier: Apache-2.0
#include "datasets/images/transform.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

struct workbench {
    struct image decoded, result;
    struct resampler *resampler;
};

struct workbench *workbench_new(void)
{
    struct workbench *w = xcalloc(1, sizeof *w);

    w->resampler = resampler_new();
    return w;
}

void workbench_free(struct workbench *w)
{
    if (!w)
        return;
    image_done(&w->decoded);
    image_done(&w->result);
    resampler_free(w->resampler);
    free(w);
}

int fit_of(const char *word)
{
    static const char *const words[] = { "squash", "crop", "fill", "half_crop" };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(word, words[i]) == 0)
            return (int)i;
    return -1;
}

/* --- where it goes --- */

static int scaled(int side, double scale)
{
    double v = floor(side * scale + 0.5);

    return v < 1 ? 1 : v > IMAGE_SIDE_MAX ? IMAGE_SIDE_MAX : (int)v;
}

/* One axis: of `scaled` pixels the middle `out` are taken, or all are put into the middle of `out`. */
static void place_axis(int scaled, int out, int *ret_from, int *ret_n, int *ret_to)
{
    *ret_n = scaled < out ? scaled : out;
    *ret_from = (scaled - *ret_n) / 2;
    *ret_to = (out - *ret_n) / 2;
}

void transform_place(const struct transform *t, int width, int height, struct placement *ret)
{
    int out_width = t->width ? t->width : width, out_height = t->height ? t->height : height;
    double x = (double)out_width / width, y = (double)out_height / height;
    double most = x > y ? x : y, least = x > y ? y : x;
    double scale = t->fit == FIT_CROP ? most : t->fit == FIT_FILL ? least : (most + least) / 2;
    struct window *w = &ret->window;

    *ret = (struct placement){ .out_width = out_width, .out_height = out_height };
    w->width = t->fit == FIT_SQUASH ? out_width : scaled(width, scale);
    w->height = t->fit == FIT_SQUASH ? out_height : scaled(height, scale);
    place_axis(w->width, out_width, &w->left, &w->n_columns, &ret->x);
    place_axis(w->height, out_height, &w->top, &w->n_rows, &ret->y);
}

/* --- doing it --- */

static bool is_whole(const struct placement *p, const struct image *image)
{
    return p->window.width == image->width && p->window.height == image->height && p->out_width == image->width &&
           p->out_height == image->height;
}

static void draw(struct workbench *w, const struct placement *p)
{
    size_t channels = (size_t)w->decoded.channels, stride = (size_t)p->out_width * channels;

    image_make(&w->result, p->out_width, p->out_height, (int)channels);
    if (p->window.n_columns < p->out_width || p->window.n_rows < p->out_height)
        memset(w->result.pixels, 0, stride * (size_t)p->out_height);
    resample(w->resampler, &w->decoded, &p->window, w->result.pixels + (size_t)p->y * stride + (size_t)p->x * channels, stride);
}

struct image *transform(struct workbench *w, const struct transform *t, const uint8_t *data, size_t len,
                        struct image_info *ret_info, struct err *err)
{
    struct image_info info;
    struct placement p;

    if (image_info(data, len, &info, err) < 0)
        return NULL;
    transform_place(t, info.width, info.height, &p);
    if ((int64_t)p.out_width * p.out_height > IMAGE_PIXELS_MAX) {
        err_set(err, ERR_BAD_INPUT, "would have %d x %d pixels; at most %d million are written", p.out_width, p.out_height,
                IMAGE_PIXELS_MAX / 1000000);
        return NULL;
    }
    if (image_decode(data, len, t->channels, p.window.width, p.window.height, &w->decoded, err) < 0)
        return NULL;
    *ret_info = info;
    if (is_whole(&p, &w->decoded))
        return &w->decoded;
    draw(w, &p);
    return &w->result;
}
