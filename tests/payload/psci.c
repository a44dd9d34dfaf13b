/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI 1.1 (Arm DEN 0022): CPUs on, off and on again, suspend, features; WFI and other CPUs' SGIs.
 */
#include "tests/payload/irq.h"

#define SYSTEM_RESET2 0xc4000012
#define AFFINITY_ON   0
#define AFFINITY_OFF  1

static uint64_t entry(void)
{
    return (uint64_t)(uintptr_t)secondary_entry;
}

static void test_version(void)
{
    int64_t version = hvc(PSCI_VERSION, 0, 0, 0);
    check(version >= 0x10000 && version < 0x20000);
    if (under_tarn)
        check_equal(version, 0x10001);
}

static void test_features(void)
{
    static const uint32_t have[] = {PSCI_VERSION,    PSCI_CPU_SUSPEND,  PSCI_CPU_OFF,
                                    PSCI_CPU_ON,     0x84000003,        PSCI_AFFINITY_INFO,
                                    PSCI_SYSTEM_OFF, PSCI_SYSTEM_RESET, PSCI_FEATURES};
    static const uint32_t have_not[] = {0,          0x84000005, 0x8400001e,
                                        0x840000ff, 0xc6000000, UINT32_MAX};
    for (unsigned i = 0; i < ARRAY_SIZE(have); i++)
        if (hvc(PSCI_FEATURES, have[i], 0, 0) < 0)
            fail_at(__FILE__, __LINE__, "0x%x is missing", have[i]);
    for (unsigned i = 0; i < ARRAY_SIZE(have_not); i++)
        check_equal(hvc(PSCI_FEATURES, have_not[i], 0, 0), PSCI_NOT_SUPPORTED);
}

static void test_features_of_1_1(void)
{
    check(hvc(PSCI_FEATURES, SYSTEM_RESET2, 0, 0) >= 0);
    check(hvc(PSCI_FEATURES, 0x80000000, 0, 0) >= 0); /* SMCCC_VERSION */
    check(hvc(0x80000000, 0, 0, 0) >= 0x10001);
    check_equal(hvc(PSCI_MIGRATE_TYPE, 0, 0, 0), 2); /* no Trusted OS */
    check_equal(hvc(SYSTEM_RESET2, 1, 0, 0), PSCI_INVALID);
}

static void test_cpu_on(void)
{
    for (unsigned cpu = 1; cpu < cpu_total; cpu++)
        check_equal(hvc(PSCI_AFFINITY_INFO, cpu, 0, 0), AFFINITY_OFF);
    cpus_start();
    for (unsigned cpu = 0; cpu < cpu_total; cpu++)
        check_equal(hvc(PSCI_AFFINITY_INFO, cpu, 0, 0), AFFINITY_ON);
}

static void test_already_on(void)
{
    cpus_start();
    for (unsigned cpu = 0; cpu < cpu_total; cpu++)
        check_equal(hvc(PSCI_CPU_ON, cpu, entry(), cpu), PSCI_ALREADY_ON);
}

static void test_no_such_cpu(void)
{
    static const uint64_t none[] = {PAYLOAD_CPUS + 100, 0x10000,     0xff0000,
                                    0xffffff,           0x100000000, 0xff00000000,
                                    1ul << 63,          0x80000000,  UINT64_MAX};
    for (unsigned i = 0; i < ARRAY_SIZE(none); i++) {
        check_equal(hvc(PSCI_CPU_ON, none[i], entry(), 0), PSCI_INVALID);
        check_equal(hvc(PSCI_AFFINITY_INFO, none[i], 0, 0), PSCI_INVALID);
    }
    if (under_tarn)
        check_equal(hvc(PSCI_AFFINITY_INFO, 0, 77, 0), PSCI_INVALID);
    check_equal(hvc(PSCI_CPU_ON, cpu_total, entry(), 0), PSCI_INVALID);
}

static volatile unsigned witnesses;

