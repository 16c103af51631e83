// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "frameworks/changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    struct mem *mem;
    const char *dir;
    const char *folders[2];
    struct changes changes;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct err err = {0};

    f->mem = mem_new();
    f->dir = mkdtemp(mem_strdup(f->mem, "/tmp/changes-XXXXXX"));
    f->folders[0] = mem_printf(f->mem, "%s/shipped", f->dir);
    f->folders[1] = mem_printf(f->mem, "%s/site", f->dir);
    assert_int_equal(file_mkdirs(f->folders[0], 0755, &err), 0);
    assert_int_equal(file_mkdirs(f->folders[1], 0755, &err), 0);
    changes_init(&f->changes);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};

    changes_done(&f->changes);
    assert_int_equal(file_remove_tree(f->dir, &err), 0);
    mem_free(f->mem);
    free(f);
    return 0;
}

static bool pending(struct fixture *f) { return changes_pending(&f->changes, f->folders, 2); }

static void put(struct fixture *f, const char *text)
{
    struct err err = {0};
    const char *path = mem_printf(f->mem, "%s/x.conf", f->folders[1]);

    assert_int_equal(file_write(path, text, 1, 0644, &err), 0);
}

static void the_first_look_is_due(void **state) { assert_true(pending(*state)); }

static void nothing_is_due_while_nothing_happens(void **state)
{
    struct fixture *f = *state;

    pending(f);
    f->changes.looked_ms += 60000;      /* as if the last look were always just now */
    assert_false(pending(f));
    assert_false(pending(f));
}

static void what_happens_in_a_folder_is_told_once(void **state)
{
    struct fixture *f = *state;

    pending(f);
    put(f, "a");
    assert_true(pending(f));
    f->changes.looked_ms += 60000;
    assert_false(pending(f));
}

static void a_look_is_due_after_a_while_without_being_told(void **state)
{
    struct fixture *f = *state;

    pending(f);
    f->changes.looked_ms -= 60000;
    assert_true(pending(f));
}

static void an_absent_folder_is_looked_for_each_time_until_it_is_there(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(rmdir(f->folders[1]), 0);
    assert_true(pending(f));
    assert_true(pending(f));
    assert_int_equal(file_mkdirs(f->folders[1], 0755, &(struct err){0}), 0);
    assert_true(pending(f));
    f->changes.looked_ms += 60000;
    assert_false(pending(f));
    put(f, "a");
    assert_true(pending(f));
}

static void a_folder_that_was_replaced_is_watched_again(void **state)
{
    struct fixture *f = *state;
    const char *aside = mem_printf(f->mem, "%s/old", f->dir);

    pending(f);
    assert_int_equal(rename(f->folders[1], aside), 0);
    assert_int_equal(file_mkdirs(f->folders[1], 0755, &(struct err){0}), 0);
    assert_true(pending(f));
    f->changes.looked_ms += 60000;
    assert_false(pending(f));
    put(f, "a");
    assert_true(pending(f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_look_is_due, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_due_while_nothing_happens, setup, teardown),
        cmocka_unit_test_setup_teardown(what_happens_in_a_folder_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_look_is_due_after_a_while_without_being_told, setup, teardown),
        cmocka_unit_test_setup_teardown(an_absent_folder_is_looked_for_each_time_until_it_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_was_replaced_is_watched_again, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
