/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SPIs as a guest meets them: every state, and more of them at once than there are list registers.
 * They are made pending by software, so no device is needed.
 */
#include "platform/mmio.h"
#include "tests/payload/irq.h"

static void test_spi(void)
{
    for (uint32_t intid = SPI; intid < SPI + SPI_MANY; intid++) {
        prepare(intid, PRIORITY_DEFAULT);
        start(NULL);
        gic_set(GICD_ISPENDR, intid);
        check(comes(0, intid));
        check_equal(irq_log[0].count, 1);
        check(!gic_get(GICD_ISPENDR, intid));
        check(!gic_get(GICD_ISACTIVER, intid));
        retire(intid);
    }
}

static void test_spi_goes_where_it_is_routed(void)
{
    cpus_start();
    prepare(SPI, PRIORITY_DEFAULT);
    for (unsigned cpu = 0; cpu < cpu_total; cpu++) {
        start(NULL);
        gic_route(SPI, cpu);
        gic_set(GICD_ISPENDR, SPI);
        check(comes(cpu, SPI));
        for (unsigned other = 0; other < cpu_total; other++)
            check_equal(irq_log[other].count, other == cpu);
    }
    retire(SPI);
}

/*
 * Routed elsewhere while pending on a CPU that does not take it: one of the two does, once. Not on
 * GICv2: QEMU's (7.2) never ends an interrupt that one CPU acknowledged and another one's list
 * register deactivates.
 */
static void test_spi_is_rerouted_while_pending(void)
{
    if (gic_version() == 2) {
        skip("QEMU's GICv2 cannot");
        return;
    }
    cpus_start();
    prepare(SPI, PRIORITY_DEFAULT);
    for (unsigned round = 0; round < 3; round++) {
        start(NULL);
        gic_route(SPI, 0);
        irq_disable();
        gic_set(GICD_ISPENDR, SPI);
        gic_route(SPI, 1);
        delay_us(NEVER);
        irq_enable();
        check(WAIT(irq_taken(0, SPI) + irq_taken(1, SPI) > 0, SOON));
        delay_us(NEVER);
        check_equal(irq_taken(0, SPI) + irq_taken(1, SPI), 1);
    }
    retire(SPI);
}

/* 40 at once, priorities mixed: each is taken once, the most urgent first. */
#define FLOOD_FIRST 80u
#define FLOOD       40u

static uint8_t flood_priority(uint32_t intid)
{
    return (uint8_t)(0x20 + (intid * 7 % 16) * 8);
}

static void check_flood_order(void)
{
    unsigned count = irq_log[0].count;
    check_equal(count, FLOOD);
    for (unsigned i = 1; i < count && i < IRQ_LOG; i++)
        if (flood_priority(irq_log[0].iar[i - 1]) > flood_priority(irq_log[0].iar[i]))
            fail_at(__FILE__, __LINE__, "number %u: SPI %u (0x%x) before SPI %u (0x%x)", i,
                    irq_log[0].iar[i - 1], flood_priority(irq_log[0].iar[i - 1]), irq_log[0].iar[i],
                    flood_priority(irq_log[0].iar[i]));
    for (uint32_t intid = FLOOD_FIRST; intid < FLOOD_FIRST + FLOOD; intid++)
        if (irq_taken(0, intid) != 1)
            fail_at(__FILE__, __LINE__, "SPI %u was taken %u times; pending %u, active %u", intid,
                    irq_taken(0, intid), gic_get(GICD_ISPENDR, intid),
                    gic_get(GICD_ISACTIVER, intid));
}

static void test_flood(void)
{
    start(NULL);
    for (uint32_t i = 0; i < FLOOD; i++) {
        prepare(FLOOD_FIRST + i, flood_priority(FLOOD_FIRST + i));
        gic_set(GICD_ISPENDR, FLOOD_FIRST + i); /* one that another CPU had last comes here */
        check(comes(0, FLOOD_FIRST + i));
    }
    for (unsigned round = 0; round < 3; round++) {
        start(NULL);
        irq_disable();
        for (uint32_t i = 0; i < FLOOD; i++)
            gic_set(GICD_ISPENDR, FLOOD_FIRST + (round == 1 ? FLOOD - 1 - i : i * 17 % FLOOD));
        irq_enable();
        check(WAIT(irq_log[0].count >= FLOOD, SOON));
        delay_us(NEVER);
        check_flood_order();
    }
    for (uint32_t i = 0; i < FLOOD; i++)
        retire(FLOOD_FIRST + i);
}

