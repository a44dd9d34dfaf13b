/* SPDX-License-Identifier: Apache-2.0 */
/* The machine of vgic_machine.h: a table of operations on memory, and its guests' CPU interface. */
#include "vgic_machine.h"

#include "lr_decode.h"

#include "platform/cpu.h"
#include "platform/mmio.h"

struct machine machine;

static volatile uint8_t distributor[0x10000], redistributor[0x1000]; /* addresses, never accessed */

static struct physical_cpu *here(void)
{
    return &machine.pcpu[host_cpu_id];
}

static unsigned vcpu_on(unsigned pcpu)
{
    for (unsigned v = 0; v < VCPUS; v++)
        if (machine.vcpu[v].pcpu == pcpu)
            return v;
    return NOT_LOADED;
}

/* Physical registers that the virtual GIC uses: one bit per interrupt, and ICFGR. */
static void write_bit(unsigned reg, uint32_t intid)
{
    struct physical_irq *irq = &machine.irq[intid];

    if (intid >= 1020)
        fail_msg("INTID %u", intid);
    if (reg == GICD_ISENABLER)
        irq->enabled = true;
    else if (reg == GICD_ICENABLER)
        irq->enabled = false;
    else if (reg == GICD_ISPENDR)
        irq->pending = true;
    else if (reg == GICD_ICPENDR)
        irq->pending = false;
    else
        fail_msg("write of physical register %x", reg);
}

void host_mmio_write(volatile void *address, uint64_t value, unsigned size)
{
    volatile uint8_t *at = address;

    assert_int_equal(size, 4);
    if (at >= redistributor && at < redistributor + sizeof(redistributor)) {
        assert_int_equal(at - redistributor, GICD_ISACTIVER);
        here()->ppi_active |= (uint32_t)value;
        return;
    }
    unsigned offset = (unsigned)(at - distributor);
    if (offset >= GICD_ICFGR) {
        for (unsigned i = 0; i < 16; i++)
            machine.irq[(offset - GICD_ICFGR) * 4 + i].edge = value >> (2 * i + 1) & 1;
        return;
    }
    for (unsigned i = 0; i < 32; i++)
        if (value >> i & 1)
            write_bit(offset & ~0x7fu, (offset & 0x7f) * 8 + i);
}

uint64_t host_mmio_read(const volatile void *address, unsigned size)
{
    const volatile uint8_t *at = address;
    uint64_t value = 0;

    assert_int_equal(size, 4);
    if (at >= redistributor && at < redistributor + sizeof(redistributor))
        return here()->ppi_active;
    unsigned offset = (unsigned)(at - distributor);
    if (offset >= GICD_ICFGR) {
        for (unsigned i = 0; i < 16; i++)
            value |= (uint64_t)machine.irq[(offset - GICD_ICFGR) * 4 + i].edge << (2 * i + 1);
        return value;
    }
    assert_int_equal(offset & ~0x7fu, GICD_ISPENDR);
    for (unsigned i = 0; i < 32 && (offset & 0x7f) * 8 + i < 1020; i++) {
        struct physical_irq *irq = &machine.irq[(offset & 0x7f) * 8 + i];
        value |= (uint64_t)(irq->pending || (irq->line && !irq->edge)) << i;
    }
    return value;
}

static volatile uint8_t *fake_frame(uint32_t intid)
{
    return intid < 32 ? redistributor : distributor;
}

static void fake_deactivate(uint32_t intid)
{
    if (intid < 32) {
        assert_true(here()->ppi_active & BIT32(intid));
        here()->ppi_active &= ~BIT32(intid);
    } else {
        assert_true(machine.irq[intid].active);
        machine.irq[intid].active = false;
    }
}

static void fake_route(uint32_t intid, unsigned cpu)
{
    machine.irq[intid].pcpu = cpu;
}

static uint32_t fake_lr_state(unsigned n)
{
    return here()->lr[n].state;
}

static void fake_lr_write(unsigned n, uint64_t encoded)
{
    struct lr lr = lr_decode_v3(encoded);

    lr.source = encoded >> 42 & 7;
    assert_true(n < gic_info.nr_lrs);
    assert_false(lr.hw && lr.state == (LR_PENDING | LR_ACTIVE));
    here()->lr[n] = lr;
    machine.lr_writes++;
}

