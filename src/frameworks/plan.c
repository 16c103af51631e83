// SPDX-License-Identifier: Apache-2.0
#include "frameworks/plan.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"
#include "frameworks/generator.h"
#include "frameworks/planning.h"
#include "frameworks/rendezvous.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

/* --- how many --- */

static bool is_distributed(const struct framework *f)
{
    return text_same(f->exec_mode, "distributed") || strcmp(f->launch, "generator") == 0;
}

int plan_workers(const struct framework *f, int64_t asked, int64_t *ret, struct err *err)
{
    int64_t most = f->max_workers != INT_UNSET ? f->max_workers
                   : is_distributed(f)         ? PROCESSES_MAX
                                               : 1;

    if (asked == INT_UNSET)
        asked = f->n_workers != INT_UNSET ? f->n_workers : 1;
    if (most > PROCESSES_MAX)
        most = PROCESSES_MAX;
    if (most == 1 && asked != 1)
        return err_field(err, "--numWorker", "1", "framework %s runs one worker, not %lld", f->name,
                         (long long)asked);
    if (asked < 1 || asked > most)
        return err_field(err, "--numWorker", NULL, "framework %s runs 1 to %d workers, not %lld",
                         f->name, (int)most, (long long)asked);
    *ret = asked;
    return 0;
}

int64_t plan_parameter_servers(const struct framework *f, int64_t asked)
{
    if (strcmp(f->launch, "tensorflow") != 0)
        return 0;
    if (asked != INT_UNSET)
        return asked;
    if (!text_same(f->distribute_strategy, "ParameterServerStrategy"))
        return 0;
    return f->n_ps != INT_UNSET ? f->n_ps : 1;
}

static int count(struct planning *p, struct err *err)
{
    const struct plan_request *in = p->in;
    int64_t n_workers, n_ps = plan_parameter_servers(in->framework, in->n_ps);
    bool gpu = text_same(in->device_type, "gpu") && in->grant->need.gpus > 0;

    if (plan_workers(in->framework, in->n_workers, &n_workers, err) < 0)
        return -1;
    if (n_workers + n_ps > PROCESSES_MAX)
        return err_field(err, "--numPs", NULL, "one task has at most %d processes", PROCESSES_MAX);
    p->n_workers = (int)n_workers;
    p->n_ps = (int)n_ps;
    if (gpu)
        p->devices = in->devices_per_worker == INT_UNSET ? 1 : (int)in->devices_per_worker;
    if (in->framework->max_devices != INT_UNSET && p->devices > in->framework->max_devices)
        return err_field(err, "--workerDeviceNum", NULL,
                         "framework %s uses at most %lld GPUs per worker", in->framework->name,
                         (long long)in->framework->max_devices);
    return 0;
}

static int find_ports(struct planning *p, struct err *err)
{
    bool tf = strcmp(p->in->framework->launch, "tensorflow") == 0;

    if (!is_distributed(p->in->framework))
        return 0;
    p->ports = mem_alloc(p->mem, (size_t)(p->n_workers + p->n_ps) * sizeof *p->ports);
    return ports_find(tf ? p->n_workers + p->n_ps : 1, p->ports, err);
}

/* --- where --- */

int plan_data_dir(const struct settings *s, const char *data_path, struct mem *mem,
                  const char **ret, struct err *err)
{
    size_t root = s->data_fs ? strlen(s->data_fs) : 0;
    const char *below = data_path;

    *ret = NULL;
    if (root == 0)
        return 0;
    if (below && strncmp(below, s->data_fs, root) == 0 && (below[root] == '/' || !below[root]))
        below += root + strspn(below + root, "/");
    if (below && *below && !path_inside(below))
        return err_field(err, "--cs-datastore-meta", "data_path=<a folder below the data root>",
                         "data_path %.120s is not inside the data root %.200s", data_path,
                         s->data_fs);
    *ret = below && *below ? mem_printf(mem, "%s/%s", s->data_fs, below) : s->data_fs;
    return 0;
}

