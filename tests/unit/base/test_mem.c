// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    unsigned char *pieces[500];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        pieces[i] = mem_alloc(mem, i);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < i; k++)
            assert_int_equal(pieces[i][k], 0);
        memset(pieces[i], (int)(i % 255) + 1, i);
    }
    for (size_t i = 1; i < ARRAY_LEN(pieces); i++) {
        assert_int_equal(pieces[i][0], i % 255 + 1);
        assert_int_equal(pieces[i][i - 1], i % 255 + 1);
    }
}

static void a_piece_may_be_larger_than_a_block(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    char *small = mem_strdup(mem, "before");
    char *large = mem_alloc(mem, 1 << 20);

    (void)state;
    memset(large, 'x', 1 << 20);
    assert_string_equal(mem_strdup(mem, "after"), "after");
    assert_string_equal(small, "before");
}

static void text_is_copied_and_printed(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    (void)state;
    assert_null(mem_strdup(mem, NULL));
    assert_string_equal(mem_strndup(mem, "abcdef", 3), "abc");
    assert_string_equal(mem_printf(mem, "%s-%d", "ann", 7), "ann-7");
    assert_memory_equal(mem_dup(mem, "a\0b", 3), "a\0b", 3);
    assert_non_null(mem_dup(mem, NULL, 0));
}

static void nothing_is_freed_without_complaint(void **state)
{
    struct mem *none = NULL;

    (void)state;
    mem_free(NULL);
    mem_freep(&none);
    assert_null(xstrdup(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_piece_may_be_larger_than_a_block),
        cmocka_unit_test(text_is_copied_and_printed),
        cmocka_unit_test(nothing_is_freed_without_complaint),
    };

    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
