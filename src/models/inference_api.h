// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Inference models and predictions. */

#include "http/call.h"

extern const struct route inferences_routes[];     /* base BASE_DL */