static bool fake_lr_refill(unsigned n, uint64_t encoded)
{
    if (here()->lr[n].state)
        return false;
    fake_lr_write(n, encoded);
    return true;
}

/* GICv3's encoding, with the sender of GICv2's SGIs in bits that are free for it. */
static uint64_t fake_lr_encode(const struct lr *lr)
{
    assert_false(lr->hw && lr->eoi);
    return lr_encode_v3(lr) | (uint64_t)(lr->hw ? 0 : lr->source) << 42;
}

static uint32_t lrs_where(bool (*is)(const struct lr *))
{
    uint32_t set = 0;

    for (unsigned n = 0; n < gic_info.nr_lrs; n++)
        set |= is(&here()->lr[n]) ? BIT32(n) : 0;
    return set;
}

static bool is_empty(const struct lr *lr)
{
    return !lr->state && !lr->eoi;
}

static bool is_ended(const struct lr *lr)
{
    return !lr->state && lr->eoi;
}

static bool is_pending(const struct lr *lr)
{
    return lr->state & LR_PENDING;
}

static uint32_t fake_lr_empty(void)
{
    return lrs_where(is_empty);
}

static uint32_t fake_lr_ended(void)
{
    return lrs_where(is_ended);
}

static uint32_t fake_hcr_read(void)
{
    return here()->hcr;
}

static void fake_hcr_write(uint32_t hcr)
{
    here()->hcr = hcr;
}

static void fake_save(struct gic_interface *to)
{
    *to = here()->interface;
}

static void fake_load(const struct gic_interface *from)
{
    here()->interface = *from;
}

static uint32_t fake_threshold(const struct gic_interface *saved)
{
    uint32_t active = saved->apr[0][0];
    uint32_t running = active ? (uint32_t)__builtin_ctz(active) << 3 : 0x100;

    return MIN(saved->vmcr >> 24, running);
}

static const struct gic_ops fake_ops = {
    .frame = fake_frame,
    .deactivate = fake_deactivate,
    .route = fake_route,
};

static const struct gic_virt fake_virt = {
    .lr_encode = fake_lr_encode,
    .lr_write = fake_lr_write,
    .lr_refill = fake_lr_refill,
    .lr_state = fake_lr_state,
    .lr_empty = fake_lr_empty,
    .lr_ended = fake_lr_ended,
    .hcr_read = fake_hcr_read,
    .hcr_write = fake_hcr_write,
    .save = fake_save,
    .load = fake_load,
    .threshold = fake_threshold,
};

void machine_init(unsigned version, unsigned nr_lrs, unsigned nr_irqs, bool hardware)
{
    memset(&machine, 0, sizeof(machine));
    machine.vgic.version = (uint8_t)version;
    machine.vgic.nr_cpus = VCPUS;
    machine.vgic.nr_irqs = (uint16_t)nr_irqs;
    machine.vgic.hardware_spis = hardware;
    gic_ops = fake_ops;
    gic_virt = fake_virt;
    gic_info.nr_lrs = nr_lrs;
    for (unsigned p = 0; p < PCPUS; p++)
        machine.pcpu[p].hcr = HCR_EN;
    /* exactly as much as is asked for, so that ASan sees any overrun */
    machine.vgic.spi = machine.spi_memory = calloc(1, vgic_spi_bytes(nr_irqs));
    for (unsigned v = 0; v < VCPUS; v++) {
        machine.vgic.cpu[v] = &machine.vcpu[v].vgic;
        machine.vcpu[v].pcpu = NOT_LOADED;
    }
    vgic_init(&machine.vgic);
    for (unsigned v = 0; v < VCPUS; v++)
        machine.vcpu[v].vgic.interface.vmcr = 0xf8000000 | VMCR_GROUP0 | VMCR_GROUP1;
}

void machine_exit(void)
{
    free(machine.spi_memory);
}

