// SPDX-License-Identifier: Apache-2.0
#pragma once
/* LMDB and TFRECORDS: records that exist already, used where they lie or copied into train_db/, val_db/ and test_db/. All
 * are read once: a dataset that was imported is known to be whole. */

#include "datasets/builder/kind.h"

extern const struct kind lmdb_kind, tfrecords_kind;
