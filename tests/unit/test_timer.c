/* SPDX-License-Identifier: Apache-2.0 */
/* The deadline queue against a naive model, and the EL2 timer on top of it. */
#include "unit.h"

#include "platform/cpu.h"
#include "platform/panic.h"
#include "platform/sysreg.h"
#include "timer/queue.h"
#include "timer/timer.h"

#define MANY TIMER_MAX_DEADLINES

static struct deadline deadlines[MANY + 1];
static unsigned calls;
static struct deadline *called[MANY];

static void note_call(struct deadline *deadline)
{
    assert_null(deadline->timer);
    called[calls++] = deadline;
}

static int setup(void **state)
{
    (void)state;
    host_sysreg_reset();
    host_cpu_id = 0;
    for (unsigned i = 0; i <= MANY; i++) {
        timer_disarm(&deadlines[i]);
        deadlines[i] = (struct deadline){.expired = note_call};
    }
    host_sysreg_write("cntfrq_el0", 62500000);
    timer_init();
    timer_init_cpu();
    calls = 0;
    return 0;
}

/* The model: `armed` and `when` of an array, searched from end to end. */
static uint64_t model_earliest(const bool *armed, const uint64_t *when)
{
    uint64_t earliest = TIMER_NEVER;
    for (unsigned i = 0; i < MANY; i++)
        if (armed[i] && when[i] < earliest)
            earliest = when[i];
    return earliest;
}

static void check_heap(const struct deadline_queue *queue)
{
    for (uint32_t i = 0; i < queue->count; i++) {
        assert_int_equal(queue->slot[i]->index, i);
        if (i > 0)
            assert_true(queue->slot[(i - 1) / 4]->when <= queue->slot[i]->when);
    }
}

static void test_queue_against_model(void **state)
{
    static struct deadline_queue queue;
    bool armed[MANY] = {false};
    uint64_t when[MANY];
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        unsigned who = (unsigned)unit_random_below(round % 5000 < 2500 ? MANY : 40);
        uint64_t at = unit_random_below(1000); /* many ties */
        if (!armed[who]) {
            deadlines[who].when = when[who] = at;
            assert_true(queue_insert(&queue, &deadlines[who]));
            armed[who] = true;
        } else if (unit_random() & 1) {
            queue_move(&queue, &deadlines[who], at);
            when[who] = at;
        } else {
            queue_remove(&queue, &deadlines[who]);
            armed[who] = false;
        }
        const struct deadline *first = queue.count ? queue.slot[0] : NULL;
        assert_int_equal(first == NULL ? TIMER_NEVER : first->when, model_earliest(armed, when));
        if (round % 64 == 0)
            check_heap(&queue);
    }
    while (queue.count != 0) {
        uint64_t expected = model_earliest(armed, when);
        struct deadline *first = queue.slot[0];
        assert_int_equal(first->when, expected);
        armed[first - deadlines] = false;
        queue_remove(&queue, first);
    }
    assert_int_equal(model_earliest(armed, when), TIMER_NEVER);
}

static void test_compare_value_follows_earliest(void **state)
{
    (void)state;
    assert_int_equal(host_sysreg_read("cnthctl_el2"), 1);
    assert_int_equal(host_sysreg_read("cnthp_ctl_el2"), 1);
    assert_int_equal(host_sysreg_read("cnthp_cval_el2"), TIMER_NEVER);
    assert_true(timer_arm(&deadlines[0], 500));
    assert_int_equal(host_sysreg_read("cnthp_cval_el2"), 500);
    assert_true(timer_arm(&deadlines[1], 300));
    assert_int_equal(host_sysreg_read("cnthp_cval_el2"), 300);
    assert_true(timer_arm(&deadlines[1], 900));
    assert_int_equal(host_sysreg_read("cnthp_cval_el2"), 500);
    timer_disarm(&deadlines[0]);
    timer_disarm(&deadlines[0]);
    assert_int_equal(host_sysreg_read("cnthp_cval_el2"), 900);
    assert_true(timer_arm(&deadlines[1], TIMER_NEVER));
    assert_null(deadlines[1].timer);
    assert_int_equal(host_sysreg_read("cnthp_cval_el2"), TIMER_NEVER);
}

static void test_interrupt_calls_in_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        assert_true(timer_arm(&deadlines[i], 100 + (i * 7) % 20));
    host_sysreg_write("cntpct_el0", 109);
    timer_interrupt();
    assert_int_equal(calls, 10);
    for (unsigned i = 0; i < calls; i++)
        assert_int_equal(called[i]->when, 100 + i);
    assert_int_equal(host_sysreg_read("cnthp_cval_el2"), 110);
}

