// SPDX-License-Identifier: Apache-2.0
#include "datasets/images/transform.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static double weight(int i, int x, int from, int to)
{
    double scale = (double)from / to, support = scale > 1 ? scale : 1, w = 1 - fabs(i + 0.5 - (x + 0.5) * scale) / support;

    return w > 0 ? w : 0;
}

/* The header's definition, a pixel at a time. */
static double slow_pixel(const struct image *from, int width, int height, int x, int y, int c)
{
    double sum = 0, all = 0;

    for (int j = 0; j < from->height; j++)
        for (int i = 0; i < from->width; i++) {
            double w = weight(i, x, from->width, width) * weight(j, y, from->height, height);

            sum += w * from->pixels[(j * from->width + i) * from->channels + c];
            all += w;
        }
    return sum / all;
}

static void every_window_is_what_the_definition_says(void **state)
{
    static const struct window windows[] = {
        { 13, 9, 0, 0, 13, 9 }, { 40, 31, 0, 0, 40, 31 }, { 23, 17, 0, 0, 23, 17 }, { 1, 1, 0, 0, 1, 1 },
        { 40, 5, 11, 2, 20, 3 }, { 7, 60, 3, 50, 4, 10 },
    };
    CLEANUP(image_done) struct image from = {0};
    struct resampler *r = resampler_new();
    uint8_t to[60 * 60 * 3];

    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        image_make(&from, 23, 17, channels);
        for (int i = 0; i < 23 * 17 * channels; i++)
            from.pixels[i] = (uint8_t)(i * 7919 % 251);
        for (size_t k = 0; k < ARRAY_LEN(windows); k++) {
            const struct window *w = &windows[k];

            resample(r, &from, w, to, (size_t)(w->n_columns * channels));
            for (int y = 0; y < w->n_rows; y++)
                for (int x = 0; x < w->n_columns; x++)
                    for (int c = 0; c < channels; c++)
                        assert_true(fabs(to[(y * w->n_columns + x) * channels + c] -
                                         slow_pixel(&from, w->width, w->height, w->left + x, w->top + y, c)) < 0.55);
        }
    }
    resampler_free(r);
}

/* Another way of adding is taken for many weights. */
static void an_image_that_shrinks_a_hundred_times_is_right_too(void **state)
{
    static const struct window w = { 2, 3, 0, 0, 2, 3 };
    CLEANUP(image_done) struct image from = {0};
    struct resampler *r = resampler_new();
    uint8_t to[2 * 3 * 3];

    (void)state;
    image_make(&from, 301, 203, 3);
    for (int i = 0; i < 301 * 203 * 3; i++)
        from.pixels[i] = (uint8_t)(i * 7919 % 251);
    resample(r, &from, &w, to, 6);
    for (int i = 0; i < 2 * 3 * 3; i++)
        assert_true(fabs(to[i] - slow_pixel(&from, 2, 3, i / 3 % 2, i / 6, i % 3)) < 0.55);
    resampler_free(r);
}

static void a_flat_image_stays_flat(void **state)
{
    CLEANUP(image_done) struct image from = {0};
    struct resampler *r = resampler_new();
    uint8_t to[50 * 50];

    (void)state;
    image_make(&from, 37, 37, 1);
    for (int level = 0; level < 256; level += 15) {
        for (int i = 0; i < 37 * 37; i++)
            from.pixels[i] = (uint8_t)level;
        resample(r, &from, &(struct window){ 50, 20, 0, 0, 50, 20 }, to, 50);
        for (int i = 0; i < 50 * 20; i++)
            assert_int_equal(to[i], level);
    }
    resampler_free(r);
}

static void each_fit_places_the_picture_as_promised(void **state)
{
    static const struct { enum fit fit; struct placement expected; } cases[] = {
        { FIT_SQUASH,    { { 100, 100, 0, 0, 100, 100 }, 100, 100, 0, 0 } },
        { FIT_CROP,      { { 200, 100, 50, 0, 100, 100 }, 100, 100, 0, 0 } },
        { FIT_FILL,      { { 100, 50, 0, 0, 100, 50 }, 100, 100, 0, 25 } },
        { FIT_HALF_CROP, { { 150, 75, 25, 0, 100, 75 }, 100, 100, 0, 12 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct transform t = { .channels = 3, .width = 100, .height = 100, .fit = cases[i].fit };
        struct placement p;

        transform_place(&t, 400, 200, &p);
        assert_memory_equal(&p, &cases[i].expected, sizeof p);
    }
}

static void sides_that_are_not_given_are_kept(void **state)
{
    const struct transform none = { .channels = 3, .fit = FIT_CROP }, width = { .channels = 3, .width = 10 };
    struct placement p;

    (void)state;
    transform_place(&none, 33, 44, &p);
    assert_int_equal(p.out_width, 33);
    assert_int_equal(p.out_height, 44);
    transform_place(&width, 33, 44, &p);
    assert_int_equal(p.out_width, 10);
    assert_int_equal(p.out_height, 44);
}

static void extreme_proportions_keep_at_least_a_pixel(void **state)
{
    const struct transform t = { .channels = 1, .width = 10, .height = 10, .fit = FIT_FILL };
    struct placement p;

    (void)state;
    transform_place(&t, 60000, 1, &p);
    assert_int_equal(p.window.n_rows, 1);
    assert_int_equal(p.window.width, 10);
}

static void words_are_those_of_the_api(void **state)
{
    (void)state;
    assert_int_equal(fit_of("squash"), FIT_SQUASH);
    assert_int_equal(fit_of("crop"), FIT_CROP);
    assert_int_equal(fit_of("fill"), FIT_FILL);
    assert_int_equal(fit_of("half_crop"), FIT_HALF_CROP);
    assert_int_equal(fit_of("zoom"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_window_is_what_the_definition_says),
        cmocka_unit_test(an_image_that_shrinks_a_hundred_times_is_right_too),
        cmocka_unit_test(a_flat_image_stays_flat),
        cmocka_unit_test(each_fit_places_the_picture_as_promised),
        cmocka_unit_test(sides_that_are_not_given_are_kept),
        cmocka_unit_test(extreme_proportions_keep_at_least_a_pixel),
        cmocka_unit_test(words_are_those_of_the_api),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