/* Enabled all at once by one write, after they were pending. */
static void test_flood_by_enabling(void)
{
    for (uint32_t i = 0; i < 32; i++) {
        prepare(SPI + i, flood_priority(SPI + i));
        gic_set(GICD_ICENABLER, SPI + i);
        gic_set(GICD_ISPENDR, SPI + i);
    }
    start(NULL);
    check(stays_away(0, SPI));
    mmio_write32((char *)DOMU_GICD_BASE + GICD_ISENABLER + SPI / 8, UINT32_MAX);
    check(WAIT(irq_log[0].count >= 32, SOON));
    delay_us(NEVER);
    check_equal(irq_log[0].count, 32);
    for (uint32_t i = 0; i < 32; i++) {
        check_equal(irq_taken(0, SPI + i), 1);
        retire(SPI + i);
    }
}

static bool pend_again_once(uint32_t iar)
{
    if (irq_log[this_cpu()].count == 1)
        gic_set(GICD_ISPENDR, iar & 0x3ff);
    return true;
}

static void test_edge_while_active(void)
{
    prepare(SPI, PRIORITY_DEFAULT);
    start(pend_again_once);
    gic_set(GICD_ISPENDR, SPI);
    check(WAIT((nudge(), irq_log[0].count == 2), SOON));
    delay_us(NEVER);
    check_equal(irq_taken(0, SPI), 2);
    retire(SPI);
}

/* Twice at most: the second edge may meet the first one on its way through the hypervisor. */
static void test_edge_coalesces(void)
{
    prepare(SPI, PRIORITY_DEFAULT);
    start(NULL);
    irq_disable();
    gic_set(GICD_ISPENDR, SPI);
    gic_set(GICD_ISPENDR, SPI);
    irq_enable();
    check(comes(0, SPI));
    delay_us(NEVER);
    nudge();
    delay_us(NEVER);
    check(irq_taken(0, SPI) <= 2);
    gic_set(GICD_ISPENDR, SPI);
    check(WAIT(irq_log[0].count > 1, SOON));
    retire(SPI);
}

/* A level-triggered line of a device: the UART's transmit interrupt, taken until it is masked. */
#define UART_IMSC 0x38
#define UART_ICR  0x44
#define UART_TX   0x20u

static bool mask_uart_third_time(uint32_t iar)
{
    (void)iar;
    if (irq_log[this_cpu()].count == 3)
        mmio_write32((char *)DOMU_UART_BASE + UART_IMSC, 0);
    return true;
}

static void test_level_stays(void)
{
    gic_set(GICD_ICENABLER, DOMU_UART_INTID);
    gic_edge(DOMU_UART_INTID, false);
    gic_priority(DOMU_UART_INTID, PRIORITY_DEFAULT);
    gic_route(DOMU_UART_INTID, 0);
    start(mask_uart_third_time);
    print("# a character asserts the transmit interrupt\n");
    mmio_write32((char *)DOMU_UART_BASE + UART_IMSC, UART_TX);
    check(stays_away(0, DOMU_UART_INTID));
    check(gic_get(GICD_ISPENDR, DOMU_UART_INTID));
    gic_set(GICD_ISENABLER, DOMU_UART_INTID);
    check(WAIT((nudge(), irq_log[0].count >= 3), SOON));
    delay_us(NEVER);
    check_equal(irq_taken(0, DOMU_UART_INTID), 3);
    check(!gic_get(GICD_ISPENDR, DOMU_UART_INTID));
    mmio_write32((char *)DOMU_UART_BASE + UART_ICR, 0x7ff);
    retire(DOMU_UART_INTID);
}

