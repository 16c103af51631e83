// SPDX-License-Identifier: Apache-2.0
#include "base/loop.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/wait.h>

#include <cmocka.h>

/* What the callbacks of one test share; only the loop's thread touches it until `done` is posted. */
struct fixture {
    struct loop *loop;
    sem_t done;
    int order[4096];
    int n, wanted;
    struct watch *watch, *other;
    int pipe[2];
    int wait_status;
    char folder[64], name[64];
    struct err err;
};

static struct fixture open_loop(void)
{
    struct fixture f = {0};

    f.loop = loop_new(&f.err);
    assert_non_null(f.loop);
    sem_init(&f.done, 0, 0);
    f.wanted = -1;
    return f;
}

static void begin(struct fixture *f) { assert_int_equal(loop_start(f->loop, "test", &f->err), 0); }

static void finish(struct fixture *f)
{
    loop_stop(f->loop);
    loop_free(f->loop);
    sem_destroy(&f->done);
}

static void note(struct fixture *f, int what)
{
    f->order[f->n++] = what;
    if (f->n == f->wanted)
        sem_post(&f->done);
}

struct message {
    struct fixture *f;
    int what;
};

static void receive(void *arg)
{
    struct message *m = arg;

    assert_true(loop_is_current(m->f->loop));
    note(m->f, m->what);
    free(m);
}

static void post(struct fixture *f, int what)
{
    struct message *m = xcalloc(1, sizeof *m);

    *m = (struct message){ f, what };
    loop_post(f->loop, receive, m);
}

static void posts_run_in_order_and_stopping_runs_them_all(void **state)
{
    struct fixture f = open_loop();

    (void)state;
    begin(&f);
    assert_false(loop_is_current(f.loop));
    for (int i = 0; i < 1000; i++)
        post(&f, i);
    finish(&f);
    assert_int_equal(f.n, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(f.order[i], i);
}

static void *post_many(void *arg)
{
    for (int i = 0; i < 1000; i++)
        post(arg, i);
    return NULL;
}

static void posts_of_many_threads_all_arrive(void **state)
{
    struct fixture f = open_loop();
    pthread_t threads[4];

    (void)state;
    begin(&f);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, post_many, &f);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    finish(&f);
    assert_int_equal(f.n, 4000);
}

static void on_timer_1(void *arg) { note(arg, 1); }
static void on_timer_2(void *arg) { note(arg, 2); }
static void on_timer_3(void *arg) { note(arg, 3); }

static void timers_fire_in_the_order_of_their_times(void **state)
{
    struct fixture f = open_loop();
    int64_t start_ms = clock_mono_ms();

    (void)state;
    f.wanted = 4;
    loop_timer(f.loop, 30, 0, on_timer_3, &f);
    loop_timer(f.loop, 10, 0, on_timer_1, &f);
    loop_timer(f.loop, 20, 0, on_timer_2, &f);
    loop_timer(f.loop, 10, 0, on_timer_2, &f);      /* the same time: as they were set */
    watch_cancel(loop_timer(f.loop, 5, 0, on_timer_3, &f));
    begin(&f);
    sem_wait(&f.done);
    assert_true(clock_mono_ms() - start_ms >= 29);
    finish(&f);
    assert_memory_equal(f.order, ((int[]){ 1, 2, 2, 3 }), 4 * sizeof(int));
}

static void beat(void *arg)
{
    struct fixture *f = arg;

    if (f->n == 2) {
        watch_cancel(f->watch);     /* inside its own callback */
        loop_timer(f->loop, 5, 0, on_timer_1, f);
    }
    note(f, f->n);
}

static void a_periodic_timer_beats_until_it_is_cancelled(void **state)
{
    struct fixture f = open_loop();

    (void)state;
    f.wanted = 4;
    f.watch = loop_timer(f.loop, 0, 1, beat, &f);
    begin(&f);
    sem_wait(&f.done);
    finish(&f);
    assert_memory_equal(f.order, ((int[]){ 0, 1, 2, 1 }), 4 * sizeof(int));
}

static void many_timers_come_out_sorted(void **state)
{
    struct fixture f = open_loop();
    struct watch *watches[300];

    (void)state;
    for (int i = 0; i < 300; i++)
        watches[i] = loop_timer(f.loop, (i * 7919) % 50, 0, i % 3 ? on_timer_1 : on_timer_2, &f);
    for (int i = 0; i < 300; i += 3)
        watch_cancel(watches[i]);
    f.wanted = 201;
    loop_timer(f.loop, 51, 0, on_timer_3, &f);
    begin(&f);
    sem_wait(&f.done);
    finish(&f);
    for (int i = 0; i < 200; i++)
        assert_int_equal(f.order[i], 1);
    assert_int_equal(f.order[200], 3);
}

static void on_readable(void *arg, uint32_t events)
{
    struct fixture *f = arg;
    char c = 0;

    assert_true(events & EPOLLIN);
    assert_int_equal(read(f->pipe[0], &c, 1), 1);
    note(f, c);
}

static void a_readable_descriptor_is_told(void **state)
{
    struct fixture f = open_loop();

    (void)state;
    f.wanted = 3;
    assert_int_equal(pipe2(f.pipe, O_CLOEXEC), 0);
    f.watch = loop_fd(f.loop, f.pipe[0], EPOLLIN, on_readable, &f, &f.err);
    assert_non_null(f.watch);
    begin(&f);
    assert_int_equal(write(f.pipe[1], "abc", 3), 3);
    sem_wait(&f.done);
    finish(&f);
    close(f.pipe[0]);
    close(f.pipe[1]);
    assert_memory_equal(f.order, ((int[]){ 'a', 'b', 'c' }), 3 * sizeof(int));
}

