// SPDX-License-Identifier: Apache-2.0
#include "frameworks/generator.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/text.h"
#include "base/words.h"
#include "frameworks/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum {
    GENERATOR_MS = 30 * 1000,
    OUTPUT_MAX = 1 << 20, /* bytes kept of each stream; a command line is far shorter */
    COMMAND_WORDS_MAX = 8192,
};

/* --- how to start it --- */

/* Whether `name` is a program in one of the folders of PATH. */
static bool in_path(const char *name, const char *path, struct mem *mem)
{
    for (size_t len; *path; path += len + (path[len] == ':')) {
        len = strcspn(path, ":");
        if (access(mem_printf(mem, "%.*s/%s", (int)len, path, name), X_OK) == 0)
            return true;
    }
    return false;
}

static const char *path_of(const char *const *env)
{
    for (; *env; env++)
        if (text_starts(*env, "PATH="))
            return *env + strlen("PATH=");
    return "";
}

/* Whether the kernel could start the file: it is executable, and the interpreter its first line
 * names, through env or not, is on this machine. */
static bool can_start(const char *file, const char *const *env, struct mem *mem)
{
    CLEANUP(fd_closep) int fd = open(file, O_RDONLY | O_CLOEXEC);
    char line[256] = "", *program, *argument, *rest = NULL;

    if (fd < 0 || access(file, X_OK) < 0 || read(fd, line, sizeof line - 1) < 0)
        return false;
    if (!text_starts(line, "#!"))
        return true;
    line[strcspn(line, "\r\n")] = '\0';
    program = strtok_r(line + 2, " \t", &rest);
    argument = strtok_r(NULL, " \t", &rest);
    if (!program || access(program, X_OK) < 0)
        return false;
    return !text_starts(program, "/usr/bin/env") || !argument ||
           in_path(argument, path_of(env), mem);
}

static bool is_python(const char *file)
{
    const char *dot = strrchr(file, '.');

    return dot && strcmp(dot, ".py") == 0;
}

static int make_argv(const struct generator_call *c, struct mem *mem, const char ***ret,
                     struct err *err)
{
    const char *file = tools_generator(c->settings, c->name, mem);
    const char **argv = mem_alloc(mem, (c->program.n + 3) * sizeof *argv);
    size_t n = 0;

    if (!file)
        return err_set(err, ERR_UNAVAILABLE, "generator %s is not installed", c->name);
    if (!can_start(file, c->env, mem)) {
        if (!is_python(file))
            return err_set(err, ERR_UNAVAILABLE,
                           "generator %s cannot be started: it is not executable,"
                           " or the interpreter of its first line is missing",
                           file);
        argv[n++] = c->python;
    }
    argv[n++] = file;
    if (c->program.n > 0)
        memcpy(argv + n, c->program.items, c->program.n * sizeof *argv);
    *ret = argv;
    return 0;
}

/* --- running it --- */

struct run {
    pid_t pid;    /* 0 = none; leads its own process group */
    int out, err; /* read ends of its streams; -1 = closed */
    struct text said, complained;
};

static void run_done(struct run *r)
{
    if (r->pid > 0) {
        kill(-r->pid, SIGKILL);
        waitpid(r->pid, NULL, 0);
    }
    fd_closep(&r->out);
    fd_closep(&r->err);
    text_done(&r->said);
    text_done(&r->complained);
}

