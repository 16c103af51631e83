// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "search/plugins/plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int read_text(const char *text, struct mem *mem, struct new_plugin *ret, struct err *err)
{
    return new_plugin_read(text, strlen(text), mem, ret, err);
}

static void a_name_is_enough(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct new_plugin p;
    struct err err = {0};

    (void)state;
    assert_int_equal(read_text("{'name': 'mine', 'condaHome': '', 'condaEnv': None, 'path': '', 'logLevel': ''}", mem, &p, &err), 0);
    assert_string_equal(p.name, "mine");
    assert_null(p.path);
    assert_null(p.conda_home);
    assert_null(p.conda_env);
    assert_null(p.log_level);
    assert_false(p.remote_exec);
}

static void members_are_read_as_clients_write_them(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct new_plugin p;
    struct err err = {0};

    (void)state;
    assert_int_equal(read_text("{'name': 'a b', 'path': '/p', 'condaHome': '/c', 'condaEnv': 'e', 'logLevel': 'warning',"
                               " 'remoteExec': 'True', 'else': 1}", mem, &p, &err), 0);
    assert_string_equal(p.name, "a b");
    assert_string_equal(p.path, "/p");
    assert_string_equal(p.conda_home, "/c");
    assert_string_equal(p.conda_env, "e");
    assert_string_equal(p.log_level, "WARNING");
    assert_true(p.remote_exec);
}

static void names_that_cannot_be_are_refused(void **state)
{
    static const char *const bad[] = { "''", "'tpe'", "'RANDOM'", "'install'", "'a/b'", "'a\\\\b'", "'a?'", "'a#'", "'a%'", "'.'",
                                       "'..'", "'.a'", "'a\\nb'", "None" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct new_plugin p;
        struct err err = {0};

        assert_int_equal(read_text(mem_printf(mem, "{'name': %s}", bad[i]), mem, &p, &err), -1);
        assert_int_equal(err.kind, ERR_BAD_INPUT);
        assert_string_equal(err.field, "name");
    }
}

static void a_plugin_is_an_algorithm_that_knows_itself(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const struct plugin p = { .name = "mine", .creator = "ann" };
    const struct algorithm *a = plugin_algorithm(&p, mem);

    (void)state;
    assert_string_equal(a->name, "mine");
    assert_true(a->waits);
    assert_string_equal(plugin_of(a)->creator, "ann");
    assert_null(plugin_of(&random_algorithm));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_enough),
        cmocka_unit_test(members_are_read_as_clients_write_them),
        cmocka_unit_test(names_that_cannot_be_are_refused),
        cmocka_unit_test(a_plugin_is_an_algorithm_that_knows_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
