/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual timer, which is the guest's own, and the physical one, which is emulated: on time,
 * from WFI too, and quiet when told so.
 */
#include "tests/payload/irq.h"

#define VIRTUAL  DOMU_VTIMER_INTID
#define PHYSICAL DOMU_PTIMER_INTID
/* Never, but below the values at which QEMU (7.2) adds CNTVOFF_EL2 and falls over the edge. */
#define FAR     (UINT64_MAX >> 1)
#define ENABLE  1ul
#define IMASK   2ul
#define ISTATUS 4ul
#define LATE    500000u /* us: later than this is not "on time", however busy the machine */

/* One timer of the two. */
struct timer {
    uint32_t intid;
    uint64_t (*now)(void);
    void (*set_cval)(uint64_t value);
    void (*set_tval)(uint64_t value);
    void (*set_ctl)(uint64_t value);
    uint64_t (*get_cval)(void);
    uint64_t (*get_tval)(void);
    uint64_t (*get_ctl)(void);
};

#define TIMER_FUNCTIONS(name)                                                                      \
    static void name##_set_cval(uint64_t value)                                                    \
    {                                                                                              \
        sysreg_write(name##_cval_el0, value);                                                      \
        isb();                                                                                     \
    }                                                                                              \
    static void name##_set_tval(uint64_t value)                                                    \
    {                                                                                              \
        sysreg_write(name##_tval_el0, value);                                                      \
        isb();                                                                                     \
    }                                                                                              \
    static void name##_set_ctl(uint64_t value)                                                     \
    {                                                                                              \
        sysreg_write(name##_ctl_el0, value);                                                       \
        isb();                                                                                     \
    }                                                                                              \
    static uint64_t name##_get_cval(void)                                                          \
    {                                                                                              \
        return sysreg_read(name##_cval_el0);                                                       \
    }                                                                                              \
    static uint64_t name##_get_tval(void)                                                          \
    {                                                                                              \
        isb();                                                                                     \
        return sysreg_read(name##_tval_el0);                                                       \
    }                                                                                              \
    static uint64_t name##_get_ctl(void)                                                           \
    {                                                                                              \
        isb();                                                                                     \
        return sysreg_read(name##_ctl_el0);                                                        \
    }

TIMER_FUNCTIONS(cntv)
TIMER_FUNCTIONS(cntp)

static const struct timer timers[2] = {
    {VIRTUAL, counter, cntv_set_cval, cntv_set_tval, cntv_set_ctl, cntv_get_cval, cntv_get_tval,
     cntv_get_ctl},
    {PHYSICAL, physical_counter, cntp_set_cval, cntp_set_tval, cntp_set_ctl, cntp_get_cval,
     cntp_get_tval, cntp_get_ctl},
};

static volatile uint64_t taken_at[PAYLOAD_CPUS];
static volatile unsigned refire_limit;

/* Notes the time and silences the timer. */
static bool note_time(uint32_t iar)
{
    const struct timer *timer = (iar & 0x3ff) == VIRTUAL ? &timers[0] : &timers[1];
    taken_at[this_cpu()] = timer->now();
    timer->set_ctl(ENABLE | IMASK);
    return true;
}

static void prepare_timer(const struct timer *timer, irq_hook_t hook)
{
    timer->set_ctl(0);
    gic_edge(timer->intid, false);
    gic_priority(timer->intid, PRIORITY_DEFAULT);
    gic_set(GICD_ISENABLER, timer->intid);
    taken_at[this_cpu()] = 0;
    start(hook);
}

static void retire_timer(const struct timer *timer)
{
    timer->set_ctl(0);
    gic_set(GICD_ICENABLER, timer->intid);
    start(NULL);
}

static void check_on_time(uint64_t at, uint64_t due)
{
    check(at != 0);
    check((int64_t)(at - due) >= 0);
    check((int64_t)(at - due) < (int64_t)us_to_ticks(LATE));
}

static void check_deadline(const struct timer *timer, uint64_t us)
{
    prepare_timer(timer, note_time);
    uint64_t due = timer->now() + us_to_ticks(us);
    timer->set_cval(due);
    timer->set_ctl(ENABLE);
    check(comes(0, timer->intid));
    check_on_time(taken_at[0], due);
    check_equal(irq_log[0].count, 1);
    retire_timer(timer);
}

static void test_virtual_deadline(void)
{
    check_deadline(&timers[0], 0);
    check_deadline(&timers[0], 100);
    check_deadline(&timers[0], 20000);
}

static void test_physical_deadline(void)
{
    check_deadline(&timers[1], 0);
    check_deadline(&timers[1], 100);
    check_deadline(&timers[1], 20000);
}

static void check_from_wfi(const struct timer *timer)
{
    for (unsigned i = 0; i < 10; i++) {
        prepare_timer(timer, note_time);
        uint64_t due = timer->now() + us_to_ticks(2000);
        irq_disable();
        timer->set_cval(due);
        timer->set_ctl(ENABLE);
        while (!(sysreg_read(isr_el1) & BIT(7)))
            wfi();
        check((int64_t)(timer->now() - due) >= 0);
        irq_enable();
        check(comes(0, timer->intid));
        check_on_time(taken_at[0], due);
        retire_timer(timer);
    }
}

static void test_virtual_from_wfi(void)
{
    check_from_wfi(&timers[0]);
}

static void test_physical_from_wfi(void)
{
    check_from_wfi(&timers[1]);
}

static void check_registers(const struct timer *timer)
{
    timer->set_ctl(0);
    timer->set_cval(0x123456789abcdef0);
    check_equal(timer->get_cval(), 0x123456789abcdef0);
    timer->set_tval(1000000);
    uint64_t now = timer->now();
    check((int64_t)(timer->get_cval() - now) <= 1000000);
    check((int64_t)(timer->get_cval() - now) > -(int64_t)us_to_ticks(LATE));
    timer->set_tval(0xffffffff); /* -1: over at once */
    check((int64_t)(timer->get_cval() - timer->now()) < 0);
    timer->set_ctl(ENABLE | IMASK);
    check_equal(timer->get_ctl(), ENABLE | IMASK | ISTATUS);
    check((int32_t)timer->get_tval() < 0);
    timer->set_tval(0x7fffffff);
    check_equal(timer->get_ctl(), ENABLE | IMASK);
    check((int32_t)timer->get_tval() > 0);
    timer->set_cval(FAR);
    check_equal(timer->get_ctl(), ENABLE | IMASK);
    timer->set_cval(0);
    check_equal(timer->get_ctl(), ENABLE | IMASK | ISTATUS);
    timer->set_ctl(0);
    check_equal(timer->get_ctl() & ENABLE, 0);
}

static void test_registers(void)
{
    check_registers(&timers[0]);
    check_registers(&timers[1]);
}

static void check_masked(const struct timer *timer)
{
    prepare_timer(timer, note_time);
    timer->set_cval(timer->now());
    timer->set_ctl(ENABLE | IMASK);
    check(stays_away(0, timer->intid));
    timer->set_ctl(0);
    check(stays_away(0, timer->intid));
    timer->set_ctl(ENABLE);
    check(comes(0, timer->intid));
    retire_timer(timer);
}

static void test_mask_and_disable(void)
{
    check_masked(&timers[0]);
    check_masked(&timers[1]);
}

/* Programmed, then moved away before it is due. */
static void check_moved(const struct timer *timer)
{
    prepare_timer(timer, note_time);
    timer->set_cval(timer->now() + us_to_ticks(2000000));
    timer->set_ctl(ENABLE);
    timer->set_cval(FAR);
    check(stays_away(0, timer->intid));
    timer->set_cval(timer->now() + us_to_ticks(100));
    check(comes(0, timer->intid));
    retire_timer(timer);
}

static void test_deadline_moves(void)
{
    check_moved(&timers[0]);
    check_moved(&timers[1]);
}

static bool ignore_twice(uint32_t iar)
{
    if (irq_log[this_cpu()].count >= refire_limit)
        note_time(iar);
    return true;
}

/* Level: as long as the handler leaves the timer asserted, it comes again. */
static void check_level(const struct timer *timer)
{
    refire_limit = 3;
    prepare_timer(timer, ignore_twice);
    timer->set_cval(timer->now());
    timer->set_ctl(ENABLE);
    check(WAIT((nudge(), irq_taken(0, timer->intid) >= 3), SOON));
    delay_us(NEVER);
    check_equal(irq_taken(0, timer->intid), 3);
    check(!gic_get(GICD_ISPENDR, timer->intid));
    retire_timer(timer);
}

/* A domU on GICv2 has no way to nudge (irq.h): its SPIs are not the machine's. */
static bool can_nudge(void)
{
    return gic_version() == 3 || payload_argument != 0;
}

static void test_level(void)
{
    if (can_nudge())
        check_level(&timers[0]);
    check_level(&timers[1]);
}

static volatile unsigned ticks_left;

static bool next_tick(uint32_t iar)
{
    (void)iar;
    if (--ticks_left > 0)
        cntv_set_cval(cntv_get_cval() + us_to_ticks(1000));
    else
        cntv_set_ctl(0);
    return true;
}

/* A periodic tick, as an operating system uses it: none is lost, none comes early. */
static void test_ticks(void)
{
    if (!can_nudge()) {
        skip("QEMU's GICv2 cannot");
        return;
    }
    prepare_timer(&timers[0], next_tick);
    ticks_left = 50;
    uint64_t begin = counter();
    cntv_set_cval(begin + us_to_ticks(1000));
    cntv_set_ctl(ENABLE);
    check(WAIT((nudge(), ticks_left == 0), 5000000));
    check(counter() - begin >= us_to_ticks(50000));
    check_equal(irq_taken(0, VIRTUAL), 50);
    retire_timer(&timers[0]);
}

static void test_both_at_once(void)
{
    prepare_timer(&timers[0], note_time);
    prepare_timer(&timers[1], note_time);
    timers[0].set_tval(us_to_ticks(1000));
    timers[1].set_tval(us_to_ticks(1000));
    timers[0].set_ctl(ENABLE);
    timers[1].set_ctl(ENABLE);
    check(comes(0, VIRTUAL));
    check(comes(0, PHYSICAL));
    retire_timer(&timers[0]);
    retire_timer(&timers[1]);
}

static void arm_own_timer(uint64_t us)
{
    const struct timer *timer = &timers[this_cpu() & 1];
    gic_edge(timer->intid, false);
    gic_set(GICD_ISENABLER, timer->intid);
    timer->set_tval(us_to_ticks(us));
    timer->set_ctl(ENABLE);
    irq_disable();
    while (taken_at[this_cpu()] == 0) {
        wfi();
        irq_enable();
        isb();
        irq_disable();
    }
    irq_enable();
    gic_set(GICD_ICENABLER, timer->intid);
    timer->set_ctl(0);
}

static void test_timers_of_all_cpus(void)
{
    cpus_start();
    start(note_time);
    for (unsigned cpu = 0; cpu < cpu_total; cpu++)
        taken_at[cpu] = 0;
    for (unsigned cpu = 1; cpu < cpu_total; cpu++)
        cpu_run(cpu, arm_own_timer, 3000 * cpu);
    arm_own_timer(1000);
    for (unsigned cpu = 1; cpu < cpu_total; cpu++) {
        check(cpu_wait(cpu));
        check_equal(irq_log[cpu].count, 1);
    }
    start(NULL);
}

static void test_counters(void)
{
    uint64_t last = counter(), last_physical = physical_counter();
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t now = counter(), physical = physical_counter();
        check(now >= last);
        check(physical >= last_physical);
        last = now;
        last_physical = physical;
    }
    check(sysreg_read(cntfrq_el0) >= 1000000);
    delay_us(1000);
    check(counter() - last >= us_to_ticks(1000));
}

static volatile uint64_t other_count;

static void report_counter(uint64_t unused)
{
    (void)unused;
    other_count = counter();
}

static void test_counters_agree(void)
{
    cpus_start();
    for (unsigned cpu = 1; cpu < cpu_total; cpu++) {
        uint64_t before = counter();
        cpu_run(cpu, report_counter, 0);
        check(cpu_wait(cpu));
        uint64_t after = counter();
        check(before <= other_count && other_count <= after);
    }
}

const struct payload_test payload_tests[] = {
    {"counters", test_counters, 0, false},
    {"counters agree between CPUs", test_counters_agree, 2, false},
    {"registers: CVAL, TVAL, CTL", test_registers, 0, false},
    {"virtual timer on time", test_virtual_deadline, 0, false},
    {"physical timer on time", test_physical_deadline, 0, false},
    {"virtual timer ends WFI", test_virtual_from_wfi, 0, false},
    {"physical timer ends WFI", test_physical_from_wfi, 0, false},
    {"masked, disabled", test_mask_and_disable, 0, false},
    {"a deadline moves", test_deadline_moves, 0, false},
    {"level-triggered", test_level, 0, false},
    {"50 ticks", test_ticks, 0, false},
    {"both at once", test_both_at_once, 0, false},
    {"timers of all CPUs, in WFI", test_timers_of_all_cpus, 2, false},
    {NULL, NULL, 0, false},
};
