// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Datasets on the command line: dataset add, ls, show, head, stop, rm. */

#include "cli/common.h"

command_fn dataset_add_command;     /* dataset_add.c */
command_fn dataset_ls_command, dataset_show_command, dataset_head_command, dataset_stop_command, dataset_rm_command;

/* GET /datasets/NAME<suffix>; the caller owns the value. */
json_t *dataset_get(struct client *client, const char *name, const char *suffix, struct err *err);
