// SPDX-License-Identifier: Apache-2.0
#include "http/route.h"

#include "base/err.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int rooms[2];

static const struct route first[] = {
    { GET,    "/",                      .operation = "root" },
    { GET,    "/execs",                 .operation = "list" },
    { POST,   "/execs",                 .operation = "add" },
    { GET,    "/execs/frameworks",      .operation = "frameworks" },
    { GET,    "/execs/{execId}",        .operation = "show" },
    { DELETE, "/execs/{execId}",        .operation = "remove" },
    { GET,    "/execs/{execId}/log",    .operation = "log" },
    { GET,    "/execs/{id}/log/{type}", .operation = "typed" },
    { GET,    "/models/{name}",         .operation = "model" },
    { GET,    "/models/files/{file...}", .operation = "file" },
    { GET,    "/models/files/new",      .operation = "newfile" },
    { .path = NULL },
};

static const struct route second[] = {
    { GET, "/instances", .operation = "instances" },
    { .path = NULL },
};

static const struct route_table tables[] = {
    { "/v1", first, &rooms[0] },
    { "/other/v1", second, &rooms[1] },
    { .routes = NULL },
};

struct fixture {
    struct mem *mem;
    struct routes *routes;
};

static void fixture_done(struct fixture *f)
{
    routes_free(f->routes);
    mem_free(f->mem);
}

static struct fixture set_up(void)
{
    return (struct fixture){ mem_new(), routes_new(tables) };
}

static bool find(struct fixture *f, const char *target, struct match *match)
{
    struct path path;
    const char *query;
    struct err err = {0};

    assert_int_equal(url_path(target, f->mem, &path, &query, &err), 0);
    return routes_find(f->routes, &path, f->mem, match);
}

static void each_path_leads_to_its_row(void **state)
{
    static const struct {
        const char *target;
        enum method method;
        const char *operation, *values[2];
    } rows[] = {
        { "/v1", GET, "root", { NULL } },
        { "/v1/execs", GET, "list", { NULL } },
        { "/v1/execs/", POST, "add", { NULL } },
        { "/v1/execs/frameworks", GET, "frameworks", { NULL } },
        { "/v1/execs/a-1", GET, "show", { "a-1" } },
        { "/v1/execs/a%2Fb", DELETE, "remove", { "a/b" } },
        { "/v1/execs/a/log", GET, "log", { "a" } },
        { "/v1/execs/frameworks/log", GET, "log", { "frameworks" } },
        { "/v1/execs/a/log/x", GET, "typed", { "a", "x" } },
        { "/v1/models/files", GET, "model", { "files" } },
        { "/v1/models/files/new", GET, "newfile", { NULL } },
        { "/v1/models/files/news", GET, "file", { "news" } },
        { "/v1/models/files/new/a//b%2Fc", GET, "file", { "new/a/b/c" } },
        { "/other/v1/instances", GET, "instances", { NULL } },
    };
    CLEANUP(fixture_done) struct fixture f = set_up();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct match match;

        assert_true(find(&f, rows[i].target, &match));
        assert_non_null(match.entries[rows[i].method]);
        assert_string_equal(match.entries[rows[i].method]->route->operation, rows[i].operation);
        for (int v = 0; v < 2 && rows[i].values[v]; v++)
            assert_string_equal(match.values[v], rows[i].values[v]);
    }
}

static void other_paths_lead_nowhere(void **state)
{
    static const char *const targets[] = { "/", "/v2", "/v1/x", "/v1/execs/a/b", "/v1/execs/a/log/x/y",
                                           "/v1/models", "/other", "/other/v1", "/v1/Execs",
                                           "/v1/execsx", "/v1/exec" };
    CLEANUP(fixture_done) struct fixture f = set_up();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        struct match match;

        assert_false(find(&f, targets[i], &match));
    }
}

static void rows_know_their_room_and_their_own_names(void **state)
{
    CLEANUP(fixture_done) struct fixture f = set_up();
    struct match match;

    (void)state;
    assert_true(find(&f, "/v1/execs/a/log/x", &match));
    assert_ptr_equal(match.entries[GET]->room, &rooms[0]);
    assert_int_equal(match.entries[GET]->n_names, 2);
    assert_string_equal(match.entries[GET]->names[0], "id");
    assert_string_equal(match.entries[GET]->names[1], "type");
    assert_true(find(&f, "/other/v1/instances", &match));
    assert_ptr_equal(match.entries[GET]->room, &rooms[1]);
    assert_true(find(&f, "/v1/models/files/a/b", &match));
    assert_string_equal(match.entries[GET]->names[0], "file");
}

static void a_path_allows_its_methods_and_head_with_get(void **state)
{
    CLEANUP(fixture_done) struct fixture f = set_up();
    struct match match;

    (void)state;
    assert_true(find(&f, "/v1/execs/a", &match));
    assert_string_equal(routes_allow(&match, f.mem), "GET, HEAD, DELETE");
    assert_true(find(&f, "/v1/execs/frameworks", &match));
    assert_string_equal(routes_allow(&match, f.mem), "GET, HEAD");
}

static void a_path_of_very_many_segments_is_only_a_rest(void **state)
{
    CLEANUP(fixture_done) struct fixture f = set_up();
    char target[2100] = "/v1/models/files";
    struct match match;

    (void)state;
    for (int i = 0; i < 1000; i++)
        strcat(target, "/x");
    assert_true(find(&f, target, &match));
    assert_string_equal(match.entries[GET]->route->operation, "file");
    assert_int_equal(strlen(match.values[0]), 1999);
    assert_false(find(&f, target + strlen("/v1"), &match));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_path_leads_to_its_row),
        cmocka_unit_test(other_paths_lead_nowhere),
        cmocka_unit_test(rows_know_their_room_and_their_own_names),
        cmocka_unit_test(a_path_allows_its_methods_and_head_with_get),
        cmocka_unit_test(a_path_of_very_many_segments_is_only_a_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
