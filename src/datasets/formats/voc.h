// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Annotations of Pascal VOC: which objects an image shows, and where. Any thread. */

#include <stddef.h>

struct err;
struct mem;

enum { VOC_FILE_MAX = 16 << 20, VOC_NAME_MAX = 255 };      /* bytes */

/* Pixels from the left and the top edge, as the file has them (Pascal VOC counts from 1; fractions occur). */
struct voc_box {
    const char *label;              /* 1 to VOC_NAME_MAX bytes of UTF-8, no control characters */
    double xmin, ymin, xmax, ymax;  /* xmin < xmax, ymin < ymax */
};

struct voc {
    int width, height;              /* of the image; 0: the file does not say */
    struct voc_box *boxes;          /* [n] in the order of the file */
    size_t n;
};

/* Reads the document: annotation/size/width and height, annotation/object/name, annotation/object/bndbox/xmin, ymin, xmax
 * and ymax; the rest is passed over, parts of objects too. What is filled in lies in `mem`. ERR_BAD_INPUT with a phrase
 * that follows the name of the file: not XML, a document type (so that there are no entities), another root element, an
 * object without a name or a box, a box without area, numbers that are none. */
int voc_parse(const char *xml, size_t len, struct mem *mem, struct voc *ret, struct err *err);
