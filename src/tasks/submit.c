// SPDX-License-Identifier: Apache-2.0
#include "tasks/submit.h"

#include "accounts/user.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/settings.h"
#include "base/text.h"
#include "cluster/cluster.h"
#include "frameworks/interpreter.h"
#include "frameworks/plan.h"
#include "store/db.h"
#include "tasks/dataset_input.h"
#include "tasks/exec_owner.h"
#include "tasks/exec_paths.h"
#include "tasks/exec_store.h"
#include "tasks/tasks.h"

#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { PRIORITY_DEFAULT = 5000, APP_NAME_MAX = 256 /* bytes */ };

/* --- the `data` part --- */

struct hardware_mem { const char *size; };
struct hardware_gpu { int64_t n_gpus; };
struct hardware_cpu { double units; };

struct hardware {               /* hardwareSpec.nodes */
    int64_t n_nodes;
    struct hardware_mem mem;
    struct hardware_gpu gpu;
    struct hardware_cpu cpu;
};

static const struct field hardware_mem_fields[] = {
    { "size", TEXT(struct hardware_mem, size) },
    { .type = FIELD_END },
};
static const struct field hardware_gpu_fields[] = {
    { "num_gpu", INT(struct hardware_gpu, n_gpus), .min = 0, .max = 1024 },
    { .type = FIELD_END },
};
static const struct field hardware_cpu_fields[] = {
    { "units", REAL(struct hardware_cpu, units), .min = 0, .max = 65536 },
    { .type = FIELD_END },
};
static const struct field hardware_fields[] = {
    { "num_nodes", INT(struct hardware, n_nodes), .min = 1, .max = 65536 },
    { "mem", OBJECT(struct hardware, mem, hardware_mem_fields) },
    { "gpu", OBJECT(struct hardware, gpu, hardware_gpu_fields) },
    { "cpu", OBJECT(struct hardware, cpu, hardware_cpu_fields) },
    { .type = FIELD_END },
};

/* Only where the args do not say the same thing. */
static int apply_hardware(const json_t *spec, struct args *a, struct mem *mem, struct err *err)
{
    const json_t *nodes = json_object_get(spec, "nodes");
    struct hardware h;

    if (!nodes || json_is_null(nodes))
        return 0;
    if (fields_from_json(hardware_fields, nodes, &h, mem, err) < 0)
        return err_wrap(err, "hardwareSpec.nodes");
    if (a->n_workers == INT_UNSET)
        a->n_workers = h.n_nodes;
    if (a->memory_mib == INT_UNSET && h.mem.size
        && args_memory_mib("hardwareSpec.nodes.mem.size", h.mem.size, &a->memory_mib, err) < 0)
        return -1;
    if (a->devices_per_worker == INT_UNSET && h.gpu.n_gpus != INT_UNSET && h.gpu.n_gpus > 0) {
        a->devices_per_worker = h.gpu.n_gpus;
        a->device_type = a->device_type ? a->device_type : "gpu";
    }
    if (!(a->cpu_limit > 0))
        a->cpu_limit = h.cpu.units;
    return 0;
}

/* The first path of {"type":"fs","location":{"paths":"a,b"}}; NULL: it names none. */
static const char *source_path(const json_t *source, struct mem *mem)
{
    const json_t *paths = json_object_get(json_object_get(source, "location"), "paths");
    const char *text;

    if (json_is_array(paths))
        paths = json_array_get(paths, 0);
    text = json_string_value(paths);
    if (!text || !*text)
        return NULL;
    return mem_strndup(mem, text, strcspn(text, ","));
}

/* A data source wins over --cs-datastore-meta; kinds that need a cluster are noted and passed over. */
static void apply_sources(const json_t *sources, struct args *a, struct mem *mem)
{
    const json_t *one = json_is_array(sources) ? json_array_get(sources, 0) : sources;
    const char *type = json_string_value(json_object_get(one, "type"));
    const char **ignored;

    if (!type)
        return;
    if (text_same(type, "fs")) {
        const char *path = source_path(one, mem);

        a->data_path = path ? path : a->data_path;
        return;
    }
    ignored = mem_alloc(mem, (a->ignored.n + 1) * sizeof *ignored);
    if (a->ignored.n > 0)
        memcpy(ignored, a->ignored.items, a->ignored.n * sizeof *ignored);
    ignored[a->ignored.n] = mem_printf(mem, "dataSource of type %.60s", type);
    a->ignored = (struct list){ ignored, a->ignored.n + 1 };
}

