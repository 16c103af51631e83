// SPDX-License-Identifier: Apache-2.0
#include "tasks/exec_cache.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void keep(struct exec_cache *c, const char *id, uint64_t commits, const char *owner, const char *json)
{
    CLEANUP(text_done) struct text text = {0};

    text_add(&text, json);
    exec_cache_keep(c, id, commits, owner, &text);
}

/* What is found, "" for nothing. */
static const char *find(struct exec_cache *c, const char *id, uint64_t commits, const char *user)
{
    static char found[256];
    CLEANUP(text_done) struct text text = {0};

    snprintf(found, sizeof found, "%s", exec_cache_find(c, id, commits, user, &text) ? text.data : "");
    return found;
}

static void a_record_is_found_until_something_is_committed(void **state)
{
    struct exec_cache *c = exec_cache_new();

    (void)state;
    assert_string_equal(find(c, "ann-1-1", 7, "ann"), "");
    keep(c, "ann-1-1", 7, "ann", "{\"state\":\"RUNNING\"}");
    assert_string_equal(find(c, "ann-1-1", 7, "ann"), "{\"state\":\"RUNNING\"}");
    assert_string_equal(find(c, "ann-1-1", 8, "ann"), "");
    keep(c, "ann-1-1", 8, "ann", "{\"state\":\"FINISHED\"}");
    assert_string_equal(find(c, "ann-1-1", 8, "ann"), "{\"state\":\"FINISHED\"}");
    exec_cache_free(c);
}

static void a_record_is_for_its_owner_and_for_administrators(void **state)
{
    struct exec_cache *c = exec_cache_new();

    (void)state;
    keep(c, "ann-1-1", 7, "ann", "{}");
    assert_string_equal(find(c, "ann-1-1", 7, "bob"), "");
    assert_string_equal(find(c, "ann-1-1", 7, NULL), "{}");
    exec_cache_free(c);
}

static void records_that_share_a_place_are_never_mixed_up(void **state)
{
    struct exec_cache *c = exec_cache_new();
    char id[32], json[32];

    (void)state;
    for (int i = 0; i < 2000; i++) {
        snprintf(id, sizeof id, "ann-1-%d", i);
        snprintf(json, sizeof json, "{\"n\":%d}", i);
        keep(c, id, 1, "ann", json);
        assert_string_equal(find(c, id, 1, "ann"), json);
    }
    for (int i = 0; i < 2000; i++) {
        snprintf(id, sizeof id, "ann-1-%d", i);
        snprintf(json, sizeof json, "{\"n\":%d}", i);
        const char *found = find(c, id, 1, "ann");
        assert_true(!*found || strcmp(found, json) == 0);
    }
    exec_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_found_until_something_is_committed),
        cmocka_unit_test(a_record_is_for_its_owner_and_for_administrators),
        cmocka_unit_test(records_that_share_a_place_are_never_mixed_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
