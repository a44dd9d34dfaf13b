/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GIC's registers as a guest's driver reads them, hostile accesses of every kind, and
 * directed cases: what costs how many list-register writes, overflow, ends of level interrupts.
 */
#include "vgic_machine.h"

#include "platform/cpu.h"

static uint32_t gicd(unsigned offset)
{
    return (uint32_t)machine_gicd(0, offset, 4, false, 0);
}

static void gicd_set(unsigned offset, uint64_t value)
{
    machine_gicd(0, offset, 4, true, value);
    machine_settle();
}

static void start(unsigned version, unsigned nr_lrs, unsigned nr_irqs, bool hardware)
{
    machine_init(version, nr_lrs, nr_irqs, hardware);
    for (unsigned p = 0; p < PCPUS; p++)
        machine_load(p, p);
    gicd_set(GICD_CTLR, 3);
}

/* Enables an SPI at a priority, routed to vCPU 0. */
static void enable_spi(unsigned intid, uint8_t priority, bool edge)
{
    machine_gicd(0, GICD_IPRIORITYR + intid, 1, true, priority);
    uint64_t config = gicd(GICD_ICFGR + intid / 16 * 4) & ~(2ul << (intid % 16 * 2));
    gicd_set(GICD_ICFGR + intid / 16 * 4, config | (edge ? 2ul << (intid % 16 * 2) : 0));
    gicd_set(GICD_ISENABLER + intid / 32 * 4, BIT32(intid % 32));
}

static void pend(unsigned intid)
{
    vgic_set_pending(&machine.vgic, 0, intid);
    machine_settle();
}

/* vCPU 0 takes an interrupt: it must be this one. */
static void take(unsigned intid)
{
    struct taken taken;

    machine_settle();
    assert_true(machine_ack(0, &taken));
    assert_int_equal(taken.intid, intid);
    machine_settle();
}

static void take_nothing(void)
{
    struct taken taken;

    machine_settle();
    assert_false(machine_ack(0, &taken));
}

static void end(void)
{
    struct taken taken;

    machine_eoi(0, &taken);
    machine_settle();
}

static void identification(void **state)
{
    (void)state;
    start(2, 4, 128, false);
    assert_int_equal(gicd(GICD_TYPER), 3 | (VCPUS - 1) << 5);
    assert_int_equal(gicd(GICD_PIDR2_V2) >> 4 & 15, 2);
    assert_int_equal(gicd(GICD_CTLR), 3);
    for (unsigned v = 0; v < PCPUS; v++)
        assert_int_equal(machine_gicd(v, GICD_ITARGETSR + 28, 4, false, 0), 0x01010101u << v);
    machine_exit();

    start(3, 4, 1020, false);
    assert_int_equal(gicd(GICD_TYPER), 31 | 9 << 19);
    assert_int_equal(gicd(GICD_PIDR2_V3) >> 4 & 15, 3);
    assert_int_equal(gicd(GICD_CTLR), 3 | GICD_CTLR_ARE | GICD_CTLR_DS);
    gicd_set(GICD_ISENABLER + 31 * 4, 0xffffffff);
    assert_int_equal(gicd(GICD_ISENABLER + 31 * 4), 0x0fffffff);
    machine_exit();
}