void machine_load(unsigned vcpu, unsigned pcpu)
{
    struct virtual_cpu *v = &machine.vcpu[vcpu];

    assert_int_equal(vcpu_on(pcpu), NOT_LOADED);
    host_cpu_id = pcpu;
    if (v->vgic.pcpu != pcpu)
        vgic_set_pcpu(&machine.vgic, &v->vgic, pcpu);
    for (unsigned n = 0; n < gic_info.nr_lrs; n++)
        assert_true(is_empty(&here()->lr[n])); /* nothing of the one before is left */
    assert_int_equal(here()->ppi_active, 0);
    v->pcpu = pcpu;
    vgic_load(&machine.vgic, &v->vgic);
}

/* vgic_save may have others kicked; machine_settle looks at every loaded vCPU's flag. */
void machine_unload(unsigned vcpu)
{
    struct virtual_cpu *v = &machine.vcpu[vcpu];

    host_cpu_id = v->pcpu;
    vgic_save(&machine.vgic, &v->vgic);
    v->pcpu = NOT_LOADED;
    assert_int_equal(here()->hcr & 0xff, HCR_EN); /* EOIcount counts on, unused */
}

static uint64_t trap(mmio_handler_t handler, void *device, unsigned vcpu, unsigned offset,
                     unsigned size, bool write, uint64_t value)
{
    struct mmio_access access = {.offset = offset,
                                 .vcpu = vcpu,
                                 .size = (uint8_t)size,
                                 .write = write,
                                 .value = write ? value : 0xdeadbeefdeadbeef};

    assert_int_not_equal(machine.vcpu[vcpu].pcpu, NOT_LOADED);
    host_cpu_id = machine.vcpu[vcpu].pcpu;
    enum mmio_result result = handler(device, &access);
    assert_int_equal(result, access.kick ? MMIO_KICK : MMIO_DONE);
    assert_false(spin_is_locked(&machine.vgic.lock));
    assert_int_equal(access.kick >> VCPUS, 0);
    assert_true(write || size == 8 || access.value < BIT(8 * size));
    return access.value;
}

uint64_t machine_gicd(unsigned vcpu, unsigned offset, unsigned size, bool write, uint64_t value)
{
    return trap(vgic_gicd_access(&machine.vgic), &machine.vgic, vcpu, offset, size, write, value);
}

uint64_t machine_gicr(unsigned vcpu, unsigned frame, unsigned offset, unsigned size, bool write,
                      uint64_t value)
{
    return trap(vgic_gicr_access, &machine.vcpu[frame].vgic, vcpu, offset, size, write, value);
}

vcpu_mask_t machine_sgi1r(unsigned vcpu, uint64_t value)
{
    assert_int_not_equal(machine.vcpu[vcpu].pcpu, NOT_LOADED);
    host_cpu_id = machine.vcpu[vcpu].pcpu;
    return vgic_write_sgi1r(&machine.vgic, vcpu, value);
}

static bool maintenance_asserted(void)
{
    uint32_t hcr = here()->hcr;

    if (!(hcr & HCR_EN))
        return false;
    return fake_lr_ended() || (hcr & HCR_NPIE && !lrs_where(is_pending)) ||
           (hcr & HCR_LRENPIE && HCR_EOICOUNT(hcr));
}

/* Physical interrupts that the CPU would take: its vCPU's timer, and SPIs routed here. */
static bool take_physical(unsigned pcpu, unsigned v)
{
    struct physical_cpu *cpu = &machine.pcpu[pcpu];
    bool any = false;

    if (machine.vcpu[v].timer_line && !(cpu->ppi_active & BIT32(VTIMER))) {
        cpu->ppi_active |= BIT32(VTIMER);
        vgic_set_pending_hw(&machine.vgic, v, VTIMER);
        if (machine.timer_fired)
            machine.timer_fired(v);
        any = true;
    }
    for (unsigned i = 32; machine.vgic.hardware_spis && i < machine.vgic.nr_irqs; i++) {
        struct physical_irq *irq = &machine.irq[i];
        if (irq->pcpu != pcpu || !irq->enabled || irq->active ||
            !(irq->pending || (irq->line && !irq->edge)))
            continue;
        irq->pending = false;
        irq->active = true;
        vgic_set_pending_hw(&machine.vgic, v, i);
        any = true;
    }
    return any;
}

