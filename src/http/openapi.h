// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The OpenAPI 3.0 document, written from the route tables and field tables alone. */

struct route_table;
struct text;

void openapi_write(const struct route_table *tables, const char *version, struct text *out);
