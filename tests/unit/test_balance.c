/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several CPUs: balance, affinity, dedicated CPUs, and random orders of everything that can happen
 * to a vCPU, with other CPUs in between. The scheduler runs on tests/unit/sched_machine.h.
 */
#include "sched_machine.h"

#define ROUNDS 300

static int64_t set_cpus(struct guest *guest, uint64_t cpus, bool dedicated)
{
    int64_t status;

    spin_lock(&domain_table.lock);
    status = affinity_set(&guest->vcpu, cpus, dedicated);
    spin_unlock(&domain_table.lock);
    return status;
}

static unsigned other_cpu(unsigned than)
{
    return (than + 1 + (unsigned)unit_random_below(cpu_count - 1)) % cpu_count;
}

static uint64_t random_cap(void)
{
    return unit_random_below(3) ? 0 : 1 + unit_random_below(SCHED_CAP_PERIOD_NS / 10);
}

/* Its own vCPU, that runs on the calling CPU, goes off or lets others run. */
static void act_on_itself(unsigned cpu)
{
    struct guest *guest = machine.cpu[cpu].inside;

    if (!guest || guest->asleep || guest->vcpu.hazard)
        return;
    if (unit_random_below(4) == 0) {
        timers_vcpu_stop(&guest->vcpu);
        sched_block(&guest->vcpu, VCPU_OFF);
    } else {
        sched_yield(&guest->vcpu);
    }
}

static void act(unsigned cpu)
{
    struct guest *guest = machine.guest[unit_random_below(machine.nr_guests)];

    if (guest->vcpu.domain == machine.dying)
        return;
    switch (unit_random_below(10)) {
    case 0:
        sched_hold(&guest->vcpu);
        break;
    case 1:
    case 2:
        sched_release(&guest->vcpu);
        break;
    case 3:
        machine_interrupt(guest);
        break;
    case 4:
        (void)sched_wake_from(&guest->vcpu, VCPU_WAIT_EVENT);
        break;
    case 5:
        if (guest->vcpu.state == VCPU_OFF && switch_is_out(&guest->vcpu))
            (void)sched_wake_from(&guest->vcpu, VCPU_OFF);
        break;
    case 6:
        sched_set_share(&guest->vcpu, 1 + (uint32_t)unit_random_below(SHARE_WEIGHT_MAX),
                        random_cap());
        break;
    case 7:
    case 8:
        if (!spin_is_locked(&domain_table.lock))
            (void)set_cpus(guest, 1 + unit_random_below(BIT(cpu_count) - 1),
                           unit_random_below(8) == 0);
        break;
    default:
        act_on_itself(cpu);
    }
}

static void meanwhile(unsigned cpu)
{
    AS_CPU(other_cpu(cpu), act(host_cpu_id));
}

/* The interrupt comes from another CPU as soon as somebody may come in between. */
static void interrupt_sleeper(unsigned cpu)
{
    struct guest *guest = machine.guest[0];

    if (guest->asleep && !guest->event)
        AS_CPU(other_cpu(cpu), machine_interrupt(guest));
}

/* Before it blocks, while it does, before the decision, during the switch: no wake-up is lost. */
static void test_no_lost_wakeup(void **state)
{
    (void)state;
    for (unsigned chance = 1; chance < 20; chance++) {
        machine_boot(2, 1);
        machine_start(machine.guest[0], DEVICE, 20 * US, 1000 * S);
        if (chance % 2)
            machine_start(machine.guest[1], HOG, 0, 0);
        machine_start(machine.guest[2], SLEEP, 50 * US, 50 * US);
        machine.meanwhile = interrupt_sleeper;
        machine.chance = chance;
        machine_run(20 * MS);
        assert_true(machine.guest[0]->woken > 50);
    }
}

static void live(unsigned domain)
{
    for (unsigned i = 0; i < machine.nr_guests; i++) {
        struct guest *guest = machine.guest[i];
        if (guest->vcpu.domain->id != domain)
            continue;
        guest->partner = machine.guest[unit_random_below(machine.nr_guests)];
        machine_start(guest, (enum habit)unit_random_below(YIELD + 1),
                      10 * US << unit_random_below(12), 50 * US << unit_random_below(12));
    }
}

