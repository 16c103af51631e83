// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Trainings of a model. */

#include "http/call.h"

extern const struct route trainings_routes[];     /* base BASE_DL */
