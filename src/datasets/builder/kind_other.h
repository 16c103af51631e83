// SPDX-License-Identifier: Apache-2.0
#pragma once
/* OTHER and RAWDATA: folders, or single files, that are used as they are: where they lie, or copied into train/, val/
 * and test/ (a single file keeps its name there). A record is a file. */

#include "datasets/builder/kind.h"

extern const struct kind other_kind, rawdata_kind;
