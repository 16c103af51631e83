// SPDX-License-Identifier: Apache-2.0
#include "datasets/images/jpeg_codes.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../jpeg_reference.h"

/* --- files --- */

struct how {
    int width, height, channels, quality, across, down, restart;
    bool optimal, progressive, apart;   /* own tables; several scans by spectrum; a scan for each component */
};

struct file {
    unsigned char *bytes;
    unsigned long len;
};

static void file_done(struct file *f)
{
    free(f->bytes);
}

/* Slopes, edges and noise, as photos have. */
static uint8_t sample(const struct how *how, int x, int y, int channel)
{
    uint32_t noise = (((uint32_t)x * 7919 + (uint32_t)y) * 104729 + (uint32_t)channel) * 2654435761u;

    return (uint8_t)(x * 255 / how->width / 2 + (y / 9 % 2) * 64 * (channel + 1) / 2 + (noise >> 27));
}

static struct file make(const struct how *how)
{
    static const J_COLOR_SPACE spaces[] = { 0, JCS_GRAYSCALE, 0, JCS_RGB, JCS_CMYK };
    static const jpeg_scan_info scans[] = { { 1, { 0 }, 0, 63, 0, 0 }, { 1, { 1 }, 0, 63, 0, 0 }, { 1, { 2 }, 0, 63, 0, 0 } };
    struct jpeg_compress_struct c = {0};
    struct jpeg_error_mgr errors;
    struct file f = {0};
    uint8_t *row = xrealloc(NULL, (size_t)how->width * 4);

    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &f.bytes, &f.len);
    c.image_width = (JDIMENSION)how->width;
    c.image_height = (JDIMENSION)how->height;
    c.input_components = how->channels;
    c.in_color_space = spaces[how->channels];
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, how->quality, TRUE);
    c.comp_info[0].h_samp_factor = how->across;
    c.comp_info[0].v_samp_factor = how->down;
    c.restart_interval = (unsigned)how->restart;
    c.optimize_coding = how->optimal;
    if (how->progressive)
        jpeg_simple_progression(&c);
    if (how->apart) {
        c.scan_info = scans;
        c.num_scans = 3;
    }
    jpeg_start_compress(&c, TRUE);
    for (int y = 0; y < how->height; y++) {
        for (int x = 0; x < how->width * how->channels; x++)
            row[x] = sample(how, x / how->channels, y, x % how->channels);
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    free(row);
    return f;
}

static const struct how usual = { 70, 45, 3, 90, 2, 2, 0, false, false, false };

/* --- what is compared --- */

static void check_same(const uint8_t *data, size_t len, unsigned denominator)
{
    struct reference ours, library;

    assert_true(reference_decode(&library, data, len, denominator, NULL));
    assert_true(reference_decode(&ours, data, len, denominator, jpeg_codes_attach));
    assert_true(ours.attached);
    assert_int_equal(ours.n, library.n);
    assert_memory_equal(ours.pixels, library.pixels, library.n);
    free(ours.pixels);
    free(library.pixels);
}

/* Damaged data are refused, or the library accepts them too, and they give the same pixels. Returns whether they were refused. */
static bool refuses_or_agrees(const uint8_t *data, size_t len)
{
    struct reference ours, library;

    if (!reference_decode(&ours, data, len, 1, jpeg_codes_attach))
        return true;
    assert_true(reference_decode(&library, data, len, 1, NULL));
    assert_memory_equal(ours.pixels, library.pixels, library.n);
    free(ours.pixels);
    free(library.pixels);
    return false;
}

static size_t find_marker(const struct file *f, uint8_t marker)
{
    for (size_t i = 0; i + 1 < f->len; i++)
        if (f->bytes[i] == 0xFF && f->bytes[i + 1] == marker)
            return i;
    fail_msg("no marker %02X", marker);
    return 0;
}

/* --- tests --- */

