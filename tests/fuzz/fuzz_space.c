// SPDX-License-Identifier: Apache-2.0
/* Whatever the submission document of a search: it is refused with a sentence that names a member, or it reads back as
 * it was written, and every point of its space gives values within the bounds that make valid JSON and read back
 * the same. */
#include "search/document.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "search/methods/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool fine)
{
    if (!fine)
        abort();
}

static void check_bounds(const struct dimension *d, const struct value *v)
{
    if (d->type != PARAM_RANGE)
        return;
    require(d->data == PARAM_INT ? (double)v->integer >= d->lo && (double)v->integer <= d->hi
                                 : isfinite(v->real) && v->real >= d->lo && v->real <= d->hi);
}

static void check_trial(const struct search_plan *p, int64_t trial, double *cube, struct mem *mem)
{
    CLEANUP(text_done) struct text config = {0};
    CLEANUP(text_done) struct text echo = {0};
    CLEANUP(text_done) struct text again = {0};
    struct err err = {0};
    struct value *values, *back;
    const struct suggestion s = { .cube = cube, .resource = INT_UNSET, .parent = INT_UNSET };
    int n = search_values(p, trial, &s, mem, &values), n_back;
    json_t *json;

    for (int i = 0; i < p->space.n_dims; i++)
        check_bounds(&p->space.dims[i], &values[i]);
    values_config(values, n, &config);
    json = json_loads(config.data, 0, NULL);
    require(json_object_size(json) == (size_t)n);
    json_decref(json);
    values_echo(values, n, &echo);
    require(values_read(echo.data, INT_UNSET, mem, &back, &n_back, &err) == 0 && n_back == n);
    values_echo(back, n, &again);
    require(strcmp(echo.data, again.data) == 0);
}

static void check_space(const struct search_plan *p, struct mem *mem)
{
    static const double corners[] = { 0, 0.5, 1 - 0x1p-53 };
    double *cube = mem_alloc(mem, (size_t)(p->space.n_dims + 1) * sizeof *cube);

    for (size_t k = 0; k < ARRAY_LEN(corners) + 3; k++) {
        for (int i = 0; i < p->space.n_dims; i++)
            cube[i] = k < ARRAY_LEN(corners) ? corners[k] : rng_uniform(1, k, (uint32_t)i, 0);
        check_trial(p, 0, cube, mem);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text first = {0};
    CLEANUP(text_done) struct text second = {0};
    struct search_plan plan, again;
    struct err err = {0};

    if (document_read((const char *)data, size, size % 2, NULL, mem, &plan, &err) < 0) {
        require(err.kind == ERR_BAD_INPUT && err.text[0]);
        return 0;
    }
    document_write(&plan.doc, &first);
    require(document_read(first.data, first.len, true, NULL, mem, &again, &err) == 0);
    document_write(&again.doc, &second);
    require(strcmp(first.data, second.data) == 0);
    check_space(&plan, mem);
    return 0;
}
