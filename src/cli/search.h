// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Searches on the command line: search start, ls, show, watch, curve, export, stop, restart, rm. */

#include "cli/common.h"

command_fn search_start_command, search_ls_command, search_show_command, search_watch_command,
           search_curve_command, search_export_command, search_stop_command, search_restart_command, search_rm_command;

/* Draws a search until it ends; EXIT_DONE when it FINISHED, EXIT_BAD_END otherwise. */
int search_follow(struct cli *cli, const char *name);

/* Which hyperparameters matter, as bars; the exit code. */
int search_show_importance(struct cli *cli, const char *name);

/* The best experiments of a search as a table. */
void search_print_best(const json_t *search, int n_rows);
