// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Search algorithms on the command line: algorithm ls, show, install, rm. */

#include "cli/common.h"

command_fn algorithm_ls_command, algorithm_show_command, algorithm_install_command, algorithm_rm_command;