static int spawn(const struct generator_call *c, const char **argv, int out, int err, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int rc;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                        POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    posix_spawn_file_actions_addchdir_np(&actions, c->cwd);

    rc = posix_spawn(ret, argv[0], &actions, &attr, (char *const *)argv, (char *const *)c->env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return rc;
}

static int start(const struct generator_call *c, const char **argv, struct run *r, struct err *err)
{
    CLEANUP(fd_closep) int out = -1;
    CLEANUP(fd_closep) int complaints = -1;
    int pair[2], rc;

    if (pipe2(pair, O_CLOEXEC) < 0)
        return err_errno(err, ERR_INTERNAL, "pipe for a generator");
    r->out = pair[0];
    out = pair[1];
    if (pipe2(pair, O_CLOEXEC) < 0)
        return err_errno(err, ERR_INTERNAL, "pipe for a generator");
    r->err = pair[0];
    complaints = pair[1];

    rc = spawn(c, argv, out, complaints, &r->pid);
    if (rc == 0)
        return 0;
    r->pid = 0;
    errno = rc;
    return err_errno(err, ERR_UNAVAILABLE, "start generator %s", c->name);
}

/* Reads what is there; closes at the end of the stream. */
static void drain(int *fd, struct text *into)
{
    char buf[4096];
    ssize_t n = read(*fd, buf, sizeof buf);

    if (n > 0 && into->len < OUTPUT_MAX)
        text_add_n(into, buf, (size_t)n);
    if (n == 0 || (n < 0 && errno != EINTR)) {
        close(*fd);
        *fd = -1;
    }
}

/* Reads both streams to their ends. */
static int listen_to(struct run *r, const struct generator_call *c, struct err *err)
{
    int64_t limit_ms = c->limit_ms ? c->limit_ms : GENERATOR_MS;
    int64_t deadline = clock_mono_ms() + limit_ms;

    while (r->out >= 0 || r->err >= 0) {
        struct pollfd fds[2] = { { .fd = r->out, .events = POLLIN },
                                 { .fd = r->err, .events = POLLIN } };
        int64_t left = deadline - clock_mono_ms();

        if (left <= 0)
            return err_set(err, ERR_UNAVAILABLE, "generator %s took longer than %g s", c->name,
                           (double)limit_ms / 1000);
        poll(fds, 2, (int)left);
        if (fds[0].revents)
            drain(&r->out, &r->said);
        if (fds[1].revents)
            drain(&r->err, &r->complained);
    }
    return 0;
}

/* --- what it said --- */

/* The last line that is not blank; what stands before it stays in *text. "" when there is none. */
static char *cut_last_line(struct text *text)
{
    char *start;

    while (text->len > 0 && strchr(" \t\r\n", text->data[text->len - 1]))
        text->data[--text->len] = '\0';
    if (text->len == 0)
        return "";
    start = strrchr(text->data, '\n');
    start = start ? start + 1 : text->data;
    text->len = (size_t)(start - text->data);
    return start;
}

/* What to quote when it did not work: its last complaint, or else the last it said. */
static const char *last_words(struct run *r, const char *last)
{
    const char *complaint = cut_last_line(&r->complained);

    return *complaint ? complaint : *last ? last : "nothing";
}

static int read_command(const char *name, const char *line, struct mem *mem,
                        const char *const **ret, struct err *err)
{
    struct err why = {0};
    json_t *json = reader_parse_object(line, strlen(line), &why);
    const char *command = json_string_value(json_object_get(json, "CMD"));
    const struct word *words;
    struct list list = {0};
    const char **argv = NULL;
    int rc = 0;

    if (!command)
        rc = err_set(err, ERR_UNAVAILABLE,
                     "the last line of generator %s is not {\"CMD\": \"...\"} but"
                     " %.200s",
                     name, *line ? line : "empty");
    else if (words_split(command, strlen(command), NULL, COMMAND_WORDS_MAX, mem, &list, err) < 0)
        rc = err_wrap(err, "generator %s", name);
    else if (list.n == 0)
        rc = err_set(err, ERR_UNAVAILABLE, "generator %s printed an empty command", name);
    json_decref(json);
    if (rc < 0)
        return -1;

    words = list.items;
    argv = mem_alloc(mem, (list.n + 1) * sizeof *argv);
    for (size_t i = 0; i < list.n; i++)
        argv[i] = words[i].text;
    *ret = argv;
    return 0;
}

/* Waits for the process, whose streams have ended, and reads its command. */
static int finish(const struct generator_call *c, struct run *r, struct mem *mem,
                  const char *const **ret, struct text *log, struct err *err)
{
    const char *last = mem_strdup(mem, cut_last_line(&r->said));
    int status = 0;

    waitpid(r->pid, &status, 0);
    r->pid = 0;
    text_add_n(log, r->said.data ? r->said.data : "", r->said.len);
    text_add_n(log, r->complained.data ? r->complained.data : "", r->complained.len);
    if (WIFSIGNALED(status))
        return err_set(err, ERR_UNAVAILABLE, "generator %s was killed by signal %d", c->name,
                       WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return err_set(err, ERR_UNAVAILABLE,
                       "generator %s ended with exit code %d and said: %.300s", c->name,
                       WEXITSTATUS(status), last_words(r, last));
    return read_command(c->name, last, mem, ret, err);
}

int generator_run(const struct generator_call *c, struct mem *mem, const char *const **ret,
                  struct text *log, struct err *err)
{
    CLEANUP(run_done) struct run r = { .out = -1, .err = -1 };
    const char **argv = NULL;

    if (make_argv(c, mem, &argv, err) < 0 || start(c, argv, &r, err) < 0 ||
        listen_to(&r, c, err) < 0)
        return -1;
    return finish(c, &r, mem, ret, log, err);
}
