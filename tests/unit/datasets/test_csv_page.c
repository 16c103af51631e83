// SPDX-License-Identifier: Apache-2.0
#include "datasets/csv_page.h"

#include "base/cleanup.h"
#include "base/csv.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

struct fixture {
    struct mem *mem;
    int csv, index;
    struct csv_page page;
    struct err err;
};

static void fixture_done(struct fixture *f)
{
    mem_free(f->mem);
    fd_closep(&f->csv);
    fd_closep(&f->index);
}

static int file_of(const char *data, size_t len)
{
    int fd = memfd_create("csv", MFD_CLOEXEC);

    assert_int_equal(write(fd, data, len), len);
    return fd;
}

static struct fixture open_csv(const char *text)
{
    return (struct fixture){ .mem = mem_new(), .csv = file_of(text, strlen(text)), .index = -1 };
}

/* The index of the file as it is. */
static void add_index(struct fixture *f, uint64_t rows, uint64_t stride, const uint64_t *offsets, size_t n)
{
    struct stat st;
    uint64_t head[4];

    assert_int_equal(fstat(f->csv, &st), 0);
    head[0] = htole64(rows);
    head[1] = htole64(stride);
    head[2] = htole64((uint64_t)st.st_size);
    head[3] = htole64((uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec);
    f->index = file_of("TYCSVIX1", 8);
    assert_int_equal(write(f->index, head, sizeof head), sizeof head);
    for (size_t i = 0; i < n; i++) {
        uint64_t le = htole64(offsets[i]);

        assert_int_equal(write(f->index, &le, sizeof le), sizeof le);
    }
}

static const char *read_page(struct fixture *f, int64_t start, int64_t length)
{
    assert_int_equal(csv_page_read(f->csv, f->index, start, length, f->mem, &f->page, &f->err), 0);
    return f->page.json;
}

static void a_page_has_columns_numbers_and_texts(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_csv("a,b\n1,x\n-2.5e1,\n 3 ,4.\n");
    CLEANUP(text_done) struct text out = {0};

    (void)state;
    assert_string_equal(read_page(&f, 0, 100),
                        "{\"columns\":[\"a\",\"b\"],\"index\":[0,1,2],\"data\":[[1,\"x\"],[-25.0,null],[3.0,4.0]]}");
    fields_to_text(csv_page_fields, &f.page, &out);
    assert_non_null(strstr(out.data, "{\"columns\":[\"a\",\"b\"],\"index\":[\"0\",\"1\",\"2\"],"
                                     "\"data\":[[1.0,0.0],[-25.0,0.0],[3.0,4.0]],\"JSONString\":\"{"));
}

static void a_page_begins_and_ends_where_it_was_asked_to(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_csv("n\n0\n1\n2\n3\n4\n");

    (void)state;
    assert_string_equal(read_page(&f, 2, 2), "{\"columns\":[\"n\"],\"index\":[2,3],\"data\":[[2],[3]]}");
    assert_string_equal(read_page(&f, 4, 9), "{\"columns\":[\"n\"],\"index\":[4],\"data\":[[4]]}");
    assert_string_equal(read_page(&f, 5, 9), "{\"columns\":[\"n\"],\"index\":[],\"data\":[]}");
    assert_string_equal(read_page(&f, 0, 0), "{\"columns\":[\"n\"],\"index\":[],\"data\":[]}");
}

static void rows_are_read_as_spreadsheets_write_them(void **state)
{
    static const struct { const char *text, *data; } cases[] = {
        { "a\r\n1\r\n2\r\n", "[[1],[2]]" },
        { "a\r1\r2", "[[1],[2]]" },
        { "\xEF\xBB\xBF" "a\n\n1\n  \n2\n", "[[1],[2]]" },
        { "a,b\n\"x\ny\",\"say \"\"yes\"\"\"\n1,2\n", "[[\"x\\ny\",\"say \\\"yes\\\"\"],[1,2]]" },
        { "a\nit\"s\n\"2\"\n", "[[\"it\\\"s\"],[2]]" },
        { "a,b\n,\n", "[[null,null]]" },
        { "a\n\"\"\n", "[[null]]" },
        { "a\n0x10\nnan\ninf\n1e999\n007\n", "[[\"0x10\"],[\"nan\"],[\"inf\"],[\"1e999\"],[7.0]]" },
        { "a\n12345678901234567890\n", "[[1.2345678901234567e+19]]" },
        { "a\n\xFF\n", "[[\"\xEF\xBF\xBD\"]]" },
        { "", "[]" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(fixture_done) struct fixture f = open_csv(cases[i].text);
        const char *data = strstr(read_page(&f, 0, 100), "\"data\":") + strlen("\"data\":");

        if (strncmp(data, cases[i].data, strlen(cases[i].data)) != 0)
            fail_msg("case %zu: %s", i, data);
    }
}

static void the_index_says_where_a_page_begins(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_csv("n\n0\n1\n2\n3\n4\n");
    const uint64_t offsets[] = { 2, 6, 10 };

    (void)state;
    add_index(&f, 5, 2, offsets, 3);
    assert_string_equal(read_page(&f, 3, 2), "{\"columns\":[\"n\"],\"index\":[3,4],\"data\":[[3],[4]]}");
    assert_string_equal(read_page(&f, 9000000000000000000, 2), "{\"columns\":[\"n\"],\"index\":[],\"data\":[]}");
}

static void a_row_at_the_start_means_that_there_is_no_header(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_csv("1,2\n3,4\n");
    const uint64_t offsets[] = { 0 };

    (void)state;
    add_index(&f, 2, 256, offsets, 1);
    assert_string_equal(read_page(&f, 0, 100), "{\"columns\":[\"0\",\"1\"],\"index\":[0,1],\"data\":[[1,2],[3,4]]}");
}

static void an_index_of_another_file_is_not_believed(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_csv("n\n0\n1\n");
    const uint64_t wrong[] = { 4 };

    (void)state;
    add_index(&f, 2, 256, wrong, 1);
    assert_int_equal(write(f.csv, "2\n", 2), 2);
    assert_string_equal(read_page(&f, 0, 1), "{\"columns\":[\"n\"],\"index\":[0],\"data\":[[0]]}");
}

static void an_index_that_lies_harms_nobody(void **state)
{
    static const uint64_t offsets[][1] = { { UINT64_MAX }, { 1000 }, { 5 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
        CLEANUP(fixture_done) struct fixture f = open_csv("n\n0\n1\n");

        add_index(&f, UINT64_MAX, i == 2 ? UINT64_MAX : 1, offsets[i], 1);
        assert_non_null(read_page(&f, (int64_t)i, 2));
    }
}

static void a_first_row_of_numbers_names_no_columns(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_csv("\xEF\xBB\xBF" "1,2\n3,4\n");

    (void)state;
    assert_string_equal(read_page(&f, 0, 9), "{\"columns\":[\"0\",\"1\"],\"index\":[0,1],\"data\":[[1,2],[3,4]]}");
    assert_string_equal(read_page(&f, 1, 9), "{\"columns\":[\"0\",\"1\"],\"index\":[1],\"data\":[[3,4]]}");
    assert_string_equal(read_page(&f, 2, 9), "{\"columns\":[\"0\",\"1\"],\"index\":[],\"data\":[]}");
}

static void what_cannot_be_built_has_no_pages(void **state)
{
    static const struct { const char *text; size_t len; const char *sentence; } cases[] = {
        { "a\n\"b\n1\n", 7, "the table: a quote in line 2 is never closed" },
        { "a\n1\0\n", 5, "the table holds NUL bytes: it is not a text in UTF-8" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(fixture_done) struct fixture f = { .mem = mem_new(), .csv = file_of(cases[i].text, cases[i].len), .index = -1 };

        assert_int_equal(csv_page_read(f.csv, -1, 0, 1, f.mem, &f.page, &f.err), -1);
        assert_int_equal(f.err.kind, ERR_BAD_INPUT);
        assert_string_equal(f.err.text, cases[i].sentence);
    }
}

static void a_row_that_never_ends_is_refused(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_csv("n\n\"");
    char block[1 << 16];

    (void)state;
    memset(block, 'x', sizeof block);
    for (int64_t n = 0; n <= CSV_ROW_MAX; n += (int64_t)sizeof block)
        assert_int_equal(write(f.csv, block, sizeof block), sizeof block);
    assert_int_equal(csv_page_read(f.csv, -1, 0, 1, f.mem, &f.page, &f.err), -1);
    assert_int_equal(f.err.kind, ERR_BAD_INPUT);
    assert_non_null(strstr(f.err.text, "a quote may be missing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_has_columns_numbers_and_texts),
        cmocka_unit_test(a_page_begins_and_ends_where_it_was_asked_to),
        cmocka_unit_test(rows_are_read_as_spreadsheets_write_them),
        cmocka_unit_test(the_index_says_where_a_page_begins),
        cmocka_unit_test(a_row_at_the_start_means_that_there_is_no_header),
        cmocka_unit_test(an_index_of_another_file_is_not_believed),
        cmocka_unit_test(an_index_that_lies_harms_nobody),
        cmocka_unit_test(a_first_row_of_numbers_names_no_columns),
        cmocka_unit_test(what_cannot_be_built_has_no_pages),
        cmocka_unit_test(a_row_that_never_ends_is_refused),
    };

    return cmocka_run_group_tests_name("csv_page", tests, NULL, NULL);
}
