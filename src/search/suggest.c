// SPDX-License-Identifier: Apache-2.0
/* Numbers of trials: asked points count from 0 as in a search; points that nobody asked for get
 * negative numbers, so that they use up neither the budget nor the random numbers of a trial. */
#include "search/suggest.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "search/algorithm.h"
#include "search/suggest_space.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct asked {
    int64_t trial;
    uint64_t hash;      /* of the values and the resource */
    struct suggestion suggestion;   /* owns its cube */
};

struct suggest {
    struct mem *mem;    /* of the search; NULL before init */
    struct space *space;
    const struct algorithm *algorithm;
    struct algorithm_ctx *ctx;
    const char *resource;   /* name of it; NULL: trials have none */
    int64_t resource_most;
    int64_t n_asked, n_foreign;
    struct asked *pending;
    size_t n_pending, cap_pending;
};

struct suggest_init {
    struct list space;
    const char *algorithm, *objective;
    int64_t seed, budget, parallel;
    json_t *params;
};

static const struct field init_fields[] = {
    { "space",     LIST(struct suggest_init, space, struct suggest_param, suggest_param_fields), .required = true, .min = 1,
      .max = SUGGEST_DIMS_MAX, .doc = "the parameters" },
    { "algorithm", TEXT(struct suggest_init, algorithm), .required = true, .doc = "a built-in algorithm" },
    { "objective", TEXT(struct suggest_init, objective), ALLOWED("minimize", "maximize"), .doc = "default: minimize" },
    { "seed",      INT(struct suggest_init, seed), .doc = "same seed, same suggestions; drawn when absent" },
    { "budget",    INT(struct suggest_init, budget), .min = 1, .max = -1, .doc = "points that will be asked for, when known" },
    { "parallel",  INT(struct suggest_init, parallel), .min = 1, .max = -1, .doc = "points tried at the same time; default 1" },
    { "params",    JSON(struct suggest_init, params), .doc = "parameters of the algorithm, as an object" },
    { .type = FIELD_END },
};

/* --- init --- */

/* {"WarmUp": 5} as the list that algorithms read. */
static int read_params(const json_t *json, struct mem *mem, struct list *ret, struct err *err)
{
    struct algo_param *p = mem_alloc(mem, (json_object_size(json) + 1) * sizeof *p);
    const char *name;
    json_t *value;

    *ret = (struct list){ p, 0 };
    if (json && !json_is_object(json))
        return err_set(err, ERR_BAD_INPUT, "params is an object, as {\"RandomSeed\": 1}");
    json_object_foreach((json_t *)json, name, value) {
        CLEANUP(text_done) struct text t = {0};

        if (json_is_string(value))
            text_add(&t, json_string_value(value));
        else
            json_to_text(value, &t);
        p[ret->n++] =
            (struct algo_param){ mem_strdup(mem, name), mem_strdup(mem, t.data ? t.data : "") };
    }
    return 0;
}

/* The limits of a field are doubles, and 2^63 - 1 is none. */
static int refuse_seed(const char *name, struct err *err)
{
    return err_set(err, ERR_BAD_INPUT, "%s must be a whole number above -2^63 and below 2^63", name);
}

static int read_init(const json_t *line, struct suggest_init *ret, struct mem *mem, struct err *err)
{
    if (fields_from_json(init_fields, line, ret, mem, err) == 0)
        return 0;
    return strcmp(err->field, "seed") == 0 ? refuse_seed("seed", err) : -1;
}

/* What the server adds to an algorithm: silence would promise that it works here too. */
static int refuse_server_params(const struct list *params, struct err *err)
{
    const struct algo_param *p = params->items;

    for (size_t i = 0; i < params->n; i++) {
        bool off = text_same(p[i].value, "none") || text_same(p[i].value, "false");

        if (text_same(p[i].name, "EarlyStop") && !off)
            return err_set(err, ERR_BAD_INPUT,
                           "suggest has no EarlyStop: it sees no metrics of running trials; that is for searches of the server");
        if (text_same(p[i].name, "WarmStart") && *p[i].value)
            return err_set(err, ERR_BAD_INPUT, "suggest has no WarmStart: tell it the results of earlier trials instead");
    }
    return 0;
}

