// SPDX-License-Identifier: Apache-2.0
#pragma once
/* PLUGIN: a program of the user's builds the dataset. It is started in the target folder with one argument, a JSON document
 * with what was ordered, writes train, val and test (folders or files) there, and may leave a document with what it wrote
 * (plugin_result.h); without one, every file is a record. docs/guide/datasets.md describes both documents. */

#include "datasets/builder/kind.h"

extern const struct kind plugin_kind;