/* A line that drops before anybody takes it leaves nothing behind. */
static void test_level_that_drops(void)
{
    gic_edge(DOMU_UART_INTID, false);
    gic_set(GICD_ISENABLER, DOMU_UART_INTID);
    start(NULL);
    print("# another one\n");
    irq_disable();
    mmio_write32((char *)DOMU_UART_BASE + UART_IMSC, UART_TX);
    delay_us(NEVER);
    mmio_write32((char *)DOMU_UART_BASE + UART_IMSC, 0);
    delay_us(NEVER);
    irq_enable();
    delay_us(NEVER);
    check(irq_taken(0, DOMU_UART_INTID) <= 1); /* one spurious interrupt is within the rules */
    start(NULL);
    check(stays_away(0, DOMU_UART_INTID));
    mmio_write32((char *)DOMU_UART_BASE + UART_ICR, 0x7ff);
    retire(DOMU_UART_INTID);
}

static void test_disabled_waits(void)
{
    prepare(SPI, PRIORITY_DEFAULT);
    gic_set(GICD_ICENABLER, SPI);
    check(!gic_get(GICD_ISENABLER, SPI));
    start(NULL);
    gic_set(GICD_ISPENDR, SPI);
    check(stays_away(0, SPI));
    check(gic_get(GICD_ISPENDR, SPI));
    gic_set(GICD_ISENABLER, SPI);
    check(gic_get(GICD_ICENABLER, SPI));
    check(comes(0, SPI));
    retire(SPI);
}

/* What was handed to the CPU interface can still be taken back. */
static void test_taken_back_while_masked(void)
{
    prepare(SPI, PRIORITY_DEFAULT);
    prepare(SPI + 1, PRIORITY_DEFAULT);
    start(NULL);
    irq_disable();
    gic_set(GICD_ISPENDR, SPI);
    gic_set(GICD_ISPENDR, SPI + 1);
    gic_set(GICD_ICENABLER, SPI);
    gic_set(GICD_ICPENDR, SPI + 1);
    check(gic_get(GICD_ISPENDR, SPI));
    check(!gic_get(GICD_ISPENDR, SPI + 1));
    irq_enable();
    check(stays_away(0, SPI));
    check(stays_away(0, SPI + 1));
    gic_set(GICD_ISENABLER, SPI);
    check(comes(0, SPI));
    retire(SPI);
    retire(SPI + 1);
}

static bool look_at_state(uint32_t iar)
{
    uint32_t intid = iar & 0x3ff;
    check(gic_get(GICD_ISACTIVER, intid));
    check(!gic_get(GICD_ISPENDR, intid));
    check_equal(gic_running(), 0x48);
    return true;
}

static void test_active_state(void)
{
    prepare(SPI, 0x48);
    start(look_at_state);
    gic_set(GICD_ISPENDR, SPI);
    check(comes(0, SPI));
    check(!gic_get(GICD_ISACTIVER, SPI));
    check_equal(gic_running() & 0xf8, 0xf8); /* idle */
    retire(SPI);
}

static void test_active_by_software(void)
{
    prepare(SPI, PRIORITY_DEFAULT);
    start(NULL);
    gic_set(GICD_ISACTIVER, SPI);
    check(gic_get(GICD_ICACTIVER, SPI));
    gic_set(GICD_ISPENDR, SPI);
    check(stays_away(0, SPI));
    gic_set(GICD_ICACTIVER, SPI);
    check(comes(0, SPI));
    retire(SPI);
}

static void test_priority_mask(void)
{
    prepare(SPI, 0xa0);
    prepare(SPI + 1, 0x40);
    start(NULL);
    gic_mask(0x80);
    gic_set(GICD_ISPENDR, SPI);
    check(stays_away(0, SPI));
    gic_set(GICD_ISPENDR, SPI + 1);
    check(comes(0, SPI + 1));
    check_equal(irq_taken(0, SPI), 0);
    gic_mask(0xff);
    check(comes(0, SPI));
    gic_mask(0);
    gic_set(GICD_ISPENDR, SPI + 1);
    delay_us(NEVER);
    check_equal(irq_taken(0, SPI + 1), 1);
    gic_mask(0xff);
    check(WAIT(irq_taken(0, SPI + 1) == 2, SOON));
    retire(SPI);
    retire(SPI + 1);
}