static int read_seed(const struct suggest_init *in, const struct list *params, struct mem *mem,
                     uint64_t *ret, struct err *err)
{
    struct seed_params seed;

    if (algorithm_params(seed_fields, params, &seed, mem, err) < 0)
        return refuse_seed("RandomSeed", err);
    *ret = (uint64_t)(in->seed != INT_UNSET ? in->seed : seed.seed);
    if (*ret == (uint64_t)INT_UNSET && getentropy(ret, sizeof *ret) < 0)
        return err_errno(err, ERR_INTERNAL, "no random seed can be drawn");
    return 0;
}

static void forget(struct suggest *s)
{
    if (s->ctx)
        s->algorithm->free(s->ctx);
    for (size_t i = 0; i < s->n_pending; i++)
        free(s->pending[i].suggestion.cube);
    free(s->pending);
    mem_free(s->mem);
    *s = (struct suggest){0};
}

static int find_algorithm(const char *name, const struct algorithm **ret, struct err *err)
{
    *ret = algorithm_find(name);
    if (!*ret)
        return err_set(err, ERR_BAD_INPUT,
                       "there is no algorithm \"%.60s\"; trainyard suggest --help lists them",
                       name);
    if ((*ret)->takes_list)
        return err_set(err, ERR_BAD_INPUT,
                       "%s runs a list of experiments; there is nothing to suggest", (*ret)->name);
    return 0;
}

static int read_resource(struct suggest *to, const struct list *params, struct err *err)
{
    struct resource_params resource;

    if (!to->algorithm->has_resource)
        return 0;
    if (algorithm_params(resource_fields, params, &resource, to->mem, err) < 0)
        return -1;
    for (int i = 0; i < to->space->n_dims; i++)
        if (strcmp(to->space->dims[i].name, resource.name) == 0)
            return err_set(err, ERR_BAD_INPUT, "\"%.80s\" is a parameter and the ResourceName too",
                           resource.name);
    to->resource = resource.name;
    to->resource_most = resource.most;
    return 0;
}

/* Fills an empty `to`, which is to be forgotten whatever happens. */
static int init_search(struct suggest *to, const json_t *line, struct err *err)
{
    struct suggest_init in;
    struct algorithm_setup setup = {0};
    struct list params;

    to->space = mem_alloc(to->mem, sizeof *to->space);
    if (read_init(line, &in, to->mem, err) < 0 ||
        suggest_space_make(&in.space, to->mem, to->space, err) < 0 ||
        find_algorithm(in.algorithm, &to->algorithm, err) < 0 ||
        read_params(in.params, to->mem, &params, err) < 0 ||
        refuse_server_params(&params, err) < 0 ||
        read_resource(to, &params, err) < 0 ||
        read_seed(&in, &params, to->mem, &setup.seed, err) < 0)
        return -1;
    setup.space = to->space;
    setup.params = &params;
    setup.max_trials = in.budget == INT_UNSET ? -1 : in.budget;
    setup.parallel = in.parallel == INT_UNSET ? 1 : in.parallel;
    setup.maximize = text_same(in.objective, "maximize");
    to->ctx = to->algorithm->make(&setup, err);
    return to->ctx ? 0 : -1;
}

static int op_init(struct suggest *s, const json_t *line, struct text *out, struct err *err)
{
    struct suggest fresh = { .mem = mem_new() };

    if (init_search(&fresh, line, err) < 0) {
        forget(&fresh);
        return -1;
    }
    forget(s);
    *s = fresh;
    text_add(out, "{\"ok\":true}\n");
    return 0;
}

/* --- ask --- */

static uint64_t hash_bytes(uint64_t h, const void *data, size_t len) /* FNV-1a */
{
    for (const unsigned char *p = data; len; len--)
        h = (h ^ *p++) * 0x100000001b3u;
    return h;
}

