// SPDX-License-Identifier: Apache-2.0
#include "tasks/queue.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

DEFINE_FREEP(queue)

static struct queue_item waiting(const char *user, int64_t seq, int64_t priority, int64_t cpus, int64_t gpus)
{
    return (struct queue_item){ .user = user, .seq = seq, .priority = priority,
                                .need = { .cpus = cpus, .gpus = gpus } };
}

static struct group group_of(int64_t cpus, int64_t gpus)
{
    return (struct group){ .total = { .cpus = cpus, .gpus = gpus, .memory_mib = 1000 } };
}

static void an_empty_queue_has_nobody(void **state)
{
    CLEANUP(queue_freep) struct queue *q = queue_new();
    struct group g = group_of(4, 0);

    (void)state;
    assert_null(queue_pick(q, &g));
}

static void larger_priority_goes_first(void **state)
{
    CLEANUP(queue_freep) struct queue *q = queue_new();
    struct queue_item low = waiting("ann", 1, 100, 1, 0), high = waiting("bob", 2, 200, 1, 0);
    struct group g = group_of(4, 0);

    (void)state;
    queue_add(q, &low);
    queue_add(q, &high);
    assert_ptr_equal(queue_pick(q, &g), &high);
    queue_remove(q, &high);
    assert_ptr_equal(queue_pick(q, &g), &low);
    queue_remove(q, &low);
}

static void the_user_with_fewer_running_slots_goes_first(void **state)
{
    CLEANUP(queue_freep) struct queue *q = queue_new();
    struct queue_item first = waiting("ann", 1, 5000, 1, 0), second = waiting("bob", 2, 5000, 1, 0);
    struct group g = group_of(4, 0);

    (void)state;
    queue_account(q, "ann", 2);
    queue_add(q, &first);
    queue_add(q, &second);
    assert_ptr_equal(queue_pick(q, &g), &second);
    queue_account(q, "ann", -2);
    assert_ptr_equal(queue_pick(q, &g), &first);
    queue_remove(q, &first);
    queue_remove(q, &second);
}

static void equals_go_in_order_of_submission_whenever_they_were_added(void **state)
{
    CLEANUP(queue_freep) struct queue *q = queue_new();
    struct queue_item items[] = { waiting("ann", 3, 1, 1, 0), waiting("ann", 1, 1, 1, 0),
                                  waiting("ann", 4, 1, 1, 0), waiting("ann", 2, 1, 1, 0) };
    struct group g = group_of(4, 0);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        queue_add(q, &items[i]);
    for (int64_t seq = 1; seq <= 4; seq++) {
        struct queue_item *item = queue_pick(q, &g);

        assert_int_equal(item->seq, seq);
        queue_remove(q, item);
    }
    assert_null(queue_pick(q, &g));
}

static void a_large_task_at_the_head_is_not_starved(void **state)
{
    CLEANUP(queue_freep) struct queue *q = queue_new();
    struct queue_item large = waiting("ann", 1, 1, 4, 0), small = waiting("ann", 2, 1, 1, 0);
    struct group g = group_of(4, 0);

    (void)state;
    g.used.cpus = 1;
    queue_add(q, &large);
    queue_add(q, &small);
    assert_null(queue_pick(q, &g));
    g.used.cpus = 0;
    assert_ptr_equal(queue_pick(q, &g), &large);
    queue_remove(q, &large);
    queue_remove(q, &small);
}

static void a_task_without_gpus_passes_one_that_waits_for_them(void **state)
{
    CLEANUP(queue_freep) struct queue *q = queue_new();
    struct queue_item gpu = waiting("ann", 1, 1, 1, 1), cpu = waiting("ann", 2, 1, 1, 0);
    struct group g = group_of(4, 1);

    (void)state;
    g.used.gpus = 1;
    queue_add(q, &gpu);
    queue_add(q, &cpu);
    assert_ptr_equal(queue_pick(q, &g), &cpu);
    g.used.gpus = 0;
    assert_ptr_equal(queue_pick(q, &g), &gpu);
    queue_remove(q, &gpu);
    queue_remove(q, &cpu);
}

static void memory_counts(void **state)
{
    CLEANUP(queue_freep) struct queue *q = queue_new();
    struct queue_item item = waiting("ann", 1, 1, 1, 0);
    struct group g = group_of(4, 0);

    (void)state;
    item.need.memory_mib = 600;
    g.used.memory_mib = 500;
    queue_add(q, &item);
    assert_null(queue_pick(q, &g));
    g.used.memory_mib = 400;
    assert_ptr_equal(queue_pick(q, &g), &item);
    queue_remove(q, &item);
}

static void removing_what_is_not_queued_is_fine(void **state)
{
    CLEANUP(queue_freep) struct queue *q = queue_new();
    struct queue_item item = waiting("ann", 1, 1, 1, 0);

    (void)state;
    queue_remove(q, &item);
    queue_add(q, &item);
    queue_remove(q, &item);
    queue_remove(q, &item);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_queue_has_nobody),
        cmocka_unit_test(larger_priority_goes_first),
        cmocka_unit_test(the_user_with_fewer_running_slots_goes_first),
        cmocka_unit_test(equals_go_in_order_of_submission_whenever_they_were_added),
        cmocka_unit_test(a_large_task_at_the_head_is_not_starved),
        cmocka_unit_test(a_task_without_gpus_passes_one_that_waits_for_them),
        cmocka_unit_test(memory_counts),
        cmocka_unit_test(removing_what_is_not_queued_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
