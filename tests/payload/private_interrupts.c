/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts of one CPU: SGIs in every direction, PPIs, the redistributor.
 */
#include "platform/mmio.h"
#include "tests/payload/irq.h"

static void test_sgi_self(void)
{
    for (uint32_t sgi = 0; sgi < 16; sgi++) {
        start(NULL);
        gic_sgi(sgi, BIT32(this_cpu()));
        check(comes(0, sgi));
        check_equal(irq_log[0].count, 1);
        check_equal(irq_log[0].iar[0], sgi); /* GICv2: source CPU 0 */
    }
}

static void test_sgi_all_at_once(void)
{
    start(NULL);
    irq_disable();
    for (uint32_t sgi = 0; sgi < 16; sgi++) {
        gic_priority(sgi, (uint8_t)(0xf0 - 8 * sgi));
        gic_sgi(sgi, BIT32(0));
    }
    irq_enable();
    check(WAIT(irq_log[0].count >= 16, SOON));
    for (uint32_t i = 0; i < 16; i++)
        check_equal(irq_log[0].iar[i], 15 - i); /* the most urgent first */
    check_equal(irq_log[0].count, 16);
    for (uint32_t sgi = 0; sgi < 16; sgi++)
        gic_priority(sgi, PRIORITY_DEFAULT);
}

static void test_sgi_to_others(void)
{
    cpus_start();
    for (unsigned cpu = 1; cpu < cpu_total; cpu++) {
        start(NULL);
        gic_sgi(3, BIT32(cpu));
        check(comes(cpu, 3));
        for (unsigned other = 0; other < cpu_total; other++)
            check_equal(irq_log[other].count, other == cpu);
    }
}

static void test_sgi_all_but_self(void)
{
    cpus_start();
    start(NULL);
    gic_sgi_others(5);
    for (unsigned cpu = 1; cpu < cpu_total; cpu++)
        check(comes(cpu, 5));
    check(stays_away(0, 5));
    for (unsigned cpu = 1; cpu < cpu_total; cpu++)
        check_equal(irq_log[cpu].count, 1);
}

static void test_sgi_all(void)
{
    cpus_start();
    start(NULL);
    gic_sgi(6, BIT32(cpu_total) - 1);
    for (unsigned cpu = 0; cpu < cpu_total; cpu++)
        check(comes(cpu, 6));
}

static void send_sgi_7_to_0(uint64_t unused)
{
    (void)unused;
    gic_sgi(7, BIT32(0));
}

/* GICv2 keeps an SGI pending for each source; GICv3 has one pending bit. */
static void test_sgi_from_all(void)
{
    unsigned sources = 0;
    cpus_start();
    start(NULL);
    irq_disable();
    for (unsigned cpu = 1; cpu < cpu_total; cpu++) {
        cpu_run(cpu, send_sgi_7_to_0, 0);
        check(cpu_wait(cpu));
    }
    irq_enable();
    check(comes(0, 7));
    delay_us(NEVER);
    check_equal(irq_taken(0, 7), gic_version() == 2 ? cpu_total - 1 : 1);
    for (unsigned i = 0; i < irq_log[0].count; i++)
        sources |= BIT32(irq_log[0].iar[i] >> 10);
    check_equal(sources, gic_version() == 2 ? BIT32(cpu_total) - 2 : 1);
}

static volatile unsigned pings;

static bool answer_ping(uint32_t iar)
{
    (void)iar;
    if (this_cpu() != 0)
        gic_sgi(9, BIT32(0));
    else
        pings++;
    return true;
}

static void test_sgi_ping_pong(void)
{
    cpus_start();
    start(answer_ping);
    pings = 0;
    for (unsigned i = 0; i < 200; i++) {
        gic_sgi(8, BIT32(1 + i % (cpu_total - 1)));
        if (!WAIT(pings == i + 1, SOON)) {
            fail_at(__FILE__, __LINE__, "no answer to SGI %u", i);
            break;
        }
    }
    start(NULL);
}