static void redistributors(void **state)
{
    (void)state;
    start(3, 4, 128, false);
    machine.vcpu[VCPUS - 1].vgic.gicr_last = true;
    for (unsigned v = 0; v < VCPUS; v++) {
        uint64_t typer = (uint64_t)v << 32 | v << 8 | (v == VCPUS - 1 ? 1u << 4 : 0);
        assert_int_equal(machine_gicr(0, v, GICR_TYPER, 8, false, 0), typer);
        assert_int_equal(machine_gicr(0, v, GICR_TYPER, 4, false, 0), typer & 0xffffffff);
        assert_int_equal(machine_gicr(0, v, GICR_TYPER + 4, 4, false, 0), typer >> 32);
        assert_int_equal(machine_gicr(0, v, GICR_PIDR2, 4, false, 0) >> 4 & 15, 3);
        assert_int_equal(machine_gicr(0, v, GICR_WAKER, 4, false, 0), 0);
    }
    /* another vCPU's private interrupts are in its own frame, the distributor has none */
    machine_gicr(0, 1, GICR_SGI + GICD_ISENABLER, 4, true, 0x80000001);
    assert_int_equal(machine_gicr(1, 1, GICR_SGI + GICD_ISENABLER, 4, false, 0), 0x80000001);
    assert_int_equal(machine_gicr(0, 0, GICR_SGI + GICD_ISENABLER, 4, false, 0), 0);
    assert_int_equal(gicd(GICD_ISENABLER), 0);
    assert_int_equal(machine_gicr(0, 0, GICR_SGI + GICD_ISENABLER + 4, 4, false, 0), 0);
    assert_int_equal(machine_gicr(0, 0, GICR_SGI + GICD_ICFGR, 4, false, 0), 0xaaaaaaaa);
    machine_exit();
}

static void routing(void **state)
{
    unsigned router = GICD_IROUTER + 8 * 40;

    (void)state;
    start(3, 4, 128, false);
    machine_gicd(0, router, 8, true, 2);
    assert_int_equal(machine_gicd(0, router, 8, false, 0), 2);
    machine_gicd(0, router, 4, true, 1);
    machine_gicd(0, router + 4, 4, true, 0);
    assert_int_equal(machine_gicd(0, router, 8, false, 0), 1);
    machine_gicd(0, router, 8, true, GICD_IROUTER_IRM | 2); /* any: stays */
    assert_int_equal(machine_gicd(0, router, 8, false, 0), GICD_IROUTER_IRM);
    enable_spi(40, 0, true);
    assert_int_equal(vgic_set_pending(&machine.vgic, 0, 40), BIT(1));
    machine_gicd(0, router, 8, true, 0x100000000); /* nobody has Aff3 = 1 */
    assert_int_equal(vgic_set_pending(&machine.vgic, 0, 40) & ~BIT(1), 0);
    machine_settle();
    take_nothing();
    machine_gicd(0, router, 8, true, 0);
    take(40);
    machine_exit();
}

static void sgi1r(void **state)
{
    (void)state;
    start(3, 4, 32, false);
    for (unsigned v = 0; v < VCPUS; v++)
        machine_gicr(0, v, GICR_SGI + GICD_ISENABLER, 4, true, 0xffff);
    assert_int_equal(machine_sgi1r(0, 0xffff), (BIT(VCPUS) - 1) & ~1ul);
    assert_int_equal(machine_sgi1r(1, BIT(40) | 3 << 24), (BIT(VCPUS) - 1) & ~2ul);
    assert_int_equal(machine_sgi1r(0, 1 << 16 | 0xffff), 0); /* Aff1 = 1 */
    assert_int_equal(machine_sgi1r(0, BIT(32) | 0xffff), 0); /* Aff2 = 1 */
    assert_int_equal(machine_sgi1r(0, BIT(48) | 0xffff), 0); /* Aff3 = 1 */
    assert_int_equal(machine_sgi1r(0, BIT(44) | 0xffff), 0); /* range 1 */
    assert_int_equal(machine_sgi1r(0, 0xff0000 | 0xffff), 0);
    for (unsigned i = 0; i < 20000; i++)
        assert_int_equal(machine_sgi1r(i % PCPUS, unit_random()) >> VCPUS, 0);
    machine_exit();
}