static void pixels_are_those_of_the_library(void **state)
{
    static const struct how hows[] = {
        { 1, 1, 3, 75, 2, 2, 0, false, false, false }, { 8, 8, 1, 75, 1, 1, 0, false, false, false },
        { 17, 23, 3, 100, 1, 1, 0, false, false, false }, { 100, 75, 3, 1, 2, 1, 0, false, false, false },
        { 64, 99, 3, 95, 1, 2, 0, true, false, false }, { 130, 31, 3, 50, 4, 1, 0, false, false, false },
        { 33, 40, 4, 85, 2, 2, 0, false, false, false }, { 250, 200, 1, 100, 1, 1, 0, true, false, false },
        { 300, 220, 3, 30, 2, 2, 0, true, false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
        CLEANUP(file_done) struct file f = make(&hows[i]);

        for (unsigned denominator = 1; denominator <= 8; denominator *= 2)
            check_same(f.bytes, f.len, denominator);
    }
}

static void restarts_are_passed(void **state)
{
    (void)state;
    for (int units = 1; units < 20; units += 3) {
        struct how how = usual;

        how.restart = units;
        CLEANUP(file_done) struct file f = make(&how);
        check_same(f.bytes, f.len, 1);
    }
}

static void files_of_several_scans_stay_with_the_library(void **state)
{
    struct how progressive = usual, apart = usual;

    (void)state;
    progressive.progressive = true;
    apart.apart = true;
    for (int i = 0; i < 2; i++) {
        CLEANUP(file_done) struct file f = make(i ? &progressive : &apart);
        struct reference r;

        assert_true(reference_decode(&r, f.bytes, f.len, 1, jpeg_codes_attach));
        assert_false(r.attached);
        free(r.pixels);
    }
}

static void whatever_bit_is_wrong_it_is_noticed_or_the_library_reads_the_same(void **state)
{
    struct how how = usual;

    (void)state;
    how.restart = 4;
    CLEANUP(file_done) struct file f = make(&how);
    for (size_t i = find_marker(&f, 0xDA); i < f.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            f.bytes[i] ^= (uint8_t)(1 << bit);
            refuses_or_agrees(f.bytes, f.len);
            f.bytes[i] ^= (uint8_t)(1 << bit);
        }
}

static void a_file_that_is_cut_is_refused(void **state)
{
    CLEANUP(file_done) struct file f = make(&usual);

    (void)state;
    for (size_t len = find_marker(&f, 0xDA) + 14; len < f.len - 2; len++) {
        uint8_t *part = xrealloc(NULL, len + 2);        /* so that the sanitizer sees a byte too far */

        memcpy(part, f.bytes, len);
        memcpy(part + len, "\xFF\xD9", 2);
        assert_true(refuses_or_agrees(part, len + 2));
        free(part);
    }
}

static void bytes_behind_the_last_code_are_left_to_the_library(void **state)
{
    CLEANUP(file_done) struct file f = make(&usual);
    uint8_t *longer = xrealloc(NULL, f.len + 2);

    (void)state;
    memcpy(longer, f.bytes, f.len - 2);
    memcpy(longer + f.len - 2, "\x55\x55\xFF\xD9", 4);
    assert_true(refuses_or_agrees(longer, f.len + 2));
    free(longer);
}

static void a_restart_out_of_turn_is_refused(void **state)
{
    struct how how = usual;

    (void)state;
    how.restart = 4;
    CLEANUP(file_done) struct file f = make(&how);
    f.bytes[find_marker(&f, 0xD1) + 1] = 0xD2;
    assert_true(refuses_or_agrees(f.bytes, f.len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_those_of_the_library),
        cmocka_unit_test(restarts_are_passed),
        cmocka_unit_test(files_of_several_scans_stay_with_the_library),
        cmocka_unit_test(whatever_bit_is_wrong_it_is_noticed_or_the_library_reads_the_same),
        cmocka_unit_test(a_file_that_is_cut_is_refused),
        cmocka_unit_test(bytes_behind_the_last_code_are_left_to_the_library),
        cmocka_unit_test(a_restart_out_of_turn_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
