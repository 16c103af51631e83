// SPDX-License-Identifier: Apache-2.0
#pragma once
/* tf.train.Example of an image: int64 features height, width, depth and label, and
 *   raw       image_raw: height x width x depth bytes, row by row, colours in the order red, green, blue
 *   encoded   image/encoded: the bytes of an image file; image/format: "jpeg", "png", ...
 * Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct example {
    int64_t height, width, depth, label;
    const char *format;             /* encoded as this; NULL: raw. Not set by reading: see `encoded` */
    bool encoded;
    const uint8_t *data;            /* borrowed; NULL while packing: the caller writes the bytes itself */
    size_t n_data;
};

size_t example_size(const struct example *e);
size_t example_size_before(const struct example *e);    /* of what stands before the data, which come last */

/* Writes example_size() bytes; returns where the n_data bytes of the data belong, already there unless e->data is NULL. */
uint8_t *example_pack(const struct example *e, uint8_t *to);

/* Reads one, in any order of features; those with other names are passed over. image/height, image/width,
 * image/class/label and so on, as other writers call them, are understood too. What is missing is 0, or NULL. False for
 * damaged messages. */
bool example_read(const uint8_t *message, size_t len, struct example *ret);
