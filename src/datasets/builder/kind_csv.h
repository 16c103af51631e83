// SPDX-License-Identifier: Apache-2.0
#pragma once
/* CSV: tables, read as base/csv.h says, become train.csv, val.csv and test.csv, each with its index. The rows keep their
 * text and their order; lines end with LF, blank ones are gone, so is a byte order mark. A row of another number of cells
 * than the first one is broken. With percentages the training table is split, its header in each part; `stratified` splits
 * each class by itself, the class being the column named label, class, target or y, else the last. With a plug-in each
 * table is first made into another one: <plug-in> <in.csv> <out.csv>. */

#include "datasets/builder/kind.h"

extern const struct kind csv_kind;
