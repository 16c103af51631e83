// SPDX-License-Identifier: Apache-2.0
#include "tasks/events_store.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "store/db.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char add_event[] =
    "INSERT INTO event (time_ms, owner, kind, subject, data)"
    " VALUES (:time, :owner, 'exec.state', :subject, :data)";

static void put(struct db *db, int64_t time_ms, const char *owner, const char *subject)
{
    struct err err = {0};

    assert_int_equal(db_run(db, add_event,
                            BINDS(BIND_I(":time", time_ms), BIND_T(":owner", owner),
                                  BIND_T(":subject", subject), BIND_T(":data", "{}")), &err), 1);
}

/* Events 1 to 6: ann's a, ann's b, bob's c, twice. */
static struct db *open_store(void)
{
    struct err err = {0};
    struct db *db = db_open(":memory:", DB_WRITE, &err);

    assert_non_null(db);
    for (int64_t i = 0; i < 2; i++) {
        put(db, 1000 * i, "ann", "a");
        put(db, 1000 * i, "ann", "b");
        put(db, 1000 * i, "bob", "c");
    }
    return db;
}

static void write_event(void *arg, const struct event *e)
{
    text_addf(arg, "%" PRId64 ":%s/%s ", e->id, e->owner, e->subject);
}

static const struct {
    const char *owner, *subject;
    int64_t after, max;
    const char *want;
} table[] = {
    { NULL,  NULL, 0, 100, "1:ann/a 2:ann/b 3:bob/c 4:ann/a 5:ann/b 6:bob/c " },
    { "ann", NULL, 0, 100, "1:ann/a 2:ann/b 4:ann/a 5:ann/b " },
    { "ann", "b",  0, 100, "2:ann/b 5:ann/b " },
    { "ann", "c",  0, 100, "" },
    { NULL,  NULL, 4, 100, "5:ann/b 6:bob/c " },
    { NULL,  NULL, 6, 100, "" },
    { NULL,  NULL, 0, 2,   "5:ann/b 6:bob/c " },
    { "ann", NULL, 0, 1,   "5:ann/b " },
    { "eve", NULL, 0, 100, "" },
};

static void events_come_oldest_first_filtered_and_bounded(void **state)
{
    CLEANUP(db_closep) struct db *db = open_store();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        CLEANUP(text_done) struct text got = {0};
        struct err err = {0};

        text_add(&got, "");
        assert_int_equal(events_each(db, table[i].owner, table[i].subject, table[i].after,
                                     table[i].max, write_event, &got, &err), 0);
        assert_string_equal(got.data, table[i].want);
    }
}

static void an_empty_table_has_no_events(void **state)
{
    struct err err = {0};
    CLEANUP(db_closep) struct db *db = db_open(":memory:", DB_WRITE, &err);
    CLEANUP(text_done) struct text got = {0};

    (void)state;
    assert_int_equal(events_each(db, NULL, NULL, 0, 100, write_event, &got, &err), 0);
    assert_int_equal(got.len, 0);
    assert_int_equal(events_prune(db, 1000, 10, &err), 0);
}

static void old_events_are_pruned_a_few_at_a_time(void **state)
{
    CLEANUP(db_closep) struct db *db = open_store();
    CLEANUP(text_done) struct text got = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(events_prune(db, 1000, 2, &err), 2);
    assert_int_equal(events_prune(db, 1000, 2, &err), 1);
    assert_int_equal(events_prune(db, 1000, 2, &err), 0);
    assert_int_equal(events_each(db, NULL, NULL, 0, 100, write_event, &got, &err), 0);
    assert_string_equal(got.data, "4:ann/a 5:ann/b 6:bob/c ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_oldest_first_filtered_and_bounded),
        cmocka_unit_test(an_empty_table_has_no_events),
        cmocka_unit_test(old_events_are_pruned_a_few_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
