// SPDX-License-Identifier: Apache-2.0
#include "store/writer.h"

#include "base/err.h"
#include "folder.h"
#include "store/db.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static const char sql_add[] = "INSERT INTO secret(name, value) VALUES (:name, :value)";
static const char sql_count[] = "SELECT count(*) FROM secret";
static const char sql_has[] = "SELECT count(*) FROM secret WHERE name = :name";

static int add(struct db *db, void *arg, struct err *err)
{
    return db_run(db, sql_add, BINDS(BIND_T(":name", arg), BIND_B(":value", "v", 1)), err) < 0 ? -1
                                                                                               : 0;
}

static int add_then_refuse(struct db *db, void *arg, struct err *err)
{
    if (add(db, arg, err) < 0)
        return -1;
    return err_set(err, ERR_FORBIDDEN, "not after all");
}

static int64_t count(const char *path)
{
    CLEANUP(db_closep) struct db *db = NULL;
    CLEANUP(query_done) struct query q = {0};
    struct err err = {0};

    db = db_open(path, DB_READ, &err);
    assert_non_null(db);
    assert_int_equal(query_start(&q, db, sql_count, NULL, &err), 0);
    assert_int_equal(query_next(&q, NULL, NULL, NULL, &err), 1);
    return query_int(&q, 0);
}

static void a_change_is_there_when_it_is_acknowledged(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_new();
    struct err err = {0};
    struct writer *w = writer_start(f.db, &err);

    (void)state;
    assert_non_null(w);
    assert_int_equal(writer_run(w, add, "a", &err), 0);
    assert_int_equal(count(f.db), 1);
    writer_stop(w);
}

static void a_change_that_fails_is_undone_alone(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_new();
    struct err err = {0};
    struct writer *w = writer_start(f.db, &err);

    (void)state;
    writer_add(w, add, NULL, "a");
    writer_add(w, add_then_refuse, NULL, "b");
    writer_add(w, add, NULL, "c");
    assert_int_equal(writer_run(w, add_then_refuse, "d", &err), -1);
    assert_int_equal(err.kind, ERR_FORBIDDEN);
    assert_string_equal(err.text, "not after all");
    assert_int_equal(count(f.db), 2);
    writer_stop(w);
}

static void stopping_commits_what_was_given(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_new();
    struct err err = {0};
    struct writer *w = writer_start(f.db, &err);
    char names[1500][8];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(names[i], sizeof names[i], "%zu", i);
        writer_add(w, add, NULL, names[i]);
    }
    writer_stop(w);
    assert_int_equal(count(f.db), ARRAY_LEN(names));
}

static int shrink(struct db *db, void *arg, struct err *err)
{
    (void)arg;
    return db_script(db, "PRAGMA max_page_count = 1", err);     /* clamped to the present size */
}

static int grow(struct db *db, void *arg, struct err *err)
{
    (void)arg;
    return db_script(db, "PRAGMA max_page_count = 1000000", err);
}

static int add_large(struct db *db, void *arg, struct err *err)
{
    static const char large[400000];

    return db_run(db, sql_add, BINDS(BIND_T(":name", arg), BIND_B(":value", large, sizeof large)),
                  err) < 0 ? -1 : 0;
}

struct outcome {
    const char *name;
    enum err_kind kind;
    bool told;
};

static int add_outcome(struct db *db, void *arg, struct err *err)
{
    return add(db, (void *)((struct outcome *)arg)->name, err);
}

static int add_large_outcome(struct db *db, void *arg, struct err *err)
{
    return add_large(db, (void *)((struct outcome *)arg)->name, err);
}

static void keep_outcome(void *arg, const struct err *err)
{
    struct outcome *o = arg;

    o->kind = err->kind;
    o->told = true;
}

static void a_full_disk_fails_what_does_not_fit_and_the_writer_goes_on(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_new();
    struct outcome small = { .name = "small" }, large = { .name = "large" },
                   last = { .name = "last" };
    struct err err = {0};
    struct writer *w = writer_start(f.db, &err);

    (void)state;
    assert_int_equal(writer_run(w, shrink, NULL, &err), 0);
    writer_add(w, add_outcome, keep_outcome, &small);
    writer_add(w, add_large_outcome, keep_outcome, &large);
    writer_add(w, add_outcome, keep_outcome, &last);
    assert_int_equal(writer_run(w, grow, NULL, &err), 0);
    assert_int_equal(writer_run(w, add_large, "now it fits", &err), 0);
    assert_true(small.told && large.told && last.told);
    assert_int_equal(small.kind, ERR_NONE);
    assert_int_equal(large.kind, ERR_NO_SPACE);
    assert_int_equal(last.kind, ERR_NONE);
    assert_int_equal(count(f.db), 3);
    writer_stop(w);
}

static sqlite3 *lock_from_outside(const char *path)
{
    sqlite3 *other;

    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return other;
}

