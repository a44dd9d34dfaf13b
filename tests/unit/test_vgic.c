/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GIC against the plain model: random operations by guests, devices and the scheduler;
 * after each one both must offer the same interrupts to every vCPU, read the same through
 * registers, and what a guest acknowledges must be the most urgent one there is.
 */
#include "vgic_naive.h"

#include "platform/cpu.h"

/* The interrupts in play: few, so that they meet. */
static const unsigned ppis[] = {0, 1, 2, 15, 27, 30, 31};
static const unsigned spis[] = {32, 33, 40, 62, 63, 64, 65, 90, 94, 95};

struct setup {
    unsigned version, nr_lrs, nr_irqs;
    bool hardware; /* SPIs are */
    bool overflow; /* more interrupts than list registers: guests behave as Linux does */
    bool late;     /* guests deactivate late (EOImode 1) */
};
static struct setup setup;

static unsigned pick_intid(void)
{
    unsigned n = (unsigned)unit_random_below(ARRAY_SIZE(ppis) + ARRAY_SIZE(spis));

    return n < ARRAY_SIZE(ppis) ? ppis[n] : spis[n - ARRAY_SIZE(ppis)];
}

static bool is_hw(unsigned intid)
{
    return intid == VTIMER || (intid >= 32 && setup.hardware);
}

static bool is_sgi_v2(unsigned intid)
{
    return intid < 16 && setup.version == 2;
}

static unsigned pick_loaded(void)
{
    unsigned v;

    do
        v = (unsigned)unit_random_below(VCPUS);
    while (machine.vcpu[v].pcpu == NOT_LOADED);
    return v;
}

/* A register of one bit per interrupt; GICv3 has the private ones in the vCPU's redistributor. */
static uint64_t bit_register(unsigned v, unsigned reg, unsigned intid, bool write, uint64_t bits)
{
    if (setup.version == 3 && intid < 32)
        return machine_gicr(v, v, GICR_SGI + reg, 4, write, bits);
    return machine_gicd(v, reg + intid / 32 * 4, 4, write, bits);
}

static void write_bit(unsigned v, unsigned reg, unsigned intid)
{
    bit_register(v, reg, intid, true, BIT32(intid % 32));
}

static void timer_fired(unsigned vcpu)
{
    naive_irq(vcpu, VTIMER)->latch = true;
}

static void op_enable(unsigned v, unsigned intid)
{
    bool on = unit_random_below(3);

    write_bit(v, on ? GICD_ISENABLER : GICD_ICENABLER, intid);
    naive_irq(v, intid)->enabled = on;
}

/* The hardware cannot tell one that comes while it waits at the vCPU from a second one: not done.
 */
static bool may_pend(unsigned v, unsigned intid)
{
    return !is_hw(intid) ||
           (intid >= 32 && (!naive_pending(naive_irq(v, intid)) || !naive_irq(v, intid)->enabled));
}

static void op_pend_by_guest(unsigned v, unsigned intid)
{
    if (!may_pend(v, intid) || is_sgi_v2(intid))
        return;
    if (is_hw(intid) && !naive_irq(v, intid)->edge) /* forgotten when taken, then disabled */
        return;
    write_bit(v, GICD_ISPENDR, intid);
    naive_irq(v, intid)->latch = true;
}

static void op_unpend_by_guest(unsigned v, unsigned intid)
{
    write_bit(v, GICD_ICPENDR, intid);
    if (!is_sgi_v2(intid))
        naive_irq(v, intid)->latch = false;
}

static void op_active_by_guest(unsigned v, unsigned intid)
{
    struct naive_irq *irq = naive_irq(v, intid);

    if (setup.overflow || is_sgi_v2(intid) || (intid >= 32 && irq->route == VGIC_NOBODY))
        return;
    if (!irq->active)
        irq->owner = intid < 32 ? (uint8_t)v : irq->route;
    irq->active = !is_hw(intid) && unit_random_below(2);
    write_bit(v, irq->active ? GICD_ISACTIVER : GICD_ICACTIVER, intid);
}