static void witness(uint64_t expected)
{
    check_equal(this_cpu(), expected);
    check_equal(sysreg_read(mpidr_el1) & 0xff00ffffff, expected);
    __atomic_fetch_add(&witnesses, 1, __ATOMIC_SEQ_CST);
}

static void test_all_work(void)
{
    cpus_start();
    witnesses = 0;
    for (unsigned cpu = 1; cpu < cpu_total; cpu++)
        cpu_run(cpu, witness, cpu);
    for (unsigned cpu = 1; cpu < cpu_total; cpu++)
        check(cpu_wait(cpu));
    check_equal(witnesses, cpu_total - 1);
}

static void switch_off(uint64_t unused)
{
    (void)unused;
    irq_disable();
    (void)hvc(PSCI_CPU_OFF, 0, 0, 0);
    fail_at(__FILE__, __LINE__, "CPU_OFF returned");
}

static void test_off_and_on_again(void)
{
    for (unsigned round = 0; round < 5; round++) {
        cpus_start();
        for (unsigned cpu = 1; cpu < cpu_total; cpu++) {
            cpu_run(cpu, switch_off, 0);
            check(WAIT(hvc(PSCI_AFFINITY_INFO, cpu, 0, 0) == AFFINITY_OFF, SOON));
            cpu_forget(cpu);
        }
    }
    test_all_work();
}

/* What a CPU left pending or active when it was switched off does not meet it when it comes back.
 */
static void leave_a_mess(uint64_t unused)
{
    prepare(PPI, PRIORITY_DEFAULT);
    irq_disable();
    gic_set(GICD_ISPENDR, PPI);
    gic_sgi(11, BIT32(this_cpu()));
    sysreg_write(cntv_tval_el0, 0);
    sysreg_write(cntv_ctl_el0, 1);
    sysreg_write(cntp_cval_el0, 0);
    sysreg_write(cntp_ctl_el0, 1);
    isb();
    switch_off(unused);
}

static void listen_to_timers(uint64_t unused)
{
    (void)unused;
    gic_set(GICD_ISENABLER, DOMU_VTIMER_INTID);
    gic_set(GICD_ISENABLER, DOMU_PTIMER_INTID);
    delay_us(NEVER);
    gic_set(GICD_ICENABLER, DOMU_VTIMER_INTID);
    gic_set(GICD_ICENABLER, DOMU_PTIMER_INTID);
}

static void test_comes_back_clean(void)
{
    cpus_start();
    start(NULL);
    cpu_run(1, leave_a_mess, 0);
    check(WAIT(hvc(PSCI_AFFINITY_INFO, 1, 0, 0) == AFFINITY_OFF, SOON));
    cpu_forget(1);
    cpus_start();
    delay_us(NEVER);
    cpu_run(1, listen_to_timers, 0);
    check(cpu_wait(1));
    check_equal(irq_log[1].count, 0);
    test_all_work();
}

/* An SGI to a CPU that is off is nobody's trouble. */
static void test_sgi_to_cpu_that_is_off(void)
{
    cpus_start();
    cpu_run(1, switch_off, 0);
    check(WAIT(hvc(PSCI_AFFINITY_INFO, 1, 0, 0) == AFFINITY_OFF, SOON));
    cpu_forget(1);
    for (unsigned i = 0; i < 16; i++)
        gic_sgi(i, BIT32(1));
    start(NULL);
    cpus_start();
    gic_sgi(4, BIT32(1));
    check(comes(1, 4));
}

/* The SGI may come at any time, also right before WFI: it stays pending until the window after it.
 */
static void sleep_until_sgi(uint64_t unused)
{
    (void)unused;
    irq_disable();
    while (irq_taken(this_cpu(), 3) == 0) {
        wfi();
        irq_enable();
        isb();
        irq_disable();
    }
    irq_enable();
}

