/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shares of one CPU: weights, caps, waits. The scheduler runs on tests/unit/sched_machine.h.
 */
#include "sched_machine.h"

#define SLICE      (SCHED_SLICE_NS / 1000 * US)
#define CAP_PERIOD (SCHED_CAP_PERIOD_NS / 1000 * US)

static void set_share(struct guest *guest, uint32_t weight, uint64_t cap)
{
    AS_CPU(0, sched_set_share(&guest->vcpu, weight, cap));
}

static uint32_t weight_of(const struct guest *guest)
{
    return guest->vcpu.share.weight;
}

static uint32_t random_weight(void)
{
    return 128 + (uint32_t)unit_random_below(896);
}

static uint64_t percent(uint64_t of)
{
    return CAP_PERIOD * of / 100;
}

/* 2 % of what was expected, and `slack` ticks. */
static bool is_far(double a, double b, double slack)
{
    return a < b - b / 50 - slack || a > b + b / 50 + slack;
}

static void assert_near(double a, double b, double slack)
{
    if (is_far(a, b, slack))
        fail_msg("%.3f ms, not %.3f", a / MS, b / MS);
}

static void assert_at_least(double a, double b, double slack)
{
    if (a < b)
        assert_near(a, b, slack);
}

static void assert_owed(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_near((double)machine.guest[i]->ran, machine.guest[i]->owed, 2 * SLICE);
}

/* Hogs come and go: each has its weight's part of the time it was there. */
static void test_weights(void **state)
{
    (void)state;
    machine_boot(1, 2);
    for (unsigned i = 0; i < 8; i++) {
        set_share(machine.guest[i], random_weight(), 0);
        machine_start(machine.guest[i], HOG, 0, 0);
    }
    for (unsigned i = 0; i < 3000; i++) {
        struct guest *guest = machine.guest[unit_random_below(8)];
        if (guest->vcpu.held)
            AS_CPU(0, sched_release(&guest->vcpu));
        else
            AS_CPU(0, sched_hold(&guest->vcpu));
        machine_run(unit_random_below(1 * S));
    }
    assert_owed(8);
}

/* Weights change while they run and wait. */
static void test_weights_change(void **state)
{
    (void)state;
    machine_boot(1, 2);
    for (unsigned i = 0; i < 8; i++)
        machine_start(machine.guest[i], HOG, 0, 0);
    for (unsigned i = 0; i < 1000; i++) {
        set_share(machine.guest[unit_random_below(7)], random_weight(), 0);
        machine_run(unit_random_below(2 * S));
    }
    assert_owed(8);
}

/*
 * What each is to have of the CPU at least: its weight's part, or what it wants if that is less;
 * and what those leave is the others' in the same way.
 */
static void fair_parts(const double *wants, double *part, unsigned count)
{
    bool settled[MACHINE_MAX] = {false}, more = true;
    double left = 1;

    while (more) {
        double weights = 0, share = left;
        more = false;
        for (unsigned i = 0; i < count; i++)
            weights += settled[i] ? 0 : weight_of(machine.guest[i]);
        for (unsigned i = 0; i < count; i++) {
            if (settled[i])
                continue;
            part[i] = share * weight_of(machine.guest[i]) / weights;
            if (wants[i] <= part[i]) {
                part[i] = wants[i];
                settled[i] = more = true;
                left -= wants[i];
            }
        }
    }
}

static void mix(unsigned count)
{
    double wants[MACHINE_MAX], part[MACHINE_MAX];

    machine_boot(1, 3);
    machine.switch_cost = US;
    for (unsigned i = 0; i < count; i++) {
        struct guest *guest = machine.guest[i];
        uint64_t period = (1 + unit_random_below(100)) * MS;
        bool hog = i == 0 || unit_random_below(3) == 0;
        wants[i] = hog ? 1 : (double)(1 + unit_random_below(30)) / 100;
        set_share(guest, random_weight(), 0);
        machine_start(guest, hog ? HOG : PERIOD, (uint64_t)(wants[i] * (double)period), period);
    }
    machine_run(60 * S);
    fair_parts(wants, part, count);
    for (unsigned i = 0; i < count; i++)
        assert_at_least((double)machine.guest[i]->ran, part[i] * 60 * S, 2 * SLICE);
}

