// SPDX-License-Identifier: Apache-2.0
#include "search/priors/prior.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "search/insight/experiment_store.h"
#include "search/priors/prior_store.h"
#include "search/search_store.h"
#include "store/db.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char document[] =
    "{'modelSpec': {'args': 'a'}, 'algoDef': {'algorithm': 'Tpe', 'objectiveMetric': 'loss'}, 'hyperParams': ["
    "{'name': 'x', 'type': 'range', 'dataType': 'double', 'minDbVal': 0, 'maxDbVal': 4},"
    "{'name': 'n', 'type': 'range', 'dataType': 'int', 'minIntVal': 1, 'maxIntVal': 4},"
    "{'name': 's', 'type': 'range', 'dataType': 'double', 'minDbVal': 0, 'maxDbVal': 1, 'step': 0.25},"
    "{'name': 'o', 'type': 'discrete', 'dataType': 'str', 'discreateStrVal': ['adam', '3', 'True', '0.5']},"
    "{'name': 'f', 'type': 'fix', 'dataType': 'str', 'fixedVal': 'mnist'}]}";

struct fixture {
    struct mem *mem;
    struct search_plan plan;
    struct priors priors;
};

static void done(struct fixture *f) { mem_free(f->mem); }

static struct fixture open_space(void)
{
    struct fixture f = { .mem = mem_new() };
    struct err err = {0};

    assert_int_equal(document_read(document, strlen(document), true, NULL, f.mem, &f.plan, &err), 0);
    f.priors = (struct priors){ .mem = f.mem, .space = NULL };
    return f;
}

#define NUMBER(v) { .kind = KNOWN_NUMBER, .number = (v) }
#define STRING(t) { .kind = KNOWN_TEXT, .text = (t) }

/* The cube of these values, or NULL when they are skipped. */
static const char *cube_of(struct fixture *f, struct known x, struct known n, struct known s, struct known o)
{
    const struct known_value values[] = { { "more", STRING("?") }, { "o", o }, { "s", s }, { "n", n }, { "x", x } };
    size_t before = f->priors.n;

    f->priors.space = &f->plan.space;
    priors_add(&f->priors, values, (int)ARRAY_LEN(values), 1);
    return f->priors.n > before ? f->priors.items[before].cube : NULL;
}

static void values_are_matched_by_name_and_converted(void **state)
{
    CLEANUP(done) struct fixture f = open_space();

    (void)state;
    assert_string_equal(cube_of(&f, (struct known)NUMBER(1), (struct known)NUMBER(2), (struct known)NUMBER(0.25), (struct known)STRING("adam")),
                        "[0.25,0.375,0.3,0.125,0.5]");
    assert_string_equal(cube_of(&f, (struct known)STRING("3"), (struct known)STRING("4"), (struct known)NUMBER(0.75 + 1e-16), (struct known)NUMBER(3)),
                        "[0.75,0.875,0.7,0.375,0.5]");
    assert_string_equal(cube_of(&f, (struct known)NUMBER(0), (struct known)NUMBER(1), (struct known)NUMBER(1), (struct known)NUMBER(0.5)),
                        "[0.0,0.125,0.9,0.875,0.5]");
    assert_int_equal(f.priors.skipped, 0);
}

static void what_is_not_of_the_space_is_skipped_and_counted(void **state)
{
    CLEANUP(done) struct fixture f = open_space();
    const struct known x = NUMBER(1), n = NUMBER(2), s = NUMBER(0.5), o = STRING("adam");
    const struct known not = { .kind = KNOWN_NOT };
    const struct known bad_x[] = { NUMBER(4.5), NUMBER(-0.1), NUMBER(NAN), STRING("much"), STRING(""), not };
    const struct known bad_n[] = { NUMBER(0), NUMBER(5), NUMBER(2.5), STRING("2 "), NUMBER(INFINITY) };
    const struct known bad_s[] = { NUMBER(0.3), NUMBER(1.25) };
    const struct known bad_o[] = { STRING("sgd"), NUMBER(3.5), STRING("true"), not };
    int64_t n_bad = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_x); i++, n_bad++)
        assert_null(cube_of(&f, bad_x[i], n, s, o));
    for (size_t i = 0; i < ARRAY_LEN(bad_n); i++, n_bad++)
        assert_null(cube_of(&f, x, bad_n[i], s, o));
    for (size_t i = 0; i < ARRAY_LEN(bad_s); i++, n_bad++)
        assert_null(cube_of(&f, x, n, bad_s[i], o));
    for (size_t i = 0; i < ARRAY_LEN(bad_o); i++, n_bad++)
        assert_null(cube_of(&f, x, n, s, bad_o[i]));
    assert_int_equal(f.priors.skipped, n_bad);
    assert_int_equal(f.priors.n, 0);
}

