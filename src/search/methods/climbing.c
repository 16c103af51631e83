// SPDX-License-Identifier: Apache-2.0
#include "search/methods/climbing.h"

#include "base/err.h"
#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define ETA_LEAST 1.5
#define ETA_MOST 1000.0

static const double eta_usual = 3; /* the paper's, section 3.5 */

const struct field climbing_fields[] = {
    { "RandomSeed",    INT(struct climbing_params, seed), .doc = "same seed, same trials; drawn when absent" },
    { "ResourceName",  TEXT(struct climbing_params, resource.name), .required = true, .min = 1, .max = SPACE_NAME_MAX,
      .doc = "what trials get more or less of, such as epochs: a key of config.json" },
    { "ResourceValue", INT(struct climbing_params, most), .required = true, .min = 1, .max = ALGORITHM_RESOURCE_MAX,
      .doc = "how much of it a trial gets at most" },
    { "MinResource",   INT(struct climbing_params, least), .min = 1, .max = ALGORITHM_RESOURCE_MAX,
      .doc = "how much of it a trial gets at least; default 1" },
    { "eta",           REAL(struct climbing_params, eta), .min = ETA_LEAST, .max = ETA_MOST,
      .doc = "one in so many goes on, with so many times as much; default 3" },
    { .type = FIELD_END },
};

int climbing_read(const struct algorithm_setup *in, struct climbing_params *ret, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    if (algorithm_params(climbing_fields, in->params, ret, mem, err) < 0)
        return -1;
    if (isnan(ret->eta) && in->eta != 0 && !isnan(in->eta)) {
        if (in->eta < ETA_LEAST || in->eta > ETA_MOST)
            return err_field(err, "algoDef.hyperbandEta", "a number from 1.5 to 1000",
                             "hyperbandEta %g cannot be used", in->eta);
        ret->eta = in->eta;
    }
    if (isnan(ret->eta))
        ret->eta = eta_usual;
    if (ret->least == INT_UNSET)
        ret->least = 1;
    if (ret->least > ret->most)
        return err_field(err, "algoDef.algoParams.MinResource", "at most ResourceValue",
                         "MinResource %" PRId64 " is above ResourceValue %" PRId64, ret->least, ret->most);
    return 0;
}

enum ask_result climbing_next(struct brackets *b, struct suggestion *ret)
{
    struct next next = brackets_next(b);

    switch (next.kind) {
    case NEXT_END:
        return ASK_END;
    case NEXT_LATER:
        return ASK_LATER;
    case NEXT_PROMOTION:
        ret->parent = next.parent->trial;
        memcpy(ret->cube, next.parent->cube, (size_t)b->n_dims * sizeof *ret->cube);
        break;
    case NEXT_NEW:
        break;
    }
    ret->resource = next.resource;
    return ASK_POINT;
}

void climbing_tell(struct brackets *b, const struct outcome *o, bool maximize)
{
    if (o->trial < 0)
        return;
    brackets_enter(b, o->trial, o->cube, o->resource, o->parent);
    if (o->state == TRIAL_DONE)
        brackets_end(b, o->trial, maximize ? -o->objective : o->objective);
    else if (o->state == TRIAL_FAILED)
        brackets_end(b, o->trial, NAN);
}
