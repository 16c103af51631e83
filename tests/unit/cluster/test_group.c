// SPDX-License-Identifier: Apache-2.0
#include "cluster/cluster.h"
#include "cluster/group.h"

#include "base/err.h"
#include "base/settings.h"
#include "cluster/backend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct group four_cpus_two_gpus(void)
{
    return (struct group){
        .name = "default", .total = { .cpus = 4, .gpus = 2, .memory_mib = 1000 }, .gpu_index = { 5, 7 },
    };
}

static void a_need_that_fits_is_fine(void **state)
{
    struct group g = four_cpus_two_gpus();
    struct need all = g.total;
    struct err err = {0};

    (void)state;
    assert_int_equal(group_could_fit(&g, &all, &err), 0);
}

static void what_can_never_fit_is_refused_with_the_figures(void **state)
{
    struct group g = four_cpus_two_gpus();
    struct err err = {0};

    (void)state;
    assert_int_equal(group_could_fit(&g, &(struct need){ .cpus = 5 }, &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_string_equal(err.text, "the task asks for 5 CPU slots, but the instance group \"default\" has 4 in "
                                  "all; ask for less or choose another group");
    assert_int_equal(group_could_fit(&g, &(struct need){ .gpus = 3 }, &err), -1);
    assert_non_null(strstr(err.text, "3 GPUs"));
    assert_int_equal(group_could_fit(&g, &(struct need){ .memory_mib = 1001 }, &err), -1);
    assert_non_null(strstr(err.text, "1001 MiB of memory"));
}

static void claims_take_and_releases_give_back(void **state)
{
    struct group g = four_cpus_two_gpus();
    struct need need = { .cpus = 2, .gpus = 1, .memory_mib = 400 };
    struct grant first, second, third;

    (void)state;
    assert_true(group_claim(&g, &need, &first));
    assert_true(group_claim(&g, &need, &second));
    assert_int_equal(first.gpu_index[0], 5);
    assert_int_equal(second.gpu_index[0], 7);
    assert_false(group_claim(&g, &need, &third));
    assert_int_equal(g.used.cpus, 4);

    group_release(&g, &first);
    assert_true(group_claim(&g, &need, &third));
    assert_int_equal(third.gpu_index[0], 5);
    group_release(&g, &second);
    group_release(&g, &third);
    assert_memory_equal(&g.used, &(struct need){0}, sizeof g.used);
}

static void each_resource_alone_can_be_what_is_missing(void **state)
{
    struct group g = four_cpus_two_gpus();
    struct grant got;

    (void)state;
    assert_true(group_claim(&g, &(struct need){ .cpus = 1, .memory_mib = 900 }, &got));
    assert_false(group_claim(&g, &(struct need){ .cpus = 1, .memory_mib = 101 }, &got));
    assert_false(group_claim(&g, &(struct need){ .cpus = 4 }, &got));
    assert_false(group_claim(&g, &(struct need){ .cpus = 1, .gpus = 3 }, &got));
    assert_false(group_claim(&g, &(struct need){ .cpus = INT64_MAX }, &got));
    assert_true(group_claim(&g, &(struct need){ .cpus = 3, .gpus = 2, .memory_mib = 100 }, &got));
}

static void a_reclaimed_grant_counts_as_used(void **state)
{
    struct group g = four_cpus_two_gpus();
    struct grant before = { .need = { .cpus = 3, .gpus = 1 }, .gpu_index = { 7 } };
    struct grant got;

    (void)state;
    group_reclaim(&g, &before);
    assert_false(group_claim(&g, &(struct need){ .cpus = 2 }, &got));
    assert_true(group_claim(&g, &(struct need){ .cpus = 1, .gpus = 1 }, &got));
    assert_int_equal(got.gpu_index[0], 5);
    group_release(&g, &before);
    assert_true(group_claim(&g, &(struct need){ .cpus = 3, .gpus = 1 }, &got));
    assert_int_equal(got.gpu_index[0], 7);
}

static void a_group_that_shrank_while_tasks_ran_gives_nothing_until_they_end(void **state)
{
    struct group g = four_cpus_two_gpus();
    struct grant before = { .need = { .cpus = 8 } };
    struct grant got;

    (void)state;
    group_reclaim(&g, &before);
    assert_false(group_claim(&g, &(struct need){ .cpus = 1 }, &got));
    group_release(&g, &before);
    assert_true(group_claim(&g, &(struct need){ .cpus = 1 }, &got));
}

/* --- the groups of a server --- */

static const struct setting_group some_groups[] = {
    { .name = "default", .slots = 3, .gpus = "none", .memory_mib = 2048 },
    { .name = "big", .gpus = "0,3", .backend = "null", .user = "nobody", .consumer = "/sales" },
};

static struct settings some_settings(void)
{
    return (struct settings){ .groups = some_groups, .n_groups = 2, .default_group = "default",
                              .unknown_group = "refuse" };
}

static void groups_come_from_the_settings(void **state)
{
    struct settings settings = some_settings();
    struct err err = {0};
    CLEANUP(cluster_freep) struct cluster *c = cluster_new(&settings, &err);
    const struct group *g;

    (void)state;
    assert_non_null(c);
    g = cluster_each(c, 0);
    assert_int_equal(g->total.cpus, 3);
    assert_int_equal(g->total.memory_mib, 2048);
    assert_int_equal(g->total.gpus, 0);
    assert_string_equal(g->consumer, "/default");
    assert_ptr_equal(g->backend, &local_backend);
    g = cluster_each(c, 1);
    assert_true(g->total.cpus >= 1);            /* the machine's */
    assert_true(g->total.memory_mib > 0);
    assert_int_equal(g->total.gpus, 2);
    assert_int_equal(g->gpu_index[1], 3);
    assert_string_equal(g->consumer, "/sales");
    assert_ptr_equal(g->backend, &null_backend);
    assert_null(cluster_each(c, 2));
    assert_true(cluster_has_gpu(c));
}

static void groups_are_found_by_name_and_by_id(void **state)
{
    struct settings settings = some_settings();
    struct err err = {0};
    CLEANUP(cluster_freep) struct cluster *c = cluster_new(&settings, &err);
    struct group *g;

    (void)state;
    assert_non_null(c);
    assert_string_equal(cluster_group(c, NULL, &err)->name, "default");
    assert_string_equal(cluster_group(c, "", &err)->name, "default");
    g = cluster_group(c, "big", &err);
    assert_ptr_equal(cluster_group_by_id(c, g->id), g);
    assert_null(cluster_group_by_id(c, "no id"));
    assert_null(cluster_group(c, "small", &err));
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_string_equal(err.text, "there is no instance group \"small\"; there is default, big (an administrator "
                                  "adds one with group.<name>.slots in dlpd.conf)");

    settings.unknown_group = "default";
    cluster_free(c);
    c = cluster_new(&settings, &err);
    assert_string_equal(cluster_group(c, "small", &err)->name, "default");
}

static void an_id_is_a_uuid_that_depends_on_the_name_alone(void **state)
{
    struct settings settings = some_settings();
    struct err err = {0};
    CLEANUP(cluster_freep) struct cluster *c = cluster_new(&settings, &err);
    CLEANUP(cluster_freep) struct cluster *again = cluster_new(&settings, &err);
    const char *id = cluster_each(c, 0)->id;

    (void)state;
    assert_int_equal(strlen(id), 36);
    assert_int_equal(strspn(id, "0123456789abcdef-"), 36);
    assert_true(id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-');
    assert_int_equal(id[14], '8');
    assert_non_null(strchr("89ab", id[19]));
    assert_string_equal(id, cluster_each(again, 0)->id);
    assert_string_not_equal(id, cluster_each(c, 1)->id);
}

static void bad_device_lists_are_refused(void **state)
{
    static const char *const lists[] = { "x", "0,", ",1", "-1", "0 1", "5000", "" };
    struct settings settings = some_settings();
    struct setting_group group = some_groups[0];
    struct err err = {0};

    (void)state;
    settings.groups = &group;
    settings.n_groups = 1;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        group.gpus = lists[i];
        assert_null(cluster_new(&settings, &err));
        assert_int_equal(err.kind, ERR_BAD_INPUT);
    }
}

static void a_default_group_that_does_not_exist_is_refused(void **state)
{
    struct settings settings = some_settings();
    struct err err = {0};

    (void)state;
    settings.default_group = "gone";
    assert_null(cluster_new(&settings, &err));
    assert_string_equal(err.text, "cluster.default_group = gone: no group has that name");
}

static void back_ends_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(backend_find("local"), &local_backend);
    assert_ptr_equal(backend_find("null"), &null_backend);
    assert_null(backend_find("slurm"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_need_that_fits_is_fine),
        cmocka_unit_test(what_can_never_fit_is_refused_with_the_figures),
        cmocka_unit_test(claims_take_and_releases_give_back),
        cmocka_unit_test(each_resource_alone_can_be_what_is_missing),
        cmocka_unit_test(a_reclaimed_grant_counts_as_used),
        cmocka_unit_test(a_group_that_shrank_while_tasks_ran_gives_nothing_until_they_end),
        cmocka_unit_test(groups_come_from_the_settings),
        cmocka_unit_test(groups_are_found_by_name_and_by_id),
        cmocka_unit_test(an_id_is_a_uuid_that_depends_on_the_name_alone),
        cmocka_unit_test(bad_device_lists_are_refused),
        cmocka_unit_test(a_default_group_that_does_not_exist_is_refused),
        cmocka_unit_test(back_ends_are_found_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
