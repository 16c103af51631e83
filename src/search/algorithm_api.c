// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/err.h"
#include "base/settings.h"
#include "base/text.h"
#include "search/algorithm.h"
#include "search/form.h"
#include "search/loop.h"
#include "tasks/tasks.h"

struct algorithm_record {
    const char *name, *path, *conda_home, *conda_env, *creator, *createtime, *type;
    bool remote_exec;
    const char *log_level;
};

static const struct field algorithm_record_fields[] = {
    { "name",       TEXT(struct algorithm_record, name),        .doc = "as algoDef.algorithm takes it, in any case" },
    { "path",       TEXT(struct algorithm_record, path),        .doc = "where a plugin is installed" },
    { "condaHome",  TEXT(struct algorithm_record, conda_home),  .doc = "of a plugin" },
    { "condaEnv",   TEXT(struct algorithm_record, conda_env),   .doc = "of a plugin" },
    { "creator",    TEXT(struct algorithm_record, creator),     .doc = "who installed a plugin" },
    { "createtime", TEXT(struct algorithm_record, createtime),  .doc = "when a plugin was installed; local time" },
    { "type",       TEXT(struct algorithm_record, type),        .doc = "BUILD_IN or USER_PLUGIN" },
    { "remoteExec", BOOLEAN(struct algorithm_record, remote_exec), .doc = "false" },
    { "logLevel",   TEXT(struct algorithm_record, log_level),   .doc = "of a plugin" },
    { .type = FIELD_END },
};

static void add_record(const struct algorithm *a, struct text *out)
{
    const struct algorithm_record record = { .name = a->name, .type = "BUILD_IN" };

    fields_to_text(algorithm_record_fields, &record, out);
}

static int list_algorithms(struct call *c, struct err *err)
{
    CLEANUP(text_done) struct text out = {0};
    const char *type = call_query(c, "type");

    if (type && *type && !text_same(type, "BUILD_IN") && !text_same(type, "USER_PLUGIN"))
        return err_field(err, "type", "BUILD_IN or USER_PLUGIN",
                         "algorithms are BUILD_IN or USER_PLUGIN, not \"%.40s\"", type);
    text_add_char(&out, '[');
    for (int i = 0; algorithms[i] && !text_same(type, "USER_PLUGIN"); i++) {
        text_add(&out, i ? "," : "");
        add_record(algorithms[i], &out);
    }
    text_add_char(&out, ']');
    return reply_json(c, 200, &out);
}

static int show_algorithm(struct call *c, struct err *err)
{
    CLEANUP(text_done) struct text out = {0};
    const struct searches *s = c->room;
    const char *name = call_param(c, "algoName");
    const struct algorithm *a = algorithm_find(name);

    if (a)
        add_record(a, &out);
    else if (text_same(s->tasks->config.settings->unknown_algorithm, "empty"))
        text_add(&out, "{}");
    else
        return err_set(err, ERR_BAD_INPUT, "there is no algorithm \"%.60s\"", name);
    return reply_json(c, 200, &out);
}

static int install_algorithm(struct call *c, struct err *err)
{
    (void)c;
    return err_set(
        err, ERR_NOT_BUILT,
        "this version runs its built-in algorithms only; algorithms cannot be installed");
}

static int delete_algorithm(struct call *c, struct err *err)
{
    const char *name = call_param(c, "algoName");

    if (algorithm_find(name))
        return err_set(err, ERR_BAD_INPUT, "the algorithm %s is built in and cannot be deleted",
                       algorithm_find(name)->name);
    return err_set(err, ERR_NOT_FOUND, "there is no algorithm \"%.60s\"", name);
}

#define TAG .tag = "HyperSearch"
#define INSTALL(path_, operation_) \
    { POST, path_, USER, install_algorithm, operation_, TAG, .summary = "Install an algorithm", .form = true, \
      .parts = PARAMS({ "file", "file", false, "tar of the plugin's folder" }, \
                      { "data", "string", true, "name, path, condaHome, condaEnv, remoteExec, logLevel" }), \
      .reply = { 200, "CreationResponse", creation_fields }, .failures = FAILURES(400, 401, 403, 500, 501) }

const struct route algorithms_routes[] = {
    { GET, "/hypersearch/algorithm", USER, list_algorithms, "getAllHPOAlgorithm", TAG, .summary = "The algorithms",
      .query = PARAMS({ "type", "string", false, "BUILD_IN or USER_PLUGIN" }),
      .reply = { 200, "[HpoAlgorithmDesc]", algorithm_record_fields }, .failures = FAILURES(400, 401, 403, 500) },
    INSTALL("/hypersearch/algorithm/install", "installHPOAlgorithm"),
    INSTALL("/hypersearch/algorithm", "installHPOAlgorithmHere"),       /* what the older API page says */
    { GET, "/hypersearch/algorithm/{algoName}", USER, show_algorithm, "getOneAlgorithm", TAG, .summary = "One algorithm",
      .reply = { 200, "HpoAlgorithmDesc", algorithm_record_fields }, .failures = FAILURES(400, 401, 403, 500) },
    { DELETE, "/hypersearch/algorithm/{algoName}", USER, delete_algorithm, "deleteOneHPOALGORITHM", TAG,
      .summary = "Remove an installed algorithm", .reply = { 204 }, .failures = FAILURES(400, 401, 403, 404, 500) },
    { .path = NULL },
};
