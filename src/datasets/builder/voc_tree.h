// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Which images of which Pascal VOC trees make up the parts of a dataset. */

#include <stddef.h>
#include <stdint.h>

#include "datasets/builder/orders.h"

struct build;
struct err;

#define VOC_LISTS "ImageSets/Main"
#define VOC_IMAGES "JPEGImages"
#define VOC_ANNOTATIONS "Annotations"

struct voc_tree {
    const char *images, *annotations;           /* folders, links resolved */
};

struct voc_item {
    const char *stem;               /* may be one part of a path */
    int tree;
};

struct voc_part {
    struct voc_item *items;         /* [n] in the order of the list; from malloc() */
    size_t n, cap;
};

struct voc_sources {
    struct voc_tree trees[N_SPLITS];            /* those that are different */
    int n_trees;
    struct voc_part parts[N_SPLITS];
};

/* Finds the trees and lists that the orders name and deals out by their percentages. Stems in a part twice are taken once
 * and counted in the report. The caller ends with voc_sources_done(), also after a failure. */
int voc_sources_find(struct build *b, struct voc_sources *ret, struct err *err);
void voc_sources_done(struct voc_sources *s);
