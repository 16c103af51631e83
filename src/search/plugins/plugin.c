// SPDX-License-Identifier: Apache-2.0
#include "search/plugins/plugin.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/text.h"

#include <string.h>

const struct field plugin_fields[] = {
    { "seq",         INT(struct plugin, seq) },
    { "name",        TEXT(struct plugin, name) },
    { "creator",     TEXT(struct plugin, creator) },
    { "conda_home",  TEXT(struct plugin, conda_home) },
    { "conda_env",   TEXT(struct plugin, conda_env) },
    { "log_level",   TEXT(struct plugin, log_level) },
    { "remote_exec", BOOLEAN(struct plugin, remote_exec) },
    { "created_ms",  INT(struct plugin, created_ms) },
    { .type = FIELD_END },
};

const struct field new_plugin_fields[] = {
    { "name",       TEXT(struct new_plugin, name), .required = true, .min = 1, .max = PLUGIN_NAME_MAX, .doc = "unique" },
    { "path",       TEXT(struct new_plugin, path), .max = 4095, .doc = "folder on the server, instead of a file" },
    { "condaHome",  TEXT(struct new_plugin, conda_home), .max = 4095, .doc = "conda installation; default: the server's" },
    { "condaEnv",   TEXT(struct new_plugin, conda_env), .max = 255, .doc = "conda environment; default: the server's" },
    { "logLevel",   TEXT(struct new_plugin, log_level), .doc = "default INFO",
      ALLOWED("DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL") },
    { "remoteExec", BOOLEAN(struct new_plugin, remote_exec), .doc = "kept and shown; it runs beside the server all the same" },
    { .type = FIELD_END },
};

static const char *name_trouble(const char *name)
{
    if (algorithm_find(name))
        return "a built-in algorithm has this name";
    if (strcmp(name, "install") == 0)
        return "this word is part of the API's own paths";
    if (!path_name_ok(name) || name[0] == '.' || strpbrk(name, "?#%\\"))
        return "a name is valid UTF-8 without / \\ ? # % and control characters, and does not start with a dot";
    return NULL;
}

static const char *given(const char *text) { return text && *text ? text : NULL; }

int new_plugin_read(const char *text, size_t len, struct mem *mem, struct new_plugin *ret, struct err *err)
{
    json_t *json = reader_parse_object(text, len, err);
    struct new_plugin p;
    const char *trouble;
    int rc;

    if (!json)
        return -1;
    if (json_string_length(json_object_get(json, "logLevel")) == 0)
        json_object_del(json, "logLevel");      /* sent empty by forms */
    rc = fields_from_json(new_plugin_fields, json, &p, mem, err);
    json_decref(json);
    if (rc < 0)
        return -1;
    trouble = name_trouble(p.name);
    if (trouble)
        return err_field(err, "name", "a name of its own, of 1 to 128 bytes without / \\ ? # %",
                         "\"%.60s\" cannot be the name of an algorithm: %s", p.name, trouble);
    p.path = given(p.path);
    p.conda_home = given(p.conda_home);
    p.conda_env = given(p.conda_env);
    *ret = p;
    return 0;
}