/* Sender by sender, each an interrupt of its own. */
static void sgi_sources_v2(void **state)
{
    struct taken taken;

    (void)state;
    start(2, 4, 64, false);
    for (unsigned v = 0; v < PCPUS; v++)
        machine_gicd(v, GICD_SGIR, 4, true, BIT(16) | 5);
    assert_int_equal(machine_gicd(0, GICD_SPENDSGIR + 5, 1, false, 0), 7);
    for (unsigned v = 0; v < PCPUS; v++) {
        machine_settle();
        assert_true(machine_ack(0, &taken));
        assert_int_equal(taken.intid, 5);
        assert_int_equal(taken.source, v);
        assert_int_equal(machine_gicd(0, GICD_CPENDSGIR + 5, 1, false, 0), 6u << v & 7);
        machine_settle();
        end();
    }
    take_nothing();
    machine_exit();
}

/* The paths that guests take thousands of times a second write one list register each. */
static void hot_paths(void **state)
{
    (void)state;
    start(3, 4, 64, false);
    machine_gicr(0, 0, GICR_SGI + GICD_ISENABLER, 4, true, 0x08000003);
    enable_spi(40, 0x80, true);
    for (unsigned i = 0; i < 10; i++) {
        machine.lr_writes = 0;
        machine_sgi1r(0, 1);
        take(0);
        end();
        machine.vcpu[0].timer_line = true;
        take(27);
        machine.vcpu[0].timer_line = false;
        end();
        pend(40);
        take(40);
        end();
        assert_int_equal(machine.lr_writes, 3);
    }
    machine_exit();
}

/* An edge that comes while its interrupt is handled: one more, without a maintenance interrupt. */
static void edge_while_active(void **state)
{
    (void)state;
    start(3, 4, 64, false);
    enable_spi(40, 0x80, true);
    pend(40);
    take(40);
    pend(40);
    pend(40);
    end();
    take(40);
    end();
    take_nothing();
    machine_exit();
}

/* Another vCPU says that an interrupt is active: it does not come before it says the contrary. */
static void active_by_another(void **state)
{
    (void)state;
    start(3, 4, 64, false);
    enable_spi(40, 0x80, true);
    pend(40);
    take(40);
    end();
    machine_gicd(1, GICD_ISACTIVER + 4, 4, true, 1u << 8);
    pend(40);
    take_nothing();
    machine_gicd(1, GICD_ICACTIVER + 4, 4, true, 1u << 8);
    take(40);
    machine_exit();
}

static void level(void **state)
{
    (void)state;
    start(3, 4, 64, false);
    enable_spi(33, 0x80, false);
    vgic_set_level(&machine.vgic, 0, 33, true);
    take(33);
    end();
    take(33); /* still asserted */
    vgic_set_level(&machine.vgic, 0, 33, false);
    machine_settle();
    end();
    take_nothing();
    vgic_set_level(&machine.vgic, 0, 33, true);
    machine_settle();
    vgic_set_level(&machine.vgic, 0, 33, false); /* gone before it was taken */
    take_nothing();
    machine_exit();
}

/* Twelve at once on four list registers come in the order of their priorities. */
static void overflow_order(void **state)
{
    (void)state;
    start(3, 4, 64, false);
    for (unsigned i = 0; i < 12; i++)
        enable_spi(40 + i, (uint8_t)(0xb0 - 8 * i), true);
    for (unsigned i = 0; i < 12; i++)
        pend(40 + i);
    for (unsigned i = 12; i-- > 0;) {
        take(40 + i);
        end();
    }
    take_nothing();
    machine_exit();
}

/* Twelve nested handlers: the active ones lose their list registers and are ended all the same. */
static void overflow_nested(void **state)
{
    (void)state;
    start(2, 4, 64, true);
    for (unsigned i = 0; i < 12; i++)
        enable_spi(40 + i, (uint8_t)(0xb0 - 8 * i), true);
    for (unsigned i = 0; i < 12; i++) {
        machine.irq[40 + i].pending = true;
        take(40 + i);
    }
    for (unsigned i = 12; i-- > 0;) {
        assert_true(machine.irq[40 + i].active);
        end();
        assert_false(machine.irq[40 + i].active);
    }
    for (unsigned i = 0; i < 12; i++) { /* and they come again */
        machine.irq[40 + i].pending = true;
        take(40 + i);
        end();
    }
    machine_exit();
}

