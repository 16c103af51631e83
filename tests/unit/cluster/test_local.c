// SPDX-License-Identifier: Apache-2.0
/* The local back end with the real shepherd and real processes. */

#include "cluster/backend.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { REPORTS_MAX = 4096 };

struct kept {               /* a report with its own memory */
    struct report report;
    char exec_id[64], reason[400];
};

struct fixture {
    char folder[64], run_dir[300];
    struct loop *loop;
    struct watch *watch;
    struct settings settings;
    struct backend_ctx *b;
    struct mem *mem;
    struct err err;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct kept reports[REPORTS_MAX];
    int n_reports, n_taken;
};

static void keep_report(void *arg, const struct report *report)
{
    struct fixture *f = arg;
    struct kept *k;

    pthread_mutex_lock(&f->lock);
    assert_true(f->n_reports < REPORTS_MAX);
    k = &f->reports[f->n_reports++];
    k->report = *report;
    snprintf(k->exec_id, sizeof k->exec_id, "%s", report->exec_id);
    snprintf(k->reason, sizeof k->reason, "%s", report->reason ? report->reason : "");
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static struct kept *next_report(struct fixture *f)
{
    struct kept *k;

    pthread_mutex_lock(&f->lock);
    while (f->n_taken == f->n_reports)
        pthread_cond_wait(&f->changed, &f->lock);
    k = &f->reports[f->n_taken++];
    pthread_mutex_unlock(&f->lock);
    return k;
}

/* --- calls on the loop's thread --- */

struct call {
    struct fixture *f;
    enum { OPEN, START, STOP, ADOPT, CLOSE } what;
    const struct launch *launch;
    const char *exec_id;
    int64_t grace_ms;
    int result;
    sem_t done;
};

static void make_call(void *arg)
{
    struct call *c = arg;
    struct fixture *f = c->f;

    switch (c->what) {
    case OPEN:
        f->b = local_backend.open(f->loop, &f->settings, keep_report, f, &f->err);
        c->result = f->b ? 0 : -1;
        break;
    case START:
        c->result = local_backend.start(f->b, c->launch, &f->err);
        break;
    case STOP:
        c->result = local_backend.stop(f->b, c->exec_id, c->grace_ms, &f->err);
        break;
    case ADOPT:
        c->result = local_backend.adopt(f->b, c->exec_id, f->run_dir, &f->err);
        break;
    case CLOSE:
        local_backend.close(f->b);
        break;
    }
    sem_post(&c->done);
}

static int do_call(struct fixture *f, struct call c)
{
    c.f = f;
    sem_init(&c.done, 0, 0);
    loop_post(f->loop, make_call, &c);
    sem_wait(&c.done);
    sem_destroy(&c.done);
    return c.result;
}

static int start(struct fixture *f, const struct launch *launch)
{
    return do_call(f, (struct call){ .what = START, .launch = launch });
}

static int stop(struct fixture *f, int64_t grace_ms)
{
    return do_call(f, (struct call){ .what = STOP, .exec_id = "ann-1-1", .grace_ms = grace_ms });
}

static int adopt(struct fixture *f)
{
    return do_call(f, (struct call){ .what = ADOPT, .exec_id = "ann-1-1" });
}

/* What a new server does: everything the old one knew is gone. */
static void restart_server(struct fixture *f)
{
    do_call(f, (struct call){ .what = CLOSE });
    assert_int_equal(do_call(f, (struct call){ .what = OPEN }), 0);
}

/* --- fixture --- */

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);

    strcpy(f->folder, "/tmp/trainyard-test-local-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->run_dir, sizeof f->run_dir, "%s/run", f->folder);
    assert_int_equal(mkdir(f->run_dir, 0700), 0);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    f->mem = mem_new();
    f->settings.shepherd = SHEPHERD;
    f->loop = loop_new(&f->err);
    assert_non_null(f->loop);
    assert_int_equal(loop_start(f->loop, "engine", &f->err), 0);
    assert_int_equal(do_call(f, (struct call){ .what = OPEN }), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    do_call(f, (struct call){ .what = CLOSE });
    loop_stop(f->loop);
    loop_free(f->loop);
    file_remove_tree(f->folder, &f->err);
    mem_free(f->mem);
    free(f);
    return 0;
}

static const char *const some_env[] = { "PATH=/usr/bin:/bin", "GREETING=hello", NULL };

static struct launch_process shell(struct fixture *f, const char *label, const char *script)
{
    const char **argv = mem_alloc(f->mem, 4 * sizeof *argv);

    argv[0] = "sh";
    argv[1] = "-c";
    argv[2] = script;
    return (struct launch_process){ .label = label, .argv = argv, .env = some_env };
}

static struct launch launch_of(struct fixture *f, const struct launch_process *processes, int n)
{
    return (struct launch){
        .exec_id = "ann-1-1", .run_dir = f->run_dir, .cwd = f->folder, .user = "", .processes = processes,
        .n_processes = n, .grace_ms = 5000,
    };
}

static void start_script(struct fixture *f, const char *script)
{
    struct launch_process p = shell(f, "worker-0", script);
    struct launch l = launch_of(f, &p, 1);

    assert_int_equal(start(f, &l), 0);
    assert_int_equal(next_report(f)->report.kind, REPORT_STARTED);
}

static struct kept *end_of(struct fixture *f, const struct launch *l)
{
    struct kept *k;

    assert_int_equal(start(f, l), 0);
    k = next_report(f);
    assert_int_equal(k->report.kind, REPORT_STARTED);
    assert_true(k->report.pid > 0);
    k = next_report(f);
    assert_string_equal(k->exec_id, "ann-1-1");
    return k;
}

static struct kept *end_of_script(struct fixture *f, const char *script)
{
    struct launch_process p = shell(f, "worker-0", script);
    struct launch l = launch_of(f, &p, 1);

    return end_of(f, &l);
}

/* "" when there is no such file. */
static char *content(struct fixture *f, const char *name)
{
    struct text text = {0};
    struct err err = {0};
    char path[400];
    char *copy;

    snprintf(path, sizeof path, "%s/%s", f->run_dir, name);
    file_read(path, 1 << 20, &text, &err);
    copy = mem_strdup(f->mem, text.data ? text.data : "");
    text_done(&text);
    return copy;
}

/* Waits until a script has said so by opening the fifo <folder>/<name> for writing. */
static void make_fifo(const struct fixture *f, const char *name)
{
    char path[400];

    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    assert_int_equal(mkfifo(path, 0600), 0);
}

static void read_fifo(const struct fixture *f, const char *name, char *buf, size_t size)
{
    char path[400];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    file = fopen(path, "re");
    assert_non_null(file);
    if (!fgets(buf, (int)size, file))
        buf[0] = '\0';
    fclose(file);
}

/* Lets go a script that reads from the fifo. */
static void open_fifo(const struct fixture *f, const char *name)
{
    char path[400];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    file = fopen(path, "we");
    assert_non_null(file);
    fclose(file);
}

static bool lives(pid_t pid)
{
    char path[64], state = 'X';
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    file = fopen(path, "re");
    if (!file)
        return false;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 'X';
    fclose(file);
    return state != 'Z' && state != 'X';
}

/* --- how tasks end --- */

static void a_process_that_succeeds_ends_with_code_0(void **state)
{
    struct kept *k = end_of_script(*state, "exit 0");

    assert_int_equal(k->report.kind, REPORT_ENDED);
    assert_int_equal(k->report.exit_code, 0);
    assert_int_equal(k->report.signal, 0);
    assert_false(k->report.stopped);
    assert_string_equal(k->reason, "");
    assert_true(k->report.started_ms > 0 && k->report.ended_ms >= k->report.started_ms);
}

static void the_exit_code_of_a_failure_is_told(void **state)
{
    assert_int_equal(end_of_script(*state, "exit 7")->report.exit_code, 7);
}

static void a_signal_is_told(void **state)
{
    struct kept *k = end_of_script(*state, "kill -SEGV $$");

    assert_int_equal(k->report.exit_code, -1);
    assert_int_equal(k->report.signal, SIGSEGV);
    assert_false(k->report.stopped);
}

static void a_missing_program_ends_with_127_and_a_reason(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = { .label = "worker-0", .env = some_env,
                                .argv = (const char *const[]){ "/no/such/program", NULL } };
    struct launch l = launch_of(f, &p, 1);
    struct kept *k = end_of(f, &l);

    assert_int_equal(k->report.kind, REPORT_ENDED);
    assert_int_equal(k->report.exit_code, 127);
    assert_string_equal(k->reason, "worker-0 cannot start /no/such/program: No such file or directory");
}

static void a_missing_working_directory_ends_with_127_and_a_reason(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = shell(f, "worker-0", "exit 0");
    struct launch l = launch_of(f, &p, 1);
    struct kept *k;

    l.cwd = "/no/such/folder";
    k = end_of(f, &l);
    assert_int_equal(k->report.exit_code, 127);
    assert_string_equal(k->reason, "worker-0 cannot enter its working directory /no/such/folder: "
                                   "No such file or directory");
}

static void a_missing_shepherd_is_refused(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = shell(f, "worker-0", "exit 0");
    struct launch l = launch_of(f, &p, 1);

    f->settings.shepherd = "/no/such/shepherd";
    restart_server(f);
    assert_int_equal(start(f, &l), -1);
    assert_int_equal(f->err.kind, ERR_UNAVAILABLE);
}

static void it_gets_exactly_its_environment_and_directory(void **state)
{
    struct fixture *f = *state;
    struct launch_process p[] = {
        { .label = "env", .env = some_env, .argv = (const char *const[]){ "env", NULL } },
        { .label = "pwd", .env = some_env, .argv = (const char *const[]){ "pwd", NULL } },
    };
    struct launch l = launch_of(f, p, 2);

    assert_int_equal(end_of(f, &l)->report.exit_code, 0);
    assert_string_equal(content(f, "env.out"),
                        "PATH=/usr/bin:/bin\nGREETING=hello\nTRAINYARD_TASK=ann-1-1\n");
    assert_memory_equal(content(f, "pwd.out"), f->folder, strlen(f->folder));
}

struct line {
    struct fixture *f;
    const char *text;
    sem_t seen, unwatched;
};

static void log_changed(void *arg, const char *name, uint32_t mask)
{
    struct line *line = arg;

    (void)mask;
    if (strcmp(name, "worker-0.both") == 0 && strstr(content(line->f, name), line->text))
        sem_post(&line->seen);
}

static void watch_log(void *arg)
{
    struct line *line = arg;

    line->f->watch = loop_folder(line->f->loop, line->f->run_dir, IN_MODIFY, log_changed, line, &line->f->err);
    log_changed(line, "worker-0.both", 0);      /* it may stand there already */
}

static void unwatch_log(void *arg)
{
    struct line *line = arg;

    watch_cancel(line->f->watch);
    sem_post(&line->unwatched);
}

static void wait_for_line(struct fixture *f, const char *text)
{
    struct line line = { .f = f, .text = text };

    sem_init(&line.seen, 0, 0);
    sem_init(&line.unwatched, 0, 0);
    loop_post(f->loop, watch_log, &line);
    sem_wait(&line.seen);
    loop_post(f->loop, unwatch_log, &line);
    sem_wait(&line.unwatched);
    sem_destroy(&line.seen);
    sem_destroy(&line.unwatched);
}

static void output_goes_to_three_files_in_order(void **state)
{
    struct fixture *f = *state;

    make_fifo(f, "a");
    make_fifo(f, "b");
    start_script(f, "echo one; read x < a; echo two >&2; read x < b; echo three; exit 0");
    /* The next line is written only when the one before is in the log. */
    wait_for_line(f, "one\n");
    open_fifo(f, "a");
    wait_for_line(f, "two\n");
    open_fifo(f, "b");
    assert_int_equal(next_report(f)->report.exit_code, 0);
    assert_string_equal(content(f, "worker-0.out"), "one\nthree\n");
    assert_string_equal(content(f, "worker-0.err"), "two\n");
    assert_string_equal(content(f, "worker-0.both"), "one\ntwo\nthree\n");
    assert_non_null(strstr(content(f, "launcher.log"), "worker-0 ended with exit code 0"));
}

static void a_full_disk_costs_output_and_not_the_task(void **state)
{
    struct fixture *f = *state;
    char path[400];
    struct kept *k;

    snprintf(path, sizeof path, "%s/worker-0.out", f->run_dir);
    assert_int_equal(symlink("/dev/full", path), 0);
    k = end_of_script(f, "echo 12345; echo fine >&2; exit 0");
    assert_int_equal(k->report.exit_code, 0);
    assert_string_equal(k->reason, "6 bytes of its output were dropped because they could not be written");
    assert_string_equal(content(f, "worker-0.err"), "fine\n");
    assert_non_null(strstr(content(f, "launcher.log"), "output is dropped: No space left on device"));
}

static void output_of_a_megabyte_arrives_whole(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(end_of_script(f, "head -c 1000000 /dev/zero | tr '\\0' x")->report.exit_code, 0);
    assert_int_equal(strlen(content(f, "worker-0.out")), 1000000);
    assert_int_equal(strlen(content(f, "worker-0.both")), 1000000);
}

static void it_runs_as_the_user_of_its_group(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = shell(f, "worker-0", "id -u; id -g; id -G");
    struct launch l = launch_of(f, &p, 1);

    l.user = "nobody";
    l.cwd = "/";
    if (geteuid() != 0) {
        assert_int_equal(start(f, &l), -1);
        assert_int_equal(f->err.kind, ERR_UNAVAILABLE);
        return;
    }
    assert_int_equal(end_of(f, &l)->report.exit_code, 0);
    assert_string_equal(content(f, "worker-0.out"), "65534\n65534\n65534\n");
}

static void an_unknown_user_is_refused(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = shell(f, "worker-0", "exit 0");
    struct launch l = launch_of(f, &p, 1);

    l.user = "no-such-user";
    assert_int_equal(start(f, &l), -1);
    assert_int_equal(f->err.kind, ERR_BAD_INPUT);
    assert_string_equal(f->err.text, "this machine has no user \"no-such-user\" to run tasks as");
}

static void signals_of_a_terminal_do_not_reach_the_shepherd(void **state)
{
    struct fixture *f = *state;
    pid_t shepherd;

    make_fifo(f, "never");
    start_script(f, "exec cat never");
    shepherd = (pid_t)f->reports[0].report.pid;
    assert_int_equal(kill(shepherd, SIGTERM) + kill(shepherd, SIGINT) + kill(shepherd, SIGHUP), 0);
    assert_int_not_equal(getsid(shepherd), getsid(0));
    assert_int_equal(stop(f, 60000), 0);
    assert_int_equal(next_report(f)->report.signal, SIGTERM);   /* the task's, from its own shepherd */
}

/* --- stopping --- */

static void a_stop_asks_politely_first(void **state)
{
    struct fixture *f = *state;
    struct kept *k;
    char buf[16];

    make_fifo(f, "ready");
    start_script(f, "trap 'echo bye; exit 3' TERM; echo > ready; while :; do read x < never & wait; done");
    read_fifo(f, "ready", buf, sizeof buf);
    assert_int_equal(stop(f, 60000), 0);
    k = next_report(f);
    assert_int_equal(k->report.kind, REPORT_ENDED);
    assert_true(k->report.stopped);
    assert_int_equal(k->report.exit_code, 3);
    assert_string_equal(content(f, "worker-0.out"), "bye\n");
}

static void a_process_that_ignores_TERM_is_killed_after_the_grace(void **state)
{
    struct fixture *f = *state;
    struct kept *k;
    int64_t asked_ms;
    char buf[16];

    make_fifo(f, "ready");
    make_fifo(f, "never");
    start_script(f, "trap '' TERM; echo > ready; exec cat never");
    read_fifo(f, "ready", buf, sizeof buf);
    asked_ms = clock_mono_ms();
    assert_int_equal(stop(f, 60000), 0);
    assert_int_equal(stop(f, 100), 0);      /* less patience the second time */
    k = next_report(f);
    assert_true(clock_mono_ms() - asked_ms >= 100);
    assert_true(k->report.stopped);
    assert_int_equal(k->report.signal, SIGKILL);
}

static void a_grandchild_that_left_the_session_is_killed_too(void **state)
{
    struct fixture *f = *state;
    char buf[16];
    pid_t pid;

    make_fifo(f, "pid");
    make_fifo(f, "never");
    start_script(f, "setsid sh -c 'trap \"\" TERM; echo $$ > pid; exec cat never' & wait");
    read_fifo(f, "pid", buf, sizeof buf);
    pid = (pid_t)strtol(buf, NULL, 10);
    assert_true(lives(pid));
    assert_int_equal(stop(f, 100), 0);
    assert_true(next_report(f)->report.stopped);
    assert_false(lives(pid));
}

static void what_a_finished_process_leaves_behind_is_ended(void **state)
{
    struct fixture *f = *state;
    struct kept *k;
    char buf[16];
    pid_t pid;

    make_fifo(f, "pid");
    make_fifo(f, "never");
    make_fifo(f, "go");
    start_script(f, "(setsid sh -c 'echo $$ > pid; exec cat never' &); read x < go; exit 0");
    read_fifo(f, "pid", buf, sizeof buf);
    pid = (pid_t)strtol(buf, NULL, 10);
    open_fifo(f, "go");
    k = next_report(f);
    assert_int_equal(k->report.exit_code, 0);
    assert_false(k->report.stopped);
    assert_false(lives(pid));
}

static void stopping_an_unknown_task_is_not_found(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(stop(f, 0), -1);
    assert_int_equal(f->err.kind, ERR_NOT_FOUND);
}

/* --- several processes --- */

static void services_are_stopped_when_the_others_have_ended(void **state)
{
    struct fixture *f = *state;
    struct launch_process p[] = { shell(f, "ps-0", "exec cat never"), shell(f, "worker-0", "exit 0"),
                                  shell(f, "worker-1", "exit 0") };
    struct launch l = launch_of(f, p, 3);
    struct kept *k;

    make_fifo(f, "never");
    p[0].service = true;
    k = end_of(f, &l);
    assert_int_equal(k->report.exit_code, 0);
    assert_int_equal(k->report.signal, 0);
}

static void when_one_fails_the_others_are_stopped(void **state)
{
    struct fixture *f = *state;
    struct launch_process p[] = { shell(f, "worker-0", "exec cat never"), shell(f, "worker-1", "exit 4") };
    struct launch l = launch_of(f, p, 2);
    struct kept *k;

    make_fifo(f, "never");
    l.others_ms = 50;
    k = end_of(f, &l);
    assert_int_equal(k->report.exit_code, 4);
    assert_false(k->report.stopped);
    assert_string_equal(k->reason, "one of its processes failed, and the others did not end within 50 ms");
}

/* --- limits --- */

static void the_wall_limit_ends_it_with_a_reason(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = shell(f, "worker-0", "trap 'exit 0' TERM; while :; do cat never & wait; done");
    struct launch l = launch_of(f, &p, 1);
    struct kept *k;

    make_fifo(f, "never");
    l.wall_ms = 1000;
    k = end_of(f, &l);
    assert_int_equal(k->report.exit_code, -1);      /* though it said 0 when it was told to go */
    assert_false(k->report.stopped);
    assert_string_equal(k->reason, "it ran longer than its limit of 1 s");
}

/* A program of the folder, that a warm interpreter may start. */
static struct launch_process warm_program(struct fixture *f, const char *source)
{
    static const char *const interpreter[] = {
        "/usr/bin/python3", SOURCE_ROOT "/runtime/python/tools/warm.py", "main.py", "json",
        "                                                                                ", NULL,
    };
    static const struct launch_warm warm = { .search = "a search", .key = "its key", .argv = interpreter, .env = some_env };
    const char *main = mem_printf(f->mem, "%s/main.py", f->folder);
    const char **argv = mem_alloc(f->mem, 3 * sizeof *argv);

    argv[0] = "/usr/bin/python3";
    argv[1] = main;
    assert_int_equal(file_write(main, source, strlen(source), 0644, &f->err), 0);
    f->settings.warm_interpreters = 1;
    f->settings.warm_idle_s = 60;
    restart_server(f);
    return (struct launch_process){ .label = "worker-0", .argv = argv, .env = some_env, .warm = &warm };
}

static void a_warm_interpreter_starts_it(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = warm_program(f, "import json\nimport sys\nprint(sys.argv)\nsys.exit(5)\n");
    struct launch l = launch_of(f, &p, 1);

    assert_int_equal(end_of(f, &l)->report.exit_code, 5);
    assert_non_null(strstr(content(f, "launcher.log"), "from a warm interpreter"));
    assert_non_null(strstr(content(f, "worker-0.out"), "/main.py']"));
}

static void without_a_warm_interpreter_it_is_started_anew(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = warm_program(f, "print('nothing to import')\nimport json\n");
    struct launch l = launch_of(f, &p, 1);

    assert_int_equal(end_of(f, &l)->report.exit_code, 0);
    assert_non_null(strstr(content(f, "launcher.log"), "is started anew"));
    assert_string_equal(content(f, "worker-0.out"), "nothing to import\n");
}

static void the_wall_limit_ends_what_was_started_warm(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = warm_program(f, "import json\nimport signal\nsignal.pause()\n");
    struct launch l = launch_of(f, &p, 1);
    struct kept *k;

    l.wall_ms = 2000;
    k = end_of(f, &l);
    assert_int_equal(k->report.exit_code, -1);
    assert_string_equal(k->reason, "it ran longer than its limit of 2 s");
    assert_non_null(strstr(content(f, "launcher.log"), "from a warm interpreter"));
}

static void the_wall_limit_ends_what_waits_for_its_interpreter(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = warm_program(f, "import json\n");
    struct launch l = launch_of(f, &p, 1);
    static const char *const never_warm[] = { "sh", "-c", "exec sleep 60", NULL };
    const struct launch_warm warm = { .search = "another", .key = "its key", .argv = never_warm, .env = some_env };
    struct kept *k;

    p.warm = &warm;
    l.wall_ms = 500;
    k = end_of(f, &l);
    assert_int_equal(k->report.exit_code, -1);
    assert_string_equal(k->reason, "it ran longer than its limit of 500 ms");
    assert_null(strstr(content(f, "launcher.log"), "runs as process"));
}

static void an_interpreter_that_talks_nonsense_is_not_believed(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = warm_program(f, "import json\nprint('anew')\n");
    struct launch l = launch_of(f, &p, 1);
    static const char *const liar[] = {
        "/usr/bin/python3", "-c",
        "import socket, sys\n"
        "control = socket.socket(fileno=3)\n"
        "control.setblocking(True)\n"
        "control.send(b'ready')\n"
        "_, files, _, _ = socket.recv_fds(control, 100, 1)\n"
        "pair = socket.socket(fileno=files[0])\n"
        "pair.send(b'sheepdog')\n"
        "pair.send(b'ready')\n"            /* from the same process: that is not its own child */
        "control.send(b'forked')\n"
        "control.recv(1)\n", NULL,
    };
    const struct launch_warm warm = { .search = "a liar", .key = "its key", .argv = liar, .env = some_env };

    p.warm = &warm;
    assert_int_equal(end_of(f, &l)->report.exit_code, 0);
    assert_string_equal(content(f, "worker-0.out"), "anew\n");
    assert_non_null(strstr(content(f, "launcher.log"), "its processes are not related"));
}

static void the_memory_limit_ends_it_with_a_reason(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = { .label = "worker-0", .env = some_env };
    struct launch l = launch_of(f, &p, 1);
    struct kept *k;

    p.argv = (const char *const[]){ "/usr/bin/python3", "-S", "-c",
                                    "x = bytearray(200 << 20)\nopen('never').read()", NULL };
    make_fifo(f, "never");
    l.memory_bytes = 64 << 20;
    k = end_of(f, &l);
    assert_int_equal(k->report.exit_code, -1);
    assert_int_equal(k->report.signal, SIGKILL);
    assert_non_null(strstr(k->reason, "more than its limit of 64 MiB"));
}

static void the_limits_of_files_and_core_dumps_are_set(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = shell(f, "worker-0", "ulimit -n; ulimit -c");
    struct launch l = launch_of(f, &p, 1);

    l.files_max = 128;
    assert_int_equal(end_of(f, &l)->report.exit_code, 0);
    assert_string_equal(content(f, "worker-0.out"), "128\n0\n");
}

/* --- deaths and restarts --- */

static void a_killed_shepherd_is_lost_and_nothing_runs_on(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = shell(f, "worker-0",
        "setsid sh -c 'echo $$ > pid; exec cat never' & echo $$ > self; exec cat never");
    struct launch l = launch_of(f, &p, 1);
    char buf[16];
    pid_t shepherd, away, self;
    struct kept *k;

    make_fifo(f, "pid");
    make_fifo(f, "self");
    make_fifo(f, "never");
    assert_int_equal(start(f, &l), 0);
    shepherd = (pid_t)next_report(f)->report.pid;
    read_fifo(f, "pid", buf, sizeof buf);
    away = (pid_t)strtol(buf, NULL, 10);
    read_fifo(f, "self", buf, sizeof buf);
    self = (pid_t)strtol(buf, NULL, 10);
    assert_int_equal(kill(shepherd, SIGKILL), 0);
    k = next_report(f);
    assert_int_equal(k->report.kind, REPORT_LOST);
    assert_string_equal(k->reason, "its shepherd was killed by signal 9; nothing of it runs any more");
    assert_false(lives(away));
    assert_false(lives(self));
}

static void a_running_task_is_adopted_and_still_obeys(void **state)
{
    struct fixture *f = *state;
    struct kept *k;

    make_fifo(f, "never");
    start_script(f, "echo before; exec cat never");
    restart_server(f);
    assert_int_equal(adopt(f), 0);
    k = next_report(f);
    assert_int_equal(k->report.kind, REPORT_STARTED);
    assert_true(k->report.pid > 0);
    assert_true(k->report.started_ms > 0);
    assert_int_equal(stop(f, 60000), 0);
    k = next_report(f);
    assert_int_equal(k->report.kind, REPORT_ENDED);
    assert_int_equal(k->report.signal, SIGTERM);
    assert_true(k->report.stopped);
    waitpid(-1, NULL, 0);       /* the second server is no parent; here the first one is the same process */
}

static void a_task_is_adopted_again_and_again(void **state)
{
    struct fixture *f = *state;

    make_fifo(f, "never");
    start_script(f, "exec cat never");
    for (int i = 0; i < 5; i++) {
        restart_server(f);
        assert_int_equal(adopt(f), 0);
        assert_int_equal(next_report(f)->report.kind, REPORT_STARTED);
    }
    assert_int_equal(stop(f, 0), 0);
    assert_int_equal(next_report(f)->report.signal, SIGKILL);
    waitpid(-1, NULL, 0);
}

static void a_stop_given_before_the_shepherd_answers_is_kept(void **state)
{
    struct fixture *f = *state;

    make_fifo(f, "never");
    start_script(f, "exec cat never");
    restart_server(f);
    assert_int_equal(adopt(f), 0);
    assert_int_equal(stop(f, 0), 0);
    while (next_report(f)->report.kind == REPORT_STARTED)
        continue;
    assert_true(f->reports[f->n_taken - 1].report.stopped);
    waitpid(-1, NULL, 0);
}

static void a_task_that_ended_meanwhile_is_told_from_its_record(void **state)
{
    struct fixture *f = *state;
    struct kept *k;
    pid_t pid;

    make_fifo(f, "go");
    start_script(f, "read x < go; exit 5");
    pid = (pid_t)f->reports[0].report.pid;
    restart_server(f);
    open_fifo(f, "go");
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(adopt(f), 0);
    k = next_report(f);
    assert_int_equal(k->report.kind, REPORT_ENDED);
    assert_int_equal(k->report.exit_code, 5);
}

static void a_shepherd_killed_while_the_server_was_away_is_lost(void **state)
{
    struct fixture *f = *state;
    char buf[16];
    pid_t shepherd, away;

    make_fifo(f, "pid");
    make_fifo(f, "never");
    start_script(f, "setsid sh -c 'echo $$ > pid; exec cat never' & wait");
    shepherd = (pid_t)f->reports[0].report.pid;
    read_fifo(f, "pid", buf, sizeof buf);
    away = (pid_t)strtol(buf, NULL, 10);
    restart_server(f);
    assert_int_equal(kill(shepherd, SIGKILL), 0);
    assert_int_equal(waitpid(shepherd, NULL, 0), shepherd);
    assert_true(lives(away));
    assert_int_equal(adopt(f), 0);
    assert_int_equal(next_report(f)->report.kind, REPORT_LOST);
    assert_false(lives(away));
}

static void an_adopted_task_whose_shepherd_is_killed_is_lost(void **state)
{
    struct fixture *f = *state;
    pid_t shepherd;

    make_fifo(f, "never");
    start_script(f, "exec cat never");
    restart_server(f);
    assert_int_equal(adopt(f), 0);
    shepherd = (pid_t)next_report(f)->report.pid;
    assert_int_equal(kill(shepherd, SIGKILL), 0);
    assert_int_equal(next_report(f)->report.kind, REPORT_LOST);
    waitpid(shepherd, NULL, 0);
}

static void what_was_never_launched_is_told_so(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(adopt(f), 0);
    assert_int_equal(next_report(f)->report.kind, REPORT_NEVER_STARTED);
}

static void starting_twice_launches_once(void **state)
{
    struct fixture *f = *state;
    struct launch_process p = shell(f, "worker-0", "echo once; exit 0");
    struct launch l = launch_of(f, &p, 1);

    assert_int_equal(start(f, &l), 0);
    assert_int_equal(start(f, &l), 0);
    assert_int_equal(next_report(f)->report.kind, REPORT_STARTED);
    assert_int_equal(next_report(f)->report.kind, REPORT_ENDED);
    assert_int_equal(start(f, &l), 0);      /* it has ended: told again, not run again */
    assert_int_equal(next_report(f)->report.kind, REPORT_ENDED);
    assert_string_equal(content(f, "worker-0.out"), "once\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_process_that_succeeds_ends_with_code_0),
        TEST(the_exit_code_of_a_failure_is_told),
        TEST(a_signal_is_told),
        TEST(a_missing_program_ends_with_127_and_a_reason),
        TEST(a_missing_working_directory_ends_with_127_and_a_reason),
        TEST(a_missing_shepherd_is_refused),
        TEST(it_gets_exactly_its_environment_and_directory),
        TEST(output_goes_to_three_files_in_order),
        TEST(a_full_disk_costs_output_and_not_the_task),
        TEST(output_of_a_megabyte_arrives_whole),
        TEST(it_runs_as_the_user_of_its_group),
        TEST(an_unknown_user_is_refused),
        TEST(signals_of_a_terminal_do_not_reach_the_shepherd),
        TEST(a_stop_asks_politely_first),
        TEST(a_process_that_ignores_TERM_is_killed_after_the_grace),
        TEST(a_grandchild_that_left_the_session_is_killed_too),
        TEST(what_a_finished_process_leaves_behind_is_ended),
        TEST(stopping_an_unknown_task_is_not_found),
        TEST(services_are_stopped_when_the_others_have_ended),
        TEST(when_one_fails_the_others_are_stopped),
        TEST(the_wall_limit_ends_it_with_a_reason),
        TEST(a_warm_interpreter_starts_it),
        TEST(without_a_warm_interpreter_it_is_started_anew),
        TEST(the_wall_limit_ends_what_was_started_warm),
        TEST(the_wall_limit_ends_what_waits_for_its_interpreter),
        TEST(an_interpreter_that_talks_nonsense_is_not_believed),
        TEST(the_memory_limit_ends_it_with_a_reason),
        TEST(the_limits_of_files_and_core_dumps_are_set),
        TEST(a_killed_shepherd_is_lost_and_nothing_runs_on),
        TEST(a_running_task_is_adopted_and_still_obeys),
        TEST(a_task_is_adopted_again_and_again),
        TEST(a_stop_given_before_the_shepherd_answers_is_kept),
        TEST(a_task_that_ended_meanwhile_is_told_from_its_record),
        TEST(a_shepherd_killed_while_the_server_was_away_is_lost),
        TEST(an_adopted_task_whose_shepherd_is_killed_is_lost),
        TEST(what_was_never_launched_is_told_so),
        TEST(starting_twice_launches_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
