// SPDX-License-Identifier: Apache-2.0
#include "tasks/events_store.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/db.h"

static const char sql_each[] =
    "SELECT * FROM ("
    "  SELECT id, time_ms, owner, kind, subject, data"
    "    FROM event"
    "   WHERE id > max(:after, (SELECT max(id) FROM event) - :looked_at)"
    "     AND (:owner IS NULL OR owner = :owner)"
    "     AND (:subject IS NULL OR subject = :subject)"
    "   ORDER BY id DESC"
    "   LIMIT :max)"
    " ORDER BY id";

static const char sql_prune[] =
    "DELETE FROM event"
    " WHERE id IN (SELECT id FROM event WHERE time_ms < :before LIMIT :max)";

static const struct field event_fields[] = {
    { "id",      INT(struct event, id) },
    { "time_ms", INT(struct event, time_ms) },
    { "owner",   TEXT(struct event, owner) },
    { "kind",    TEXT(struct event, kind) },
    { "subject", TEXT(struct event, subject) },
    { "data",    TEXT(struct event, data) },
    { .type = FIELD_END },
};

int events_each(struct db *db, const char *owner, const char *subject, int64_t after, int64_t max,
                event_fn *each, void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    int got;

    if (query_start(&q, db, sql_each, BINDS(BIND_T(":owner", owner), BIND_T(":subject", subject),
                                            BIND_I(":after", after), BIND_I(":max", max),
                                            BIND_I(":looked_at", EVENTS_LOOKED_AT)), err) < 0)
        return -1;
    do {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct event event = {0};

        got = query_next(&q, event_fields, &event, mem, err);
        if (got > 0)
            each(arg, &event);
    } while (got > 0);
    return got;
}

int events_prune(struct db *db, int64_t before_ms, int64_t max, struct err *err)
{
    return db_run(db, sql_prune, BINDS(BIND_I(":before", before_ms), BIND_I(":max", max)), err);
}
