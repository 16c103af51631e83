// SPDX-License-Identifier: Apache-2.0
/* What a plugin needs before it can start: folders, interpreter, environment. */
#include "search/plugins/plugin_run.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"
#include "cluster/cluster.h"
#include "cluster/helper.h"
#include "frameworks/framework.h"
#include "frameworks/interpreter.h"
#include "frameworks/tools.h"
#include "frameworks/variables.h"
#include "search/loop.h"
#include "search/plugins/plugin.h"
#include "tasks/exec_owner.h"
#include "tasks/tasks.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

struct start {
    const struct live *live;
    const struct settings *settings;
    const struct plugin *plugin;
    struct mem *mem;
    const char *dir;            /* of the plugin */
    const char *home, *cwd;     /* of this search */
    const char *user;           /* of the search's instance group */
    struct interpreter python;  /* python NULL: the plugin is a program of its own */
};

char *plugin_dir(const struct settings *s, const char *name, struct mem *mem)
{
    return mem_printf(mem, "%s/tools/tune/plugins/%s", s->shared_fs, name);
}

/* A folder that the plugin's user may write to, beside files that only the server may. What a plugin has left there
 * is its user's already, and no business of ours. */
static int make_cwd(struct start *s, struct err *err)
{
    s->cwd = mem_printf(s->mem, "%s/work", s->home);
    rmdir(s->cwd);              /* empty: from a start that was cut short, perhaps before it was given away */
    if (mkdir(s->cwd, 0755) == 0)
        return owner_give(s->cwd, s->user, err);
    return errno == EEXIST ? 0 : err_errno(err, ERR_INTERNAL, "the folder %s cannot be made", s->cwd);
}

static int find_place(struct start *s, struct err *err)
{
    const struct search *row = &s->live->row;
    const struct group *g = cluster_group(s->live->searches->tasks->config.cluster, row->sig_name, err);

    if (!g)
        return -1;
    s->user = g->user;
    s->home = mem_printf(s->mem, "%s/searches/%s", s->settings->data_dir, row->package);
    return make_cwd(s, err);
}

static int find_program(struct start *s, const char *const **ret_argv, struct err *err)
{
    const char **argv = mem_alloc(s->mem, 4 * sizeof *argv);
    const char *script = mem_printf(s->mem, "%s/optimizer.py", s->dir);
    const char *program = mem_printf(s->mem, "%s/optimizer", s->dir);
    const struct framework none = {0};
    const struct interpreter_wish wish = { .settings = s->settings, .framework = &none,
                                           .conda_home = s->plugin->conda_home, .conda_env = s->plugin->conda_env };
    CLEANUP(text_done) struct text log = {0};

    *ret_argv = argv;
    if (file_exists(script)) {
        if (interpreter_choose(&wish, s->mem, &s->python, &log, err) < 0)
            return -1;
        argv[0] = s->python.python;
        argv[1] = mem_printf(s->mem, "%s/tools/plugin_host.py", s->settings->runtime_dir);
        argv[2] = s->dir;
        return 0;
    }
    if (!file_exists(program))
        return err_set(err, ERR_UNAVAILABLE, "its files are not in %s any more", s->dir);
    argv[0] = program;
    return 0;
}

/* Numeric libraries would start a thread per core, while the cores belong to the experiments. */
static void set_threads(struct variables *v)
{
    static const char *const names[] = { "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                                         "NUMEXPR_NUM_THREADS" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        variables_set(v, names[i], "1");
}

static const char *const *make_env(const struct start *s)
{
    struct variables v = { .mem = s->mem };
    const struct interpreter *p = &s->python;

    variables_setf(&v, "PATH", "%s%s:/usr/local/bin:/usr/bin:/bin", p->bin ? mem_printf(s->mem, "%s:", p->bin) : "",
                   tools_bin(s->settings, s->mem));
    variables_set(&v, "HOME", s->cwd);
    variables_set(&v, "USER", s->live->row.creator);
    variables_set(&v, "LANG", "C.UTF-8");
    variables_set(&v, "DLI_DATA_FS", s->settings->data_fs);
    variables_set(&v, "DLI_SHARED_FS", s->settings->shared_fs);
    variables_set(&v, "PYTHONUNBUFFERED", "1");
    variables_set(&v, "PYTHONDONTWRITEBYTECODE", "1");
    variables_set(&v, "HPO_PLUGIN_CONDA_HOME", p->conda_home);
    variables_set(&v, "HPO_PLUGIN_CONDA_ENV", p->conda_env);
    set_threads(&v);
    return variables_done(&v);
}

struct helper *plugin_helper(const struct live *live, const struct plugin *p, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const struct settings *settings = live->searches->tasks->config.settings;
    struct start s = { .live = live, .settings = settings, .plugin = p, .mem = mem };
    const char *const *argv;
    struct helper_launch launch;

    s.dir = plugin_dir(settings, p->name, mem);
    if (find_place(&s, err) < 0 || find_program(&s, &argv, err) < 0)
        return NULL;
    launch = (struct helper_launch){ .id = mem_printf(mem, "plugin:%s", live->row.package), .home = s.home,
                                     .label = "plugin", .cwd = s.cwd, .user = s.user, .argv = argv,
                                     .env = make_env(&s), .log_max_bytes = settings->plugin_log_max_mib << 20 };
    return helper_new(live->searches->helpers, &launch, err);
}
