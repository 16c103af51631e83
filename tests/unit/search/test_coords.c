// SPDX-License-Identifier: Apache-2.0
#include "search/methods/coords.h"
#include "search/methods/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const struct value letters[] = { { .integer = 0 }, { .integer = 1 }, { .integer = 2 } };

/* A number, a grid of 20, a rounded power, a choice; and three that have one value. */
static struct dimension dims[] = {
    { .type = PARAM_RANGE, .data = PARAM_DOUBLE, .lo = -1, .hi = 1, .from = -1, .to = 1 },
    { .type = PARAM_FIX, .data = PARAM_INT, .n_values = 1, .values = letters },
    { .type = PARAM_RANGE, .data = PARAM_INT, .lo = 1, .hi = 20, .from = 1, .to = 20, .n_values = 20 },
    { .type = PARAM_RANGE, .data = PARAM_DOUBLE, .lo = 2, .hi = 2, .from = 2, .to = 2 },
    { .type = PARAM_RANGE, .data = PARAM_INT, .lo = 1, .hi = 256, .from = 0, .to = 8, .power = 2 },
    { .type = PARAM_DISCRETE, .data = PARAM_INT, .n_values = 1, .values = letters },
    { .type = PARAM_DISCRETE, .data = PARAM_INT, .n_values = 3, .values = letters },
};

static const struct space space = { dims, 7 };

static void only_what_varies_is_seen(void **state)
{
    static const int want[] = { 0, 2, 4, 6 };
    CLEANUP(coords_freep) struct coords *c = coords_new(&space);

    (void)state;
    assert_int_equal(c->d, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(c->dim[i], want[i]);
        assert_int_equal(c->category[i], i == 3);
    }
    assert_int_equal(coords_values(c, 0), 0);
    assert_int_equal(coords_values(c, 1), 20);
    assert_int_equal(coords_values(c, 3), 3);
}

static void a_point_comes_back_as_the_same_values(void **state)
{
    CLEANUP(coords_freep) struct coords *c = coords_new(&space);

    (void)state;
    for (uint64_t t = 0; t < 2000; t++) {
        double cube[7], x[4], y[4];
        struct value before[7], after[7];

        for (uint32_t i = 0; i < 7; i++)
            cube[i] = t == 0 ? 0 : t == 1 ? 1 - 0x1p-53 : rng_uniform(1, t, i, 0);
        space_values(&space, cube, before);
        coords_from_cube(c, cube, x);
        coords_to_cube(c, x, cube);
        for (int i = 0; i < 7; i++)
            assert_true(cube[i] >= 0 && cube[i] < 1);
        space_values(&space, cube, after);
        coords_from_cube(c, cube, y);
        for (int i = 0; i < 4; i++)
            assert_true(x[i] == y[i]);
        assert_true(before[0].real == after[0].real);
        assert_int_equal(before[2].integer, after[2].integer);
        assert_int_equal(before[4].integer, after[4].integer);
        assert_int_equal(before[6].integer, after[6].integer);
    }
}

static void equal_values_have_equal_places(void **state)
{
    CLEANUP(coords_freep) struct coords *c = coords_new(&space);
    double a[] = { 0.5, 0.501, 0.8, 1.2 }, b[] = { 0.5, 0.549, 0.8001, 0.9 };

    (void)state;
    coords_snap(c, a);
    coords_snap(c, b);
    for (int i = 0; i < 4; i++)
        assert_true(a[i] == b[i]);
    assert_true(a[1] == 0.525 && a[3] == 1);
}

static void what_lies_outside_is_moved_in(void **state)
{
    CLEANUP(coords_freep) struct coords *c = coords_new(&space);
    double x[] = { 1.5, -2, 7, 9 };

    (void)state;
    coords_snap(c, x);
    assert_true(x[0] < 1 && x[1] == 0.025 && x[2] < 1 && x[3] == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_varies_is_seen),
        cmocka_unit_test(a_point_comes_back_as_the_same_values),
        cmocka_unit_test(equal_values_have_equal_places),
        cmocka_unit_test(what_lies_outside_is_moved_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
