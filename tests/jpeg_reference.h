// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What libjpeg says of a file when nothing of ours is between: for tests that compare. Include <stdio.h> before. */

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <jerror.h>

struct reference_errors {
    struct jpeg_error_mgr manager;
    jmp_buf out;
};

__attribute__((noreturn)) static void reference_fails(j_common_ptr c)
{
    longjmp(((struct reference_errors *)(void *)c->err)->out, 1);
}

/* The same warnings are forgiven as in src/datasets/images/jpeg.c. */
static void reference_warns(j_common_ptr c, int level)
{
    if (level < 0 && c->err->msg_code != JWRN_EXTRANEOUS_DATA && c->err->msg_code != JWRN_ADOBE_XFORM &&
        c->err->msg_code != JWRN_JFIF_MAJOR && c->err->msg_code != JWRN_BOGUS_PROGRESSION)
        reference_fails(c);
}

static struct jpeg_error_mgr *reference_errors(struct reference_errors *e)
{
    jpeg_std_error(&e->manager);
    e->manager.error_exit = reference_fails;
    e->manager.emit_message = reference_warns;
    return &e->manager;
}

struct reference {
    struct jpeg_decompress_struct c;
    struct reference_errors errors;
    uint8_t *pixels;                    /* in the file's own number of channels, from malloc() */
    size_t n;
    bool attached;
};

/* Decodes at 1/denominator; `attach` (NULL: none) is called as jpeg_codes_attach() is to be. Returns whether it could. */
static bool reference_decode(struct reference *r, const uint8_t *data, size_t len, unsigned denominator,
                             bool (*attach)(struct jpeg_decompress_struct *))
{
    size_t stride;

    r->c.err = reference_errors(&r->errors);
    r->pixels = NULL;
    r->attached = false;
    if (setjmp(r->errors.out)) {
        jpeg_destroy_decompress(&r->c);
        free(r->pixels);
        r->pixels = NULL;
        return false;
    }
    jpeg_create_decompress(&r->c);
    jpeg_mem_src(&r->c, data, (unsigned long)len);
    jpeg_read_header(&r->c, TRUE);
    r->c.scale_denom = denominator;
    jpeg_start_decompress(&r->c);
    if (attach)
        r->attached = attach(&r->c);
    stride = (size_t)r->c.output_width * (size_t)r->c.output_components;
    r->n = stride * r->c.output_height;
    r->pixels = malloc(r->n);
    while (r->c.output_scanline < r->c.output_height) {
        JSAMPROW row = r->pixels + r->c.output_scanline * stride;

        jpeg_read_scanlines(&r->c, &row, 1);
    }
    jpeg_finish_decompress(&r->c);
    jpeg_destroy_decompress(&r->c);
    return true;
}