static void test_priority_registers(void)
{
    char *where = (char *)DOMU_GICD_BASE + GICD_IPRIORITYR + SPI;
    mmio_write32(where, 0x10203040);
    check_equal(mmio_read32(where), 0x10203040);
    mmio_write8(where + 2, 0xf8);
    check_equal(mmio_read32(where), 0x10f83040);
    mmio_write32(where, 0x01010101u * PRIORITY_DEFAULT);
}

/* A new priority counts for an interrupt that is pending already. */
static void test_priority_change_while_pending(void)
{
    prepare(SPI, 0x60);
    prepare(SPI + 1, 0x80);
    start(NULL);
    irq_disable();
    gic_set(GICD_ISPENDR, SPI);
    gic_set(GICD_ISPENDR, SPI + 1);
    gic_priority(SPI + 1, 0x40);
    irq_enable();
    check(WAIT(irq_log[0].count == 2, SOON));
    /* the CPU interface may have it at its old priority already: either order, but both */
    check_equal(irq_taken(0, SPI), 1);
    check_equal(irq_taken(0, SPI + 1), 1);
    retire(SPI);
    retire(SPI + 1);
}

static bool let_others_in(uint32_t iar)
{
    if ((iar & 0x3ff) != SPI)
        return true;
    gic_set(GICD_ISPENDR, SPI + 1); /* less urgent: has to wait */
    gic_set(GICD_ISPENDR, SPI + 2); /* more urgent: now */
    uint64_t elr = sysreg_read(elr_el1), spsr = sysreg_read(spsr_el1);
    irq_enable();
    check(comes(0, SPI + 2));
    check(stays_away(0, SPI + 1));
    irq_disable();
    sysreg_write(elr_el1, elr);
    sysreg_write(spsr_el1, spsr);
    return true;
}

static void test_preemption(void)
{
    prepare(SPI, 0x80);
    prepare(SPI + 1, 0xa0);
    prepare(SPI + 2, 0x40);
    start(let_others_in);
    gic_set(GICD_ISPENDR, SPI);
    check(comes(0, SPI + 1));
    check_equal(irq_log[0].count, 3);
    check_equal(irq_log[0].iar[0], SPI);
    check_equal(irq_log[0].iar[1], SPI + 2);
    check_equal(irq_log[0].iar[2], SPI + 1);
    retire(SPI);
    retire(SPI + 1);
    retire(SPI + 2);
}

static bool drop_only(uint32_t iar)
{
    gic_eoi(iar);
    return false;
}

static void test_split_end_of_interrupt(void)
{
    prepare(SPI, PRIORITY_DEFAULT);
    prepare(SPI + 1, PRIORITY_DEFAULT);
    gic_eoi_mode(true);
    start(drop_only);
    gic_set(GICD_ISPENDR, SPI);
    check(comes(0, SPI));
    check(gic_get(GICD_ISACTIVER, SPI));
    gic_set(GICD_ISPENDR, SPI); /* again, but it is still active */
    gic_set(GICD_ISPENDR, SPI + 1);
    check(comes(0, SPI + 1)); /* priority was dropped */
    delay_us(NEVER);
    check_equal(irq_taken(0, SPI), 1);
    gic_deactivate(SPI);
    check(WAIT((nudge(), irq_taken(0, SPI) == 2), SOON));
    gic_deactivate(SPI);
    gic_deactivate(SPI + 1);
    check(!gic_get(GICD_ISACTIVER, SPI));
    check(!gic_get(GICD_ISACTIVER, SPI + 1));
    gic_eoi_mode(false);
    retire(SPI);
    retire(SPI + 1);
}

/* Each handler is interrupted by the next one: more active interrupts than list registers. */
#define DEPTH 12u

