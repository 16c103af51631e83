// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_name_keeps_the_number_it_came_with(void **state)
{
    CLEANUP(names_freep) struct names *n = names_new();
    char name[32];

    (void)state;
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < 5000; i++)
            assert_int_equal(names_add(n, name, (size_t)snprintf(name, sizeof name, "name %zu", i)), i);
    assert_int_equal(names_count(n), 5000);
    assert_string_equal(names_text(n, 4711), "name 4711");
    assert_int_equal(names_find(n, "name 4711", 9), 4711);
    assert_int_equal(names_find(n, "name 9", 5), -1);
    assert_int_equal(names_add(n, "", 0), 5000);
}

static void sorted_names_have_the_numbers_of_their_order(void **state)
{
    CLEANUP(names_freep) struct names *n = names_new();

    (void)state;
    names_sort(n);
    names_add(n, "dog", 3);
    names_add(n, "\xc3\xa4", 2);
    names_add(n, "cat", 3);
    names_sort(n);
    assert_int_equal(names_find(n, "cat", 3), 0);
    assert_int_equal(names_find(n, "dog", 3), 1);
    assert_string_equal(names_text(n, 2), "\xc3\xa4");
    assert_int_equal(names_add(n, "emu", 3), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_keeps_the_number_it_came_with),
        cmocka_unit_test(sorted_names_have_the_numbers_of_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