/* A device: an edge, or a change of a level. */
static void op_device(unsigned v, unsigned intid)
{
    struct naive_irq *irq = naive_irq(v, intid);
    struct physical_irq *physical = &machine.irq[intid];

    if (intid < 16 || intid == VTIMER)
        return;
    if (intid < 32 || !setup.hardware) {
        if (unit_random_below(2)) {
            vgic_set_pending(&machine.vgic, v, intid);
            irq->latch = true;
        } else {
            bool level = unit_random_below(2);
            irq->latch |= irq->edge && level && !irq->line;
            irq->line = level;
            vgic_set_level(&machine.vgic, v, intid, irq->line);
        }
    } else if (irq->edge && may_pend(v, intid)) {
        physical->pending = true;
        irq->latch = true;
    } else if (!irq->edge && (!physical->line || irq->active)) {
        physical->line = !physical->line;
        irq->line = physical->line;
    }
}

static void op_timer(unsigned v, unsigned intid)
{
    (void)intid;
    /* Falls only when the guest sees to it, in its handler. */
    if (!machine.vcpu[v].timer_line || naive_irq(v, VTIMER)->active)
        machine.vcpu[v].timer_line ^= 1;
}

static void op_priority(unsigned v, unsigned intid)
{
    struct naive_irq *irq = naive_irq(v, intid);
    uint8_t priority = (uint8_t)(unit_random_below(6) * 24);

    if (setup.overflow && (intid < 32 || irq->active))
        return; /* guests that reorder active interrupts confuse the count of ends */
    irq->priority = priority;
    if (setup.version == 3 && intid < 32)
        machine_gicr(v, v, GICR_SGI + GICD_IPRIORITYR + intid, 1, true, priority | 3);
    else
        machine_gicd(v, GICD_IPRIORITYR + intid, 1, true, priority | 3);
}

static void op_route(unsigned v, unsigned intid)
{
    struct naive_irq *irq = naive_irq(v, intid);

    if (intid < 32)
        return;
    if (setup.version == 2) {
        irq->targets = (uint8_t)unit_random_below(1 << VCPUS);
        irq->route = irq->targets ? (uint8_t)__builtin_ctz(irq->targets) : VGIC_NOBODY;
        machine_gicd(v, GICD_ITARGETSR + intid, 1, true, irq->targets | 0xe0);
    } else {
        unsigned target = (unsigned)unit_random_below(VCPUS + 1);
        irq->route = target < VCPUS ? (uint8_t)target : VGIC_NOBODY;
        machine_gicd(v, GICD_IROUTER + 8 * intid, 8, true, vcpu_mpidr(target));
    }
}

static void op_config(unsigned v, unsigned intid)
{
    struct naive_irq *irq = naive_irq(v, intid);
    unsigned reg = GICD_ICFGR + intid / 16 * 4;
    uint64_t value, bit = 2ul << (intid % 16 * 2);

    if (is_hw(intid) && (naive_pending(irq) || irq->active || irq->line))
        return;
    if (intid == VTIMER)
        return;
    if (setup.version == 3 && intid < 32) {
        value = machine_gicr(v, v, GICR_SGI + reg, 4, false, 0);
        machine_gicr(v, v, GICR_SGI + reg, 4, true, value ^ bit);
    } else {
        value = machine_gicd(v, reg, 4, false, 0);
        machine_gicd(v, reg, 4, true, value ^ bit);
    }
    assert_int_equal(!!(value & bit), irq->edge);
    irq->edge ^= intid >= 16;
}

static void op_group(unsigned v, unsigned intid)
{
    uint64_t value = bit_register(v, GICD_IGROUPR, intid, false, 0);

    assert_int_equal(value >> (intid % 32) & 1, naive_irq(v, intid)->group1);
    bit_register(v, GICD_IGROUPR, intid, true, value ^ BIT32(intid % 32));
    naive_irq(v, intid)->group1 ^= 1;
}

