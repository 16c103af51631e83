// SPDX-License-Identifier: Apache-2.0
/* Helpers with the real shepherd and real programs. */

#include "cluster/helper.h"

#include "base/err.h"
#include "base/files.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"
#include "base/work.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cmocka.h>

struct fixture {
    char folder[64], home[100];
    struct settings settings;
    struct loop *loop;
    struct work *work;
    struct helpers *helpers;
    struct helper *helper;
    struct mem *mem;
    struct err err;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct text said;           /* "<line>|" for each answer, "ended: why|" at the end */
    size_t n_seen;
};

static void say(struct fixture *f, const char *before, const char *what, size_t len)
{
    pthread_mutex_lock(&f->lock);
    text_add(&f->said, before);
    text_add_n(&f->said, what, len);
    text_add_char(&f->said, '|');
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static void on_line(void *arg, const char *line, size_t len) { say(arg, "", line, len); }

static void on_end(void *arg, const char *why)
{
    struct fixture *f = arg;

    f->helper = NULL;
    say(f, "ended: ", why, strlen(why));
}

/* The next that was said. */
static const char *next(struct fixture *f)
{
    const char *start, *end, *copy;

    pthread_mutex_lock(&f->lock);
    while (f->said.len == f->n_seen)
        pthread_cond_wait(&f->changed, &f->lock);
    start = f->said.data + f->n_seen;
    end = strchr(start, '|');
    copy = mem_strndup(f->mem, start, (size_t)(end - start));
    f->n_seen += (size_t)(end - start) + 1;
    pthread_mutex_unlock(&f->lock);
    return copy;
}

/* --- calls on the loop's thread --- */

struct call {
    struct fixture *f;
    enum { START, SEND, STOP } what;
    const char *send;
    bool at_once;
    int result;
    sem_t done;
};

static void make_call(void *arg)
{
    struct call *c = arg;
    struct fixture *f = c->f;
    CLEANUP(text_done) struct text lines = {0};

    if (c->what == START)
        c->result = helper_start(f->helper, on_line, on_end, f, &f->err);
    if (c->what == SEND && f->helper) {
        text_add(&lines, c->send);
        helper_send(f->helper, &lines);
    }
    if (c->what == STOP)
        helper_stop(TAKE(f->helper), c->at_once);
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

static void send_lines(struct fixture *f, const char *lines) { do_call(f, (struct call){ .what = SEND, .send = lines }); }
static void stop(struct fixture *f, bool at_once) { do_call(f, (struct call){ .what = STOP, .at_once = at_once }); }

static struct helper *make(struct fixture *f, const char *script)
{
    static const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
    const char *const argv[] = { "/bin/sh", "-c", script, NULL };
    const struct helper_launch launch = { .id = "helper-1", .home = f->home, .label = "it", .cwd = f->folder, .user = "",
                                          .argv = argv, .env = env, .log_max_bytes = 1 << 20 };

    return helper_new(f->helpers, &launch, &f->err);
}

static void start(struct fixture *f, const char *script)
{
    f->helper = make(f, script);
    assert_non_null(f->helper);
    assert_int_equal(do_call(f, (struct call){ .what = START }), 0);
}

/* --- fixture --- */

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);

    signal(SIGPIPE, SIG_IGN);   /* as the server does */
    strcpy(f->folder, "/tmp/trainyard-test-helper-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->home, sizeof f->home, "%s/home", f->folder);
    assert_int_equal(mkdir(f->home, 0700), 0);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    f->mem = mem_new();
    f->settings.shepherd = SHEPHERD;
    f->loop = loop_new(&f->err);
    f->work = work_start(1, &f->err);
    assert_int_equal(loop_start(f->loop, "engine", &f->err), 0);
    f->helpers = helpers_new(&f->settings, f->loop, f->work);
    *state = f;
    return 0;
}

static void end_server(struct fixture *f)
{
    loop_stop(f->loop);
    work_stop(f->work);
    helpers_free(f->helpers);
    loop_free(f->loop);
    f->loop = NULL;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->loop) {
        if (f->helper)
            stop(f, /* at_once= */ true);
        end_server(f);
    }
    file_remove_tree(f->folder, &f->err);
    text_done(&f->said);
    mem_free(f->mem);
    free(f);
    return 0;
}

