// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Tasks on the command line: run, ps, show, logs, stop, rm, result. */

#include "cli/common.h"

command_fn run_command, ps_command, show_command, logs_command, stop_command, rm_command, result_command;

/* Prints a task's output until it ends; EXIT_DONE when it FINISHED, EXIT_BAD_END otherwise. */
int exec_follow(struct cli *cli, const char *id, const char *log_type);
