// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Inference services: kernels behind an address. */

#include "http/call.h"

extern const struct route services_routes[];     /* base BASE_DL */