/* Its shepherd goes last, and lets go of the lock. */
static void wait_until_gone(struct fixture *f)
{
    CLEANUP(fd_closep) int fd = -1;
    char path[200];

    snprintf(path, sizeof path, "%s/lock", f->home);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
}

static char *log_text(struct fixture *f)
{
    struct text text = {0};
    char path[200], *copy;

    snprintf(path, sizeof path, "%s/it.log", f->home);
    assert_int_equal(file_read(path, 4 << 20, &text, &f->err), 0);
    copy = mem_strdup(f->mem, text.data);
    text_done(&text);
    return copy;
}

/* --- tests --- */

static void requests_are_answered_line_by_line(void **state)
{
    struct fixture *f = *state;

    start(f, "while read -r line; do echo \"got $line\"; done");
    send_lines(f, "one\n");
    assert_string_equal(next(f), "got one");
    send_lines(f, "two\n");
    assert_string_equal(next(f), "got two");
}

static void what_it_says_on_standard_error_is_its_log(void **state)
{
    struct fixture *f = *state;

    start(f, "read -r line; echo \"a word\" >&2; echo answer; exit 0");
    send_lines(f, "one\n");
    assert_string_equal(next(f), "answer");
    assert_string_equal(next(f), "ended: it ended with exit code 0");
    wait_until_gone(f);
    assert_string_equal(log_text(f), "a word\n");
}

static void long_requests_and_answers_get_through(void **state)
{
    struct fixture *f = *state;
    CLEANUP(text_done) struct text line = {0};
    const char *answer;

    for (int i = 0; i < 3 << 20; i++)
        text_add_char(&line, 'x');
    text_add_char(&line, '\n');
    start(f, "head -n 1; sleep 600");
    send_lines(f, line.data);
    answer = next(f);
    assert_int_equal(strlen(answer), 3 << 20);
}

static void an_end_is_told_with_its_reason(void **state)
{
    struct fixture *f = *state;

    start(f, "exit 7");
    assert_string_equal(next(f), "ended: it ended with exit code 7");
    start(f, "kill -9 $$");
    assert_string_equal(next(f), "ended: it was ended by signal 9 (Killed)");
}

static void the_answer_of_one_that_ends_comes_first(void **state)
{
    struct fixture *f = *state;

    start(f, "read -r line; echo last words; exit 1");
    send_lines(f, "one\n");
    assert_string_equal(next(f), "last words");
    assert_string_equal(next(f), "ended: it ended with exit code 1");
}

static void a_program_that_cannot_start_is_told(void **state)
{
    struct fixture *f = *state;
    static const char *const env[] = { NULL };
    const char *const argv[] = { "/no/such/program", NULL };
    const struct helper_launch launch = { .id = "helper-1", .home = f->home, .label = "it", .cwd = f->folder, .user = "",
                                          .argv = argv, .env = env };

    f->helper = helper_new(f->helpers, &launch, &f->err);
    assert_int_equal(do_call(f, (struct call){ .what = START }), 0);
    assert_string_equal(next(f), "ended: it cannot start /no/such/program: No such file or directory");
}

static void what_nobody_asked_for_ends_it(void **state)
{
    struct fixture *f = *state;

    start(f, "echo hello; sleep 600");
    assert_string_equal(next(f), "ended: it wrote a line that nobody asked for");
    wait_until_gone(f);
    start(f, "read -r line; printf 'one\\ntwo\\n'; sleep 600");
    send_lines(f, "ask\n");
    assert_string_equal(next(f), "ended: it wrote a line that nobody asked for");
    wait_until_gone(f);
}

static void an_endless_line_ends_it(void **state)
{
    struct fixture *f = *state;

    start(f, "yes | tr -d '\\n'");
    assert_string_equal(next(f), "ended: it wrote a line of more than 16 MiB");
    wait_until_gone(f);
}