static void *run_one(void *w)
{
    struct err err = {0};

    return writer_run(w, add, "waits", &err) == 0 ? w : NULL;
}

static void another_program_that_writes_is_waited_for(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_new();
    struct err err = {0};
    struct writer *w = writer_start(f.db, &err);
    pthread_t thread;
    sqlite3 *other;
    void *ok;

    (void)state;
    assert_non_null(w);
    other = lock_from_outside(f.db);
    pthread_create(&thread, NULL, run_one, w);
    assert_int_equal(
        sqlite3_exec(other, "INSERT INTO secret VALUES ('other', x'78')", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    pthread_join(thread, &ok);
    sqlite3_close(other);
    assert_ptr_equal(ok, w);
    assert_int_equal(count(f.db), 2);
    writer_stop(w);
}

struct submitter {
    struct writer *w;
    int id, n;
    _Atomic int *failed;
};

static void *submit(void *arg)
{
    struct submitter *s = arg;
    struct err err = {0};
    char name[32];

    for (int i = 0; i < s->n; i++) {
        snprintf(name, sizeof name, "%d-%d", s->id, i);
        if (writer_run(s->w, add, name, &err) < 0)
            (*s->failed)++;
    }
    return NULL;
}

static void many_threads_lose_nothing(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_new();
    struct err err = {0};
    struct writer *w = writer_start(f.db, &err);
    struct submitter submitters[16];
    pthread_t threads[16];
    _Atomic int failed = 0;

    (void)state;
    for (int i = 0; i < 16; i++) {
        submitters[i] = (struct submitter){ .w = w, .id = i, .n = 50, .failed = &failed };
        pthread_create(&threads[i], NULL, submit, &submitters[i]);
    }
    for (int i = 0; i < 16; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(failed, 0);
    assert_int_equal(count(f.db), 16 * 50);
    writer_stop(w);
}

/* --- a process that is killed --- */

struct promise {
    int fd;             /* acknowledged numbers are written here */
    int number;
    char name[16];
};

static int add_promise(struct db *db, void *arg, struct err *err)
{
    return add(db, ((struct promise *)arg)->name, err);
}

static void acknowledge(void *arg, const struct err *err)
{
    struct promise *p = arg;

    if (err->kind != ERR_NONE || write(p->fd, &p->number, sizeof p->number) != sizeof p->number)
        _exit(3);
    free(p);
}

static void write_until_killed(const char *path, int fd, int round)
{
    struct err err = {0};
    struct writer *w = writer_start(path, &err);

    if (!w)
        _exit(2);
    for (int i = 0;; i++) {
        struct promise *p = calloc(1, sizeof *p);

        if (!p)
            abort();
        *p = (struct promise){ .fd = fd, .number = i };
        snprintf(p->name, sizeof p->name, "%d-%d", round, i);
        writer_add(w, add_promise, acknowledge, p);
        if (i % 64 == 63) {
            struct promise *sync = calloc(1, sizeof *sync);

            if (!sync)
                abort();
            snprintf(sync->name, sizeof sync->name, "%d-s%d", round, i);
            writer_run(w, add_promise, sync, &err);
            free(sync);
        }
    }
}

static void check_promises(const char *path, int round, int n)
{
    CLEANUP(db_closep) struct db *db = NULL;
    struct err err = {0};
    char name[16];

    db = db_open(path, DB_WRITE, &err);
    assert_non_null(db);
    for (int i = 0; i < n; i++) {
        CLEANUP(query_done) struct query q = {0};

        snprintf(name, sizeof name, "%d-%d", round, i);
        assert_int_equal(query_start(&q, db, sql_has, BINDS(BIND_T(":name", name)), &err), 0);
        assert_int_equal(query_next(&q, NULL, NULL, NULL, &err), 1);
        assert_int_equal(query_int(&q, 0), 1);
    }
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_new();
    unsigned seed = 7;

    (void)state;
    for (int round = 0; round < 20; round++) {
        int fds[2], number, n = 0, kill_after = rand_r(&seed) % 300;
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        if (pid == 0)
            write_until_killed(f.db, fds[1], round);
        close(fds[1]);
        while (read(fds[0], &number, sizeof number) == sizeof number)
            if (++n == kill_after + 1)
                kill(pid, SIGKILL);     /* in the middle of what comes next; the rest is read too */
        close(fds[0]);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_true(n > kill_after);
        check_promises(f.db, round, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_there_when_it_is_acknowledged),
        cmocka_unit_test(a_change_that_fails_is_undone_alone),
        cmocka_unit_test(stopping_commits_what_was_given),
        cmocka_unit_test(a_full_disk_fails_what_does_not_fit_and_the_writer_goes_on),
        cmocka_unit_test(another_program_that_writes_is_waited_for),
        cmocka_unit_test(many_threads_lose_nothing),
        cmocka_unit_test(what_was_acknowledged_survives_a_kill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