static uint64_t hash_values(const struct value *v, int n, int64_t resource)
{
    uint64_t h = hash_bytes(0xcbf29ce484222325u, &resource, sizeof resource);

    for (int i = 0; i < n; i++) {
        double real = v[i].real + 0.0; /* no negative zero */

        if (v[i].data == PARAM_STR)
            h = hash_bytes(h, v[i].str, strlen(v[i].str) + 1);
        else if (v[i].data == PARAM_INT)
            h = hash_bytes(h, &v[i].integer, sizeof v[i].integer);
        else
            h = hash_bytes(h, &real, sizeof real);
    }
    return h;
}

static void remember(struct suggest *s, const struct suggestion *suggestion, uint64_t hash)
{
    if (s->n_pending == s->cap_pending) {
        s->cap_pending = s->cap_pending ? 2 * s->cap_pending : 16;
        s->pending = xrealloc(s->pending, s->cap_pending * sizeof *s->pending);
    }
    s->pending[s->n_pending++] = (struct asked){ s->n_asked++, hash, *suggestion };
}

/* Asks the algorithm; the cube is the caller's to free, whatever happens. */
static int ask_algorithm(struct suggest *s, struct suggestion *ret, struct err *err)
{
    *ret = (struct suggestion){ .cube = xcalloc((size_t)s->space->n_dims, sizeof *ret->cube),
                                .resource = INT_UNSET, .parent = INT_UNSET };
    switch (s->algorithm->ask(s->ctx, s->n_asked, ret, err)) {
    case ASK_POINT:
        return 0;
    case ASK_LATER:
        return err_set(err, ERR_BUSY, "%s waits for the outcome of points that were asked for",
                       s->algorithm->name);
    case ASK_END:
        return err_set(err, ERR_OUT_OF_RANGE, "%s has nothing more to suggest after %" PRId64 " points",
                       s->algorithm->name, s->n_asked);
    case ASK_FAILED:
        break;
    }
    return -1;
}

static int ask_one(struct suggest *s, struct text *out, struct err *err)
{
    int n = s->space->n_dims;
    CLEANUP(freep) struct value *values = xcalloc((size_t)n + 1, sizeof *values);
    struct suggestion suggestion;
    uint64_t hash;

    if (ask_algorithm(s, &suggestion, err) < 0) {
        free(suggestion.cube);
        return -1;
    }
    space_values(s->space, suggestion.cube, values);
    hash = hash_values(values, n, suggestion.resource);
    if (suggestion.resource != INT_UNSET)
        values[n++] = (struct value){ .name = s->resource, .data = PARAM_INT, .integer = suggestion.resource };
    values_config(values, n, out);
    out->data[--out->len] = '\0'; /* the line break */
    remember(s, &suggestion, hash);
    return 0;
}

static int op_ask(struct suggest *s, const json_t *line, struct text *out, struct err *err)
{
    const json_t *n = json_object_get(line, "n");
    size_t start = out->len;
    int64_t count = 1;

    if (n && (!suggest_whole(n, &count) || count < 1 || count > SUGGEST_ASK_MAX))
        return err_set(err, ERR_BAD_INPUT, "n is a whole number from 1 to %d", SUGGEST_ASK_MAX);
    text_add(out, n ? "{\"params\":[" : "{\"params\":");
    for (int64_t i = 0; i < count; i++) {
        text_add(out, i ? "," : "");
        if (ask_one(s, out, err) == 0)
            continue;
        if (i == 0) {
            out->len = start;
            return -1;
        }
        out->len--; /* what there is, of what was asked for: the comma goes */
        break;
    }
    text_add(out, n ? "]}\n" : "}\n");
    return 0;
}

/* --- tell --- */

/* The resource of a point told; INT_UNSET when it has none. */
static int read_point_resource(const struct suggest *s, const json_t *params, int64_t *ret,
                               struct err *err)
{
    const json_t *resource = s->resource ? json_object_get(params, s->resource) : NULL;

