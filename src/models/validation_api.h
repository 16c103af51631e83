// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Validations of a training. */

#include "http/call.h"

extern const struct route validations_routes[];     /* base BASE_DL */
