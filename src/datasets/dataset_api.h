// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Datasets: import, build and look at data. */

#include "http/call.h"

extern const struct route datasets_routes[];     /* base BASE_DL */
