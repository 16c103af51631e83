// SPDX-License-Identifier: Apache-2.0
#include "http/url.h"

#include "base/err.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_target_becomes_a_clean_path(void **state)
{
    static const struct {
        const char *target, *path, *query;
        int n_segments;
    } rows[] = {
        { "/", "/", NULL, 0 },                  { "", "/", NULL, 0 },
        { "//", "/", NULL, 0 },                 { "/a/b", "/a/b", NULL, 2 },
        { "//a///b//", "/a/b", NULL, 2 },       { "/a?x=1", "/a", "x=1", 1 },
        { "/a?", "/a", "", 1 },                 { "/a/?x=/b", "/a", "x=/b", 1 },
        { "/a#f", "/a", NULL, 1 },              { "/a%2fb/c", "/a/b/c", NULL, 2 },
        { "/%41%", "/A%", NULL, 1 },            { "/%4", "/%4", NULL, 1 },
        { "/a%3Fb", "/a?b", NULL, 1 },          { "/a+b", "/a+b", NULL, 1 },
        { "http://h:1/a", "/a", NULL, 1 },      { "https://h", "/", NULL, 0 },
        { "*", "/*", NULL, 1 },                 { "/%zz", "/%zz", NULL, 1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct err err = {0};
        struct path path;
        const char *query;

        assert_int_equal(url_path(rows[i].target, mem, &path, &query, &err), 0);
        assert_string_equal(path.text, rows[i].path);
        assert_int_equal(path.len, strlen(rows[i].path));
        assert_int_equal(path.n_segments, rows[i].n_segments);
        assert_true(!query == !rows[i].query);
        if (query)
            assert_string_equal(query, rows[i].query);
    }
}

static void a_path_that_is_no_text_is_refused(void **state)
{
    static const char *const targets[] = { "/a%00", "/%ff", "/\xc3(", "/%c3%28" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct err err = {0};
        struct path path;
        const char *query;

        assert_int_equal(url_path(targets[i], mem, &path, &query, &err), -1);
        assert_int_equal(err.kind, ERR_BAD_INPUT);
    }
}

static void pairs_keep_their_order_and_doubles(void **state)
{
    static const char text[] = "a=1&&b=x+y%20z&a=2&c&=d&e=f=g&";
    static const struct pair expected[] = {
        { "a", "1" }, { "b", "x y z" }, { "a", "2" }, { "c", "" }, { "", "d" }, { "e", "f=g" },
    };
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct err err = {0};
    struct pairs pairs;

    (void)state;
    assert_int_equal(url_pairs(text, strlen(text), "the query", mem, &pairs, &err), 0);
    assert_int_equal(pairs.n, (int)ARRAY_LEN(expected));
    for (int i = 0; i < pairs.n; i++) {
        assert_string_equal(pairs.items[i].key, expected[i].key);
        assert_string_equal(pairs.items[i].value, expected[i].value);
    }
}

static void pairs_that_are_no_text_are_refused_by_name(void **state)
{
    static const char *const texts[] = { "a=%00", "%00=1", "a=%ff", "a=1&\xff" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct err err = {0};
        struct pairs pairs;

        assert_int_equal(url_pairs(texts[i], strlen(texts[i]), "the form", mem, &pairs, &err), -1);
        assert_int_equal(err.kind, ERR_BAD_INPUT);
        assert_non_null(strstr(err.text, "the form"));
    }
}

static void accept_prefers_what_it_names_first(void **state)
{
    static const struct {
        const char *accept;
        bool json;
    } rows[] = {
        { NULL, false },
        { "", false },
        { "*/*", false },
        { "application/json", true },
        { "APPLICATION/JSON;q=1", true },
        { "application/json, text/plain, */*", true },
        { "text/plain, application/json", false },
        { "text/html,application/xhtml+xml,*/*;q=0.8", false },
        { "application/problem+json", true },
        { "*/*, application/json", true },
        { " , ,application/json", true },
        { "application/jsonx", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(accept_wants_json(rows[i].accept), rows[i].json);
}

static void a_content_type_has_a_kind(void **state)
{
    static const struct {
        const char *type;
        enum media media;
    } rows[] = {
        { NULL, MEDIA_NONE },
        { "", MEDIA_NONE },
        { " ; charset=x", MEDIA_NONE },
        { "application/json; charset=utf-8", MEDIA_JSON },
        { "text/json", MEDIA_JSON },
        { "Application/X+JSON", MEDIA_JSON },
        { "text/plain", MEDIA_TEXT },
        { "application/x-www-form-urlencoded;x", MEDIA_URLENCODED },
        { "multipart/form-data; boundary=x", MEDIA_MULTIPART },
        { "application/gzip", MEDIA_OTHER },
        { "json", MEDIA_OTHER },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(media_type(rows[i].type), rows[i].media);
}

static void header_parameters_are_found_and_unquoted(void **state)
{
    static const struct {
        const char *header, *name, *value;
    } rows[] = {
        { "form-data; name=\"a\"", "name", "a" },
        { "form-data; name=a ; x=1", "name", "a" },
        { "form-data; Name = \"a\"", "name", "a" },
        { "form-data; filename=\"a;name=b\"; name=c", "name", "c" },
        { "form-data; name=\"a \\\"b\\\" \\\\ \\c\"", "name", "a \"b\" \\ \\c" },
        { "form-data; name=\"open", "name", "open" },
        { "form-data; name=", "name", "" },
        { "form-data; filename=x", "name", NULL },
        { "form-data; name", "name", NULL },
        { "form-data", "name", NULL },
        { "name=x", "name", NULL },
        { "", "name", NULL },
        { ";;;=;=x;name=y", "name", "y" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        const char *value = header_param(rows[i].header, rows[i].name, mem);

        assert_true(!value == !rows[i].value);
        if (value)
            assert_string_equal(value, rows[i].value);
    }
}

static void an_entity_tag_is_found_in_what_the_client_has(void **state)
{
    static const struct {
        const char *header;
        bool found;
    } rows[] = {
        { NULL, false },             { "", false },                     { "*", true },
        { "\"1.7\"", true },         { "W/\"1.7\"", true },             { "\"1.70\"", false },
        { "\"1.\"", false },         { "\"a,\", W/\"1.7\"", true },     { " \"x\" ,,\"1.7\",", true },
        { "1.7", false },            { "\"1.7", false },                { "w/\"1.7\"", false },
        { "x, \"1.7\"", false },     { "* ", false },                   { "\"1.7\"x", true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (etag_matches(rows[i].header, "1.7") != rows[i].found)
            fail_msg("%s", rows[i].header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_becomes_a_clean_path),
        cmocka_unit_test(a_path_that_is_no_text_is_refused),
        cmocka_unit_test(pairs_keep_their_order_and_doubles),
        cmocka_unit_test(pairs_that_are_no_text_are_refused_by_name),
        cmocka_unit_test(accept_prefers_what_it_names_first),
        cmocka_unit_test(a_content_type_has_a_kind),
        cmocka_unit_test(header_parameters_are_found_and_unquoted),
        cmocka_unit_test(an_entity_tag_is_found_in_what_the_client_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
