// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/kind.h"

#include "base/text.h"
#include "datasets/builder/kind_csv.h"
#include "datasets/builder/kind_detection.h"
#include "datasets/builder/kind_images.h"
#include "datasets/builder/kind_nlp.h"
#include "datasets/builder/kind_other.h"
#include "datasets/builder/kind_plugin.h"
#include "datasets/builder/kind_records.h"
#include "datasets/builder/kind_vector.h"

const struct kind *const kinds[] = {
    &csv_kind,
    &detection_kind,
    &images_kind,
    &lmdb_kind,
    &nlp_kind,
    &other_kind,
    &plugin_kind,
    &rawdata_kind,
    &tfrecords_kind,
    &vector_kind,
    NULL,
};

const struct kind *kind_find(const char *name)
{
    for (int i = 0; kinds[i]; i++)
        if (text_same(kinds[i]->name, name))
            return kinds[i];
    return NULL;
}

const char *kind_backend(const struct kind *k, const char *backend)
{
    for (int i = 0; k->backends[i]; i++)
        if (text_same(k->backends[i], backend))
            return k->backends[i];
    return NULL;
}