/* After all, everybody is let run. */
static void all_run(void)
{
    for (unsigned i = 0; i < machine.nr_guests; i++) {
        struct guest *guest = machine.guest[i];
        AS_CPU(0, sched_release(&guest->vcpu));
        AS_CPU(0, assert_int_equal(set_cpus(guest, UINT64_MAX, false), TARN_OK));
        AS_CPU(0, sched_set_share(&guest->vcpu, SHARE_WEIGHT, 0));
        guest->habit = HOG;
        guest->asleep = false;
        guest->work = UINT64_MAX;
        AS_CPU(0, (void)sched_wake_from(&guest->vcpu, VCPU_WAIT_EVENT));
        AS_CPU(0, (void)sched_wake_from(&guest->vcpu, VCPU_OFF));
        AS_CPU(0, (void)sched_reply(&guest->vcpu, 0));
        guest->ran = 0;
    }
}

static void random_orders(unsigned cpus, unsigned domains, unsigned rounds)
{
    machine_boot(cpus, domains);
    for (unsigned i = 0; i < domains; i++)
        live(i);
    machine.meanwhile = meanwhile;
    machine.trylock_fails = true;
    machine.check_each = 1;
    for (unsigned i = 0; i < rounds; i++) {
        machine.chance = 1 + (unsigned)unit_random_below(100);
        AS_CPU((unsigned)unit_random_below(cpus), act(host_cpu_id));
        machine_run(unit_random_below(1ul << unit_random_below(20)));
        if (unit_random_below(50) != 0)
            continue;
        unsigned domain = (unsigned)unit_random_below(domains);
        machine_destroy(domain);
        machine_create(domain);
        live(domain);
    }
    machine.chance = 0;
    all_run();
    machine_run(2 * S);
    for (unsigned i = 0; i < machine.nr_guests; i++)
        assert_true(machine.guest[i]->ran > 0);
}

static void test_random_orders(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        unit_random_seed(i + 1);
        random_orders(2 + i % 7, 2 + (unsigned)unit_random_below(6), ROUNDS);
    }
}

static void come_or_go(struct guest *guest)
{
    unsigned cpu = (unsigned)unit_random_below(cpu_count);

    if (guest->vcpu.held)
        AS_CPU(cpu, sched_release(&guest->vcpu));
    else
        AS_CPU(cpu, sched_hold(&guest->vcpu));
}

static void start_hogs(unsigned cpus, unsigned count)
{
    machine_boot(cpus, (count + DOMAIN_VCPUS - 1) / DOMAIN_VCPUS);
    for (unsigned i = 0; i < count; i++)
        machine_start(machine.guest[i], HOG, 0, 0);
}

/*
 * Hogs come and go, several at once. An idle CPU asks the CPU with the most to do, which gives what
 * has waited for a patience interval; CPUs that got nothing ask again after two.
 */
static void hogs_move(unsigned cpus, unsigned count, bool weighted)
{
    start_hogs(cpus, count);
    for (unsigned i = 0; weighted && i < count; i++)
        AS_CPU(0,
               sched_set_share(&machine.guest[i]->vcpu, 64 + (uint32_t)unit_random_below(960), 0));
    machine.idle_beside = 0;
    for (unsigned i = 0; i < 100; i++) {
        for (unsigned k = (unsigned)unit_random_below(cpus); k > 0; k--)
            come_or_go(machine.guest[unit_random_below(count)]);
        machine_run(unit_random_below(60 * MS));
    }
    assert_true(machine.idle_beside <= 6 * balance_patience);
}

static void test_no_idle_beside_waiting(void **state)
{
    (void)state;
    for (unsigned cpus = 2; cpus <= 8; cpus *= 2)
        for (unsigned count = cpus; count <= 4 * cpus; count += cpus / 2)
            for (unsigned round = 0; round < 4; round++)
                hogs_move(cpus, count, round % 2 != 0);
}

/* As many equal hogs on each CPU: after a while each has the same, although all begin on one. */
static void test_loads_become_equal(void **state)
{
    (void)state;
    for (unsigned cpus = 2; cpus <= 8; cpus *= 2) {
        start_hogs(cpus, 3 * cpus);
        for (unsigned i = 0; i < 3 * cpus; i++)
            AS_CPU(0, assert_int_equal(set_cpus(machine.guest[i], 1, false), TARN_OK));
        machine_run(1 * S);
        for (unsigned i = 1; i < cpus; i++)
            assert_null(machine.cpu[i].inside);
        for (unsigned i = 0; i < 3 * cpus; i++)
            AS_CPU(0, assert_int_equal(set_cpus(machine.guest[i], UINT64_MAX, false), TARN_OK));
        machine_run(1 * S);
        for (unsigned i = 0; i < 3 * cpus; i++)
            machine.guest[i]->ran = 0;
        machine_run(3 * S);
        for (unsigned i = 0; i < 3 * cpus; i++)
            assert_true(machine.guest[i]->ran >= 98 * S / 100 &&
                        machine.guest[i]->ran <= 102 * S / 100);
    }
}