static int find_owner(struct planning *p, struct err *err)
{
    enum { PASSWD_BYTES = 16 << 10 };
    const char *user = p->in->os_user;
    struct passwd entry, *found = NULL;
    char *buf = mem_alloc(p->mem, PASSWD_BYTES);

    if (user && *user)
        getpwnam_r(user, &entry, buf, PASSWD_BYTES, &found);
    else
        getpwuid_r(geteuid(), &entry, buf, PASSWD_BYTES, &found);
    if (!found && user && *user)
        return err_set(err, ERR_UNAVAILABLE,
                       "the instance group runs tasks as %s, and this machine has"
                       " no such user",
                       user);
    p->owner = (struct owner){ .uid = geteuid(), .gid = getegid(), .home = p->in->result_dir };
    if (found) {
        p->owner.uid = entry.pw_uid;
        p->owner.gid = entry.pw_gid;
        if (file_is_dir(entry.pw_dir) && strcmp(entry.pw_dir, "/") != 0)
            p->owner.home = entry.pw_dir;
    }
    return 0;
}

/* A folder that the task's user may write into, if it has to be made. */
static int make_folder(const struct planning *p, const char *path, struct err *err)
{
    if (file_is_dir(path))
        return 0;
    if (file_mkdirs(path, 0755, err) < 0)
        return -1;
    if (geteuid() == 0 && chown(path, p->owner.uid, p->owner.gid) < 0)
        return err_errno(err, ERR_INTERNAL, "owner of %s", path);
    return 0;
}

static bool wants_model_dir(const struct plan_request *in)
{
    const char *when = in->settings->precreate_model_dir;

    if (text_same(when, "always") || text_same(when, "never"))
        return text_same(when, "always");
    return in->framework->precreate_model_dir;
}

/* The data folder belongs to the site, so a task whose data folder cannot be made still runs and
 * may find what it needs elsewhere. */
static void make_data_dir(struct planning *p)
{
    struct err why = {0};

    if (!p->data_dir)
        text_add(p->log, "DATA_DIR is not set: this site has no data root (paths.data)\n");
    else if (make_folder(p, p->data_dir, &why) < 0)
        text_addf(p->log, "DATA_DIR %s is not there: %s\n", p->data_dir, why.text);
}

static int make_folders(struct planning *p, struct err *err)
{
    const char *result = p->in->result_dir;

    make_data_dir(p);
    if (make_folder(p, mem_printf(p->mem, "%s/checkpoint", result), err) < 0)
        return -1;
    return wants_model_dir(p->in) ? make_folder(p, mem_printf(p->mem, "%s/model", result), err) : 0;
}

/* --- what runs --- */

static const char *main_path(const struct planning *p)
{
    return mem_printf(p->mem, "%s/%s", p->in->work_dir, p->in->main_file);
}

/* Parameter servers of old training scripts read their place in the cluster from options. */
static size_t add_tf_hosts(const struct planning *p, const struct member *m, const char **argv)
{
    struct tf_member tf = { .ports = p->ports, .n_workers = p->n_workers, .n_ps = p->n_ps };
    CLEANUP(text_done) struct text workers = {0};
    CLEANUP(text_done) struct text servers = {0};

    tf_hosts(&tf, "worker", &workers);
    tf_hosts(&tf, "ps", &servers);
    argv[0] = mem_printf(p->mem, "--worker_hosts=%s", workers.data);
    argv[1] = mem_printf(p->mem, "--ps_hosts=%s", servers.data);
    argv[2] = mem_printf(p->mem, "--job_name=%s", m->is_ps ? "ps" : "worker");
    argv[3] = mem_printf(p->mem, "--task_id=%d", m->index);
    return 4;
}

static const char *const *make_argv(const struct planning *p, const struct member *m)
{
    const struct plan_request *in = p->in;
    const char **argv = mem_alloc(p->mem, (in->program.n + 8) * sizeof *argv);
    size_t n = 0;

    if (!in->user_cmd) {
        argv[n++] = p->python.python;
        argv[n++] = main_path(p);
    }
    if (in->program.n > 0)
        memcpy(argv + n, in->program.items, in->program.n * sizeof *argv);
    n += in->program.n;
    if (!in->user_cmd && p->n_ps > 0)
        add_tf_hosts(p, m, argv + n);
    return argv;
}

/* The command of a site plugin, made by its generator with the first worker's environment. */
static int generate(const struct planning *p, const struct variables *common,
                    const struct member *m, const char *const **ret, struct err *err)
{
    struct variables v = plan_member_variables(p, common, m);
    struct generator_call call = {
        .settings = p->in->settings,
        .name = p->in->framework->generator,
        .python = p->python.python,
        .cwd = p->in->work_dir,
        .program = p->in->program,
    };

    variables_set(&v, "MODEL", main_path(p));
    variables_setf(&v, "GPU_PER_WORKER", "%d", p->devices);
    variables_set(&v, "REDIS_HOST", "");
    variables_set(&v, "REDIS_PORT", "");
    call.env = variables_done(&v);
    return generator_run(&call, p->mem, ret, p->log, err);
}

