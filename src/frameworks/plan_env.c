// SPDX-License-Identifier: Apache-2.0
#include "frameworks/planning.h"

#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"
#include "frameworks/rendezvous.h"
#include "frameworks/tools.h"

#include <net/if.h>
#include <string.h>

#define SYSTEM_PATH "/usr/local/bin:/usr/bin:/bin"

static const char *or_empty(const char *s) { return s ? s : ""; }

static void set_identity(struct variables *v, const struct plan_request *in)
{
    static const char *const names_of_id[] = { "DLI_EXECID", "JOB_ID", "APP_ID", "TRAINING_ID",
                                               "TASK_JOB_ID" };

    for (size_t i = 0; i < ARRAY_LEN(names_of_id); i++)
        variables_set(v, names_of_id[i], in->exec_id);
    variables_set(v, "DLI_SUBMIT_USERNAME", in->user);
    variables_set(v, "USER", in->user);
    variables_set(v, "LOGNAME", in->user);
    variables_set(v, "APP_NAME", in->app_name ? in->app_name : in->framework->app_name);
    variables_set(v, "FRAME_WORK", in->framework->name);
    variables_set(v, "SUBID", in->sub_id);
    variables_set(v, "DLI_IS_ELASTIC", "false");
    variables_set(v, "DLI_LOGGER_LEVEL", in->debug_level ? in->debug_level : "info");
    variables_set(v, "RESUME_WEIGHT_PATH", "null");
    variables_set(v, "EXEC_TYPE", "");
}

static void set_places(struct variables *v, const struct planning *p)
{
    const struct settings *s = p->in->settings;

    variables_set(v, "DLI_DATA_FS", s->data_fs);
    variables_set(v, "DLI_RESULT_FS", s->result_fs);
    variables_set(v, "DLI_SHARED_FS", s->shared_fs);
    variables_set(v, "DL_NFS_PATH", s->shared_fs);
    variables_setf(v, "FABRIC_HOME", "%s/fabric", s->shared_fs);
    variables_set(v, "RESULT_DIR", p->in->result_dir);
    variables_setf(v, "SAVED_MODEL_DIR", "%s/model", p->in->result_dir);
    variables_setf(v, "CHECKPOINT_DIR", "%s/checkpoint", p->in->result_dir);
    variables_set(v, "DATA_DIR", p->data_dir);
    variables_set(v, "DATA_PATH", or_empty(p->in->data_path));
    variables_set(v, "DLI_CS_DATASTORE_META",
                  p->in->datastore_meta ? p->in->datastore_meta : "type=fs");
    variables_set(v, "DLI_WORK_DIR", p->in->work_dir);
    variables_set(v, "MODEL_PATH", p->in->work_dir);
    variables_set(v, "PS_PATH", p->in->work_dir);
    variables_set(v, "MODEL_FILE_LOCATION", p->in->work_dir);
    variables_set(v, "HOME", p->owner.home);
    variables_setf(v, "USER_UID", "%u", (unsigned)p->owner.uid);
}

/* The script's own folder is first on sys.path by itself; the work folder stands before ours for
 * commands that start elsewhere, so that a module inside the package wins. */
static void set_python(struct variables *v, const struct planning *p)
{
    const struct settings *s = p->in->settings;
    const char *tools = tools_bin(s, p->mem), *home = p->python.conda_home;

    variables_setf(v, "PATH", "%s%s:%s",
                   home ? mem_printf(p->mem, "%s:%s/bin:", p->python.bin, home) : "", tools,
                   SYSTEM_PATH);
    variables_setf(v, "PYTHONPATH", "%s:%s", p->in->work_dir, s->runtime_dir);
    variables_set(v, "PYTHONUNBUFFERED", "1");
    variables_setf(v, "PYTHONUSERBASE", "%s/%s", s->result_fs, p->in->user);
    variables_set(v, "LANG", "C.UTF-8"); /* so that printing any text works */
    variables_set(v, "DLI_CONDA_HOME", home);
    variables_set(v, "DLI_CONDA_ENV_NAME", p->python.conda_env);
    variables_set(v, "CONDA_PREFIX",
                  home ? mem_printf(p->mem, "%s/envs/%s", home, p->python.conda_env) : NULL);
    if (s->conda_home && *s->conda_home) {
        variables_set(v, "DLI_DEFAULT_CONDA_HOME", s->conda_home);
        variables_set(v, "DLI_DEFAULT_CONDA_ENV", or_empty(s->default_conda_env));
        variables_set(v, "DLI_DEFAULT_CONDA_ENV_NAME", or_empty(s->default_conda_env));
    }
}