static void a_value_that_is_missing_is_fine_only_where_there_is_one_choice(void **state)
{
    CLEANUP(done) struct fixture f = open_space();
    const struct known_value whole[] = { { "x", NUMBER(1) }, { "n", NUMBER(2) }, { "s", NUMBER(0.5) }, { "o", STRING("adam") } };
    const struct known_value other[] = { { "x", NUMBER(1) }, { "n", NUMBER(2) }, { "s", NUMBER(0.5) }, { "o", STRING("adam") }, { "f", STRING("cifar") } };

    (void)state;
    f.priors.space = &f.plan.space;
    priors_add(&f.priors, whole, 4, 1);
    assert_int_equal(f.priors.n, 1);
    priors_add(&f.priors, whole, 3, 1);
    priors_add(&f.priors, other, 5, 1);
    priors_add(&f.priors, whole, 4, NAN);
    priors_add(&f.priors, whole, 4, INFINITY);
    priors_add(&f.priors, NULL, 0, 1);
    assert_int_equal(f.priors.n, 1);
    assert_int_equal(f.priors.skipped, 5);
}

static void there_is_a_limit_to_what_is_told(void **state)
{
    CLEANUP(done) struct fixture f = open_space();
    const struct known_value whole[] = { { "x", NUMBER(1) }, { "n", NUMBER(2) }, { "s", NUMBER(0.5) }, { "o", STRING("adam") } };

    (void)state;
    f.priors.space = &f.plan.space;
    for (int i = 0; i < PRIORS_MAX + 3; i++)
        priors_add(&f.priors, whole, 4, i);
    assert_int_equal(f.priors.n, PRIORS_MAX);
    assert_int_equal(f.priors.skipped, 3);
    assert_true(f.priors.items[PRIORS_MAX - 1].objective == PRIORS_MAX - 1);
}

static void texts_of_an_experiment_are_numbers_where_their_type_says_so(void **state)
{
    const struct shown shown[] = { { "a", "double", "1e-05" }, { "a", "int", "3" }, { "a", "str", "3" }, { "a", "string", "x" }, { "a", "int", "x" } };

    (void)state;
    assert_true(known_of_shown(&shown[0]).kind == KNOWN_NUMBER && known_of_shown(&shown[0]).number == 1e-5);
    assert_true(known_of_shown(&shown[1]).kind == KNOWN_NUMBER && known_of_shown(&shown[1]).number == 3);
    for (size_t i = 2; i < ARRAY_LEN(shown); i++)
        assert_true(known_of_shown(&shown[i]).kind == KNOWN_TEXT);
}

/* --- stored --- */

static void keep(void *arg, int64_t n, const struct prior *p)
{
    struct text *t = arg;

    text_addf(t, "%d %s ", (int)n, p->cube);
    text_add_real(t, p->objective);
    text_add_char(t, ';');
}

static void they_are_stored_with_their_search_and_go_with_it(void **state)
{
    CLEANUP(done) struct fixture f = open_space();
    CLEANUP(text_done) struct text t = {0};
    struct prior items[] = { { "[0.5]", 3 }, { "[0.25]", -1.5 } };
    struct err err = {0};
    CLEANUP(db_closep) struct db *db = db_open(":memory:", DB_WRITE, &err);
    struct search_news news = {0};
    struct search s = { .name = "s", .creator = "ann", .state = "SUBMITTED", .sig_name = "g", .args = "a", .spec = "{}",
                        .planned = 3, .prior_told = 2, .prior_skipped = 7 };
    struct search found;

    (void)state;
    f.priors.items = items;
    f.priors.n = 2;
    assert_int_equal(searches_insert(db, &s, &news, &err), 0);
    assert_int_equal(priors_insert(db, "s", &f.priors, &err), 0);
    assert_int_equal(priors_each(db, "s", keep, &t, &err), 0);
    assert_string_equal(t.data, "1 [0.5] 3.0;2 [0.25] -1.5;");
    assert_int_equal(searches_look(db, "s", f.mem, &found, &err), 0);
    assert_true(found.prior_told == 2 && found.prior_skipped == 7);
    assert_int_equal(searches_end(db, "s", SEARCH_STOPPED, NULL, 1, &news, &err), 0);
    assert_int_equal(searches_remove(db, "s", false, &err), 0);
    text_clear(&t);
    assert_int_equal(priors_each(db, "s", keep, &t, &err), 0);
    assert_int_equal(t.len, 0);
    text_done(&news.json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_matched_by_name_and_converted),
        cmocka_unit_test(what_is_not_of_the_space_is_skipped_and_counted),
        cmocka_unit_test(a_value_that_is_missing_is_fine_only_where_there_is_one_choice),
        cmocka_unit_test(there_is_a_limit_to_what_is_told),
        cmocka_unit_test(texts_of_an_experiment_are_numbers_where_their_type_says_so),
        cmocka_unit_test(they_are_stored_with_their_search_and_go_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
