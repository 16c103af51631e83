// SPDX-License-Identifier: Apache-2.0
#include "frameworks/generator.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/run.h"
#include "base/text.h"
#include "base/words.h"
#include "frameworks/tools.h"

#include <fcntl.h>
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
static const char *last_words(struct run_result *r, const char *last)
{
    const char *complaint = cut_last_line(&r->err);

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

/* Reads the command of a generator that has ended. */
static int finish(const struct generator_call *c, struct run_result *r, struct mem *mem,
                  const char *const **ret, struct text *log, struct err *err)
{
    const char *last = mem_strdup(mem, cut_last_line(&r->out));

    text_add_n(log, r->out.data ? r->out.data : "", r->out.len);
    text_add_n(log, r->err.data ? r->err.data : "", r->err.len);
    if (WIFSIGNALED(r->status))
        return err_set(err, ERR_UNAVAILABLE, "generator %s was killed by signal %d", c->name,
                       WTERMSIG(r->status));
    if (WEXITSTATUS(r->status) != 0)
        return err_set(err, ERR_UNAVAILABLE,
                       "generator %s ended with exit code %d and said: %.300s", c->name,
                       WEXITSTATUS(r->status), last_words(r, last));
    return read_command(c->name, last, mem, ret, err);
}

int generator_run(const struct generator_call *c, struct mem *mem, const char *const **ret,
                  struct text *log, struct err *err)
{
    CLEANUP(run_result_done) struct run_result r = {0};
    struct run_call call = { .env = c->env, .cwd = c->cwd, .output_max = OUTPUT_MAX,
                             .limit_ms = c->limit_ms ? c->limit_ms : GENERATOR_MS };
    const char **argv = NULL;

    if (make_argv(c, mem, &argv, err) < 0)
        return -1;
    call.argv = argv;
    if (run_program(&call, &r, err) < 0)
        return err_wrap(err, "generator %s", c->name);
    if (r.timed_out)
        return err_set(err, ERR_UNAVAILABLE, "generator %s took longer than %g s", c->name,
                       (double)call.limit_ms / 1000);
    return finish(c, &r, mem, ret, log, err);
}
