// SPDX-License-Identifier: Apache-2.0
#include "search/insight/study_out_store.h"

#include "base/err.h"
#include "store/db.h"
#include "store/foreign.h"

#include <math.h>

static const char schema[] =
    "CREATE TABLE studies(study_id INTEGER NOT NULL PRIMARY KEY, study_name VARCHAR(512) NOT NULL);"
    "CREATE UNIQUE INDEX ix_studies_study_name ON studies(study_name);"
    "CREATE TABLE version_info(version_info_id INTEGER NOT NULL PRIMARY KEY CHECK (version_info_id = 1),"
    "    schema_version INTEGER, library_version VARCHAR(256));"
    "CREATE TABLE study_directions(study_direction_id INTEGER NOT NULL PRIMARY KEY, direction VARCHAR(8) NOT NULL,"
    "    study_id INTEGER NOT NULL REFERENCES studies(study_id), objective INTEGER NOT NULL,"
    "    UNIQUE (study_id, objective));"
    "CREATE TABLE study_user_attributes(study_user_attribute_id INTEGER NOT NULL PRIMARY KEY,"
    "    study_id INTEGER REFERENCES studies(study_id), \"key\" VARCHAR(512), value_json TEXT, UNIQUE (study_id, \"key\"));"
    "CREATE TABLE study_system_attributes(study_system_attribute_id INTEGER NOT NULL PRIMARY KEY,"
    "    study_id INTEGER REFERENCES studies(study_id), \"key\" VARCHAR(512), value_json TEXT, UNIQUE (study_id, \"key\"));"
    "CREATE TABLE trials(trial_id INTEGER NOT NULL PRIMARY KEY, number INTEGER,"
    "    study_id INTEGER REFERENCES studies(study_id), state VARCHAR(8) NOT NULL, datetime_start DATETIME,"
    "    datetime_complete DATETIME);"
    "CREATE INDEX ix_trials_study_id ON trials(study_id);"
    "CREATE TABLE trial_user_attributes(trial_user_attribute_id INTEGER NOT NULL PRIMARY KEY,"
    "    trial_id INTEGER REFERENCES trials(trial_id), \"key\" VARCHAR(512), value_json TEXT, UNIQUE (trial_id, \"key\"));"
    "CREATE TABLE trial_system_attributes(trial_system_attribute_id INTEGER NOT NULL PRIMARY KEY,"
    "    trial_id INTEGER REFERENCES trials(trial_id), \"key\" VARCHAR(512), value_json TEXT, UNIQUE (trial_id, \"key\"));"
    "CREATE TABLE trial_params(param_id INTEGER NOT NULL PRIMARY KEY, trial_id INTEGER REFERENCES trials(trial_id),"
    "    param_name VARCHAR(512), param_value FLOAT, distribution_json TEXT, UNIQUE (trial_id, param_name));"
    "CREATE TABLE trial_values(trial_value_id INTEGER NOT NULL PRIMARY KEY,"
    "    trial_id INTEGER NOT NULL REFERENCES trials(trial_id), objective INTEGER NOT NULL, value FLOAT,"
    "    value_type VARCHAR(7) NOT NULL, UNIQUE (trial_id, objective));"
    "CREATE TABLE trial_intermediate_values(trial_intermediate_value_id INTEGER NOT NULL PRIMARY KEY,"
    "    trial_id INTEGER NOT NULL REFERENCES trials(trial_id), step INTEGER NOT NULL, intermediate_value FLOAT,"
    "    intermediate_value_type VARCHAR(7) NOT NULL, UNIQUE (trial_id, step));"
    "CREATE TABLE trial_heartbeats(trial_heartbeat_id INTEGER NOT NULL PRIMARY KEY,"
    "    trial_id INTEGER NOT NULL UNIQUE REFERENCES trials(trial_id), heartbeat DATETIME NOT NULL);"
    "CREATE TABLE alembic_version(version_num VARCHAR(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);"
    "INSERT INTO version_info VALUES (1, 12, '5.0.0');"     /* what is compared is the 12 */
    "INSERT INTO alembic_version VALUES ('v3.2.0.a');";

static const char sql_study[] =
    "INSERT INTO studies (study_id, study_name)"
    " VALUES (1, :name)";

static const char sql_direction[] =
    "INSERT INTO study_directions (study_id, objective, direction)"
    " VALUES (1, 0, :direction)";

static const char sql_metric[] =
    "INSERT INTO study_system_attributes (study_id, \"key\", value_json)"
    " VALUES (1, 'study:metric_names', :names)";

static const char sql_trial[] =
    "INSERT INTO trials (trial_id, number, study_id, state, datetime_start, datetime_complete)"
    " VALUES (:number + 1, :number, 1, :state, :started, :ended)";

static const char sql_value[] =
    "INSERT INTO trial_values (trial_id, objective, value, value_type)"
    " VALUES (:number + 1, 0, :value, 'FINITE')";

static const char sql_param[] =
    "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)"
    " VALUES (:number + 1, :name, :value, :distribution)";

static const char sql_attribute[] =
    "INSERT INTO trial_user_attributes (trial_id, \"key\", value_json)"
    " VALUES (:number + 1, :key, :json)";

static const char sql_intermediate[] =
    "INSERT OR REPLACE INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type)"
    " VALUES (:number + 1, :step, :value, 'FINITE')";

static int run(struct db *db, const char *sql, const struct bind *binds, struct err *err)
{
    return db_run(db, sql, binds, err) < 0 ? -1 : 0;
}

struct db *study_create(const char *path, const char *name, bool maximize, const char *metric_json,
                        struct err *err)
{
    CLEANUP(db_closep) struct db *db = foreign_create(path, schema, err);

    if (!db || run(db, sql_study, BINDS(BIND_T(":name", name)), err) < 0 ||
        run(db, sql_direction, BINDS(BIND_T(":direction", maximize ? "MAXIMIZE" : "MINIMIZE")), err) < 0 ||
        run(db, sql_metric, BINDS(BIND_T(":names", metric_json)), err) < 0)
        return NULL;
    return TAKE(db);
}

int study_add_trial(struct db *db, const struct study_trial *t, struct err *err)
{
    if (run(db, sql_trial,
            BINDS(BIND_I(":number", t->number), BIND_T(":state", t->state), BIND_T(":started", t->started),
                  BIND_T(":ended", t->ended)), err) < 0)
        return -1;
    if (isnan(t->value))
        return 0;
    return run(db, sql_value, BINDS(BIND_I(":number", t->number), BIND_R(":value", t->value)), err);
}

int study_add_param(struct db *db, int64_t trial, const char *name, double value,
                    const char *distribution, struct err *err)
{
    return run(db, sql_param,
               BINDS(BIND_I(":number", trial), BIND_T(":name", name), BIND_R(":value", value),
                     BIND_T(":distribution", distribution)), err);
}

int study_add_attribute(struct db *db, int64_t trial, const char *key, const char *json,
                        struct err *err)
{
    return run(db, sql_attribute,
               BINDS(BIND_I(":number", trial), BIND_T(":key", key), BIND_T(":json", json)), err);
}

int study_add_intermediate(struct db *db, int64_t trial, int64_t step, double value,
                           struct err *err)
{
    return run(db, sql_intermediate,
               BINDS(BIND_I(":number", trial), BIND_I(":step", step), BIND_R(":value", value)), err);
}
