// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Models made from templates. */

#include "http/call.h"

extern const struct route models_routes[];     /* base BASE_DL */
