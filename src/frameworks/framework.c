// SPDX-License-Identifier: Apache-2.0
#include "frameworks/framework.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

const struct field framework_fields[] = {
    { "name", TEXT(struct framework, name), .doc = "what --exec-start names" },
    { "desc", LIST_OF(struct framework, desc, FIELD_TEXT), .doc = "lines of text for people" },
    { "frameworkVersion", TEXT(struct framework, version),
      .doc = "version found for the interpreter; absent when it is not installed" },
    { "description", TEXT(struct framework, description), .doc = "empty" },
    { "distributeStrategy", TEXT(struct framework, distribute_strategy),
      ALLOWED("MultiWorkerMirroredStrategy", "ParameterServerStrategy"),
      .doc = "how TensorFlow workers share the work" },
    { "numPs", INT(struct framework, n_ps), .min = 0, .max = 1000,
      .doc = "parameter servers where the strategy has them" },
    { "deployMode", TEXT(struct framework, deploy_mode), .doc = "cluster" },
    { "hasTask0", TEXT(struct framework, has_task0), .doc = "empty or false" },
    { "execMode", TEXT(struct framework, exec_mode), ALLOWED("single", "distributed"),
      .doc = "one process or one per worker" },
    { "appName", TEXT(struct framework, app_name), .doc = "application name of its tasks" },
    { "exports", JSON(struct framework, exports), .doc = "variables set for its tasks" },
    { "numWorkers", INT(struct framework, n_workers), .min = 1, .max = 100000,
      .doc = "workers when --numWorker is absent" },
    { "maxWorkers", INT(struct framework, max_workers), .min = 1, .max = 100000,
      .doc = "most workers of one task" },
    { "workerMemory", TEXT(struct framework, worker_memory), .doc = "memory of one worker, 4G" },
    { "frameworkCmdGenerator", TEXT(struct framework, generator),
      .doc = "program of a site plugin that prints the command to run" },
    { "backend", TEXT(struct framework, backend), .doc = "PyTorch, TensorFlow, ..." },
    { "prebuiltModelMain", TEXT(struct framework, prebuilt_main), .doc = "script of the prebuilt models" },
    { "prebuiltModelDir", TEXT(struct framework, prebuilt_dir), .doc = "folder of the prebuilt models" },
    { "installed", BOOLEAN(struct framework, installed), .doc = "whether tasks can use it" },
    { "missing", TEXT(struct framework, missing), .doc = "why it cannot be used" },
    { "aliases", LIST_OF(struct framework, aliases, FIELD_TEXT), .hidden = true },
    { "launch", TEXT(struct framework, launch), .hidden = true,
      ALLOWED("python", "torch", "tensorflow", "generator", "caffe") },
    { "package", TEXT(struct framework, package), .hidden = true },
    { "engine", TEXT(struct framework, engine), .hidden = true },
    { "home", TEXT(struct framework, home), .hidden = true },
    { "maxGPUPerWorker", INT(struct framework, max_devices), .min = 0, .max = 1024, .hidden = true },
    { "python", TEXT(struct framework, python), .hidden = true },
    { "warm", LIST_OF(struct framework, warm, FIELD_TEXT), .hidden = true },
    { "condaEnv", TEXT(struct framework, conda_env), .hidden = true },
    { "precreateModelDir", BOOLEAN(struct framework, precreate_model_dir), .hidden = true },
    { .type = FIELD_END },
};

/* Site definitions write `desc` as objects of one member, { " ": "a line" }; the API shows the
 * lines. */
static json_t *flat_lines(const json_t *desc)
{
    json_t *lines = json_array(), *item, *line;
    const char *key;
    size_t i;

    json_array_foreach(desc, i, item) {
        if (!json_is_object(item))
            json_array_append(lines, item);
        json_object_foreach(item, key, line) {
            json_array_append(lines, line);
        }
    }
    return lines;
}

static void release_json(void *json) { json_decref(json); }

static bool runs_tensorflow(const struct framework *f)
{
    return text_same(f->backend, "TensorFlow") || text_same(f->backend, "Keras");
}

static void fill_defaults(const json_t *json, struct framework *f)
{
    if (!f->description)
        f->description = "";
    if (!f->deploy_mode)
        f->deploy_mode = "cluster";
    if (!f->has_task0)
        f->has_task0 = "";
    if (!f->app_name)
        f->app_name = f->name;
    if (!f->launch)
        f->launch = f->generator ? "generator" : "python";
    if (!f->exec_mode)
        f->exec_mode = "single";
    if (!json_object_get(json, "installed"))
        f->installed = true;
    if (!json_object_get(json, "precreateModelDir"))
        f->precreate_model_dir = !runs_tensorflow(f);
}

/* Exports are variables, so their values are text. */
static int check_exports(const json_t *exports, struct err *err)
{
    const char *key;
    json_t *value;

    if (exports && !json_is_object(exports))
        return err_field(err, "exports", "an object of texts", "\"exports\" must be an object");
    json_object_foreach((json_t *)exports, key, value) {
        if (!json_is_string(value) || !*key || strchr(key, '='))
            return err_field(err, "exports", "an object of texts",
                             "\"exports.%.40s\" must be a variable's name and a text", key);
    }
    return 0;
}

int framework_from_json(const json_t *json, const char *name, struct mem *mem,
                        struct framework *ret, struct err *err)
{
    json_t *copy = json_deep_copy(json);

    mem_on_free(mem, release_json, copy);
    if (json_is_array(json_object_get(copy, "desc")))
        json_object_set_new(copy, "desc", flat_lines(json_object_get(copy, "desc")));
    if (fields_from_json(framework_fields, copy, ret, mem, err) < 0 ||
        check_exports(ret->exports, err) < 0)
        return -1;
    ret->name = mem_strdup(mem, name);
    fill_defaults(copy, ret);
    return 0;
}

static struct list copy_texts(const struct list *in, struct mem *mem)
{
    const char **copy = mem_alloc(mem, in->n * sizeof *copy + 1 /* not NULL when empty */);

    for (size_t i = 0; i < in->n; i++)
        copy[i] = mem_strdup(mem, ((const char **)in->items)[i]);
    return (struct list){ .items = in->items ? copy : NULL, .n = in->n };
}

/* The table names every member, so it can copy them too. */
void framework_copy(const struct framework *in, struct mem *mem, struct framework *ret)
{
    *ret = *in;
    for (const struct field *f = framework_fields; f->type != FIELD_END; f++) {
        void *member = (char *)ret + f->offset;

        if (f->type == FIELD_TEXT)
            *(const char **)member = mem_strdup(mem, *(const char **)member);
        if (f->type == FIELD_LIST)
            *(struct list *)member = copy_texts(member, mem);
    }
    if (ret->exports) {
        ret->exports = json_deep_copy(ret->exports);
        mem_on_free(mem, release_json, ret->exports);
    }
}

bool framework_is_called(const struct framework *f, const char *name, bool by_alias)
{
    const char **aliases = f->aliases.items;

    for (size_t i = 0; by_alias && i < f->aliases.n; i++)
        if (text_same(aliases[i], name))
            return true;
    return !by_alias && text_same(f->name, name);
}
