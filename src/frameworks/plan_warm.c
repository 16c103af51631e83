// SPDX-License-Identifier: Apache-2.0
/* The interpreter that may start a trial: the same for all trials of a search, so whatever names the one
 * trial is left out and follows when it starts. */
#include "frameworks/planning.h"

#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"

#include <string.h>

static bool is_named(const char *item, const char *name)
{
    size_t len = strlen(name);

    return strncmp(item, name, len) == 0 && item[len] == '=';
}

/* Its folders, results and logs have the task's id in their paths. */
static bool is_of_one_task(const struct planning *p, const char *item)
{
    return strstr(item, p->in->exec_id) || is_named(item, "SUBID") || is_named(item, "CUDA_VISIBLE_DEVICES");
}

static const char *common_folders(const struct planning *p, const char *list)
{
    CLEANUP(text_done) struct text kept = {0};
    size_t len;

    for (const char *at = list; *at; at += len + (at[len] == ':')) {
        len = strcspn(at, ":");
        if (!memmem(at, len, p->in->exec_id, strlen(p->in->exec_id))) {
            text_add(&kept, kept.len ? ":" : "");
            text_add_n(&kept, at, len);
        }
    }
    return mem_strdup(p->mem, kept.len ? kept.data : NULL);
}

static const char *const *common_env(const struct planning *p, const struct launch_process *process)
{
    struct variables v = { .mem = p->mem };

    for (const char *const *item = process->env; *item; item++) {
        if (is_named(*item, "PYTHONPATH"))
            variables_set(&v, "PYTHONPATH", common_folders(p, strchr(*item, '=') + 1));
        else if (!is_of_one_task(p, *item))
            variables_add(&v, *item);
    }
    return variables_done(&v);
}

/* Blanks at its end make room for the command line of the program, which is to be seen instead. */
static const char *blanks(const struct planning *p, const struct launch_process *process)
{
    size_t len = 0;
    char *text;

    for (const char *const *word = process->argv; *word; word++)
        len += strlen(*word) + 1;
    text = mem_alloc(p->mem, len + 1);
    memset(text, ' ', len);
    return text;
}

static const char *const *common_argv(const struct planning *p, const struct launch_process *process)
{
    const struct list *modules = &p->in->framework->warm;
    const char **argv = mem_alloc(p->mem, (modules->n + 5) * sizeof *argv);
    size_t n = 0;

    argv[n++] = p->python.python;
    argv[n++] = mem_printf(p->mem, "%s/tools/warm.py", p->in->settings->runtime_dir);
    argv[n++] = p->in->main_file;
    memcpy(argv + n, modules->items, modules->n * sizeof *argv);
    argv[n + modules->n] = blanks(p, process);
    return argv;
}

static const char *key_of(const struct planning *p, const struct launch_warm *w)
{
    const struct plan_request *in = p->in;
    CLEANUP(text_done) struct text key = {0};

    text_addf(&key, "%s\n%s\n%s\n", in->search, in->user, in->os_user ? in->os_user : "");
    for (const char *const *word = w->argv; word[1]; word++)    /* all but the blanks */
        text_addf(&key, "%s\n", *word);
    for (const char *const *item = w->env; *item; item++)
        text_addf(&key, "%s\n", *item);
    return mem_strdup(p->mem, key.data);
}

static bool is_script(const char *file)
{
    size_t len = strlen(file);

    return len > 3 && strcmp(file + len - 3, ".py") == 0;
}

const struct launch_warm *plan_warm(const struct planning *p, const struct launch_process *process)
{
    const struct plan_request *in = p->in;
    struct launch_warm *w;

    if (!in->search || in->cold || in->settings->warm_interpreters == 0 || in->framework->warm.n == 0
        || strcmp(in->framework->launch, "python") != 0 || in->user_cmd || p->n_workers + p->n_ps != 1
        || !is_script(in->main_file))
        return NULL;
    w = mem_alloc(p->mem, sizeof *w);
    w->search = in->search;
    w->argv = common_argv(p, process);
    w->env = common_env(p, process);
    w->key = key_of(p, w);
    return w;
}