static void a_stop_reaches_what_it_started(void **state)
{
    struct fixture *f = *state;

    start(f, "setsid sleep 600 & read -r line; echo up; sleep 600");
    send_lines(f, "one\n");
    assert_string_equal(next(f), "up");
    stop(f, /* at_once= */ true);
    wait_until_gone(f);
}

static void a_polite_stop_lets_it_say_goodbye(void **state)
{
    struct fixture *f = *state;

    start(f, "trap 'echo bye >&2; exit 0' TERM; read -r line; echo up; while :; do sleep 0.01; done");
    send_lines(f, "one\n");
    assert_string_equal(next(f), "up");
    stop(f, /* at_once= */ false);
    wait_until_gone(f);
    assert_non_null(strstr(log_text(f), "bye\n"));
}

static void one_that_is_stopped_says_nothing_more(void **state)
{
    struct fixture *f = *state;

    start(f, "read -r line; echo answer; sleep 600");
    stop(f, /* at_once= */ true);
    wait_until_gone(f);
    assert_int_equal(f->said.len, 0);
}

static void a_second_life_waits_for_the_end_of_the_first(void **state)
{
    struct fixture *f = *state;

    start(f, "read -r line; sleep 600");
    assert_null(make(f, ":"));
    assert_int_equal(f->err.kind, ERR_BUSY);
    stop(f, /* at_once= */ true);
    wait_until_gone(f);
}

static void it_ends_with_the_server(void **state)
{
    struct fixture *f = *state;

    start(f, "trap '' TERM; read -r line; echo up; sleep 600");
    send_lines(f, "one\n");
    assert_string_equal(next(f), "up");
    end_server(f);              /* nobody tells it */
    wait_until_gone(f);
}

static void an_unknown_user_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const none[] = { NULL };
    const struct helper_launch launch = { .id = "helper-1", .home = f->home, .label = "it", .cwd = f->folder,
                                          .user = "no-such-user", .argv = none, .env = none };

    assert_null(helper_new(f->helpers, &launch, &f->err));
    assert_int_equal(f->err.kind, ERR_UNAVAILABLE);
    assert_non_null(strstr(f->err.text, "no-such-user"));
}

static void the_log_keeps_its_newest_half(void **state)
{
    struct fixture *f = *state;
    struct stat new, old;
    char path[200];

    start(f, "read -r line; i=0; while [ $i -lt 30000 ]; do echo \"$i ........................................\"; i=$((i + 1));"
             " done >&2; echo done; exit 0");
    send_lines(f, "one\n");
    assert_string_equal(next(f), "done");
    next(f);
    wait_until_gone(f);
    assert_non_null(strstr(log_text(f), "29999 ."));
    snprintf(path, sizeof path, "%s/it.log", f->home);
    assert_int_equal(stat(path, &new), 0);
    snprintf(path, sizeof path, "%s/it.log.old", f->home);
    assert_int_equal(stat(path, &old), 0);
    assert_true(new.st_size + old.st_size <= 1 << 20 && old.st_size > 400000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_are_answered_line_by_line),
        TEST(what_it_says_on_standard_error_is_its_log),
        TEST(long_requests_and_answers_get_through),
        TEST(an_end_is_told_with_its_reason),
        TEST(the_answer_of_one_that_ends_comes_first),
        TEST(a_program_that_cannot_start_is_told),
        TEST(what_nobody_asked_for_ends_it),
        TEST(an_endless_line_ends_it),
        TEST(a_stop_reaches_what_it_started),
        TEST(a_polite_stop_lets_it_say_goodbye),
        TEST(one_that_is_stopped_says_nothing_more),
        TEST(a_second_life_waits_for_the_end_of_the_first),
        TEST(it_ends_with_the_server),
        TEST(an_unknown_user_is_refused),
        TEST(the_log_keeps_its_newest_half),
    };

    return cmocka_run_group_tests_name("helper", tests, NULL, NULL);
}