static int apply_data(struct submission *s, struct mem *mem, struct err *err)
{
    struct args *a = &s->parsed;

    if (a->data_source) {
        json_t *json = reader_parse(a->data_source, strlen(a->data_source), err);

        if (!json)
            return err_wrap(err, "--data-source");
        apply_sources(json, a, mem);
        json_decref(json);
    }
    apply_sources(json_object_get(s->data, "dataSource"), a, mem);
    return apply_hardware(json_object_get(s->data, "hardwareSpec"), a, mem, err);
}

/* --- checks --- */

static int check_user(struct submission *s, struct err *err)
{
    const char *as = s->parsed.submit_user;

    if (!as || strcmp(as, s->user) == 0)
        return 0;
    if (!s->admin)
        return err_field(err, "--submit-user", "", "only an administrator may use --submit-user");
    if (!user_name_ok(as))
        return err_field(err, "--submit-user", "1 to 64 of A-Z a-z 0-9 . _ -",
                         "\"%.80s\" is not a user name", as);
    s->user = as;
    return 0;
}

static int check_prebuilt(const struct submission *s, struct err *err)
{
    const struct args *a = &s->parsed;

    if (!a->prebuilt_name && !a->prebuilt_cmd)
        return 0;
    if (!a->prebuilt_name)
        return err_field(err, "--pbmodel-name", "", "--pbmodel-cmd needs --pbmodel-name");
    if (!a->prebuilt_cmd || strcmp(a->prebuilt_cmd, "train") != 0)
        return err_field(err, "--pbmodel-cmd", "train", "--pbmodel-name needs --pbmodel-cmd train");
    if (!s->framework.prebuilt_main || !s->framework.prebuilt_dir)
        return err_field(err, "--pbmodel-name", "", "framework %s has no prebuilt models",
                         s->framework.name);
    return 0;
}

static int check_files(const struct submission *s, struct err *err)
{
    const struct args *a = &s->parsed;

    for (int i = 0; i < s->n_files; i++) {
        const char *name = s->files[i].name;

        if (name && !path_name_ok(name))
            return err_field(err, "file", "a name of 1 to 255 bytes without / and control characters",
                             "file %d has a name that cannot be used", i + 1);
        for (int j = 0; name && j < i; j++)
            if (s->files[j].name && strcmp(s->files[j].name, name) == 0)
                return err_field(err, "file", "one file of each name",
                                 "two files are named \"%s\"", name);
    }
    if (s->n_files > 0 || a->user_cmd || a->prebuilt_name)
        return 0;
    return err_field(err, "file", "a script, or a tar, tar.gz or zip of a folder",
                     "no file was sent: a task needs its program in a part named file");
}

static int check_app_name(const struct args *a, struct err *err)
{
    const char *name = a->app_name;

    if (!name)
        return 0;
    if (!*name || strlen(name) > APP_NAME_MAX)
        return err_field(err, "--appName", "1 to 256 bytes", "--appName has %zu bytes", strlen(name));
    for (; *name; name++)
        if ((unsigned char)*name < ' ')
            return err_field(err, "--appName", "text without control characters",
                             "--appName has a control character");
    return 0;
}

/* Memory that was asked for counts; without a word a task counts with no more than its slots' part of
 * the group, so that a framework's generous default does not leave slots idle on a small machine. */
static int64_t memory_per_worker(const struct submission *s, const struct group *g, int64_t cpus)
{
    struct err ignored = {0};
    int64_t mib = s->parsed.memory_mib, part;

    if (mib != INT_UNSET)
        return mib;
    if (!s->framework.worker_memory
        || args_memory_mib("workerMemory", s->framework.worker_memory, &mib, &ignored) < 0)
        mib = 0;
    part = g->total.cpus > 0 ? g->total.memory_mib * cpus / g->total.cpus : 0;
    return mib < part ? mib : part;
}

static int count_resources(const struct submission *s, const struct group *g, struct exec *e,
                           struct exec_plan *plan, struct err *err)
{
    const struct args *a = &s->parsed;
    int64_t devices = a->devices_per_worker == INT_UNSET ? 1 : a->devices_per_worker, cpus;
    bool gpu;

