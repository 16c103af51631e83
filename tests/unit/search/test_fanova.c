// SPDX-License-Identifier: Apache-2.0
#include "search/insight/fanova.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "search/methods/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { D_MAX = 12 };

/* Points drawn evenly from a space, and what a function makes of them. */
struct sample {
    struct tree_data data;
    double *x, *y;
};

static void sample_done(struct sample *s)
{
    free(s->x);
    free(s->y);
}

static struct sample sample_of(size_t n, int d, const int *choices, double (*f)(const double *x, uint64_t i))
{
    struct sample s = { .x = xcalloc((size_t)d * n, sizeof(double)), .y = xcalloc(n, sizeof(double)) };

    for (size_t i = 0; i < n; i++) {
        double x[D_MAX];

        for (int c = 0; c < d; c++) {
            double u = rng_uniform(7, i, (uint32_t)c, 0);

            x[c] = choices[c] ? floor(u * choices[c]) : u;
            s.x[(size_t)c * n + i] = x[c];
        }
        s.y[i] = f(x, i);
    }
    s.data = (struct tree_data){ .n = n, .d = d, .choices = choices, .x = s.x, .y = s.y };
    return s;
}

static const int numbers[D_MAX];

/* --- one tree, against sums over a grid of every cell --- */

static double bumpy(const double *x, uint64_t i)
{
    (void)i;
    return sin(5 * x[0]) + x[0] * x[1] + (x[2] == 1 ? 2 * x[1] : x[2] == 4 ? -1 : 0) + x[3] * (x[2] == 0);
}

static const int bumpy_choices[] = { 0, 0, 5, 3 };

struct grid {                   /* a cell of each column, in the middle, and its width */
    int n[4];
    double at[4][64], width[4][64];
};

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void make_grid(const struct tree *t, const int *choices, struct grid *g)
{
    for (int c = 0; c < 4; c++) {
        double edges[64] = { 0 };
        int n = 1;

        for (size_t i = 0; !choices[c] && i < t->n_leaves; i++)
            edges[n++] = t->lo[i * 4 + (size_t)c];
        edges[n++] = 1;
        qsort(edges, (size_t)n, sizeof *edges, by_number);
        g->n[c] = choices[c];
        for (int k = 0; k < choices[c]; k++) {
            g->at[c][k] = k;
            g->width[c][k] = 1.0 / choices[c];
        }
        for (int k = 0; !choices[c] && k + 1 < n; k++) {
            if (edges[k] < edges[k + 1]) {
                g->at[c][g->n[c]] = (edges[k] + edges[k + 1]) / 2;
                g->width[c][g->n[c]++] = edges[k + 1] - edges[k];
            }
        }
    }
}

/* The variance of the mean over all columns that are not in `of` (a bit each). */
static double variance_of(const struct tree *t, const int *choices, const struct grid *g, unsigned of)
{
    int k[4] = {0};
    static double means[64][64][6][6];
    double mean = 0, sum = 0;

    memset(means, 0, sizeof means);
    for (;;) {
        double x[4], inside = 1, all = 1, y;
        int at[4], c = 0;

        for (int i = 0; i < 4; i++) {
            x[i] = g->at[i][k[i]];
            all *= g->width[i][k[i]];
            inside *= of >> i & 1 ? 1 : g->width[i][k[i]];
            at[i] = of >> i & 1 ? k[i] : 0;
        }
        y = tree_at(t, choices, x);
        assert_false(isnan(y));
        means[at[0]][at[1]][at[2]][at[3]] += inside * y;
        mean += all * y;
        while (c < 4 && ++k[c] == g->n[c])
            k[c++] = 0;
        if (c == 4)
            break;
    }
    for (int a = 0; a < (of & 1 ? g->n[0] : 1); a++)
        for (int b = 0; b < (of & 2 ? g->n[1] : 1); b++)
            for (int c = 0; c < (of & 4 ? g->n[2] : 1); c++)
                for (int d = 0; d < (of & 8 ? g->n[3] : 1); d++) {
                    double w = (of & 1 ? g->width[0][a] : 1) * (of & 2 ? g->width[1][b] : 1) *
                               (of & 4 ? g->width[2][c] : 1) * (of & 8 ? g->width[3][d] : 1);

                    sum += w * (means[a][b][c][d] - mean) * (means[a][b][c][d] - mean);
                }
    return sum;
}