    *ret = INT_UNSET;
    if (resource && (!suggest_whole(resource, ret) || *ret < 1))
        return err_set(err, ERR_BAD_INPUT, "\"%.80s\" is a whole number from 1", s->resource);
    if (resource && *ret > s->resource_most)
        return err_set(err, ERR_BAD_INPUT, "\"%.80s\" is %" PRId64 "; ResourceValue, the largest, is %" PRId64,
                       s->resource, *ret, s->resource_most);
    return 0;
}

static int read_point(const struct suggest *s, const json_t *params, struct value *values,
                      int64_t *ret_resource, struct err *err)
{
    if (!json_is_object(params))
        return err_set(err, ERR_BAD_INPUT, "params is an object with a value for each parameter");
    for (int i = 0; i < s->space->n_dims; i++) {
        const struct dimension *d = &s->space->dims[i];

        if (suggest_value(d, json_object_get(params, d->name), NULL, &values[i], err) < 0)
            return -1;
    }
    if (read_point_resource(s, params, ret_resource, err) < 0)
        return -1;
    if (json_object_size(params) != (size_t)s->space->n_dims + (*ret_resource != INT_UNSET))
        return err_set(err, ERR_BAD_INPUT, "params has a name that is not in the space");
    return 0;
}

/* The place of an asked point with these values, or n_pending. */
static size_t find_asked(const struct suggest *s, const struct value *values, int64_t resource)
{
    uint64_t hash = hash_values(values, s->space->n_dims, resource);
    size_t i = 0;

    while (i < s->n_pending && s->pending[i].hash != hash)
        i++;
    return i;
}

/* Without its resource the result of an asked point would be one from elsewhere, and the point be waited for. */
static int require_resource(const struct suggest *s, const struct value *values, struct err *err)
{
    for (size_t i = 0; i < s->n_pending; i++) {
        int64_t resource = s->pending[i].suggestion.resource;

        if (s->pending[i].hash == hash_values(values, s->space->n_dims, resource))
            return err_set(err, ERR_BAD_INPUT, "\"%.80s\" is missing; this point was asked for with \"%.80s\" %" PRId64,
                           s->resource, s->resource, resource);
    }
    return 0;
}

static void tell_asked(struct suggest *s, size_t i, struct outcome *o)
{
    double *cube = s->pending[i].suggestion.cube;

    o->trial = s->pending[i].trial;
    o->cube = cube;
    o->parent = s->pending[i].suggestion.parent;
    algorithm_tell(s->algorithm, s->ctx, o);
    free(cube);
    memmove(&s->pending[i], &s->pending[i + 1], (s->n_pending - i - 1) * sizeof *s->pending);
    s->n_pending--;
}

/* `o` has its state, objective and resource. */
static int tell_point(struct suggest *s, const struct value *values, struct outcome *o, struct err *err)
{
    size_t i = find_asked(s, values, o->resource);
    CLEANUP(freep) double *cube = NULL;

    if (i < s->n_pending) {
        tell_asked(s, i, o);
        return 0;
    }
    if (s->resource && o->resource == INT_UNSET && require_resource(s, values, err) < 0)
        return -1;
    cube = xcalloc((size_t)s->space->n_dims, sizeof *cube);
    if (space_point(s->space, values, cube, err) < 0)
        return -1;
    o->trial = -1 - s->n_foreign++;
    o->cube = cube;
    o->parent = INT_UNSET;
    algorithm_tell(s->algorithm, s->ctx, o);
    return 0;
}

static int op_tell(struct suggest *s, const json_t *line, struct text *out, struct err *err)
{
    const json_t *value = json_object_get(line, "value");
    CLEANUP(freep) struct value *values = NULL;
    struct outcome o = { .state = json_is_null(value) ? TRIAL_FAILED : TRIAL_DONE,
                         .objective = json_is_number(value) ? json_number_value(value) : NAN };

    if (!value || (!json_is_number(value) && !json_is_null(value)))
        return err_set(err, ERR_BAD_INPUT, "value is a number, or null for a trial that failed");
    values = xcalloc((size_t)s->space->n_dims, sizeof *values);
    if (read_point(s, json_object_get(line, "params"), values, &o.resource, err) < 0 ||
        tell_point(s, values, &o, err) < 0)
        return -1;
    text_add(out, "{\"ok\":true}\n");
    return 0;
}