/* Hogs, and guests that have work in periods, more or less of it than their part. */
static void test_sleepers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 12; i++)
        mix(2 + (unsigned)unit_random_below(10));
}

static double ran_of(const struct guest *guest, uint64_t ticks)
{
    uint64_t before = guest->ran;

    machine_run(ticks);
    return (double)(guest->ran - before);
}

static void test_caps(void **state)
{
    (void)state;
    machine_boot(1, 1);
    struct guest **guest = machine.guest;
    set_share(guest[0], SHARE_WEIGHT, percent(30));
    machine_start(guest[0], HOG, 0, 0);
    assert_near(ran_of(guest[0], 10 * S), 3 * S, 0);
    /* Less than its part. */
    for (unsigned i = 1; i < 4; i++)
        machine_start(guest[i], HOG, 0, 0);
    set_share(guest[0], 3 * SHARE_WEIGHT, percent(20));
    assert_near(ran_of(guest[0], 10 * S), 2 * S, 0);
    assert_near(ran_of(guest[1], 12 * S), 0.8 / 3 * 12 * S, 0);
    /* More than its part. */
    set_share(guest[0], SHARE_WEIGHT, percent(60));
    assert_near(ran_of(guest[0], 10 * S), 2.5 * S, 0);
}

/* Caps come and go while it runs; what it had without one is no debt. */
static void test_caps_change(void **state)
{
    (void)state;
    machine_boot(1, 1);
    struct guest *guest = machine.guest[0];
    machine_start(guest, HOG, 0, 0);
    assert_near(ran_of(guest, 100 * S), 100 * S, 0);
    set_share(guest, SHARE_WEIGHT, percent(50));
    assert_near(ran_of(guest, 10 * S), 5 * S, 0);
    set_share(guest, SHARE_WEIGHT, percent(5));
    assert_near(ran_of(guest, 10 * S), 0.5 * S, percent(50));
    set_share(guest, SHARE_WEIGHT, 0);
    assert_near(ran_of(guest, 10 * S), 10 * S, CAP_PERIOD);
}

/* Caps that are hardly more than a switch; a guest that sleeps with little of it left. */
static void test_small_caps(void **state)
{
    static const uint64_t caps[] = {5 * US, 15 * US, 500 * US};

    (void)state;
    machine_boot(1, 1);
    machine.switch_cost = US;
    for (unsigned i = 0; i < 3; i++) {
        set_share(machine.guest[i], SHARE_WEIGHT, caps[i]);
        machine_start(machine.guest[i], i == 2 ? SLEEP : HOG, 11 * US, 30 * US);
    }
    machine_run(10 * S);
    for (unsigned i = 0; i < 3; i++) /* it pays for the switch of each period */
        assert_near((double)machine.guest[i]->ran, 200 * (double)caps[i], 200 * US);
}

/* Who is preempted as soon as it runs has still run. */
static void test_cap_when_preempted(void **state)
{
    (void)state;
    machine_boot(1, 1);
    set_share(machine.guest[0], SHARE_WEIGHT, percent(30));
    machine_start(machine.guest[0], HOG, 0, 0);
    machine_start(machine.guest[1], DEVICE, US, 12 * US);
    machine_run(S);
    assert_true((double)machine.guest[0]->ran <= 0.306 * S);
}

/*
 * Ticks that nobody waits longer than: until all others have had what it has had, each of them a
 * slice more.
 */
static double longest_wait(const struct guest *guest)
{
    double wait = 0;

    for (unsigned i = 0; i < machine.nr_guests; i++) {
        const struct guest *other = machine.guest[i];
        if (other != guest && other->vcpu.state != VCPU_OFF)
            wait += SLICE + (double)SLICE * weight_of(other) / weight_of(guest);
    }
    return wait;
}

static void assert_no_starvation(void)
{
    for (unsigned i = 0; i < machine.nr_guests; i++) {
        const struct guest *guest = machine.guest[i];
        if ((double)guest->longest > longest_wait(guest))
            fail_msg("guest %u waited for %.3f ms, not %.3f at most", i,
                     (double)guest->longest / MS, longest_wait(guest) / MS);
    }
}

