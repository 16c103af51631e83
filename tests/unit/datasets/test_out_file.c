// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/formats/out_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 20 << 20 };           /* bytes: more than are sent to the disk at a time */

static const char *temporary(struct mem *mem) { return mem_printf(mem, "/tmp/trainyard-out-file-%d", (int)getpid()); }

static char *numbered_bytes(size_t n)
{
    char *bytes = xcalloc(n, 1);

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 31 >> 3);
    return bytes;
}

static void append(struct out_file *f, const char *bytes, size_t n)
{
    struct err err = {0};

    assert_int_equal(out_file_append(f, &(struct iovec){ (void *)bytes, n }, 1, &err), 0);
}

static void check_file(const char *path, const char *bytes, size_t n)
{
    CLEANUP(text_done) struct text read = {0};
    struct err err = {0};

    assert_int_equal(file_read(path, 2 * (size_t)MANY, &read, &err), 0);
    assert_int_equal(read.len, n);
    assert_memory_equal(read.data, bytes, n);
    unlink(path);
}

static void bytes_appended_in_any_portions_are_the_file(void **state)
{
    static const size_t portions[] = { 1, 4095, 60000, 1 << 20, MANY };
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(freep) char *bytes = numbered_bytes(MANY);
    const char *path = temporary(mem);

    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(portions); k++) {
        struct out_file f;
        struct err err = {0};

        assert_int_equal(out_file_create(&f, path, &err), 0);
        for (size_t at = 0; at < MANY; at += portions[k]) {
            size_t n = portions[k] < MANY - at ? portions[k] : MANY - at;

            append(&f, bytes + at, n);
        }
        assert_int_equal(out_file_close(&f, &err), 0);
        check_file(path, bytes, MANY);
    }
}

static void parts_of_any_size_are_one_after_the_other(void **state)
{
    static const size_t sizes[] = { 16, 60000, 1 << 20 };
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(freep) char *bytes = numbered_bytes(MANY);
    const char *path = temporary(mem);

    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
        const struct iovec parts[] = { { bytes + 5, 7 }, { bytes + 12, sizes[k] }, { bytes + 12 + sizes[k], 0 },
                                       { bytes + 12 + sizes[k], 100 } };
        struct out_file f;
        struct err err = {0};

        assert_int_equal(out_file_create(&f, path, &err), 0);
        append(&f, bytes, 5);
        assert_int_equal(out_file_append(&f, parts, ARRAY_LEN(parts), &err), 0);
        assert_int_equal(out_file_close(&f, &err), 0);
        check_file(path, bytes, 112 + sizes[k]);
    }
}

static void bytes_that_are_replaced_leave_the_others(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *path = temporary(mem);
    struct out_file f;
    struct err err = {0};

    (void)state;
    assert_int_equal(out_file_create(&f, path, &err), 0);
    append(&f, "one two", 7);
    assert_int_equal(out_file_replace(&f, 4, "six", 3, &err), 0);
    append(&f, " ten", 4);
    assert_int_equal(out_file_close(&f, &err), 0);
    check_file(path, "one six ten", 11);
}

static void a_full_disk_is_an_error_that_names_the_file(void **state)
{
    struct out_file f;
    struct err err = {0};

    (void)state;
    assert_int_equal(out_file_create(&f, "/dev/full", &err), 0);
    append(&f, "a few bytes", 11);      /* they wait for more */
    assert_int_equal(out_file_close(&f, &err), -1);
    assert_string_equal(err.text, "/dev/full cannot be written: No space left on device");
}

static void a_folder_that_is_missing_is_an_error(void **state)
{
    struct out_file f;
    struct err err = {0};

    (void)state;
    assert_int_equal(out_file_create(&f, "/nowhere/file", &err), -1);
    assert_string_equal(err.text, "/nowhere/file cannot be created: No such file or directory");
    out_file_abandon(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_appended_in_any_portions_are_the_file),
        cmocka_unit_test(parts_of_any_size_are_one_after_the_other),
        cmocka_unit_test(bytes_that_are_replaced_leave_the_others),
        cmocka_unit_test(a_full_disk_is_an_error_that_names_the_file),
        cmocka_unit_test(a_folder_that_is_missing_is_an_error),
    };

    return cmocka_run_group_tests_name("datasets-out-file", tests, NULL, NULL);
}
