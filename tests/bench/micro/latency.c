/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long an interrupt takes to its handler's first instruction, with one vCPU and between two.
 * Every measurement is a median of ROUNDS. May include tests/bench/micro.
 */
#include "tests/bench/micro/micro.h"

uint64_t median(uint64_t *value, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        for (unsigned j = i; j > 0 && value[j - 1] > value[j]; j--) {
            uint64_t swap = value[j];
            value[j] = value[j - 1];
            value[j - 1] = swap;
        }
    return value[count / 2];
}

/* Never inlined: a trace finds it by its address (tests/bench/silicon.py). */
__attribute__((noinline)) void report(const char *name, uint64_t sum, uint64_t count)
{
    uint64_t tenths = (10 * sum + count / 2) / count;

    print("BENCH micro %s %lu.%lu instructions\n", name, tenths / 10, tenths % 10);
}

/* Nanoseconds until an interrupt's handler asked for the time. */
typedef uint64_t (*latency_t)(void);

static uint64_t latency_sgi_self(void)
{
    uint64_t begin = begin_time();

    sysreg_write(S3_0_C12_C11_5, 1); /* ICC_SGI1R_EL1: SGI 0 to affinity 0.0.0.0 */
    isb();
    while (irq_intid != 0)
        ;
    return irq_time - begin;
}

/* Far enough for Xen, which makes a timer at least 50 us long (TIMER_SLOP in xen/common/timer.c).
 */
#define TIMER_TICKS 8000

/* What the physical counter is ahead of the virtual one, in ticks. */
static uint64_t physical_ahead(void)
{
    uint64_t before, virtual, after;

    do {
        before = sysreg_read(cntpct_el0);
        virtual = sysreg_read(cntvct_el0);
        after = sysreg_read(cntpct_el0);
    } while (before != after);
    return before - virtual;
}

/* Returns the deadline, in nanoseconds of the physical counter. */
static uint64_t arm_timer(void)
{
    uint64_t deadline = sysreg_read(cntvct_el0) + TIMER_TICKS;

    irq_intid = IRQ_NONE;
    sysreg_write(cntv_cval_el0, deadline);
    sysreg_write(cntv_ctl_el0, 1);
    isb();
    return (deadline + physical_ahead()) << TICK_SHIFT;
}

static uint64_t latency_running(void)
{
    uint64_t deadline = arm_timer();

    while (irq_intid != VTIMER_INTID)
        ;
    return irq_time - deadline;
}

static uint64_t latency_wfi(void)
{
    uint64_t deadline = arm_timer();

    while (irq_intid != VTIMER_INTID)
        wfi();
    return irq_time - deadline;
}

/* The end of interrupt alone, of an SGI acknowledged by hand. */
static uint64_t latency_eoi(void)
{
    irq_disable();
    sysreg_write(S3_0_C12_C11_5, 1);
    isb();
    uint64_t intid = sysreg_read(S3_0_C12_C12_0);
    uint64_t begin = begin_time();
    sysreg_write(S3_0_C12_C12_1, intid);
    uint64_t end = end_time();
    irq_enable();
    return end - begin;
}

void sleep_ticks(uint64_t ticks)
{
    uint64_t deadline = sysreg_read(cntvct_el0) + ticks;

    while (sysreg_read(cntvct_el0) < deadline) {
        sysreg_write(cntv_cval_el0, deadline);
        sysreg_write(cntv_ctl_el0, 1);
        isb();
        wfi();
    }
    sysreg_write(cntv_ctl_el0, 0);
}

uint64_t clock_own(void)
{
    uint64_t round[ROUNDS];

    for (unsigned r = 0; r < ROUNDS; r++) {
        uint64_t begin = begin_time();
        round[r] = end_time() - begin;
    }
    return median(round, ROUNDS);
}

static void measure_latency(const char *name, latency_t latency, uint64_t own)
{
    uint64_t round[ROUNDS];

    for (unsigned r = 0; r < ROUNDS; r++) {
        irq_intid = IRQ_NONE;
        mark();
        round[r] = latency();
    }
    mark();
    uint64_t ns = median(round, ROUNDS);
    report(name, ns > own ? ns - own : 0, 1);
}

void measure_latencies(void)
{
    measure_latency("sgi_self", latency_sgi_self, HANDLER_OWN);
    measure_timers();
    measure_latency("eoi", latency_eoi, clock_own() - 1);
}

void measure_timers(void)
{
    measure_latency("vtimer_running", latency_running, HANDLER_OWN);
    measure_latency("vtimer_wfi", latency_wfi, HANDLER_OWN);
}

/* A domain that is there, and its deadline, but never runs again. */
void sleep_for_good(void)
{
    sysreg_write(cntv_cval_el0, sysreg_read(cntvct_el0) << 16);
    sysreg_write(cntv_ctl_el0, 1);
    for (;;)
        wfi();
}

static volatile bool secondary_up;

void secondary_main(void)
{
    gic_init_cpu(1);
    irq_enable();
    secondary_up = true;
    for (;;)
        yield_cpu();
}

/* An SGI from this vCPU to the other, which runs: the instructions of both CPUs together. */
static uint64_t latency_vipi(void)
{
    uint64_t begin = begin_time();

    sysreg_write(S3_0_C12_C11_5, 2); /* ICC_SGI1R_EL1: SGI 0 to affinity 0.0.0.1 */
    isb();
    while (irq_intid != 0)
        yield_cpu();
    return irq_time - begin;
}

void smp_run(void)
{
    if (hvc(PSCI_CPU_ON, 1, (uint64_t)(uintptr_t)secondary_start, 0) != 0) {
        print("BENCH failed there is no second vCPU\n");
        return;
    }
    while (!secondary_up)
        yield_cpu();
    measure_latency("vipi", latency_vipi, HANDLER_OWN);
    irq_enable();
    measure_latency("vtimer_wfi_dedicated", latency_wfi, HANDLER_OWN);
    irq_disable();
}
