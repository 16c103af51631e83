// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The dataset room as a whole. A dataset is built by a task of its creator that runs trainyard-dataset; this room
 * writes its orders, hears of its moves through tasks_on_move(), and makes what it left the dataset. No image and no
 * database of a user is ever parsed by the server itself. */

#include "http/call.h"

struct datasets;
struct err;
struct tasks;

struct datasets *datasets_new(struct tasks *tasks, struct err *err);    /* before tasks_recover() */
void datasets_free(struct datasets *d);     /* after the loop and the workers have stopped; NULL is fine */

/* Goes on with what was built or deleted, and removes folders that no row names: after tasks_recover(), before
 * serving. */
int datasets_recover(struct datasets *d, struct err *err);

extern const struct route datasets_routes[];    /* base BASE_DL: /datasets... */
extern const struct route dataset_look_routes[];    /* base BASE_DL: what is in a dataset */