static void test_sgi_ends_wfi(void)
{
    cpus_start();
    for (unsigned round = 0; round < 20; round++) {
        start(NULL);
        for (unsigned cpu = 1; cpu < cpu_total; cpu++)
            cpu_run(cpu, sleep_until_sgi, 0);
        delay_us(round * 100);
        gic_sgi_others(3);
        for (unsigned cpu = 1; cpu < cpu_total; cpu++)
            check(cpu_wait(cpu));
    }
}

/* The same with IRQs masked: WFI ends because one is pending. */
static void sleep_masked(uint64_t unused)
{
    (void)unused;
    irq_disable();
    witnesses = 1;
    while (!(sysreg_read(isr_el1) & BIT(7)))
        wfi();
    irq_enable();
}

static void test_sgi_ends_masked_wfi(void)
{
    cpus_start();
    for (unsigned round = 0; round < 20; round++) {
        start(NULL);
        witnesses = 0;
        cpu_run(1, sleep_masked, 0);
        check(WAIT(witnesses == 1, SOON));
        delay_us(round * 50);
        gic_sgi(3, BIT32(1));
        check(cpu_wait(1));
        check(comes(1, 3));
    }
}

static void test_suspend(void)
{
    start(NULL);
    gic_edge(DOMU_VTIMER_INTID, false);
    gic_set(GICD_ISENABLER, DOMU_VTIMER_INTID);
    uint64_t begin = counter();
    irq_disable();
    sysreg_write(cntv_cval_el0, begin + us_to_ticks(5000));
    sysreg_write(cntv_ctl_el0, 1);
    isb();
    int64_t status = hvc(PSCI_CPU_SUSPEND, 0, 0, 0);
    check(status == 0 || status == PSCI_INVALID);
    if (under_tarn) {
        check_equal(status, 0);
        check(counter() - begin >= us_to_ticks(5000));
    }
    sysreg_write(cntv_ctl_el0, 0);
    gic_set(GICD_ICENABLER, DOMU_VTIMER_INTID);
    irq_enable();
    check(counter() - begin < us_to_ticks(SOON));
}

/* Entry points nobody can run at: the call may refuse, or the CPU faults for itself. */
static void test_entry_that_is_nowhere(void)
{
    cpus_start();
    cpu_run(1, switch_off, 0);
    check(WAIT(hvc(PSCI_AFFINITY_INFO, 1, 0, 0) == AFFINITY_OFF, SOON));
    cpu_forget(1);
    int64_t status = hvc(PSCI_CPU_ON, 1, 0x3ff00001, 0);
    check(status == 0 || status == PSCI_INVALID || status == -9);
    check(hvc(PSCI_VERSION, 0, 0, 0) >= 0x10000);
    delay_us(NEVER);
    if (under_tarn)
        check(WAIT(hvc(PSCI_AFFINITY_INFO, 1, 0, 0) == AFFINITY_OFF, SOON));
}

const struct payload_test payload_tests[] = {
    {"VERSION", test_version, 0, false},
    {"FEATURES", test_features, 0, false},
    {"FEATURES of PSCI 1.1", test_features_of_1_1, 0, true},
    {"CPU_ON, AFFINITY_INFO", test_cpu_on, 2, false},
    {"CPU_ON: ALREADY_ON", test_already_on, 0, false},
    {"CPU_ON, AFFINITY_INFO: no such CPU", test_no_such_cpu, 0, false},
    {"all CPUs work", test_all_work, 2, false},
    {"CPU_OFF and on again", test_off_and_on_again, 2, false},
    {"a CPU comes back clean", test_comes_back_clean, 2, true},
    {"SGI to a CPU that is off", test_sgi_to_cpu_that_is_off, 2, false},
    {"SGI ends WFI", test_sgi_ends_wfi, 2, false},
    {"SGI ends WFI with IRQs masked", test_sgi_ends_masked_wfi, 2, false},
    {"CPU_SUSPEND", test_suspend, 0, false},
    {"CPU_ON with an entry that is nowhere", test_entry_that_is_nowhere, 2, true},
    {NULL, NULL, 0, false},
};
