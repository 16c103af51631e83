// SPDX-License-Identifier: Apache-2.0
#include "frameworks/framework.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

/* What GET /frameworks tells: an engine that managed models can use. */
struct framework_detail {
    const char *name, *home, *backend, *accelerator;
    const char *n_ps;           /* a text in this reply */
    const char *network;
};

static const struct field framework_detail_fields[] = {
    { "name", TEXT(struct framework_detail, name), .doc = "PyTorch, TensorFlow" },
    { "home", TEXT(struct framework_detail, home), .doc = "where its interpreter is installed" },
    { "backend", TEXT(struct framework_detail, backend), .doc = "PyTorch, TensorFlow, Caffe" },
    { "accelerator", TEXT(struct framework_detail, accelerator), ALLOWED("Native", "Elastic"),
      .doc = "how its trainings are distributed" },
    { "psNum", TEXT(struct framework_detail, n_ps), .doc = "parameter servers" },
    { "commIPNetwork", TEXT(struct framework_detail, network),
      .doc = "network its processes talk over; absent: any" },
    { .type = FIELD_END },
};

static int list_frameworks(struct call *c, struct err *err)
{
    CLEANUP(text_done) struct text json = {0};
    const struct framework *items;
    struct list all;

    if (frameworks_all(c->room, c->mem, &all, err) < 0)
        return -1;
    items = all.items;
    text_add(&json, "[");
    for (size_t i = 0; i < all.n; i++) {
        if (i > 0)
            text_add(&json, ",");
        fields_to_text(framework_fields, &items[i], &json);
    }
    text_add(&json, "]");
    return reply_json(c, 200, &json);
}

/* Engines that are there: those of a definition whose package was found. */
static int find_engines(struct call *c, struct list *ret, struct err *err)
{
    struct framework_detail *details;
    const struct framework *items;
    struct list all;

    if (frameworks_all(c->room, c->mem, &all, err) < 0)
        return -1;
    items = all.items;
    details = mem_alloc(c->mem, all.n * sizeof *details + 1);
    *ret = (struct list){ .items = details };
    for (size_t i = 0; i < all.n; i++) {
        const struct framework *f = &items[i];

        if (f->engine && f->installed && f->version)
            details[ret->n++] = (struct framework_detail){
                .name = f->engine,
                .home = f->home,
                .backend = f->backend,
                .accelerator = "Native",
                .n_ps = "0",
            };
    }
    return 0;
}

/* The backend asked for in the API's spelling; NULL for all. */
static int read_backend(const struct call *c, const char **ret, struct err *err)
{
    static const char *const backends[] = { "Caffe", "TensorFlow", "PyTorch" };
    const char *asked = call_query(c, "backend");

    *ret = NULL;
    if (!asked || !*asked)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(backends); i++)
        if (text_same(backends[i], asked))
            *ret = backends[i];
    if (!*ret)
        return err_field(err, "backend", "Caffe, TensorFlow or PyTorch",
                         "no backend is called \"%.60s\"", asked);
    return 0;
}

static int list_engines(struct call *c, struct err *err)
{
    CLEANUP(text_done) struct text json = {0};
    const struct framework_detail *details;
    const char *backend;
    struct list engines;

    if (read_backend(c, &backend, err) < 0 || find_engines(c, &engines, err) < 0)
        return -1;
    details = engines.items;
    text_add(&json, "[");
    for (size_t i = 0; i < engines.n; i++) {
        if (backend && !text_same(details[i].backend, backend))
            continue;
        if (json.len > 1)
            text_add(&json, ",");
        fields_to_text(framework_detail_fields, &details[i], &json);
    }
    text_add(&json, "]");
    return reply_json(c, 200, &json);
}

static int list_engine_names(struct call *c, struct err *err)
{
    CLEANUP(text_done) struct text json = {0};
    const struct framework_detail *details;
    struct list engines;

    if (find_engines(c, &engines, err) < 0)
        return -1;
    details = engines.items;
    text_add(&json, "[");
    for (size_t i = 0; i < engines.n; i++) {
        if (i > 0)
            text_add(&json, ",");
        text_add_json(&json, details[i].name);
    }
    text_add(&json, "]");
    return reply_json(c, 200, &json);
}

const struct route frameworks_routes[] = {
    { GET, "/execs/frameworks", USER, list_frameworks, "execsFrameworksGet", "Execs",
      "Frameworks that tasks can be submitted to",
      .reply = { 200, "[DLFramework]", framework_fields }, .failures = FAILURES(401, 500) },
    { GET, "/frameworks", USER, list_engines, "getDeepLearningFrameworks", "Frameworks",
      "Engines that managed models can use",
      .query = PARAMS({ "backend", "string", .doc = "only this one: Caffe, TensorFlow, PyTorch" }),
      .reply = { 200, "[FrameworkDetail]", framework_detail_fields },
      .failures = FAILURES(400, 401, 403, 404, 500) },
    { GET, "/frameworks/all", USER, list_engine_names, "getAllDeepLearningFrameworks", "Frameworks",
      "Names of the engines that managed models can use",
      .reply = { 200, "[string]", NULL }, .failures = FAILURES(400, 401, 403, 404, 500) },
    { .path = NULL },
};