/* Numeric libraries start a thread per core unless told; two tasks on one machine would then ruin
 * each other. */
static void set_threads(struct variables *v, const struct planning *p)
{
    static const char *const names[] = { "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
                                         "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS" };
    int64_t cpus = p->in->grant->need.cpus / (p->n_workers + p->n_ps);

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        variables_setf(v, names[i], "%d", (int)(cpus < 1 ? 1 : cpus));
}

/* A network interface that this machine does not have would stop the processes from meeting. */
static bool is_for_another_machine(const char *name, const char *value)
{
    return strstr(name, "_SOCKET_IFNAME") && if_nametoindex(value) == 0;
}

static void set_exports(struct variables *v, const struct planning *p)
{
    const char *name;
    json_t *value;

    json_object_foreach(p->in->framework->exports, name, value) {
        if (is_for_another_machine(name, json_string_value(value)))
            text_addf(p->log, "%s is not set: this machine has no network interface %s\n", name,
                      json_string_value(value));
        else
            variables_set(v, name, json_string_value(value));
    }
}

/* Launchers start so many processes on each node, so a worker on CPUs has a number as well. */
static void set_counts(struct variables *v, const struct planning *p)
{
    int64_t asked = p->in->devices_per_worker;
    int cpus = asked == INT_UNSET || asked < 1 ? 1 : (int)asked;

    variables_setf(v, "WMLA_NWORKER", "%d", p->n_workers);
    variables_setf(v, "WMLA_WORKER_NDEVICE", "%d", p->devices ? p->devices : cpus);
}

struct variables plan_variables(const struct planning *p)
{
    struct variables v = { .mem = p->mem };

    set_identity(&v, p->in);
    set_places(&v, p);
    set_python(&v, p);
    set_threads(&v, p);
    set_counts(&v, p);
    set_exports(&v, p);
    return v;
}

/* The member's share of the granted devices; none on CPUs and for parameter servers. */
static void set_devices(struct variables *v, const struct planning *p, const struct member *m)
{
    CLEANUP(text_done) struct text list = {0};
    const struct grant *grant = p->in->grant;

    for (int i = 0; i < p->devices && !m->is_ps; i++) {
        int at = m->index * p->devices + i;

        if (at < grant->need.gpus)
            text_addf(&list, "%s%d", i ? "," : "", grant->gpu_index[at]);
    }
    variables_set(v, "CUDA_VISIBLE_DEVICES", list.data ? list.data : "");
}

static void set_rendezvous(struct variables *v, const struct planning *p, const struct member *m)
{
    const struct tf_member tf = { .ports = p->ports,
                                  .n_workers = p->n_workers,
                                  .n_ps = p->n_ps,
                                  .job = m->is_ps ? "ps" : "worker",
                                  .index = m->index };
    CLEANUP(text_done) struct text config = {0};

    if (!m->is_ps)
        variables_setf(v, "NODE_RANK", "%d", m->index);
    if (!p->ports)
        return;
    if (strcmp(p->in->framework->launch, "tensorflow") == 0) {
        tf_config(&tf, &config);
        variables_set(v, "TF_CONFIG", config.data);
    } else {
        torch_variables(v, p->ports[0], p->n_workers, m->index);
    }
}

struct variables plan_member_variables(const struct planning *p, const struct variables *common,
                                       const struct member *m)
{
    struct variables v = variables_copy(common);
    const char **env = p->in->env.items;

    variables_set(&v, "LOG_DIR", m->log_dir);
    variables_setf(&v, "TASK_ID", "%d", m->number + 1);
    variables_setf(&v, "DLI_TASK_ID", "%d", m->number);
    variables_setf(&v, "MSD_POD_NAME", "%s-%s", p->in->exec_id, m->label);
    set_devices(&v, p, m);
    set_rendezvous(&v, p, m);
    for (size_t i = 0; i < p->in->env.n; i++)
        variables_add(&v, env[i]);
    return v;
}