    plan->device_type = a->device_type ? a->device_type : g->total.gpus > 0 ? "gpu" : "cpu";
    gpu = strcmp(plan->device_type, "gpu") == 0;
    if (devices < (gpu ? 0 : 1) || devices > 65536)
        return err_field(err, "--workerDeviceNum", "a whole number from 1",
                         "--workerDeviceNum asks for %" PRId64 " devices per worker", devices);
    plan->devices_per_worker = devices;
    cpus = gpu ? 1 : devices;
    e->cpus = e->n_workers * cpus;
    e->gpus = gpu ? e->n_workers * devices : 0;
    e->memory_mib = e->n_workers * memory_per_worker(s, g, cpus);
    return group_could_fit(g, &(struct need){ e->cpus, e->gpus, e->memory_mib }, err);
}

/* --- the record --- */

static void random_bytes(void *buf, size_t len)
{
    if (getrandom(buf, len, 0) != (ssize_t)len)
        abort();        /* cannot happen for so few bytes once the machine is up */
}

static char *make_uuid(struct mem *mem)
{
    uint16_t r[8];

    random_bytes(r, sizeof r);
    return mem_printf(mem, "%04x%04x-%04x-4%03x-%04x-%04x%04x%04x", r[0], r[1], r[2], r[3] & 0xFFFu,
                      (r[4] & 0x3FFFu) | 0x8000u, r[5], r[6], r[7]);
}

static char *make_submission_id(int64_t now_ms, struct mem *mem)
{
    time_t now = (time_t)(now_ms / 1000);
    uint16_t number;
    struct tm tm;
    char stamp[32];

    random_bytes(&number, sizeof number);
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%d%H%M%S", &tm);
    return mem_printf(mem, "driver-%s-%04u-%s", stamp, number % 10000u, make_uuid(mem));
}

static char *make_id(const char *user, struct mem *mem)
{
    uint32_t number;

    random_bytes(&number, sizeof number);
    return mem_printf(mem, "%s-%" PRId64 "-%u", user, clock_mono_ns(), number >> 1);
}

/* "https://host:9243" from "0.0.0.0:9243". */
static char *server_url(const struct settings *s, struct mem *mem)
{
    bool tls = s->https_listen && *s->https_listen;
    const char *listen = tls ? s->https_listen : s->http_listen;
    const char *port = strrchr(listen, ':');
    char host[256] = "localhost";

    gethostname(host, sizeof host - 1);
    return mem_printf(mem, "%s://%s%s", tls ? "https" : "http", host, port ? port : "");
}

static char *plan_json(const struct exec_plan *plan, struct mem *mem)
{
    CLEANUP(text_done) struct text t = {0};

    fields_to_text(exec_plan_fields, plan, &t);
    return mem_strdup(mem, t.data);
}

static struct exec_plan make_plan(const struct submission *s)
{
    const struct args *a = &s->parsed;

    return (struct exec_plan){
        .user_cmd = a->user_cmd, .program = a->program, .env = a->env, .ignored = a->ignored,
        .data_path = a->data_path, .datastore_meta = a->datastore_meta, .conda_home = a->conda_home,
        .conda_env = a->conda_env, .python_version = a->python_version,
        .debug_level = a->debug_level, .prebuilt_name = a->prebuilt_name,
        .n_ps = plan_parameter_servers(&s->framework, a->n_ps), .memory_limit_mib = a->memory_limit_mib,
        .cold = a->cold,
    };
}

static void fill_record(struct tasks *t, struct submission *s, const struct group *g, struct mem *mem)
{
    const struct settings *settings = t->config.settings;
    const struct args *a = &s->parsed;
    struct exec *e = &s->exec;

    e->created_ms = clock_unix_ms();
    e->id = e->app_id = make_id(s->user, mem);
    e->submission_id = make_submission_id(e->created_ms, mem);
    e->args = a->echo;
    e->creator = s->user;
    e->state = exec_state_name(EXEC_SUBMITTED);
    e->scheduler_url = e->master_url = server_url(settings, mem);
    e->execution_user = e->model_file_owner = g->user && *g->user ? g->user : owner_self(mem);
    e->app_name = a->app_name ? a->app_name : s->framework.app_name;
    e->elastic = text_starts(s->framework.name, "edt");
    e->name_space = a->consumer ? a->consumer : g->consumer;
    e->framework = s->framework.name;
    e->sig_name = g->name;
    e->sig_id = g->id;
    e->priority = a->priority == INT_UNSET ? PRIORITY_DEFAULT : a->priority;
    if (a->pending_timeout_s != INT_UNSET)
        e->pending_deadline_ms = e->created_ms + a->pending_timeout_s * 1000;
    e->search = s->search;
    e->trial = s->search ? s->trial : INT_UNSET;
    e->dataset = s->dataset ? s->dataset : a->dataset;
    exec_set_times(e, mem);
}

