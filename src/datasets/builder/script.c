// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/script.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/program.h"
#include "datasets/builder/build.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool starts_by_itself(const char *path)
{
    size_t len = strlen(path);

    return access(path, X_OK) == 0 && !(len > 3 && strcmp(path + len - 3, ".py") == 0);
}

static void show_modules(struct mem *mem)
{
    const char *own = program_file(mem, "../runtime/python", "../../share/trainyard/runtime/python");
    const char *theirs = getenv("PYTHONPATH");

    setenv("PYTHONPATH", theirs && theirs[0] ? mem_printf(mem, "%s:%s", own, theirs) : own, 1);
}

/* 0, or an errno. */
static int spawn_in(const char *folder, const char *const *argv, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    int result = posix_spawn_file_actions_init(&actions);

    if (result != 0)
        return result;
    result = posix_spawn_file_actions_addchdir_np(&actions, folder);
    if (result == 0)
        result = posix_spawnp(ret_pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

int script_run(struct build *b, const char *const *args, const char *folder, struct err *err)
{
    const char *argv[SCRIPT_ARGS_MAX + 3];
    const char *path = build_source(b, "plugin", b->orders->plugin, err);
    int n = 0, result, status;
    pid_t pid;

    if (!path)
        return -1;
    if (!starts_by_itself(path))
        argv[n++] = b->orders->python ? b->orders->python : "python3";
    argv[n++] = path;
    for (int i = 0; i < SCRIPT_ARGS_MAX && args[i]; i++)
        argv[n++] = args[i];
    argv[n] = NULL;

    show_modules(b->mem);
    fflush(stdout);
    result = spawn_in(folder, argv, &pid);
    if (result != 0)
        return err_field(err, "plugin", "a program, or a Python script", "%s cannot be started: %s", path, strerror(result));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_errno(err, ERR_INTERNAL, "the end of %s cannot be waited for", path);
    if (WIFSIGNALED(status))
        return err_field(err, "plugin", "a program that ends with 0", "%s was ended by signal %d (%s)", path,
                         WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0)
        return err_field(err, "plugin", "a program that ends with 0", "%s ended with %d; the log has what it said", path,
                         WEXITSTATUS(status));
    return 0;
}
