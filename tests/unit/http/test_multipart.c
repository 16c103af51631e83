// SPDX-License-Identifier: Apache-2.0
#include "http/multipart.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char type[] = "multipart/form-data; boundary=b0";

/* What the parser gave out: "name|filename|type(data)" for each part. */
static int begin(void *arg, const struct part_head *head, struct err *err)
{
    (void)err;
    text_addf(arg, "%s|%s|%s(", head->name, head->filename ? head->filename : "-",
              head->type ? head->type : "-");
    return 0;
}

static int data(void *arg, const char *bytes, size_t len, struct err *err)
{
    (void)err;
    assert_true(len > 0);
    text_add_n(arg, bytes, len);
    return 0;
}

static int end(void *arg, struct err *err)
{
    (void)err;
    text_add(arg, ")");
    return 0;
}

static const struct part_sink sink = { begin, data, end };

/* Each piece is a copy of its own, so that ASan sees a read beyond it. */
static int feed(struct multipart *m, const char *body, size_t len, size_t step, struct err *err)
{
    for (size_t at = 0; at < len; at += step) {
        size_t n = len - at < step ? len - at : step;
        CLEANUP(freep) char *piece = malloc(n);

        memcpy(piece, body + at, n);
        if (multipart_feed(m, piece, n, err) < 0)
            return -1;
    }
    return multipart_finish(m, err);
}

static void assert_parses(const char *body, size_t len, const char *expected)
{
    for (size_t step = 1; step <= len + 1; step++) {
        CLEANUP(text_done) struct text out = {0};
        struct err err = {0};
        CLEANUP(multipart_freep) struct multipart *m = multipart_new(type, &sink, &out, &err);

        assert_non_null(m);
        assert_int_equal(feed(m, body, len, step, &err), 0);
        assert_string_equal(out.data ? out.data : "", expected);
    }
}

static void a_part_that_contains_its_boundary_is_refused(void **state)
{
    static const char body[] =
        "preamble\r\n--b0\r\n"
        "Content-Disposition: form-data; name=\"file\"; filename=\"a.py\"\r\n"
        "Content-Type: text/x-python\r\n\r\nprint(1)\r\n\r\n--b0x\r\n--b\r\n"
        "\r\n--b0\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{}\r\n--b0--\r\nepilogue";
    static const char expected[] = "file|a.py|text/x-python(print(1)\r\n";
    CLEANUP(text_done) struct text out = {0};
    struct err err = {0};
    CLEANUP(multipart_freep) struct multipart *m = multipart_new(type, &sink, &out, &err);

    (void)state;
    /* "--b0x" begins with the delimiter, which the standard forbids a part to contain. */
    assert_int_equal(feed(m, body, strlen(body), 7, &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_int_equal(strncmp(out.data, expected, strlen(expected)), 0);
}

static void parts_come_out_the_same_in_pieces_of_any_size(void **state)
{
    static const struct {
        const char *body, *expected;
    } rows[] = {
        { "", "" },
        { "--b0--", "" },
        { "text\r\n--b0--\r\nmore\r\n--b0\r\n", "" },
        { "--b0\r\n\r\nx\r\n--b0--", "|-|-(x)" },
        { "--b0\n\nx\n--b0--", "|-|-(x)" },
        { "--b0 \t\r\n\r\nx\r\n--b0--", "|-|-(x)" },
        { "--b0\r\n\r\n\r\n--b0--", "|-|-()" },
        { "--b0\r\n\r\nx\r\n\r\n--b0--", "|-|-(x\r\n)" },
        { "--b0\r\n\r\nx\r\r\n--b0--", "|-|-(x\r)" },
        { "--b0\r\n\r\n--b0x--b0\r\n-\r\n--b\r\n--b0--", "|-|-(--b0x--b0\r\n-\r\n--b)" },
        { "--b0\r\nCONTENT-disposition:form-data;name=n\r\nX: y\r\n\r\n1\r\n--b0\r\n\r\n2\r\n--b0--",
          "n|-|-(1)|-|-(2)" },
        { "--b0\r\nContent-Disposition: form-data; name=\"n\"; filename=\"\"\r\n\r\n\r\n--b0--",
          "n||-()" },
        { "--b0\r\nContent-Disposition: form-data; filename*=UTF-8'en'%41%20b\r\n\r\n\r\n--b0--",
          "|A b|-()" },
        { "--b0\r\nContent-Type:\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n--b0--",
          "x|-|-()" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_parses(rows[i].body, strlen(rows[i].body), rows[i].expected);
}

static void what_is_no_multipart_is_refused(void **state)
{
    static const struct {
        const char *body, *sentence;
    } rows[] = {
        { "--b0", "cut off" },
        { "--b0\r\nA: b\r\n", "cut off" },
        { "--b0\r\n\r\nx\r\n--b", "cut off" },
        { "--b0 x\r\n", "delimiter" },
        { "--b0\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\n", "UTF-8" },
        { "--b0\r\nContent-Disposition: form-data; filename*=x''%ff\r\n\r\n", "UTF-8" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t step = 1; step <= strlen(rows[i].body); step++) {
            CLEANUP(text_done) struct text out = {0};
            struct err err = {0};
            CLEANUP(multipart_freep) struct multipart *m = multipart_new(type, &sink, &out, &err);

            assert_int_equal(feed(m, rows[i].body, strlen(rows[i].body), step, &err), -1);
            assert_int_equal(err.kind, ERR_BAD_INPUT);
            assert_non_null(strstr(err.text, rows[i].sentence));
        }
    }
}

static void a_boundary_is_needed(void **state)
{
    static const char *const types[] = { "multipart/form-data", "multipart/form-data; boundary=",
                                         "multipart/form-data; boundary=\"\"" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct err err = {0};

        assert_null(multipart_new(types[i], &sink, NULL, &err));
        assert_int_equal(err.kind, ERR_BAD_INPUT);
    }
}

static void the_headers_of_a_part_have_a_limit(void **state)
{
    CLEANUP(text_done) struct text out = {0}, body = {0};
    struct err err = {0};
    CLEANUP(multipart_freep) struct multipart *m = multipart_new(type, &sink, &out, &err);

    (void)state;
    text_add(&body, "--b0\r\n");
    for (int i = 0; i < PART_HEAD_MAX; i++)
        text_add(&body, "A:\r\n");
    assert_int_equal(feed(m, body.data, body.len, 1000, &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
}

static int refuse(void *arg, const char *bytes, size_t len, struct err *err)
{
    (void)arg, (void)bytes, (void)len;
    return err_set(err, ERR_NO_SPACE, "full");
}

static void the_sink_stops_the_parser(void **state)
{
    static const struct part_sink full = { begin, refuse, end };
    static const char body[] = "--b0\r\n\r\nx\r\n--b0--";
    CLEANUP(text_done) struct text out = {0};
    struct err err = {0};
    CLEANUP(multipart_freep) struct multipart *m = multipart_new(type, &full, &out, &err);

    (void)state;
    assert_int_equal(feed(m, body, strlen(body), 100, &err), -1);
    assert_int_equal(err.kind, ERR_NO_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_that_contains_its_boundary_is_refused),
        cmocka_unit_test(parts_come_out_the_same_in_pieces_of_any_size),
        cmocka_unit_test(what_is_no_multipart_is_refused),
        cmocka_unit_test(a_boundary_is_needed),
        cmocka_unit_test(the_headers_of_a_part_have_a_limit),
        cmocka_unit_test(the_sink_stops_the_parser),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