/* Whether there is something to run the program with; the launch plan chooses again. */
static int check_interpreter(const struct tasks *t, const struct submission *s, struct mem *mem,
                             struct err *err)
{
    const struct interpreter_wish wish = {
        .settings = t->config.settings, .framework = &s->framework, .conda_home = s->parsed.conda_home,
        .conda_env = s->parsed.conda_env, .python_version = s->parsed.python_version,
    };
    CLEANUP(text_done) struct text notes = {0};
    struct interpreter found;

    return interpreter_choose(&wish, mem, &found, &notes, err);
}

/* What the program is told of the dataset it reads; its own variables come last and win. */
static int add_dataset(const struct tasks *t, const struct submission *s, struct exec_plan *plan, struct mem *mem,
                       struct err *err)
{
    CLEANUP(db_closep) struct db *db = NULL;
    struct dataset_input input;

    if (!s->parsed.dataset)
        return 0;
    db = db_open(t->config.db_path, DB_READ, err);
    if (!db || dataset_input_find(db, s->parsed.dataset, s->admin ? NULL : s->user, mem, &input, err) < 0)
        return -1;
    plan->env = dataset_input_env(&input, &plan->env, mem);
    return 0;
}

int submit_check(struct tasks *t, struct submission *s, struct mem *mem, struct err *err)
{
    const char *sig, *data_dir;
    struct exec_plan plan;
    struct group *g;

    if (!s->args || !s->args[strspn(s->args, " \t\r\n")])
        return err_field(err, "args", "--exec-start FRAMEWORK --model-main FILE ...",
                         "args is missing: it says at least which framework to start");
    if (args_parse(s->args, strlen(s->args), mem, &s->parsed, err) < 0
        || apply_data(s, mem, err) < 0)
        return -1;
    if (!s->parsed.framework)
        return err_field(err, "--exec-start", "a name of GET /execs/frameworks",
                         "args does not name a framework: --exec-start is missing");
    if (frameworks_find(t->config.frameworks, s->parsed.framework, mem, &s->framework, err) < 0)
        return -1;
    sig = s->sig_name && *s->sig_name ? s->sig_name : s->parsed.group;
    g = cluster_group(t->config.cluster, sig, err);
    if (!g)
        return -1;
    if (check_user(s, err) < 0 || check_app_name(&s->parsed, err) < 0 || check_prebuilt(s, err) < 0
        || check_files(s, err) < 0
        || plan_data_dir(t->config.settings, s->parsed.data_path, mem, &data_dir, err) < 0
        || check_interpreter(t, s, mem, err) < 0)
        return -1;

    fields_init(exec_fields, &s->exec);
    plan = make_plan(s);
    if (plan_workers(&s->framework, s->parsed.n_workers, &s->exec.n_workers, err) < 0
        || count_resources(s, g, &s->exec, &plan, err) < 0
        || add_dataset(t, s, &plan, mem, err) < 0)
        return -1;
    fill_record(t, s, g, mem);
    s->exec.plan = plan_json(&plan, mem);
    return 0;
}

int submit_store(struct db *db, const struct exec *exec, struct err *err)
{
    if (exec->dataset && dataset_input_check(db, exec->dataset, err) < 0)
        return -1;
    return execs_insert(db, exec, err);
}

void submit_undo(struct tasks *t, const char *exec_id, const char *user)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const struct settings *s = t->config.settings;
    struct err ignored = {0};       /* what stays is removed at the next start */

    file_remove_tree(exec_result_dir(s, user, exec_id, mem), &ignored);
    file_remove_tree(exec_run_dir(s, exec_id, mem), &ignored);
}