/* --- lines --- */

/* One that no double is becomes null, and a whole one that no int64_t is a real. */
static void tame_number(const char *number, size_t len, struct text *out)
{
    CLEANUP(text_done) struct text t = {0};

    text_add_n(&t, number, len);
    if (!isfinite(strtod(t.data, NULL))) {
        text_add(out, "null");
        return;
    }
    text_add_n(out, number, len);
    errno = 0;
    strtoll(t.data, NULL, 10);
    if (errno == ERANGE && !t.data[strspn(t.data, "-0123456789")])
        text_add(out, ".0");
}

/* Bytes of the number that a line goes on with, 0 when it is none. */
static size_t number_len(const char *line, size_t len)
{
    static const char *const words[] = { "-Infinity", "Infinity", "NaN" };
    size_t n = 0;

    for (size_t w = 0; w < ARRAY_LEN(words); w++)
        if (len >= strlen(words[w]) && memcmp(line, words[w], strlen(words[w])) == 0)
            return strlen(words[w]);
    if (*line != '-' && (*line < '0' || *line > '9'))
        return 0;
    while (n < len && line[n] && strchr("+-.0123456789eE", line[n]))
        n++;
    return n;
}

/* What other writers of JSON print and jansson does not read: NaN, infinities, whole numbers of any length. */
static void tame_numbers(const char *line, size_t len, struct text *out)
{
    bool quoted = false;

    for (size_t i = 0; i < len; i++) {
        size_t n = quoted ? 0 : number_len(&line[i], len - i);

        if (n) {
            tame_number(&line[i], n, out);
            i += n - 1;
            continue;
        }
        quoted ^= line[i] == '"';
        text_add_char(out, line[i]);
        if (quoted && line[i] == '\\' && i + 1 < len)
            text_add_char(out, line[++i]);
    }
}

static json_t *read_line(const char *line, size_t len, struct err *err)
{
    CLEANUP(text_done) struct text tamed = {0};
    json_error_t e;
    json_t *json = json_loadb(line, len, 0, &e);

    if (!json && len) { /* seldom */
        tame_numbers(line, len, &tamed);
        json = json_loadb(tamed.data, tamed.len, 0, &e);
    }
    if (!json)
        err_set(err, ERR_BAD_INPUT, "this is not JSON: %s", e.text);
    return json;
}

static int answer(struct suggest *s, const json_t *line, struct text *out, struct err *err)
{
    const char *op = json_string_value(json_object_get(line, "op"));

    if (!op)
        return err_set(err, ERR_BAD_INPUT,
                       "every line needs \"op\": \"init\", \"ask\" or \"tell\"");
    if (strcmp(op, "init") == 0)
        return op_init(s, line, out, err);
    if (strcmp(op, "ask") != 0 && strcmp(op, "tell") != 0)
        return err_set(err, ERR_BAD_INPUT, "there is no op \"%.40s\"; it is init, ask or tell", op);
    if (!s->ctx)
        return err_set(err, ERR_CONFLICT,
                       "the first line is an init with the space and the algorithm");
    return *op == 'a' ? op_ask(s, line, out, err) : op_tell(s, line, out, err);
}

void suggest_answer(struct suggest *s, const char *line, size_t len, struct text *out)
{
    struct err err = {0};
    json_t *json = read_line(line, len, &err);
    int rc = json ? answer(s, json, out, &err) : -1;

    json_decref(json);
    if (rc == 0)
        return;
    text_add(out, "{\"ok\":false,\"error\":");
    text_add_json(out, err.text);
    text_add(out, "}\n");
}

struct suggest *suggest_new(void) { return xcalloc(1, sizeof(struct suggest)); }

void suggest_free(struct suggest *s)
{
    if (s)
        forget(s);
    free(s);
}
