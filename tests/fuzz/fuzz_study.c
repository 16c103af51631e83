// SPDX-License-Identifier: Apache-2.0
/* Whatever is sent as an Optuna study: it is refused with a sentence, or gives points of the space. */
#include "search/priors/study_in_store.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "search/priors/prior.h"
#include "store/db.h"
#include "store/foreign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char document[] =
    "{'modelSpec': {'args': 'a'}, 'algoDef': {'algorithm': 'Tpe', 'objectiveMetric': 'loss'}, 'hyperParams': ["
    "{'name': 'x', 'type': 'range', 'dataType': 'double', 'minDbVal': 0, 'maxDbVal': 1},"
    "{'name': 'n', 'type': 'range', 'dataType': 'int', 'minIntVal': 1, 'maxIntVal': 100, 'step': 3},"
    "{'name': 'o', 'type': 'discrete', 'dataType': 'str', 'discreateStrVal': ['adam', 'sgd']}]}";

static void add(void *arg, const struct known_value *values, int n, double objective)
{
    for (int i = 0; i < n; i++)
        if (!values[i].name || (values[i].value.kind == KNOWN_TEXT && !values[i].value.text))
            abort();
    priors_add(arg, values, n, objective);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct foreign_limits limits = { 1 << 20, 1000 };
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(db_closep) struct db *db = NULL;
    struct search_plan plan;
    struct err err = {0};
    struct priors priors;
    struct study study;

    if (document_read(document, sizeof document - 1, true, NULL, mem, &plan, &err) < 0)
        abort();
    priors = (struct priors){ .mem = mem, .space = &plan.space };
    db = foreign_open_bytes(data, size, &limits, &err);
    if (!db || study_find(db, NULL, &study, &err) < 0 || study_each(db, &study, 1000, add, &priors, &err) < 0) {
        if ((err.kind != ERR_BAD_INPUT && err.kind != ERR_TOO_LARGE) || !err.text[0])
            abort();
        return 0;
    }
    for (size_t i = 0; i < priors.n; i++)
        if (!isfinite(priors.items[i].objective) || priors.items[i].cube[0] != '[')
            abort();
    return 0;
}
