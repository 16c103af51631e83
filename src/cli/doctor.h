// SPDX-License-Identifier: Apache-2.0
#pragma once
/* `trainyard doctor`: looks at this machine and at the server, and says what to do about what is wrong. */

#include "cli/common.h"

command_fn doctor_command;
