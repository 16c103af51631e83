// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/label_names.h"

#include "base/err.h"
#include "base/mem.h"
#include "datasets/builder/build.h"
#include "datasets/builder/lines.h"
#include "datasets/formats/names.h"

#include <string.h>

int label_names_read(const struct build *b, struct names *names, bool *ret_given, struct err *err)
{
    const struct image_orders *image = &b->orders->image;
    const char *field = image->label_text ? "image.labelText" : "labels";
    const char *path = image->label_text ? image->label_text : b->orders->labels;
    struct labels labels = {0};

    *ret_given = path;
    if (!path)
        return 0;
    if (labels_read(b, field, path, &labels, err) < 0)
        return -1;
    if (labels.n == 0)
        return err_field(err, field, "a label on each line", "%s names no labels", path);
    for (size_t i = 0; i < labels.n; i++)
        names_add(names, labels.names[i], strlen(labels.names[i]));
    return 0;
}

int label_names_write(struct build *b, const struct names *names, bool given, struct err *err)
{
    CLEANUP(names_freep) struct names *sorted = names_new();
    struct labels labels = {0};

    for (size_t i = 0; i < names_count(names); i++)
        names_add(sorted, names_text(names, i), strlen(names_text(names, i)));
    if (!given)
        names_sort(sorted);
    for (size_t i = 0; i < names_count(sorted); i++)
        if (labels_add(b, &labels, names_text(sorted, i), strlen(names_text(sorted, i)), err) < 0)
            return -1;
    b->report.labels = labels.names;
    b->report.n_labels = labels.n;
    return labels_write(b, &labels, err);
}