static void moves_to(struct guest *guest, unsigned cpu)
{
    AS_CPU(0, assert_int_equal(set_cpus(guest, BIT(cpu), false), TARN_OK));
    machine_run(20 * MS);
    guest->ran = 0;
    machine_run(1 * S);
    assert_true(guest->ran >= 480 * MS && guest->ran <= 520 * MS);
}

/* Virtual time passes faster on one CPU than on another: who moves is no better or worse off. */
static void test_moved_is_fair(void **state)
{
    (void)state;
    start_hogs(2, 3);
    for (unsigned i = 0; i < 3; i++)
        AS_CPU(0, assert_int_equal(set_cpus(machine.guest[i], BIT(i / 2), false), TARN_OK));
    AS_CPU(0, sched_set_share(&machine.guest[2]->vcpu, 16 * SHARE_WEIGHT, 0));
    machine_run(10 * S);
    AS_CPU(0, sched_set_share(&machine.guest[2]->vcpu, SHARE_WEIGHT, 0));
    moves_to(machine.guest[0], 1);
    moves_to(machine.guest[0], 0);
}

/* A hog that is alone on its CPUs, beside one that shares its CPU, which may go there from now on.
 */
static void test_affinity_of_running(void **state)
{
    (void)state;
    start_hogs(2, 2);
    for (unsigned i = 0; i < 2; i++)
        AS_CPU(1, assert_int_equal(set_cpus(machine.guest[i], 1, false), TARN_OK));
    machine_run(100 * MS);
    assert_null(machine.cpu[1].inside);
    for (unsigned i = 0; i < 2; i++)
        if (machine.guest[i] == machine.cpu[0].inside)
            AS_CPU(1, assert_int_equal(set_cpus(machine.guest[i], 3, false), TARN_OK));
    machine_run(2 * SCHED_SLICE_NS / 1000 * US);
    assert_non_null(machine.cpu[1].inside);
}

/* A dedicated CPU is its vCPU's own: nobody else runs there, and its WFI does not exit. */
static void test_dedicated(void **state)
{
    (void)state;
    start_hogs(4, 16);
    struct guest *owner = machine.guest[5], *sleeper = machine.guest[6];
    AS_CPU(0, assert_int_equal(set_cpus(owner, UINT64_MAX, true), TARN_OK));
    AS_CPU(0, assert_int_equal(set_cpus(sleeper, UINT64_MAX, true), TARN_OK));
    assert_int_equal(set_cpus(owner, sleeper->vcpu.cpus, true), TARN_EBUSY);
    machine_run(20 * MS); /* who runs there goes at the end of its slice */
    assert_int_equal(owner->vcpu.cpus, BIT(3));
    assert_int_equal(sleeper->vcpu.cpus, BIT(2));
    uint64_t before = owner->ran;
    sleeper->habit = PERIOD;
    sleeper->runs = sleeper->pauses = MS;
    sleeper->work = 0;
    sleeper->due = machine.now;
    for (unsigned i = 0; i < 1000; i++) {
        machine_run(1 * MS);
        assert_ptr_equal(machine.cpu[3].inside, owner);
        assert_ptr_equal(machine.cpu[2].inside, sleeper);
        for (unsigned k = 2; k < 4; k++)
            assert_int_equal(machine.cpu[k].cnthp_cval, TIMER_NEVER);
    }
    assert_int_equal(owner->ran - before, 1 * S);
    assert_true(sleeper->woken > 0);

    AS_CPU(0, assert_int_equal(set_cpus(owner, BIT(3), false), TARN_OK));
    machine_run(1 * S);
    assert_true(owner->ran - before < 3 * S / 2); /* others are there, too */
}

/* Every vCPU of a domain dedicated, some of them: nothing of it is left when it has gone. */
static void test_dedicated_goes(void **state)
{
    (void)state;
    start_hogs(4, 8);
    for (unsigned i = 4; i < 7; i++)
        AS_CPU(0, assert_int_equal(set_cpus(machine.guest[i], UINT64_MAX, true), TARN_OK));
    machine_run(20 * MS);
    machine_destroy(1);
    machine_check();
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pcpus[i].claims, DOMAIN_VCPUS);
    machine_run(20 * MS);
    for (unsigned i = 0; i < 4; i++)
        assert_non_null(machine.cpu[i].inside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_idle_beside_waiting),
        cmocka_unit_test(test_loads_become_equal),
        cmocka_unit_test(test_moved_is_fair),
        cmocka_unit_test(test_affinity_of_running),
        cmocka_unit_test(test_dedicated),
        cmocka_unit_test(test_dedicated_goes),
        cmocka_unit_test(test_no_lost_wakeup),
        cmocka_unit_test(test_random_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