static void test_interrupt_is_bounded(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        assert_true(timer_arm(&deadlines[i], 5));
    assert_false(timer_arm(&deadlines[MANY], 5));
    assert_null(deadlines[MANY].timer);
    host_sysreg_write("cntpct_el0", 5);
    timer_interrupt();
    assert_int_equal(calls, TIMER_MAX_BATCH);
    assert_int_equal(host_sysreg_read("cnthp_cval_el2"), 5); /* comes again at once */
    for (unsigned i = 1; i < MANY / TIMER_MAX_BATCH; i++)
        timer_interrupt();
    assert_int_equal(calls, MANY);
    assert_int_equal(host_sysreg_read("cnthp_cval_el2"), TIMER_NEVER);
}

static void rearm(struct deadline *deadline)
{
    calls++;
    timer_arm(deadline, deadline->when + 10);
    timer_disarm(&deadlines[1]);
}

/* The end of a slice is a deadline of its own: told until there is a new one, and the others keep
 * theirs. */
static void test_slice(void **state)
{
    (void)state;
    timer_arm(&deadlines[0], 500);
    timer_set_slice(300);
    assert_int_equal(host_sysreg_read("cnthp_cval_el2"), 300);
    host_sysreg_write("cntpct_el0", 299);
    assert_false(timer_interrupt());
    host_sysreg_write("cntpct_el0", 300);
    assert_true(timer_interrupt());
    assert_int_equal(calls, 0);
    timer_set_slice(TIMER_NEVER);
    assert_int_equal(host_sysreg_read("cnthp_cval_el2"), 500);
    assert_false(timer_interrupt());
    timer_set_slice(900);
    host_sysreg_write("cntpct_el0", 1000);
    assert_true(timer_interrupt());
    assert_int_equal(calls, 1);
    timer_set_slice(2000);
    timer_set_slice(TIMER_NEVER);
    assert_int_equal(host_sysreg_read("cnthp_cval_el2"), TIMER_NEVER);
}

static void test_callback_may_arm_and_disarm(void **state)
{
    (void)state;
    deadlines[0].expired = rearm;
    timer_arm(&deadlines[0], 10);
    timer_arm(&deadlines[1], 11);
    host_sysreg_write("cntpct_el0", 15);
    timer_interrupt();
    assert_int_equal(calls, 1);
    assert_null(deadlines[1].timer);
    assert_int_equal(host_sysreg_read("cnthp_cval_el2"), 20);
}

static void test_queue_belongs_to_its_cpu(void **state)
{
    (void)state;
    timer_arm(&deadlines[0], 10);
    host_cpu_id = 1;
    timer_init_cpu();
    expect_assert_failure(timer_disarm(&deadlines[0]));
    expect_assert_failure(timer_arm(&deadlines[0], 20));
    assert_true(timer_arm(&deadlines[1], 30));
    host_sysreg_write("cntpct_el0", 100);
    timer_interrupt();
    assert_int_equal(calls, 1);
    assert_ptr_equal(called[0], &deadlines[1]);
    host_cpu_id = 0;
    timer_disarm(&deadlines[0]);
}

static void test_conversions(void **state)
{
    (void)state;
    assert_int_equal(timer_ns_to_ticks(1000000000), 62500000);
    assert_int_equal(timer_ns_to_ticks(15), 0);
    assert_int_equal(timer_ns_to_ticks(16), 1);
    assert_int_equal(timer_ticks_to_ns(1), 16);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t ticks = unit_random() >> (8 + i % 50);
        assert_int_equal(timer_ns_to_ticks(timer_ticks_to_ns(ticks)), ticks);
    }
    host_sysreg_write("cntfrq_el0", 1000000000);
    timer_init();
    assert_int_equal(timer_ns_to_ticks(UINT64_MAX), UINT64_MAX);
    assert_int_equal(timer_ticks_to_ns(UINT64_MAX), UINT64_MAX);
    host_sysreg_write("cntfrq_el0", 0);
    expect_assert_failure(timer_init());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_queue_against_model, setup),
        cmocka_unit_test_setup(test_compare_value_follows_earliest, setup),
        cmocka_unit_test_setup(test_interrupt_calls_in_order, setup),
        cmocka_unit_test_setup(test_interrupt_is_bounded, setup),
        cmocka_unit_test_setup(test_slice, setup),
        cmocka_unit_test_setup(test_callback_may_arm_and_disarm, setup),
        cmocka_unit_test_setup(test_queue_belongs_to_its_cpu, setup),
        cmocka_unit_test_setup(test_conversions, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