static void log_process(const struct planning *p, const struct launch_process *process)
{
    text_addf(p->log, "%s:", process->label);
    for (const char *const *arg = process->argv; *arg; arg++)
        text_addf(p->log, " %s", *arg);
    text_add(p->log, "\n");
}

static int plan_process(const struct planning *p, const struct variables *common,
                        const char *const *generated, const struct member *m,
                        struct launch_process *ret, struct err *err)
{
    struct variables v;

    if (make_folder(p, m->log_dir, err) < 0)
        return -1;
    v = plan_member_variables(p, common, m);
    *ret = (struct launch_process){ .label = m->label,
                                    .service = m->is_ps,
                                    .env = variables_done(&v),
                                    .argv = generated ? generated : make_argv(p, m) };
    ret->warm = plan_warm(p, ret);
    log_process(p, ret);
    return 0;
}

static struct member member_at(const struct planning *p, int number)
{
    bool is_ps = number >= p->n_workers;
    int index = is_ps ? number - p->n_workers : number;
    const char *label = mem_printf(p->mem, "%s-%d", is_ps ? "ps" : "worker", index);

    return (struct member){ .label = label,
                            .is_ps = is_ps,
                            .index = index,
                            .number = number,
                            .log_dir = mem_printf(p->mem, "%s/log/%s", p->in->result_dir, label) };
}

static int plan_processes(const struct planning *p, struct launch *ret, struct err *err)
{
    const struct variables common = plan_variables(p);
    const struct member first = member_at(p, 0);
    const char *const *generated = NULL;
    int n = p->n_workers + p->n_ps;
    struct launch_process *processes = mem_alloc(p->mem, (size_t)n * sizeof *processes);

    if (strcmp(p->in->framework->launch, "generator") == 0 && !p->in->user_cmd &&
        generate(p, &common, &first, &generated, err) < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        const struct member m = member_at(p, i);

        if (plan_process(p, &common, generated, &m, &processes[i], err) < 0)
            return -1;
    }
    ret->processes = processes;
    ret->n_processes = n;
    return 0;
}

static int check_whole(const struct plan_request *in, struct err *err)
{
    if (in->prebuilt_name)
        return err_field(err, "--pbmodel-name", "--model-main with a script of yours",
                         "prebuilt models are not part of this version");
    if (in->user_cmd && in->program.n == 0)
        return err_field(err, "--user-cmd", "-- <command> <words...>",
                         "--user-cmd names no command");
    if (!in->user_cmd && !in->main_file)
        return err_field(err, "--model-main", "a file of the package",
                         "the task names no script to run");
    return 0;
}

int plan_make(const struct plan_request *in, struct mem *mem, struct launch *ret,
              struct text *launcher_log, struct err *err)
{
    struct planning p = { .in = in, .mem = mem, .log = launcher_log };
    const struct interpreter_wish wish = {
        .settings = in->settings,
        .framework = in->framework,
        .conda_home = in->conda_home,
        .conda_env = in->conda_env,
        .python_version = in->python_version,
    };
    struct launch launch = {
        .exec_id = in->exec_id,
        .run_dir = in->run_dir,
        .cwd = in->work_dir,
        .user = in->os_user ? in->os_user : "",
        .wall_ms = in->wall_ms,
        .grace_ms = in->settings->task_grace_s * 1000,
        .memory_bytes = in->memory_bytes,
        .files_max = in->settings->task_files_max,
    };

    if (check_whole(in, err) < 0 || count(&p, err) < 0 || find_ports(&p, err) < 0 ||
        plan_data_dir(in->settings, in->data_path, mem, &p.data_dir, err) < 0 ||
        interpreter_choose(&wish, mem, &p.python, launcher_log, err) < 0 ||
        find_owner(&p, err) < 0 || make_folders(&p, err) < 0)
        return -1;
    text_addf(launcher_log, "framework %s in %s\n", in->framework->name, in->work_dir);
    if (plan_processes(&p, &launch, err) < 0)
        return -1;
    *ret = launch;
    return 0;
}
