// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The classes of a labels file as names with numbers. */

#include <stdbool.h>

struct build;
struct err;
struct names;

/* Adds the labels of the file that the orders name ("image.labelText", else "labels") in its order; *ret_given is whether
 * they name one. ERR_BAD_INPUT about that member when it cannot be read or has no labels. */
int label_names_read(const struct build *b, struct names *names, bool *ret_given, struct err *err);

/* Writes labels.txt and sets the labels of the report, which live as long as the build: in the order of their numbers when
 * they were `given`, else of their bytes. */
int label_names_write(struct build *b, const struct names *names, bool given, struct err *err);