static bool go_deeper(uint32_t iar)
{
    uint32_t intid = iar & 0x3ff;
    if (intid + 1 == SPI + DEPTH)
        return true;
    uint64_t elr = sysreg_read(elr_el1), spsr = sysreg_read(spsr_el1);
    gic_set(GICD_ISPENDR, intid + 1);
    irq_enable();
    check(comes(0, intid + 1));
    irq_disable();
    sysreg_write(elr_el1, elr);
    sysreg_write(spsr_el1, spsr);
    check(gic_get(GICD_ISACTIVER, intid));
    return true;
}

static void test_many_active(void)
{
    for (uint32_t i = 0; i < DEPTH; i++)
        prepare(SPI + i, (uint8_t)(0xf0 - 16 * i));
    start(go_deeper);
    gic_set(GICD_ISPENDR, SPI);
    check(comes(0, SPI));
    for (uint32_t i = 0; i < DEPTH; i++) {
        check_equal(irq_taken(0, SPI + i), 1);
        check(!gic_get(GICD_ISACTIVER, SPI + i));
    }
    start(NULL);
    for (uint32_t i = 0; i < DEPTH; i++) {
        gic_set(GICD_ISPENDR, SPI + i);
        check(comes(0, SPI + i));
        retire(SPI + i);
    }
}

static void test_distributor_off(void)
{
    char *ctlr = (char *)DOMU_GICD_BASE + GICD_CTLR;
    uint32_t on = mmio_read32(ctlr);
    prepare(SPI, PRIORITY_DEFAULT);
    start(NULL);
    mmio_write32(ctlr, on & ~3u);
    gic_set(GICD_ISPENDR, SPI);
    check(stays_away(0, SPI));
    mmio_write32(ctlr, on);
    check(comes(0, SPI));
    check_equal(mmio_read32(ctlr) & 0x1f, on & 0x1f);
    retire(SPI);
}

static void test_cpu_interface_off(void)
{
    prepare(SPI, PRIORITY_DEFAULT);
    start(NULL);
    gic_group_enable(false);
    gic_set(GICD_ISPENDR, SPI);
    check(stays_away(0, SPI));
    gic_group_enable(true);
    check(comes(0, SPI));
    retire(SPI);
}

static void test_spurious_and_highest_pending(void)
{
    start(NULL);
    irq_disable();
    check_equal(gic_highest_pending(), SPURIOUS);
    check_equal(gic_ack() & 0x3ff, SPURIOUS);
    prepare(SPI, PRIORITY_DEFAULT);
    gic_set(GICD_ISPENDR, SPI);
    check(WAIT(gic_highest_pending() == SPI, SOON));
    check(WAIT(sysreg_read(isr_el1) & BIT(7), SOON));
    irq_enable();
    check(comes(0, SPI));
    retire(SPI);
}

static void test_distributor_registers(void)
{
    char *gicd = (char *)DOMU_GICD_BASE;
    uint32_t typer = mmio_read32(gicd + GICD_TYPER);
    check(FIELD(typer, 4, 0) >= 3);
    if (gic_version() == 2)
        check_equal(FIELD(typer, 7, 5) + 1, cpu_total);
    check_equal(FIELD(mmio_read32(gicd + (gic_version() == 3 ? 0xffe8 : 0xfe8)), 7, 4),
                gic_version());
    check_equal(mmio_read32(gicd + GICD_ISENABLER) & 0xffff, gic_version() == 3 ? 0 : 0xffff);
    mmio_write32(gicd + 0x0c, UINT32_MAX); /* reserved */
    check_equal(mmio_read32(gicd + 0xff0) & ~0xffu, 0);
    if (gic_version() == 3) {
        char *router = gicd + GICD_IROUTER + 8 * SPI;
        mmio_write64(router, 0x80000000);
        check_equal(mmio_read64(router) & 0x80000000, 0x80000000);
        mmio_write64(router, 0);
        check_equal(mmio_read64(router), 0);
        check_equal(mmio_read32(router), 0);
    }
}