static void op_ctlr(unsigned v, unsigned intid)
{
    uint64_t value = unit_random_below(4) ? 3 : unit_random_below(4);

    (void)intid;
    machine_gicd(v, GICD_CTLR, 4, true, value | 0xfffffff0);
    naive.groups[0] = value & 1;
    naive.groups[1] = value & 2;
}

static void op_vmcr(unsigned v, unsigned intid)
{
    uint32_t groups = unit_random_below(4) ? 3 : (uint32_t)unit_random_below(4);
    uint32_t mask = unit_random_below(4) ? 0xf8 : (uint32_t)unit_random_below(32) * 8;

    (void)intid;
    if (setup.overflow && groups) /* one group alone may starve behind the other, held back, one */
        groups = 3;
    *machine_vmcr(v) = mask << 24 | groups;
}

static void op_sgi(unsigned v, unsigned intid)
{
    unsigned sgi = ppis[intid % 4];
    unsigned targets = (unsigned)unit_random_below(1 << VCPUS);
    bool others = !unit_random_below(4);

    if (others)
        targets = ((1u << VCPUS) - 1) & ~BIT32(v);
    if (setup.version == 2)
        machine_gicd(v, GICD_SGIR, 4, true, sgi | targets << 16 | (others ? 1u << 24 : 0));
    else
        machine_sgi1r(v, (others ? BIT(40) : targets) | (uint64_t)sgi << 24);
    for (unsigned t = 0; t < VCPUS; t++) {
        if (!(targets & BIT32(t)))
            continue;
        if (setup.version == 2)
            naive_irq(t, sgi)->sources |= (uint8_t)BIT32(v);
        else
            naive_irq(t, sgi)->latch |= naive_irq(t, sgi)->group1;
    }
}

static void op_sgi_pending(unsigned v, unsigned intid)
{
    unsigned sgi = ppis[intid % 4];
    uint8_t bits = (uint8_t)unit_random_below(1 << VCPUS), *sources;

    if (setup.version != 2)
        return;
    sources = &naive_irq(v, sgi)->sources;
    assert_int_equal(machine_gicd(v, GICD_SPENDSGIR + sgi, 1, false, 0), *sources);
    if (unit_random_below(2)) {
        machine_gicd(v, GICD_SPENDSGIR + sgi, 1, true, bits);
        *sources |= bits;
    } else {
        machine_gicd(v, GICD_CPENDSGIR + sgi, 1, true, bits);
        *sources &= (uint8_t)~bits;
    }
}

static void op_switch(unsigned v, unsigned intid)
{
    unsigned other = (unsigned)unit_random_below(VCPUS);
    unsigned pcpu = machine.vcpu[v].pcpu;

    (void)intid;
    if (machine.vcpu[other].pcpu != NOT_LOADED && other != v)
        return;
    machine_unload(v);
    machine_load(other, pcpu);
}

static void op_ack(unsigned v, unsigned intid)
{
    unsigned best = naive_best(v);
    struct taken taken;

    (void)intid;
    if (!machine_ack(v, &taken)) {
        assert_int_equal(best, 0x100);
        return;
    }
    assert_int_equal(naive_irq(v, taken.intid)->priority, best);
    naive_ack(v, &taken);
}

static void op_eoi(unsigned v, unsigned intid)
{
    struct virtual_cpu *vcpu = &machine.vcpu[v];
    struct taken taken;

    (void)intid;
    if (vcpu->depth && setup.late && vcpu->late_count < MAX_NESTED - 1 && unit_random_below(2)) {
        machine_drop(v);
    } else if (vcpu->late_count && unit_random_below(2)) {
        machine_deactivate(v, (unsigned)unit_random_below(vcpu->late_count), &taken);
        naive_end(v, &taken);
    } else if (vcpu->depth) {
        machine_eoi(v, &taken);
        naive_end(v, &taken);
    }
}