static void the_parts_of_a_tree_are_those_of_a_sum_over_every_cell(void **state)
{
    CLEANUP(sample_done) struct sample s = sample_of(45, 4, bumpy_choices, bumpy);

    (void)state;
    for (uint32_t number = 0; number < 5; number++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        CLEANUP(tree_freep) struct tree *t =
            tree_grow(&s.data, &(struct tree_setup){ .seed = 3, .number = number, .sample = 45, .leaf = 1 });
        struct fanova_pair pairs[6];
        struct tree_parts parts;
        struct grid g;
        int n = 0;

        for (int a = 0; a < 4; a++)
            for (int b = a + 1; b < 4; b++)
                pairs[n++] = (struct fanova_pair){ .a = a, .b = b };
        assert_true(t->n_leaves > 10 && t->n_leaves < 60);
        make_grid(t, bumpy_choices, &g);
        tree_take_apart(t, bumpy_choices, pairs, n, mem, &parts);
        assert_true(fabs(parts.variance - variance_of(t, bumpy_choices, &g, 15)) < 1e-12);
        for (int c = 0; c < 4; c++)
            assert_true(fabs(parts.main[c] - variance_of(t, bumpy_choices, &g, 1u << c)) < 1e-12);
        for (int k = 0; k < n; k++) {
            double both = variance_of(t, bumpy_choices, &g, 1u << pairs[k].a | 1u << pairs[k].b);

            assert_true(fabs(parts.pairs[k] - (both - parts.main[pairs[k].a] - parts.main[pairs[k].b])) < 1e-12);
        }
    }
}

static void the_boxes_of_a_tree_fill_the_space_without_overlap(void **state)
{
    CLEANUP(sample_done) struct sample s = sample_of(300, 4, bumpy_choices, bumpy);
    CLEANUP(tree_freep) struct tree *t =
        tree_grow(&s.data, &(struct tree_setup){ .seed = 3, .sample = 300, .leaf = 3 });
    double volume = 0;

    (void)state;
    for (size_t i = 0; i < t->n_leaves; i++) {
        double side = 1;

        for (size_t c = 0; c < 4; c++)
            side *= bumpy_choices[c] ? (double)__builtin_popcountll(t->mask[i * 4 + c]) / bumpy_choices[c]
                                     : t->hi[i * 4 + c] - t->lo[i * 4 + c];
        assert_true(side > 0);
        volume += side;
    }
    assert_true(fabs(volume - 1) < 1e-12);
}

/* --- functions whose parts are known --- */

static double additive(const double *x, uint64_t i) { (void)i; return 3 * x[0] + x[1]; }
static double product(const double *x, uint64_t i) { (void)i; return (x[0] - 0.5) * (x[1] - 0.5); }
static double noisy(const double *x, uint64_t i) { return x[0] + 0.1 * rng_uniform(1, i, 0, 9); }
static double categories(const double *x, uint64_t i) { (void)i; return (x[0] == 2) + 0.5 * x[1]; }
static double failing(const double *x, uint64_t i) { (void)x, (void)i; return 4; }

static double exclusive(const double *x, uint64_t i)
{
    (void)i;
    return (x[3] < 0.5) != (x[9] < 0.5);
}

static void near(double is, double should, double by)
{
    if (!(fabs(is - should) <= by))
        fail_msg("%g instead of %g", is, should);
}

static void the_shares_of_a_sum_are_those_of_its_terms(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(sample_done) struct sample s = sample_of(1000, 3, numbers, additive);
    struct fanova f;

    (void)state;
    assert_true(fanova(&s.data, 0, mem, &f));
    near(f.main[0], 0.9, 0.02);     /* 9 / 12 of 10 / 12 */
    near(f.main[1], 0.1, 0.02);
    near(f.main[2], 0, 0.005);
    near(f.pairs[0].share, 0, 0.01);
    near(f.main[0] + f.main[1] + f.main[2] + f.pairs[0].share + f.pairs[1].share + f.pairs[2].share + f.rest, 1, 1e-9);
}

static void a_product_around_its_middle_is_all_interaction(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(sample_done) struct sample s = sample_of(2000, 3, numbers, product);
    struct fanova f;

    (void)state;
    assert_true(fanova(&s.data, 0, mem, &f));
    near(f.main[0], 0, 0.03);
    near(f.main[1], 0, 0.03);
    assert_int_equal(f.pairs[0].a, 0);
    assert_int_equal(f.pairs[0].b, 1);
    near(f.pairs[0].share, 1, 0.1);
}

static void an_interaction_without_main_effects_is_found_among_many_parameters(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(sample_done) struct sample s = sample_of(2000, 12, numbers, exclusive);
    struct fanova f;

    (void)state;
    assert_true(fanova(&s.data, 0, mem, &f));
    assert_int_equal(f.pairs[0].a, 3);
    assert_int_equal(f.pairs[0].b, 9);
    assert_true(f.pairs[0].share > 0.7);
}

static void noise_is_not_laid_to_one_parameter(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(sample_done) struct sample s = sample_of(500, 6, numbers, noisy);
    struct fanova f;

    (void)state;
    assert_true(fanova(&s.data, 0, mem, &f));
    assert_true(f.main[0] > 0.95);
    for (int c = 1; c < 6; c++)
        assert_true(f.main[c] < 0.01);
}

