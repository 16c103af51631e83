// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The handler of POST /hypersearch, and the form of its answer. */

#include "base/field.h"
#include "http/call.h"

extern const struct field creation_fields[]; /* CreationResponse */

int search_create(struct call *c, struct err *err);
