// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What the server says of itself: its public settings and the OpenAPI document. */

#include "http/call.h"

struct settings;

struct about {
    const struct settings *settings;
    const struct route_table *tables;   /* all of the server's */
};

extern const struct route about_routes[];   /* base BASE_DL, room = struct about */
