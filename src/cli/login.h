// SPDX-License-Identifier: Apache-2.0
#pragma once
/* `trainyard login` and `logout`: a token in ~/.config/trainyard/login.json, mode 0600. */

#include "cli/common.h"

command_fn login_command, logout_command;
