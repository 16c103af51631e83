// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/dataset.h"
#include "datasets/dataset_store.h"
#include "store/db.h"
#include "tasks/exec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct db *db;
    struct mem *mem;
    struct dataset row;
    struct dataset_news news;
    struct err err;
};

static struct exec make_exec(const char *id)
{
    struct exec e;

    fields_init(exec_fields, &e);
    e.id = id;
    e.submission_id = id;
    e.args = e.framework = e.app_id = e.sig_name = e.sig_id = "x";
    e.creator = "ann";
    e.state = "SUBMITTED";
    e.plan = "{}";
    e.n_workers = e.cpus = 1;
    e.gpus = e.memory_mib = e.priority = 0;
    e.created_ms = 1;
    return e;
}

/* A database with the dataset "pets" of ann, which the task "one" builds. */
static struct fixture open_store(void)
{
    struct fixture f = { .mem = mem_new() };
    struct exec one = make_exec("one");

    f.db = db_open(":memory:", DB_WRITE, &f.err);
    assert_non_null(f.db);
    fields_init(dataset_fields, &f.row);
    fields_init(dataset_row_fields, &f.row);
    f.row.spec.name = "pets";
    f.row.creator = "ann";
    f.row.status = "SUBMITTED";
    f.row.spec_text = "{}";
    f.row.sig_name = f.row.sig_id = f.row.master_url = "x";
    f.row.target = "new";
    f.row.created_ms = 1;
    assert_int_equal(datasets_insert(f.db, &f.row, &one, &f.news, &f.err), 0);
    return f;
}

static void done(struct fixture *f)
{
    text_done(&f->news.json);
    db_close(f->db);
    mem_free(f->mem);
}

static int again(struct fixture *f, const char *lost, const char *id)
{
    struct exec e = make_exec(id);

    return datasets_again(f->db, &f->row, lost, &e, &f->err);
}

static void another_task_builds_what_was_lost(void **state)
{
    struct fixture f = open_store();
    struct dataset d;

    (void)state;
    assert_int_equal(again(&f, "one", "two"), 0);
    assert_int_equal(datasets_find(f.db, "pets", f.mem, &d, &f.err), 0);
    assert_string_equal(d.exec, "two");
    assert_int_equal(d.n_tries, 2);
    assert_int_equal(again(&f, "one", "three"), -1);
    assert_int_equal(f.err.kind, ERR_CONFLICT);
    done(&f);
}

static void what_is_to_be_stopped_is_not_begun_again(void **state)
{
    struct fixture f = open_store();

    (void)state;
    assert_int_equal(datasets_ask_stop(f.db, "pets", &f.err), 0);
    assert_int_equal(again(&f, "one", "two"), -1);
    assert_int_equal(f.err.kind, ERR_CONFLICT);
    done(&f);
}

static void a_dataset_has_one_end(void **state)
{
    struct fixture f = open_store();

    (void)state;
    f.row.exec = "one";
    f.row.status = "FINISHED";
    f.row.ended_ms = 2;
    assert_int_equal(datasets_end(f.db, &f.row, &f.news, &f.err), 0);
    assert_int_equal(datasets_end(f.db, &f.row, &f.news, &f.err), -1);
    assert_int_equal(f.err.kind, ERR_CONFLICT);
    done(&f);
}

static void a_name_is_taken_once(void **state)
{
    struct fixture f = open_store();
    struct exec two = make_exec("two");

    (void)state;
    assert_int_equal(datasets_insert(f.db, &f.row, &two, &f.news, &f.err), -1);
    assert_int_equal(f.err.kind, ERR_BAD_INPUT);
    assert_string_equal(f.err.field, "name");
    done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_task_builds_what_was_lost),
        cmocka_unit_test(what_is_to_be_stopped_is_not_begun_again),
        cmocka_unit_test(a_dataset_has_one_end),
        cmocka_unit_test(a_name_is_taken_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