/* A guest that deactivates late cannot starve itself: pending ones get in beside active ones. */
static void overflow_late(void **state)
{
    struct taken taken;

    (void)state;
    start(3, 4, 64, false);
    for (unsigned i = 0; i < 10; i++)
        enable_spi(40 + i, 0x80, true);
    for (unsigned i = 0; i < 10; i++) {
        pend(40 + i);
        take(40 + i);
        machine_drop(0);
    }
    for (unsigned i = 10; i-- > 0;) {
        machine_deactivate(0, i, &taken);
        machine_settle();
    }
    for (unsigned i = 0; i < 10; i++) {
        pend(40 + i);
        take(40 + i);
        end();
    }
    machine_exit();
}

/* A hardware interrupt that the guest masks goes back to the hardware, and comes again with it. */
static void masked_hardware_interrupt(void **state)
{
    (void)state;
    start(3, 4, 64, true);
    enable_spi(40, 0x80, true);
    enable_spi(41, 0x80, false);
    machine.irq[40].pending = machine.irq[41].line = true;
    machine_settle();
    gicd_set(GICD_ICENABLER + 4, 3 << 8);
    take_nothing();
    assert_false(machine.irq[40].active || machine.irq[41].active);
    assert_true(machine.irq[40].pending);
    gicd_set(GICD_ISENABLER + 4, 3 << 8);
    take(40);
    end();
    take(41);
    machine.irq[41].line = false;
    end();
    take_nothing();
    machine_exit();
}

/* The guest pends its timer interrupt itself: no physical one is behind that, but behind the next.
 */
static void software_pends_hardware_interrupt(void **state)
{
    (void)state;
    start(3, 4, 64, false);
    machine_gicr(0, 0, GICR_SGI + GICD_ISENABLER, 4, true, BIT32(VTIMER));
    for (unsigned i = 0; i < 4; i++) {
        machine.vcpu[0].timer_line = i & 1;
        if (!(i & 1))
            machine_gicr(0, 0, GICR_SGI + GICD_ISPENDR, 4, true, BIT32(VTIMER));
        take(VTIMER);
        assert_int_equal(machine.pcpu[0].ppi_active, i & 1 ? BIT32(VTIMER) : 0);
        machine.vcpu[0].timer_line = false;
        end();
        assert_int_equal(machine.pcpu[0].ppi_active, 0);
        take_nothing();
    }
    machine_exit();
}

/* The timer interrupt of a vCPU that is switched out does not keep the next one's from coming. */
static void timer_across_switch(void **state)
{
    (void)state;
    start(3, 4, 64, false);
    machine_unload(1);
    machine_unload(2);
    for (unsigned v = 0; v < 2; v++)
        machine_gicr(0, v, GICR_SGI + GICD_ISENABLER, 4, true, BIT32(VTIMER));
    machine.vcpu[0].timer_line = machine.vcpu[1].timer_line = true;
    take(VTIMER);
    machine_unload(0);
    machine_load(1, 0);
    machine_settle();
    assert_true(machine.vcpu[1].vgic.private.cached & BIT32(VTIMER));
    machine_unload(1);
    machine_load(0, 1); /* elsewhere: active there now */
    machine_settle();
    assert_true(machine.pcpu[1].ppi_active & BIT32(VTIMER));
    machine.vcpu[0].timer_line = false;
    end();
    assert_false(machine.pcpu[1].ppi_active & BIT32(VTIMER));
    take_nothing();
    machine_exit();
}

static void reset_cpu(void **state)
{
    (void)state;
    start(3, 4, 64, false);
    machine_gicr(0, 1, GICR_SGI + GICD_ISENABLER, 4, true, 0xffffffff);
    vgic_set_pending(&machine.vgic, 1, 31);
    machine_settle();
    machine_unload(1);
    vgic_reset_cpu(&machine.vgic, 1);
    assert_false(vgic_has_deliverable(&machine.vgic, &machine.vcpu[1].vgic));
    assert_int_equal(machine.vcpu[1].vgic.interface.vmcr, 0);
    assert_int_equal(machine_gicr(0, 1, GICR_SGI + GICD_ISENABLER, 4, false, 0), 0);
    assert_int_equal(machine_gicr(0, 1, GICR_SGI + GICD_ISPENDR, 4, false, 0), 0);
    machine_exit();
}

