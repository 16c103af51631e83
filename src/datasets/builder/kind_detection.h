// SPDX-License-Identifier: Apache-2.0
#pragma once
/* IMAGEFOROBJECTDETECTION: trees of Pascal VOC (JPEGImages/<stem>.jpg, Annotations/<stem>.xml, lists of stems in
 * ImageSets/Main/) become one such tree: lists of what can be used, labels.txt beside them and at the top, objects.index,
 * and the two folders, copied or as links to the source's.
 *
 * The source of a part is such a tree, or a list <tree>/ImageSets/Main/<name>.txt. Of a tree the list named like the part is
 * used, else all images that have an annotation. A part without a source gets its percentage of the training images or, where
 * none is asked for and the training images come from the list of a tree, the list of its name there.
 *
 * objects.index has a line for each image, in the order of the lists, train, val, test:
 *
 *     <part> TAB <stem> TAB <image, relative to the dataset> TAB <width> TAB <height> TAB <n> TAB <label>,<xmin>,<ymin>,<xmax>,<ymax>;...
 *
 * with n boxes in whole pixels, cut at the edges of the image. */

#include "datasets/builder/kind.h"

extern const struct kind detection_kind;
