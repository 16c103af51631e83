// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Tunings: searches under a model. */

#include "http/call.h"

extern const struct route tunings_routes[];     /* base BASE_DL */
