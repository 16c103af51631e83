// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Model templates. */

#include "http/call.h"

extern const struct route templates_routes[];     /* base BASE_DL */
