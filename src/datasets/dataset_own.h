// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Handlers of datasets_routes[] that have a file of their own, and the dataset a call is about. */

#include "http/call.h"

struct dataset;
struct err;

handler_fn dataset_create, dataset_upload;     /* dataset_create.c */

/* The dataset of {datasetname} with its record, in c->mem. ERR_NOT_FOUND, the same for one that the caller may not
 * see. */
int dataset_seen(struct call *c, struct dataset *ret, struct err *err);