/*
 * Pending and active as registers show them. What another vCPU has in hand is known once it has
 * been asked: the second reading is right.
 */
static void check_state_registers(unsigned v, unsigned intid)
{
    uint64_t pending, active;

    bit_register(v, GICD_ISPENDR, intid, false, 0);
    machine_settle();
    pending = bit_register(v, GICD_ICPENDR, intid, false, 0);
    machine_settle();
    bit_register(v, GICD_ISACTIVER, intid, false, 0);
    machine_settle();
    active = bit_register(v, GICD_ICACTIVER, intid, false, 0);
    machine_settle();
    for (unsigned i = intid & ~31u; i < (intid | 31); i++) {
        struct naive_irq *irq = naive_irq(v, i);
        assert_int_equal(pending >> (i % 32) & 1, naive_pending(irq));
        assert_int_equal(active >> (i % 32) & 1, irq->active);
        assert_int_equal(bit_register(v, GICD_ISENABLER, i, false, 0) >> (i % 32) & 1,
                         irq->enabled);
    }
}

/* Both must say the same about WFI; physical interrupts must be held by somebody. */
static void check(void)
{
    for (unsigned v = 0; v < VCPUS; v++) {
        unsigned pcpu = machine.vcpu[v].pcpu;
        bool deliverable;

        host_cpu_id = pcpu == NOT_LOADED ? 0 : pcpu;
        deliverable = vgic_has_deliverable(&machine.vgic, &machine.vcpu[v].vgic);
        assert_int_equal(deliverable, naive_best(v) < 0x100);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(spis) && setup.hardware; i++) {
        struct physical_irq *physical = &machine.irq[spis[i]];
        struct naive_irq *irq = naive_irq(0, spis[i]);

        if (physical->active)
            assert_true(irq->active || naive_pending(irq));
        assert_int_equal(physical->enabled, irq->enabled);
        assert_int_equal(physical->edge, irq->edge);
        if (irq->enabled && irq->route != VGIC_NOBODY)
            assert_int_equal(physical->pcpu, machine.vcpu[irq->route].vgic.pcpu);
    }
}

static void (*const ops[])(unsigned v, unsigned intid) = {
    op_enable,
    op_enable,
    op_enable,
    op_pend_by_guest,
    op_unpend_by_guest,
    op_device,
    op_device,
    op_device,
    op_active_by_guest,
    op_timer,
    op_timer,
    op_route,
    op_priority,
    op_config,
    op_group,
    op_ctlr,
    op_vmcr,
    op_sgi,
    op_sgi,
    op_sgi_pending,
    op_switch,
    op_switch,
    check_state_registers,
};

/* What others do meets the guest's list registers one by one, or several at once. */
static void step(void)
{
    if (unit_random_below(2)) {
        unsigned v = pick_loaded();
        unit_random_below(5) < 3 ? op_ack(v, 0) : op_eoi(v, 0);
    } else {
        for (uint64_t n = 1 + unit_random_below(4) / 3 * unit_random_below(8); n > 0; n--)
            ops[unit_random_below(ARRAY_SIZE(ops))](pick_loaded(), pick_intid());
    }
    machine_settle();
    check();
}

static void start(uint64_t seed, const struct setup *wanted)
{
    setup = *wanted;
    unit_random_seed(seed);
    machine_init(setup.version, setup.nr_lrs, setup.nr_irqs, setup.hardware);
    machine.timer_fired = timer_fired;
    naive_init(setup.version, setup.nr_irqs);
    for (unsigned p = 0; p < PCPUS; p++)
        machine_load(p, p);
    for (unsigned v = 0; v < VCPUS; v++) /* priorities of private interrupts stay in overflow */
        for (unsigned i = 0; i < 32; i++)
            naive.private[v][i].priority = machine.vcpu[v].vgic.private.priority[i] =
                (uint8_t)(unit_random_below(4) * 32);
}

