// SPDX-License-Identifier: Apache-2.0
#pragma once
/* `trainyard completion bash|zsh|fish`: a script for the shell, written from the table of commands. */

#include "cli/common.h"

command_fn completion_command;
