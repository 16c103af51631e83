// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What there is to run on and with: frameworks, group. */

#include "cli/common.h"

command_fn frameworks_command, group_command;
