// SPDX-License-Identifier: Apache-2.0
#include "tasks/dataset_input.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/db.h"

#include <string.h>

static const char sql_find[] =
    "SELECT status, input"
    "  FROM dataset"
    " WHERE name = :name AND deleted = 0"
    "   AND (:user IS NULL OR shared = 1 OR creator = :user)";

static const char sql_check[] =
    "SELECT 1"
    "  FROM dataset"
    " WHERE name = :name AND status = 'FINISHED' AND deleted = 0";

static int read_input(const char *text, struct mem *mem, struct dataset_input *ret, struct err *err)
{
    json_t *json = json_loads(text, 0, NULL);

    if (!json)
        return err_set(err, ERR_INTERNAL, "the stored paths of a dataset are damaged");
    mem_on_free(mem, (void (*)(void *))json_decref, json);
    return fields_from_json(dataset_input_fields, json, ret, mem, err);
}

int dataset_input_find(struct db *db, const char *name, const char *user, struct mem *mem, struct dataset_input *ret,
                       struct err *err)
{
    static const char accepted[] = "a dataset of GET /datasets that is FINISHED";
    CLEANUP(query_done) struct query q = {0};
    const char *status, *input;
    int n;

    if (query_start(&q, db, sql_find, BINDS(BIND_T(":name", name), BIND_T(":user", user)), err) < 0)
        return -1;
    n = query_next(&q, NULL, NULL, NULL, err);
    if (n < 0)
        return -1;
    if (n == 0)
        return err_field(err, "--msd-dataset", accepted, "there is no dataset \"%.100s\"", name);
    status = query_text(&q, 0);
    input = query_text(&q, 1);
    if (strcmp(status, "FINISHED") != 0 || !input)
        return err_field(err, "--msd-dataset", accepted, "the dataset \"%.100s\" is %s, not FINISHED", name, status);
    if (read_input(input, mem, ret, err) < 0)
        return -1;
    ret->name = name;
    return 0;
}

int dataset_input_check(struct db *db, const char *name, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    int n;

    if (query_start(&q, db, sql_check, BINDS(BIND_T(":name", name)), err) < 0)
        return -1;
    n = query_next(&q, NULL, NULL, NULL, err);
    if (n == 0)
        return err_set(err, ERR_CONFLICT, "the dataset \"%.100s\" is not there any more", name);
    return n < 0 ? -1 : 0;
}
