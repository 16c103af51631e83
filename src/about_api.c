// SPDX-License-Identifier: Apache-2.0
#include "about_api.h"

#include "base/settings.h"
#include "base/text.h"
#include "http/openapi.h"

static int show_conf(struct call *c, struct err *err)
{
    const struct about *about = c->room;
    struct text json = {0};

    (void)err;
    settings_public(about->settings, &json);
    return reply_json(c, 200, &json);
}

static int show_openapi(struct call *c, struct err *err)
{
    const struct about *about = c->room;
    struct text json = {0};

    (void)err;
    openapi_write(about->tables, TRAINYARD_VERSION, &json);
    return reply_json(c, 200, &json);
}

static const struct field string_map_fields[] = { { .type = FIELD_END } };

const struct route about_routes[] = {
    { GET, "/conf",         USER,   show_conf,    "getDeepLearningConf", "Server", "Public settings of the server",
      .reply = { 200, "StringMap", string_map_fields }, .failures = FAILURES(401, 403, 500) },
    { GET, "/openapi.json", ANYONE, show_openapi, "getOpenApi",          "Server", "This API as an OpenAPI document",
      .reply = { 200, "object", NULL }, .failures = FAILURES(500) },
    { .path = NULL },
};
