// SPDX-License-Identifier: Apache-2.0
#include "base/csv.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *file_of(struct mem *mem, const char *content, size_t len)
{
    char *path = mem_strdup(mem, "/tmp/trainyard-csv-XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, len), len);
    close(fd);
    return path;
}

/* The cells of all rows as "a|b/c|d", or the error. */
static char *read_all(struct mem *mem, const char *content, size_t len)
{
    CLEANUP(csv_reader_freep) struct csv_reader *r = NULL;
    CLEANUP(text_done) struct text out = {0};
    const char *path = file_of(mem, content, len);
    struct csv_row row;
    struct err err = {0};
    int more;

    r = csv_open(path, &err);
    assert_non_null(r);
    while ((more = csv_next(r, &row, &err)) > 0) {
        if (out.len)
            text_add_char(&out, '/');
        for (size_t i = 0; i < row.n_cells; i++) {
            if (i)
                text_add_char(&out, '|');
            csv_cell(&row, i, &out);
        }
    }
    unlink(path);
    return mem_strdup(mem, more < 0 ? strstr(err.text, path) + strlen(path) : out.len ? out.data : "");
}

static void rows_and_cells_are_found_as_pandas_finds_them(void **state)
{
    static const struct { const char *file, *rows; } known[] = {
        { "", "" },
        { "a", "a" },
        { "a,b\nc,d\n", "a|b/c|d" },
        { "a,b\r\nc,d\r\n", "a|b/c|d" },
        { "a,b\rc,d\r", "a|b/c|d" },
        { "a,b\r\n\r\n \t\nc,d", "a|b/c|d" },
        { "\xef\xbb\xbf" "a,b\n", "a|b" },
        { ",\n", "|" },
        { "a,,\n", "a||" },
        { "\"a,b\",c\n", "a,b|c" },
        { "\"a\nb\r\nc\",d\n", "a\nb\r\nc|d" },
        { "\"say \"\"x\"\"\",d\n", "say \"x\"|d" },
        { "\"\",\"\"\"\"\n", "|\"" },
        { "a\"b,c\"\n", "a\"b|c\"" },
        { "\"a\"b\"c,d\n", "ab\"c|d" },
        { "\"a\"\r\n\"b\"", "a/b" },
        { "\"\"\n", "" "" },
        { "a\n\"b\nc\n", ": a quote in line 2 is never closed" },
        { "a\n\"b\n\"\n\"c", ": a quote in line 4 is never closed" },
    };
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        assert_string_equal(read_all(mem, known[i].file, strlen(known[i].file)), known[i].rows);
}

static void rows_that_cross_the_pieces_of_a_read_are_whole(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(csv_reader_freep) struct csv_reader *r = NULL;
    CLEANUP(text_done) struct text file = {0};
    const char *path;
    struct csv_row row;
    struct err err = {0};
    int64_t n = 0, before = 0;

    (void)state;
    for (int i = 0; i < 400000; i++)
        text_addf(&file, i % 7 ? "%d,x\r\n" : "%d,\"y\r\n,\"\r\n", i);
    path = file_of(mem, file.data, file.len);
    r = csv_open(path, &err);
    for (; csv_next(r, &row, &err) > 0; n++) {
        assert_int_equal(row.n_cells, 2);
        assert_int_equal(atoi(row.data), n);
        assert_memory_equal(file.data + before, row.data, row.len);
        before = row.end;
    }
    assert_int_equal(n, 400000);
    assert_int_equal(before, file.len);
    unlink(path);
}

static void a_row_has_as_many_bytes_as_are_allowed(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text file = {0};

    (void)state;
    for (int i = 0; i < CSV_ROW_MAX - 1; i++)
        text_add_char(&file, 'x');
    text_add(&file, "\nb");
    assert_int_equal(strlen(read_all(mem, file.data, file.len)), CSV_ROW_MAX - 1 + strlen("/b"));
    file.data[CSV_ROW_MAX - 1] = 'x';
    assert_string_equal(read_all(mem, file.data, file.len), ": the row in line 1 is longer than 16 MiB; a quote may be missing");
}

static void rows_are_read_from_where_one_begins(void **state)
{
    static const char content[] = "\xef\xbb\xbf" "a,b\nc,d\n\"e";
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(csv_reader_freep) struct csv_reader *r = NULL;
    const char *path = file_of(mem, content, strlen(content));
    struct csv_row row;
    struct err err = {0};

    (void)state;
    r = csv_open(path, &err);
    unlink(path);
    assert_int_equal(csv_seek(r, 7, &err), 0);
    assert_int_equal(csv_next(r, &row, &err), 1);
    assert_memory_equal(row.data, "c,d", row.len);
    assert_int_equal(row.line, 0);
    assert_int_equal(csv_next(r, &row, &err), -1);
    assert_string_equal(err.text + strlen(path), ": a quote at byte 11 is never closed");

    assert_int_equal(csv_seek(r, 0, &err), 0);
    assert_int_equal(csv_next(r, &row, &err), 1);
    assert_memory_equal(row.data, "a,b", row.len);
    assert_int_equal(row.line, 1);
    assert_int_equal(row.end, 7);
}

static void what_is_no_table_is_refused(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text endless = {0};
    struct err err = {0};

    (void)state;
    assert_string_equal(read_all(mem, "a\n\"b,", 5), ": a quote in line 2 is never closed");
    text_add(&endless, "a,b\n");
    for (int i = 0; i < 18 << 20; i++)
        text_add_char(&endless, 'x');
    assert_string_equal(read_all(mem, endless.data, endless.len), ": the row in line 2 is longer than 16 MiB; a quote may be missing");
    assert_null(csv_open("/nowhere/at.csv", &err));
    assert_int_equal(err.kind, ERR_BAD_INPUT);
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    (void)state;
    assert_string_equal(read_all(mem, "a\0b\0\n\0", 6), " holds NUL bytes: it is not a text in UTF-8");
}

static void a_first_row_of_numbers_is_no_header(void **state)
{
    static const struct { const char *row; bool is; } known[] = {
        { "1,2.5,-3e4", false }, { "1,,.5", false },  { " 7 ,+1", false }, { "\"1\",\"2\"", false },
        { "a,b", true },         { "1,b", true },     { "nan,inf", true }, { "1-2,3", true },
        { "1,0x10", true },      { "1,-inf", true },  { "1e999", true },   { " ,1", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        struct csv_scan s = {0};
        struct csv_row row = { .data = known[i].row, .len = strlen(known[i].row) };

        csv_scan(&s, row.data, row.len);
        row.n_cells = s.n_commas + 1;
        assert_int_equal(csv_is_header(&row), known[i].is);
    }
}

/* With work that grows with the square of the columns, this would take hours. */
static void the_class_is_found_behind_a_million_columns(void **state)
{
    CLEANUP(text_done) struct text header = {0};
    enum { N = 1000000 };
    static const char *const names[] = { "label", "class", NULL };
    struct csv_row row = { .n_cells = N + 1 };
    size_t column;

    (void)state;
    for (int i = 0; i < N; i++)
        text_add(&header, i % 2 ? "1," : ",");
    assert_false(csv_find_column(&(struct csv_row){ .data = header.data, .len = header.len, .n_cells = N + 1 }, names, &column));
    text_add(&header, "\"Class\"");
    row.data = header.data;
    row.len = header.len;
    assert_true(csv_is_header(&row));
    assert_true(csv_find_column(&row, names, &column));
    assert_int_equal(column, N);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_cells_are_found_as_pandas_finds_them),
        cmocka_unit_test(rows_that_cross_the_pieces_of_a_read_are_whole),
        cmocka_unit_test(a_row_has_as_many_bytes_as_are_allowed),
        cmocka_unit_test(rows_are_read_from_where_one_begins),
        cmocka_unit_test(what_is_no_table_is_refused),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(a_first_row_of_numbers_is_no_header),
        cmocka_unit_test(the_class_is_found_behind_a_million_columns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