/* Lets every guest take and end everything: nothing may be stuck. */
static void drain(void)
{
    op_ctlr(pick_loaded(), 0);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned v = 0; v < VCPUS; v++) {
            struct taken taken;
            if (machine.vcpu[v].pcpu == NOT_LOADED) {
                unsigned other = pick_loaded(), pcpu = machine.vcpu[other].pcpu;
                machine_unload(other);
                machine_load(v, pcpu);
            }
            machine_settle();
            while (machine.vcpu[v].depth) {
                op_eoi(v, 0);
                machine_settle();
            }
            while (machine.vcpu[v].late_count) {
                machine_deactivate(v, 0, &taken);
                naive_end(v, &taken);
                machine_settle();
            }
            *machine_vmcr(v) = 0xf8000003;
            machine.vcpu[v].timer_line = false;
            for (unsigned n = 0; naive_best(v) < 0x100 && n < 100; n++) {
                op_ack(v, 0);
                machine_settle();
                op_eoi(v, 0);
                machine_settle();
            }
            check();
        }
}

static void run(const struct setup *wanted)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        start(seed * 7919, wanted);
        for (unsigned i = 0; i < 1500; i++)
            step();
        drain();
        for (unsigned v = 0; v < VCPUS; v++)
            if (machine.vcpu[v].pcpu != NOT_LOADED)
                machine_unload(v);
        vgic_destroy(&machine.vgic);
        for (unsigned i = 32; i < setup.nr_irqs; i++)
            assert_false(machine.irq[i].active || machine.irq[i].enabled || machine.irq[i].pending);
        machine_exit();
    }
}

#define RANDOM_TEST(name, ...)                                                                     \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        run(&(struct setup){__VA_ARGS__});                                                         \
    }

RANDOM_TEST(v2_virtual, .version = 2, .nr_lrs = 16, .nr_irqs = 128)
RANDOM_TEST(v3_virtual, .version = 3, .nr_lrs = 16, .nr_irqs = 128)
RANDOM_TEST(v2_hardware, .version = 2, .nr_lrs = 16, .nr_irqs = 96, .hardware = true)
RANDOM_TEST(v3_hardware, .version = 3, .nr_lrs = 16, .nr_irqs = 1020, .hardware = true)
RANDOM_TEST(v2_overflow, .version = 2, .nr_lrs = 4, .nr_irqs = 128, .overflow = true)
RANDOM_TEST(v3_overflow, .version = 3, .nr_lrs = 4, .nr_irqs = 128, .overflow = true)
RANDOM_TEST(v3_hardware_overflow, .version = 3, .nr_lrs = 4, .nr_irqs = 96, .hardware = true,
            .overflow = true)
RANDOM_TEST(v3_two_list_registers, .version = 3, .nr_lrs = 2, .nr_irqs = 128, .overflow = true)
RANDOM_TEST(v3_one_list_register, .version = 3, .nr_lrs = 1, .nr_irqs = 128, .overflow = true)
RANDOM_TEST(v3_late, .version = 3, .nr_lrs = 16, .nr_irqs = 128, .late = true)
RANDOM_TEST(v2_late_hardware, .version = 2, .nr_lrs = 16, .nr_irqs = 96, .late = true,
            .hardware = true)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v2_virtual),           cmocka_unit_test(v3_virtual),
        cmocka_unit_test(v2_hardware),          cmocka_unit_test(v3_hardware),
        cmocka_unit_test(v2_overflow),          cmocka_unit_test(v3_overflow),
        cmocka_unit_test(v3_hardware_overflow), cmocka_unit_test(v3_two_list_registers),
        cmocka_unit_test(v3_one_list_register), cmocka_unit_test(v3_late),
        cmocka_unit_test(v2_late_hardware),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
