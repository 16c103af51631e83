// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Programs of the user's that take part in a build. */

struct build;
struct err;

enum { SCRIPT_ARGS_MAX = 8 };

/* Runs the program that the orders name as plug-in with these arguments (NULL-ended, at most SCRIPT_ARGS_MAX) in `folder`,
 * and waits for its end. A file that may be executed and is not named *.py is started by itself, any other by the orders'
 * Python, which finds the modules of runtime/python. What it prints goes where ours goes. ERR_BAD_INPUT about "plugin" when
 * it lies outside of the roots, cannot be started, or ends with anything but 0. */
int script_run(struct build *b, const char *const *args, const char *folder, struct err *err);
