// SPDX-License-Identifier: Apache-2.0
/* Launching: the plan is made on a worker thread, then the back end starts it. */
#include "tasks/engine_state.h"

#include "base/files.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/work.h"
#include "frameworks/plan.h"
#include "tasks/exec_owner.h"
#include "tasks/exec_paths.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

void preparation_free(struct preparation *p)
{
    if (!p)
        return;
    mem_free(p->mem);
    free(p);
}

static int read_plan(const struct exec *e, struct mem *mem, struct exec_plan *ret, struct err *err)
{
    json_error_t why;
    json_t *json = json_loads(e->plan, 0, &why);

    if (!json)
        return err_set(err, ERR_INTERNAL, "the stored plan of task %s is damaged: %s", e->id, why.text);
    mem_on_free(mem, (void (*)(void *))json_decref, json);
    return fields_from_json(exec_plan_fields, json, ret, mem, err);
}

/* Without waiting for the disk, as for each task that would cost more than the launch itself: after a
 * power cut nothing that these files speak of runs any more. */
static int write_plain(const char *path, const struct text *text, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0 || write(fd, text->data, text->len) != (ssize_t)text->len)
        return err_errno(err, ERR_INTERNAL, "cannot write %s", path);
    return 0;
}

/* Which devices the task got: a restarted server must not give them away again. */
static int write_grant(const char *run_dir, const struct grant *grant, struct mem *mem, struct err *err)
{
    CLEANUP(text_done) struct text list = {0};

    if (grant->need.gpus == 0)
        return 0;
    for (int64_t i = 0; i < grant->need.gpus; i++)
        text_addf(&list, "%d\n", grant->gpu_index[i]);
    return write_plain(mem_printf(mem, "%s/gpus", run_dir), &list, err);
}

static int write_launcher_log(const char *run_dir, const struct exec_plan *plan, const struct text *lines,
                              struct mem *mem, struct err *err)
{
    CLEANUP(text_done) struct text log = {0};
    const char *const *ignored = plan->ignored.items;

    text_add_n(&log, lines->data ? lines->data : "", lines->len);
    for (size_t i = 0; i < plan->ignored.n; i++)
        text_addf(&log, "option without meaning here: %s\n", ignored[i]);
    if (log.len == 0)
        return 0;
    return write_plain(exec_launcher_log(run_dir, mem), &log, err);
}

static struct plan_request plan_request(const struct preparation *p, const struct exec_plan *plan,
                                        const struct framework *framework)
{
    const struct exec *e = &p->exec;
    const struct settings *s = p->engine->tasks->config.settings;
    int64_t limit_mib = plan->memory_limit_mib != INT_UNSET ? plan->memory_limit_mib * e->n_workers
                      : s->task_enforce_memory ? e->memory_mib : 0;

    return (struct plan_request){
        .framework = framework, .settings = s, .exec_id = e->id, .user = e->creator,
        .result_dir = exec_result_dir(s, e->creator, e->id, p->mem), .work_dir = e->work_dir,
        .run_dir = exec_run_dir(s, e->id, p->mem), .os_user = p->group->user,
        .main_file = e->main_file, .user_cmd = plan->user_cmd, .program = plan->program,
        .data_path = plan->data_path, .datastore_meta = plan->datastore_meta,
        .conda_home = plan->conda_home, .conda_env = plan->conda_env,
        .python_version = plan->python_version, .debug_level = plan->debug_level,
        .app_name = e->app_name, .prebuilt_name = plan->prebuilt_name, .n_workers = e->n_workers,
        .n_ps = plan->n_ps, .devices_per_worker = plan->devices_per_worker,
        .device_type = plan->device_type, .env = plan->env,
        .sub_id = e->trial == INT_UNSET ? NULL : mem_printf(p->mem, "%" PRId64, e->trial),
        .search = e->search, .cold = plan->cold, .grant = &p->grant, .wall_ms = s->task_wall_max_h * 3600 * 1000,
        .memory_bytes = limit_mib << 20,
    };
}

static int make_ready(struct preparation *p, struct err *err)
{
    CLEANUP(text_done) struct text lines = {0};
    struct framework framework;
    struct plan_request request;
    struct exec_plan plan;

    if (read_plan(&p->exec, p->mem, &plan, err) < 0)
        return -1;
    if (frameworks_find(p->engine->tasks->config.frameworks, p->exec.framework, p->mem, &framework,
                        err) < 0)
        return -1;
    request = plan_request(p, &plan, &framework);
    if (file_mkdirs(request.run_dir, 0755, err) < 0)
        return -1;
    if (plan_make(&request, p->mem, &p->launch, &lines, err) < 0)
        return -1;
    if (owner_give(mem_printf(p->mem, "%s/log", request.result_dir), p->group->user, err) < 0)
        return -1;
    if (write_launcher_log(request.run_dir, &plan, &lines, p->mem, err) < 0)
        return -1;
    return write_grant(request.run_dir, &p->grant, p->mem, err);
}

/* The task was stopped while its plan was being made, or could not be planned, or starts. */
static void on_prepared(void *arg)
{
    struct preparation *p = arg;
    struct task *t = p->task;
    struct backend_ctx *ctx = engine_backend(t->engine, t->group->backend);
    struct err err = {0};

    t->prepared = true;
    if (exec_state_is_final(t->state)) {
        task_release(t);
        task_forget(t);
        return;
    }
    if (p->err.kind != ERR_NONE) {
        task_fail(t, "could not be launched: %s", p->err.text);
        return;
    }
    t->launched = true;
    if (t->group->backend->start(ctx, &p->launch, &err) < 0) {
        t->launched = false;
        task_fail(t, "could not be launched: %s", err.text);
    }
}

/* On a worker thread. */
static void prepare(void *arg)
{
    struct preparation *p = arg;

    if (make_ready(p, &p->err) == 0)
        p->err.kind = ERR_NONE;
    loop_post(p->engine->tasks->config.loop, on_prepared, p);
}

void task_launch(struct task *t)
{
    struct preparation *p = xcalloc(1, sizeof *p);

    *p = (struct preparation){ .task = t, .engine = t->engine, .mem = mem_new(), .exec = t->exec,
                               .grant = t->grant, .group = t->group };
    t->preparing = p;
    t->prepared = false;
    work_add(t->engine->tasks->config.work, prepare, p);
}