/* No interrupt may be in two list registers when the guest is entered. */
static void check_lrs(void)
{
    for (unsigned n = 0; n < gic_info.nr_lrs; n++)
        for (unsigned i = 0; i < n; i++)
            assert_false(here()->lr[n].state && here()->lr[i].state &&
                         here()->lr[n].intid == here()->lr[i].intid);
}

void machine_settle(void)
{
    bool any = true;

    for (unsigned round = 0; any; round++) {
        assert_true(round < 50);
        any = false;
        for (unsigned v = 0; v < VCPUS; v++) {
            struct virtual_cpu *vcpu = &machine.vcpu[v];
            if (vcpu->pcpu == NOT_LOADED)
                continue;
            host_cpu_id = vcpu->pcpu;
            any |= take_physical(vcpu->pcpu, v);
            if (maintenance_asserted()) {
                vgic_maintenance(&machine.vgic, &vcpu->vgic);
                assert_true(vgic_needs_flush(&vcpu->vgic));
            }
            if (!vgic_needs_flush(&vcpu->vgic))
                continue;
            any = true;
            vgic_flush(&machine.vgic, &vcpu->vgic);
            assert_false(vgic_needs_flush(&vcpu->vgic));
            check_lrs();
            assert_false(maintenance_asserted()); /* else the guest would never run */
        }
    }
}

uint32_t *machine_vmcr(unsigned vcpu)
{
    unsigned pcpu = machine.vcpu[vcpu].pcpu;

    return pcpu == NOT_LOADED ? &machine.vcpu[vcpu].vgic.interface.vmcr
                              : &machine.pcpu[pcpu].interface.vmcr;
}

uint32_t machine_threshold(unsigned vcpu)
{
    struct virtual_cpu *v = &machine.vcpu[vcpu];

    if (v->pcpu == NOT_LOADED)
        return fake_threshold(&v->vgic.interface);
    return fake_threshold(&machine.pcpu[v->pcpu].interface);
}

bool machine_ack(unsigned vcpu, struct taken *taken)
{
    struct virtual_cpu *v = &machine.vcpu[vcpu];
    uint32_t best = machine_threshold(vcpu);
    struct lr *lr = NULL;

    host_cpu_id = v->pcpu;
    for (unsigned n = 0; n < gic_info.nr_lrs; n++) {
        struct lr *at = &here()->lr[n];
        uint32_t group = at->group1 ? VMCR_GROUP1 : VMCR_GROUP0;
        if (at->state == LR_PENDING && at->priority < best && here()->interface.vmcr & group) {
            best = at->priority;
            lr = at;
        }
    }
    if (!lr || v->depth == MAX_NESTED)
        return false;
    lr->state = LR_ACTIVE;
    here()->interface.apr[0][0] |= BIT32(lr->priority >> 3);
    *taken = (struct taken){lr->intid, lr->source};
    v->stack[v->depth++] = *taken;
    return true;
}

static void deactivate(const struct taken *taken)
{
    for (unsigned n = 0; n < gic_info.nr_lrs; n++) {
        struct lr *lr = &here()->lr[n];
        if (!(lr->state & LR_ACTIVE) || lr->intid != taken->intid || lr->source != taken->source)
            continue;
        lr->state &= (uint8_t)~LR_ACTIVE;
        if (lr->hw)
            fake_deactivate(lr->intid);
        return;
    }
    if (HCR_EOICOUNT(here()->hcr) < 31)
        here()->hcr += BIT32(27);
}

void machine_drop(unsigned vcpu)
{
    struct virtual_cpu *v = &machine.vcpu[vcpu];

    host_cpu_id = v->pcpu;
    here()->interface.apr[0][0] &= here()->interface.apr[0][0] - 1;
    v->late[v->late_count++] = v->stack[--v->depth];
}

void machine_deactivate(unsigned vcpu, unsigned index, struct taken *taken)
{
    struct virtual_cpu *v = &machine.vcpu[vcpu];

    host_cpu_id = v->pcpu;
    *taken = v->late[index];
    v->late[index] = v->late[--v->late_count];
    deactivate(taken);
}

void machine_eoi(unsigned vcpu, struct taken *taken)
{
    machine_drop(vcpu);
    machine_deactivate(vcpu, machine.vcpu[vcpu].late_count - 1, taken);
}