static void cancel_both(void *arg, uint32_t events)
{
    struct fixture *f = arg;

    (void)events;
    watch_cancel(f->watch);
    watch_cancel(f->other);
    note(f, 1);
}

static void no_callback_comes_after_a_cancel_in_the_same_turn(void **state)
{
    struct fixture f = open_loop();
    int other[2];

    (void)state;
    f.wanted = 2;
    assert_int_equal(pipe2(f.pipe, O_CLOEXEC), 0);
    assert_int_equal(pipe2(other, O_CLOEXEC), 0);
    assert_int_equal(write(f.pipe[1], "a", 1) + write(other[1], "b", 1), 2);
    f.watch = loop_fd(f.loop, f.pipe[0], EPOLLIN, cancel_both, &f, &f.err);
    f.other = loop_fd(f.loop, other[0], EPOLLIN, cancel_both, &f, &f.err);
    loop_timer(f.loop, 10, 0, on_timer_2, &f);
    begin(&f);
    sem_wait(&f.done);
    finish(&f);
    for (int i = 0; i < 2; i++) {
        close(f.pipe[i]);
        close(other[i]);
    }
    assert_memory_equal(f.order, ((int[]){ 1, 2 }), 2 * sizeof(int));
}

static void a_descriptor_that_cannot_be_watched_is_refused(void **state)
{
    struct fixture f = open_loop();

    (void)state;
    assert_null(loop_fd(f.loop, 1000000, EPOLLIN, on_readable, &f, &f.err));
    assert_int_equal(f.err.kind, ERR_INTERNAL);
    finish(&f);
}

static void on_exit_status(void *arg, pid_t pid, int wait_status)
{
    struct fixture *f = arg;

    assert_true(pid > 0);
    f->wait_status = wait_status;
    note(f, 1);
}

static int run_child(const char *script)
{
    struct fixture f = open_loop();
    char *argv[] = { "sh", "-c", (char *)script, NULL };
    pid_t pid;

    f.wanted = 1;
    assert_int_equal(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, NULL), 0);
    assert_non_null(loop_child(f.loop, pid, on_exit_status, &f, &f.err));
    begin(&f);
    sem_wait(&f.done);
    finish(&f);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);      /* it was reaped */
    return f.wait_status;
}

static void a_child_is_reaped_and_its_status_told(void **state)
{
    int status = run_child("exit 7");

    (void)state;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    status = run_child("kill -9 $$");
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void on_file(void *arg, const char *name, uint32_t mask)
{
    struct fixture *f = arg;

    if (!(mask & IN_CREATE)) {
        note(f, mask & IN_IGNORED ? 99 : 50);
        return;
    }
    snprintf(f->name, sizeof f->name, "%s", name);
    note(f, name[0]);
}

static void make_file(const struct fixture *f, const char *name)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void remove_file(const struct fixture *f, const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    assert_int_equal(unlink(path), 0);
}

static void folder_changes_are_told_to_each_that_watches(void **state)
{
    struct fixture f = open_loop();

    (void)state;
    strcpy(f.folder, "/tmp/trainyard-test-loop-XXXXXX");
    assert_non_null(mkdtemp(f.folder));
    f.wanted = 2;
    f.watch = loop_folder(f.loop, f.folder, IN_CREATE, on_file, &f, &f.err);
    f.other = loop_folder(f.loop, f.folder, IN_CREATE, on_file, &f, &f.err);
    assert_non_null(f.watch);
    assert_non_null(f.other);
    begin(&f);
    make_file(&f, "a");
    sem_wait(&f.done);
    loop_stop(f.loop);

    watch_cancel(f.other);
    f.wanted = 3;
    begin(&f);
    make_file(&f, "b");
    sem_wait(&f.done);
    loop_stop(f.loop);

    remove_file(&f, "a");
    remove_file(&f, "b");
    f.wanted = 4;
    assert_int_equal(rmdir(f.folder), 0);
    begin(&f);
    sem_wait(&f.done);
    finish(&f);
    assert_memory_equal(f.order, ((int[]){ 'a', 'a', 'b', 99 }), 4 * sizeof(int));
}

static void a_missing_folder_is_not_found(void **state)
{
    struct fixture f = open_loop();

    (void)state;
    assert_null(loop_folder(f.loop, "/nowhere/at/all", IN_CREATE, on_file, &f, &f.err));
    assert_int_equal(f.err.kind, ERR_NOT_FOUND);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_run_in_order_and_stopping_runs_them_all),
        cmocka_unit_test(posts_of_many_threads_all_arrive),
        cmocka_unit_test(timers_fire_in_the_order_of_their_times),
        cmocka_unit_test(a_periodic_timer_beats_until_it_is_cancelled),
        cmocka_unit_test(many_timers_come_out_sorted),
        cmocka_unit_test(a_readable_descriptor_is_told),
        cmocka_unit_test(no_callback_comes_after_a_cancel_in_the_same_turn),
        cmocka_unit_test(a_descriptor_that_cannot_be_watched_is_refused),
        cmocka_unit_test(a_child_is_reaped_and_its_status_told),
        cmocka_unit_test(folder_changes_are_told_to_each_that_watches),
        cmocka_unit_test(a_missing_folder_is_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
