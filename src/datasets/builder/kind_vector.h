// SPDX-License-Identifier: Apache-2.0
#pragma once
/* IMGTOVECTOR: images with a vector of numbers each (vector_list.h) become train/, val/ and test/ with the images, called by
 * their number in the part, and train.txt, val.txt and test.txt with lines `<image> <v1> <v2> ...`, the image relative to
 * the dataset, the numbers as they were written. Without a height and a width, and in colour, images are copied byte by
 * byte; else they are transformed (transform.h) and encoded, JPEG and WebP as JPEG, all others as PNG. */

#include "datasets/builder/kind.h"

extern const struct kind vector_kind;
