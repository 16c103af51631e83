// SPDX-License-Identifier: Apache-2.0
#include "frameworks/interpreter.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"
#include "frameworks/framework.h"

#include <string.h>
#include <unistd.h>

static bool is_given(const char *s) { return s && *s; }

static bool can_run(const char *path) { return access(path, X_OK) == 0 && !file_is_dir(path); }

/* <home>/envs/<name>/bin/python, or python3 where an environment is a link to a prefix without the
 * short name. */
static const char *python_of(const char *home, const char *env, struct mem *mem)
{
    static const char *const names[] = { "python", "python3" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *path = mem_printf(mem, "%s/envs/%s/bin/%s", home, env, names[i]);

        if (can_run(path))
            return path;
    }
    return NULL;
}

static int refuse_env(const struct interpreter_wish *w, const char *home, const char *env,
                      struct err *err)
{
    bool asked = is_given(w->conda_env);

    if (asked && !is_given(home))
        return err_field(err, "--conda-env-name", "no --conda-env-name, or --conda-home beside it",
                         "environment %.80s was asked for, and this site has no conda folder"
                         " (paths.conda)",
                         env);
    if (asked)
        return err_field(err, "--conda-env-name", "the name of a folder in <conda home>/envs",
                         "environment %.80s is not in %.200s/envs", env, home);
    return err_set(err, ERR_UNAVAILABLE, "environment %s of %s is not in %s/envs", env,
                   is_given(w->framework->conda_env) ? "this framework" : "this site", home);
}

static int choose_env(const struct interpreter_wish *w, const char *env, struct mem *mem,
                      struct interpreter *ret, struct err *err)
{
    const char *home = is_given(w->conda_home) ? w->conda_home : w->settings->conda_home;
    const char *python = is_given(home) && path_name_ok(env) ? python_of(home, env, mem) : NULL;

    if (!python)
        return refuse_env(w, home ? home : "", env, err);
    *ret = (struct interpreter){ .python = python,
                                 .conda_home = home,
                                 .conda_env = env,
                                 .bin = mem_printf(mem, "%s/envs/%s/bin", home, env) };
    return 0;
}

/* `version` is digits and dots: "3", "3.11". */
static bool is_version(const char *version)
{
    return *version >= '1' && *version <= '9' && !version[strspn(version, "0123456789.")] &&
           strlen(version) < 16;
}

static const char *find_version(const char *python, const char *version, struct mem *mem)
{
    const char *folders[] = { mem_strndup(mem, python, (size_t)(path_base(python) - python)),
                              "/usr/local/bin/", "/usr/bin/" };

    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        const char *path = mem_printf(mem, "%spython%s", folders[i], version);

        if (can_run(path))
            return path;
    }
    return NULL;
}

/* Old notebooks ask for the 3.x of their day; any 3.x serves them better than a refusal. */
static int choose_version(const struct interpreter_wish *w, struct mem *mem,
                          struct interpreter *ret, struct text *log, struct err *err)
{
    const char *version = w->python_version, *found;

    if (!is_version(version))
        return err_field(err, "--python-version", "a version such as 3 or 3.11",
                         "--python-version takes a version such as 3.11, not \"%.40s\"", version);
    found = find_version(ret->python, version, mem);
    if (found) {
        ret->python = found;
    } else if (text_starts(version, "3")) {
        text_addf(log, "python %s is not on this machine; using %s\n", version, ret->python);
    } else {
        return err_field(err, "--python-version",
                         "3, or --conda-env-name with an environment that has it",
                         "python %s is not on this machine", version);
    }
    return 0;
}

int interpreter_choose(const struct interpreter_wish *w, struct mem *mem, struct interpreter *ret,
                       struct text *log, struct err *err)
{
    const char *env = is_given(w->conda_env)              ? w->conda_env
                      : is_given(w->framework->conda_env) ? w->framework->conda_env
                                                          : w->settings->default_conda_env;

    if (is_given(env))
        return choose_env(w, env, mem, ret, err);
    *ret = (struct interpreter){ .python = is_given(w->framework->python) ? w->framework->python
                                                                          : w->settings->python };
    if (is_given(w->python_version) && choose_version(w, mem, ret, log, err) < 0)
        return -1;
    if (!can_run(ret->python))
        return err_set(err, ERR_UNAVAILABLE,
                       "there is no Python interpreter at %s; set paths.python to one",
                       ret->python);
    return 0;
}
