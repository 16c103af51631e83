// SPDX-License-Identifier: Apache-2.0
#include "store/migrate.h"

#include "base/err.h"
#include "store/db.h"

#include <stdio.h>

static const char sql_version[] = "PRAGMA user_version";

static int read_version(struct db *db, int64_t *ret_version, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_version, NULL, err) < 0)
        return -1;
    if (query_next(&q, NULL, NULL, NULL, err) < 0)
        return -1;
    *ret_version = query_int(&q, 0);
    return 0;
}

/* One step, inside a transaction that holds the write lock. */
static int step(struct db *db, const struct migration *m, struct err *err)
{
    char record[64];
    int64_t version;

    if (read_version(db, &version, err) < 0)
        return -1;
    if (version >= m->number)       /* another process was quicker */
        return 0;
    if (db_script(db, m->sql, err) < 0)
        return err_wrap(err, "migration %s", m->name);
    snprintf(record, sizeof record, "PRAGMA user_version = %d", m->number);
    return db_script(db, record, err);
}

static int step_whole(struct db *db, const struct migration *m, struct err *err)
{
    struct err ignored = {0};

    if (db_script(db, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    if (step(db, m, err) == 0 && db_script(db, "COMMIT", err) == 0)
        return 0;
    if (db_in_transaction(db))
        db_script(db, "ROLLBACK", &ignored);
    return -1;
}

int migrate(struct db *db, const char *path, struct err *err)
{
    int64_t version;
    int newest = 0;

    if (read_version(db, &version, err) < 0)
        return -1;
    for (const struct migration *m = migrations; m->number > 0; m++) {
        newest = m->number;
        if (m->number > version && step_whole(db, m, err) < 0)
            return -1;
    }
    if (version > newest)
        return err_set(err, ERR_CONFLICT,
                       "database %s was written by a newer Trainyard (schema %d, this one knows "
                       "%d); install that version or restore a backup",
                       path, (int)version, newest);
    return 0;
}