static void test_no_starvation(void **state)
{
    static const enum habit habits[] = {HOG, HOG, YIELD, YIELD, DEVICE, SLEEP};

    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        machine_boot(1, 3);
        machine.switch_cost = US;
        for (unsigned i = 0; i < 12; i++) {
            struct guest *guest = machine.guest[i];
            set_share(guest, random_weight(), 0);
            machine_start(guest, habits[unit_random_below(ARRAY_SIZE(habits))],
                          5 * US << unit_random_below(10), 5 * US << unit_random_below(10));
        }
        machine_run(4 * S);
        assert_no_starvation();
    }
}

/* A hog among `count` guests of the same weight that behave like that. */
static void hog_among(unsigned count, enum habit habit, uint64_t runs, uint64_t pauses)
{
    machine_boot(1, 2);
    machine.switch_cost = US;
    machine_start(machine.guest[0], HOG, 0, 0);
    for (unsigned i = 1; i <= count; i++) {
        machine.guest[i]->partner = machine.guest[i % count + 1];
        machine_start(machine.guest[i], habit, runs, pauses);
    }
    if (habit == CHAIN)
        AS_CPU(0, machine_interrupt(machine.guest[1]));
    machine_run(S / 2);
    assert_no_starvation();
    assert_at_least((double)machine.guest[0]->ran, S / 2.0 / (1 + count), 2 * SLICE);
}

/* A guest's WFE: neither one nor several that do nothing else keep others off. */
static void test_yields(void **state)
{
    (void)state;
    hog_among(1, YIELD, US, 0);
    hog_among(1, YIELD, 100 * US, 0);
    hog_among(2, YIELD, 3 * US, 0);
    hog_among(2, YIELD, 30 * US, 0);
    hog_among(5, YIELD, 5 * US, 0);
    hog_among(1, YIELD, 500 * US, 0); /* the hog has a slice for each of its turns */
    assert_at_least((double)machine.guest[0]->ran, S / 2.0 * 20 / 21, 2 * SLICE);
}

/* They wake again and again: the hog has its part of the CPU, and pays for none of the switches. */
static void test_wakes(void **state)
{
    (void)state;
    hog_among(1, DEVICE, US, US);
    hog_among(1, SLEEP, US, 10 * US);
    hog_among(4, DEVICE, US, US);
    hog_among(2, CHAIN, US, US);
    hog_among(4, CHAIN, 5 * US, US);
    hog_among(3, REQUEST, 10 * US, US);
}

/*
 * A guest that sleeps, and wants half of its part of the CPU at most, is behind all who have run
 * meanwhile when it wakes: it preempts them at once, and waits for nothing but the switch.
 */
static void test_latency(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 10; round++) {
        uint64_t runs = (100 + unit_random_below(2000)) * US, weights = 0;
        machine_boot(1, 3);
        machine.switch_cost = US;
        for (unsigned i = 0; i < 9; i++) {
            set_share(machine.guest[i], random_weight(), 0);
            weights += weight_of(machine.guest[i]);
        }
        for (unsigned i = 1; i < 9; i++)
            machine_start(machine.guest[i], HOG, 0, 0);
        machine_run(1 * S);
        machine_start(machine.guest[0], round % 2 ? SLEEP : DEVICE, runs,
                      2 * runs * weights / weight_of(machine.guest[0]));
        machine_run(1 * S);
        machine.guest[0]->longest = 0;
        machine_run(20 * S);
        assert_true(machine.guest[0]->woken > 20);
        assert_true(machine.guest[0]->longest <= 2 * machine.switch_cost);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_weights_change),
        cmocka_unit_test(test_sleepers),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_caps_change),
        cmocka_unit_test(test_small_caps),
        cmocka_unit_test(test_cap_when_preempted),
        cmocka_unit_test(test_no_starvation),
        cmocka_unit_test(test_yields),
        cmocka_unit_test(test_wakes),
        cmocka_unit_test(test_latency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