static void test_sgi_pending_registers(void)
{
    start(NULL);
    irq_disable();
    if (gic_version() == 2) {
        mmio_write8((char *)DOMU_GICD_BASE + GICD_SPENDSGIR + 4, BIT32(0));
        mmio_write8((char *)DOMU_GICD_BASE + GICD_SPENDSGIR + 5, BIT32(0));
        check(gic_get(GICD_ISPENDR, 4));
        mmio_write8((char *)DOMU_GICD_BASE + GICD_CPENDSGIR + 5, BIT32(0));
    } else {
        gic_set(GICD_ISPENDR, 4);
        gic_set(GICD_ISPENDR, 5);
        check(gic_get(GICD_ISPENDR, 4));
        gic_set(GICD_ICPENDR, 5);
    }
    irq_enable();
    check(comes(0, 4));
    check(stays_away(0, 5));
}

/* QEMU's own GICv2 (7.2) does not make a PPI pending by GICD_ISPENDR with several CPUs. */
static bool ppi_by_software(void)
{
    if (under_tarn || gic_version() == 3 || cpu_total == 1)
        return true;
    skip("QEMU's GICv2 cannot");
    return false;
}

static void test_ppi(void)
{
    if (!ppi_by_software())
        return;
    prepare(PPI, PRIORITY_DEFAULT);
    start(NULL);
    gic_set(GICD_ISPENDR, PPI);
    check(comes(0, PPI));
    check_equal(irq_log[0].count, 1);
    retire(PPI);
}

static void pend_own_ppi(uint64_t unused)
{
    (void)unused;
    prepare(PPI, PRIORITY_DEFAULT);
    gic_set(GICD_ISPENDR, PPI);
}

static void test_ppi_is_private(void)
{
    if (!ppi_by_software())
        return;
    cpus_start();
    prepare(PPI, PRIORITY_DEFAULT);
    start(NULL);
    cpu_run(1, pend_own_ppi, 0);
    check(cpu_wait(1));
    check(comes(1, PPI));
    check_equal(irq_log[0].count, 0);
    retire(PPI);
}

static void test_redistributor(void)
{
    char *gicr = gic_frame(0) - 0x10000;
    if (gic_version() != 3) {
        skip("GICv2");
        return;
    }
    uint64_t typer = mmio_read64(gicr + 8);
    check_equal(FIELD(typer, 63, 32), this_cpu());
    check_equal(FIELD(typer, 23, 8), this_cpu());
    check_equal((typer & 0x10) != 0, this_cpu() == cpu_total - 1); /* Last */
    check_equal(mmio_read32(gicr + 8), typer & UINT32_MAX);
}

/* Nobody takes the CPU interface's system registers away, not even from itself. */
static void test_system_register_interface_stays(void)
{
    if (gic_version() != 3) {
        skip("GICv2");
        return;
    }
    sysreg_write(S3_0_C12_C12_5, 0); /* ICC_SRE_EL1 */
    isb();
    check_equal(sysreg_read(S3_0_C12_C12_5), 7);
}

const struct payload_test payload_tests[] = {
    {"SGI to self", test_sgi_self, 0, false},
    {"16 SGIs at once, by priority", test_sgi_all_at_once, 0, false},
    {"SGI to each other CPU", test_sgi_to_others, 2, false},
    {"SGI to all but self", test_sgi_all_but_self, 2, false},
    {"SGI to all", test_sgi_all, 2, false},
    {"SGI from all to one", test_sgi_from_all, 2, false},
    {"SGI ping-pong", test_sgi_ping_pong, 2, false},
    {"SGI pending registers", test_sgi_pending_registers, 0, false},
    {"PPI", test_ppi, 0, false},
    {"a PPI is private", test_ppi_is_private, 2, false},
    {"redistributor identification", test_redistributor, 0, false},
    {"ICC_SRE_EL1 stays", test_system_register_interface_stays, 0, false},
    {NULL, NULL, 0, false},
};