static void bad_configs(void **state)
{
    struct vgic_cpu cpu = {0};
    const struct vgic good = {.version = 3, .nr_cpus = 1, .nr_irqs = 32, .cpu = {&cpu}};
    struct vgic vgic = good;

    (void)state;
    vgic_init(&vgic);
#define REFUSED(field, value)                                                                      \
    vgic = good;                                                                                   \
    vgic.field = value;                                                                            \
    expect_assert_failure(vgic_init(&vgic))
    REFUSED(version, 4);
    REFUSED(nr_cpus, 0);
    REFUSED(nr_cpus, VGIC_MAX_CPUS + 1);
    REFUSED(nr_irqs, 0);
    REFUSED(nr_irqs, 33);
    REFUSED(nr_irqs, 1024);
}

/* Every offset and size, in order and at random; guests run on in between. */
static void sweep(unsigned version, unsigned nr_irqs, bool hardware)
{
    static const unsigned sizes[] = {1, 2, 4, 8};
    struct taken taken;

    start(version, 4, nr_irqs, hardware);
    for (unsigned i = 0; i < 300000; i++) {
        unsigned v = (unsigned)unit_random_below(PCPUS);
        unsigned size = sizes[i % 4];
        uint64_t value = unit_random() & unit_random() & unit_random();
        unsigned offset = i < 100000 ? i * 4 / 5 : (unsigned)unit_random_below(0x1100);
        bool write = unit_random_below(2);

        offset -= unit_random_below(16) ? offset % size : 0;
        if (version == 2 || unit_random_below(2))
            machine_gicd(v, offset & 0xffff, size, write, value);
        else
            machine_gicr(v, i % VCPUS, (offset + i % 2 * GICR_SGI) & 0x1ffff, size, write, value);
        if (i % 7 == 0)
            vgic_set_level(&machine.vgic, v, (uint32_t)unit_random_below(1100), i & 1);
        if (i % 11 == 0)
            vgic_set_pending(&machine.vgic, i % 80, (uint32_t)unit_random());
        machine_settle();
        if (machine_ack(v, &taken) || machine.vcpu[v].depth > 10) {
            machine_settle();
            machine_eoi(v, &taken);
            machine_settle();
        }
    }
    machine_exit();
}

static void sweep_v2(void **state)
{
    (void)state;
    sweep(2, 96, false);
    sweep(2, 1020, false);
}

static void sweep_v3(void **state)
{
    (void)state;
    sweep(3, 96, false);
    sweep(3, 1020, false);
}

static void sweep_hardware(void **state)
{
    (void)state;
    sweep(2, 288, true);
    sweep(3, 288, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identification),
        cmocka_unit_test(redistributors),
        cmocka_unit_test(routing),
        cmocka_unit_test(sgi1r),
        cmocka_unit_test(sgi_sources_v2),
        cmocka_unit_test(hot_paths),
        cmocka_unit_test(edge_while_active),
        cmocka_unit_test(active_by_another),
        cmocka_unit_test(level),
        cmocka_unit_test(overflow_order),
        cmocka_unit_test(overflow_nested),
        cmocka_unit_test(overflow_late),
        cmocka_unit_test(masked_hardware_interrupt),
        cmocka_unit_test(software_pends_hardware_interrupt),
        cmocka_unit_test(timer_across_switch),
        cmocka_unit_test(reset_cpu),
        cmocka_unit_test(bad_configs),
        cmocka_unit_test(sweep_v2),
        cmocka_unit_test(sweep_v3),
        cmocka_unit_test(sweep_hardware),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