static void categories_are_told_apart_and_have_a_marginal_each(void **state)
{
    static const int choices[] = { 4, 2 };
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(sample_done) struct sample s = sample_of(400, 2, choices, categories);
    struct fanova f;

    (void)state;
    assert_true(fanova(&s.data, 0, mem, &f));
    near(f.main[0], 0.75, 0.02);    /* 3 / 16 and 1 / 16 */
    near(f.main[1], 0.25, 0.02);
    assert_int_equal(f.marginal[0].n, 4);
    near(f.marginal[0].mean[2] - f.marginal[0].mean[0], 1, 0.01);
    near(f.marginal[0].mean[1], 0.25, 0.02);
    near(f.marginal[1].mean[1] - f.marginal[1].mean[0], 0.5, 0.01);
}

static void a_marginal_over_numbers_follows_the_function(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(sample_done) struct sample s = sample_of(1000, 3, numbers, additive);
    struct fanova f;

    (void)state;
    assert_true(fanova(&s.data, 0, mem, &f));
    assert_int_equal(f.marginal[0].n, FANOVA_POINTS);
    for (int k = 0; k < FANOVA_POINTS; k++) {
        near(f.marginal[0].mean[k], 3.0 * k / (FANOVA_POINTS - 1) + 0.5, 0.2);
        assert_true(f.marginal[0].sd[k] < 0.2);
    }
}

/* The same function far from zero, in other units, and as large as numbers are. */
static void the_shares_do_not_depend_on_offset_and_scale(void **state)
{
    static const struct { double offset, scale; } cases[] = { { 1e12, 1 }, { 0, 1e-300 }, { 0, 1e307 }, { -1.5e308, 4e307 } };
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(sample_done) struct sample s = sample_of(1000, 3, numbers, additive);
        struct fanova f;

        for (size_t k = 0; k < s.data.n; k++)
            s.y[k] = cases[i].offset + cases[i].scale * s.y[k];
        assert_true(fanova(&s.data, 0, mem, &f));
        near(f.main[0], 0.9, 0.02);
        near(f.main[1], 0.1, 0.02);
        near((f.marginal[0].mean[16] - cases[i].offset) / cases[i].scale, 2, 0.2);
        assert_true(f.marginal[0].sd[16] / cases[i].scale < 0.2);
    }
}

static void the_same_seed_gives_the_same_and_another_nearly_the_same(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(sample_done) struct sample s = sample_of(300, 3, numbers, additive);
    struct fanova f, again, other;

    (void)state;
    assert_true(fanova(&s.data, 5, mem, &f) && fanova(&s.data, 5, mem, &again) && fanova(&s.data, 6, mem, &other));
    assert_memory_equal(f.main, again.main, 3 * sizeof *f.main);
    assert_memory_equal(f.pairs, again.pairs, sizeof f.pairs);
    assert_true(f.main[0] != other.main[0]);
    near(f.main[0], other.main[0], 0.03);
}

static void a_function_that_does_not_vary_is_explained_by_nothing(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(sample_done) struct sample s = sample_of(100, 2, numbers, failing);
    struct fanova f;

    (void)state;
    assert_false(fanova(&s.data, 0, mem, &f));
    s.data.n = 1;
    assert_false(fanova(&s.data, 0, mem, &f));
    s.data.n = 0;
    assert_false(fanova(&s.data, 0, mem, &f));
}

static void sixty_four_categories_fit(void **state)
{
    static const int choices[] = { 64, 1 };
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(sample_done) struct sample s = sample_of(500, 2, choices, categories);
    struct fanova f;

    (void)state;
    assert_true(fanova(&s.data, 0, mem, &f));
    near(f.main[0], 1, 1e-9);
    assert_true(f.marginal[0].mean[2] > 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_a_tree_are_those_of_a_sum_over_every_cell),
        cmocka_unit_test(the_boxes_of_a_tree_fill_the_space_without_overlap),
        cmocka_unit_test(the_shares_of_a_sum_are_those_of_its_terms),
        cmocka_unit_test(a_product_around_its_middle_is_all_interaction),
        cmocka_unit_test(an_interaction_without_main_effects_is_found_among_many_parameters),
        cmocka_unit_test(noise_is_not_laid_to_one_parameter),
        cmocka_unit_test(categories_are_told_apart_and_have_a_marginal_each),
        cmocka_unit_test(a_marginal_over_numbers_follows_the_function),
        cmocka_unit_test(the_shares_do_not_depend_on_offset_and_scale),
        cmocka_unit_test(the_same_seed_gives_the_same_and_another_nearly_the_same),
        cmocka_unit_test(a_function_that_does_not_vary_is_explained_by_nothing),
        cmocka_unit_test(sixty_four_categories_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