/* Beyond the last interrupt everything reads as zero and ignores writes. */
static void test_intids_that_do_not_exist(void)
{
    char *gicd = (char *)DOMU_GICD_BASE;
    uint32_t lines = 32 * ((mmio_read32(gicd + GICD_TYPER) & 31) + 1);
    if (lines >= 1020) {
        skip("all INTIDs exist");
        return;
    }
    for (uint32_t intid = (lines + 31) & ~31u; intid < 1020; intid += 32) {
        mmio_write32(gicd + GICD_ISENABLER + intid / 8, UINT32_MAX);
        mmio_write32(gicd + GICD_ISPENDR + intid / 8, UINT32_MAX);
        mmio_write32(gicd + GICD_IPRIORITYR + intid, UINT32_MAX);
        check_equal(mmio_read32(gicd + GICD_ISENABLER + intid / 8), 0);
        check_equal(mmio_read32(gicd + GICD_ISPENDR + intid / 8), 0);
        check_equal(mmio_read32(gicd + GICD_IPRIORITYR + intid), 0);
    }
    check_equal(gic_highest_pending(), SPURIOUS);
}

/* Reads all of the frames in all sizes, writes zeros to set registers: answers, no hang. */
static void test_whole_frame(void)
{
    char *gicd = (char *)DOMU_GICD_BASE;
    struct caught caught = CATCH({
        for (uint64_t offset = 0; offset < DOMU_GICD_SIZE / 16; offset += 4) {
            (void)mmio_read32(gicd + offset);
            __asm__ volatile("ldrb w9, [%0]" : : "r"(gicd + offset + 1) : "x9");
            __asm__ volatile("ldrh w9, [%0]" : : "r"(gicd + offset + 2) : "x9");
            if (offset % 8 == 0)
                (void)mmio_read64(gicd + offset);
        }
    });
    check(caught.count == 0 || FSC(caught) == FSC_EXTERNAL);
    if (gic_version() == 3)
        for (uint64_t offset = 0; offset < 0x20000; offset += 0x44)
            (void)CATCH((void)mmio_read32((char *)DOMU_GICR_BASE + offset));
    start(NULL);
    gic_sgi(2, BIT32(0));
    check(comes(0, 2));
}

const struct payload_test payload_tests[] = {
    {"SPIs by GICD_ISPENDR", test_spi, 0, false},
    {"SPI routing", test_spi_goes_where_it_is_routed, 2, false},
    {"SPI routing while pending", test_spi_is_rerouted_while_pending, 2, true},
    {"40 SPIs at once: each once, by priority", test_flood, 0, false},
    {"32 pending SPIs enabled by one write", test_flood_by_enabling, 0, false},
    {"edge: again while active", test_edge_while_active, 0, false},
    {"edge: twice before it is taken is once", test_edge_coalesces, 0, false},
    {"level: comes until the device is quiet", test_level_stays, 0, false},
    {"level: a line that drops", test_level_that_drops, 0, false},
    {"disabled: waits", test_disabled_waits, 0, false},
    {"pending: can be taken back", test_taken_back_while_masked, 0, false},
    {"active state in the handler", test_active_state, 0, false},
    {"active state by software", test_active_by_software, 0, false},
    {"priority mask", test_priority_mask, 0, false},
    {"priority registers by byte and word", test_priority_registers, 0, false},
    {"priority change while pending", test_priority_change_while_pending, 0, false},
    {"preemption by priority", test_preemption, 0, false},
    {"EOImode 1: drop and deactivate apart", test_split_end_of_interrupt, 0, false},
    {"more active interrupts than list registers", test_many_active, 0, false},
    {"distributor disabled", test_distributor_off, 0, false},
    {"CPU interface disabled", test_cpu_interface_off, 0, false},
    {"spurious, highest pending, ISR_EL1", test_spurious_and_highest_pending, 0, false},
    {"distributor registers", test_distributor_registers, 0, false},
    {"INTIDs that do not exist", test_intids_that_do_not_exist, 0, true},
    {"every offset of the frames answers", test_whole_frame, 0, false},
    {NULL, NULL, 0, false},
};
