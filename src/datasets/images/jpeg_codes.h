// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The Huffman codes of a JPEG file, which are two thirds of what decoding it costs, read in less time than libjpeg-turbo 2.1
 * needs for them (docs/adr/0006-jpeg-codes.md has the numbers). The library does all else: headers, dequantization,
 * transforms, colours.
 *
 * Source: ITU-T T.81 (the JPEG standard), F.2.2 and B.1.1.5. What differs from the procedures there: the zeros after bytes of
 * 0xFF are taken out of all data first, so that bits come eight bytes at a time; and one look at ten bits gives a code
 * together with the value behind it, where both fit. */

#include <stdbool.h>

struct jpeg_decompress_struct;

/* Puts this reader into the place of the library's, between jpeg_start_decompress() and the first rows, of a file whose frame
 * is SOF0 or SOF1 and whose data are all in memory. Returns whether it did: files with several scans stay with the library.
 *
 * Damaged data, and what is merely unusual (bytes behind the last code, say), end in c->err->error_exit(). The file should
 * then be decoded once more without this, for the library's opinion. Memory is from the pool of the picture; c->client_data is
 * taken. */
bool jpeg_codes_attach(struct jpeg_decompress_struct *c);
