/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers that exist per interrupt, at the same offsets in the distributor and in a
 * redistributor's SGI frame: IHI 0048 4.3, IHI 0069 12.9 and 12.11. One row per block of registers,
 * found by one table look-up. Registers nobody has, misaligned or ill-sized accesses read as zero
 * and ignore writes. May include platform, mm, gic.
 */
#include "gic/vgic_internal.h"

/* SPIs that are the machine's. */
static bool is_hardware(const struct vgic *vgic, unsigned b)
{
    return b && vgic->hardware_spis;
}

/* Folds what the accessing vCPU's own list registers hold of the bits. */
static void sync(struct vgic *vgic, struct vgic_cpu *banked, struct mmio_access *access, unsigned b,
                 uint32_t bits)
{
    access->kick |= vgic_fold_local(vgic, vgic->cpu[access->vcpu], banked, b, bits);
}

/* Declares the reader of a word that needs no lock. */
#define READ_WORD(name, expression)                                                                \
    static VGIC_READER(name)                                                                       \
    {                                                                                              \
        return expression;                                                                         \
    }

READ_WORD(read_zero, 0)
READ_WORD(read_ctlr, vgic->groups | (vgic->version == 3 ? GICD_CTLR_ARE | GICD_CTLR_DS : 0))
/* ITLinesNumber 4:0; GICv2: CPUNumber 7:5; GICv3: IDbits 23:19 = 10 bits. */
READ_WORD(read_typer, vgic->typer)
READ_WORD(read_iidr, VGIC_IIDR)
READ_WORD(read_pidr2, vgic->version == 2 ? 0x2b : 0)
READ_WORD(read_group, bank->group1)
READ_WORD(read_enable, bank->enabled)

static VGIC_WRITER(write_group)
{
    uint32_t changed = ((uint32_t)access->value ^ bank->group1) & vgic_valid(vgic, b);

    bank->group1 ^= changed;
    access->kick |= vgic_recompose(vgic, banked, b, changed);
    access->kick |= vgic_update(vgic, banked, b, changed);
}

static VGIC_WRITER(write_enable)
{
    uint32_t bits = (uint32_t)access->value & ~bank->enabled & vgic_valid(vgic, b);

    if (!bits)
        return;
    bank->enabled |= bits;
    if (is_hardware(vgic, b))
        vgic_hw_enable(vgic, b, bits);
    access->kick |= vgic_update(vgic, banked, b, bits);
}

static VGIC_WRITER(write_disable)
{
    uint32_t bits = (uint32_t)access->value & bank->enabled;

    sync(vgic, banked, access, b, bits);
    bank->enabled &= ~bits;
    if (is_hardware(vgic, b))
        gic_bank_write(GICD_ICENABLER, b, bits);
    access->kick |= vgic_update(vgic, banked, b, bits);
}

/*
 * Bits whose list registers hold `state`. Those of other vCPUs are as they were last known to be;
 * they are asked to fold, so that a guest that reads in a loop will see the end of it.
 */
static uint32_t cached_state(struct vgic *vgic, struct vgic_cpu *banked, struct mmio_access *access,
                             struct vgic_bank *bank, unsigned b, uint32_t state)
{
    uint32_t found = 0;

    sync(vgic, banked, access, b, 0xffffffff);
    if (!bank->cached)
        return 0;
    for_each_bit(i, bank->cached)
        if (vgic_holder(vgic, banked, b, i)->lr[bank->lr[i]].state & state)
            found |= BIT32(i);
    access->kick |= vgic_mark_stale(vgic, banked, b, bank->cached);
    return found;
}

static VGIC_READER(read_pending)
{
    spin_lock(&vgic->lock);
    uint32_t value = cached_state(vgic, banked, access, bank, b, LR_PENDING) & ~bank->drop_pending;
    if (is_hardware(vgic, b))
        value |= gic_bank_pending(b) & vgic_valid(vgic, b);
    value |= vgic_pending(bank);
    spin_unlock(&vgic->lock);
    return value;
}

static VGIC_READER(read_active)
{
    spin_lock(&vgic->lock);
    uint32_t value = cached_state(vgic, banked, access, bank, b, LR_ACTIVE) & ~bank->drop_active;
    value |= bank->active;
    spin_unlock(&vgic->lock);
    return value;
}

/* Bits that ISPENDR and ICPENDR may change: not the SGIs of GICv2. */
static uint32_t pend_mask(const struct vgic *vgic, unsigned b)
{
    return vgic_valid(vgic, b) & (b == 0 && vgic->version == 2 ? 0xffff0000 : ~0u);
}

/* A hardware interrupt becomes pending where it belongs, and comes from there like any other. */
static VGIC_WRITER(write_set_pending)
{
    uint32_t bits = (uint32_t)access->value & pend_mask(vgic, b);

    if (!bits)
        return;
    if (is_hardware(vgic, b)) {
        gic_bank_write(GICD_ISPENDR, b, bits);
        return;
    }
    sync(vgic, banked, access, b, bits);
    bank->latch |= bits;
    access->kick |= vgic_update(vgic, banked, b, bits);
}

static VGIC_WRITER(write_clear_pending)
{
    uint32_t bits = (uint32_t)access->value & pend_mask(vgic, b);

    if (!bits)
        return;
    sync(vgic, banked, access, b, bits);
    if (is_hardware(vgic, b))
        gic_bank_write(GICD_ICPENDR, b, bits);
    bank->latch &= ~bits;
    bank->drop_pending |= bits & bank->cached;
    access->kick |= vgic_update(vgic, banked, b, bits);
}

static VGIC_WRITER(write_set_active)
{
    uint32_t bits = (uint32_t)access->value & vgic_valid(vgic, b);

    sync(vgic, banked, access, b, bits);
    bits &= ~bank->active;
    for_each_bit(i, b ? bits & ~bank->ready & ~bank->cached : 0)
        vgic_spi(vgic, b)->holder[i] = vgic_spi(vgic, b)->route[i];
    bank->active |= bits;
    access->kick |= vgic_update(vgic, banked, b, bits);
}

static VGIC_WRITER(write_clear_active)
{
    uint32_t bits = (uint32_t)access->value & vgic_valid(vgic, b);

    sync(vgic, banked, access, b, bits);
    bank->active &= ~bits;
    bank->drop_active |= bits & bank->cached;
    if (b)
        access->kick |= vgic_move(vgic, b, bits);
    else
        access->kick |= vgic_update(vgic, banked, b, bits);
}

static VGIC_READER(read_priority)
{
    return vgic_read_bytes(&bank->priority[offset % 32], access);
}

/* Five bits, as list registers have. */
static VGIC_WRITER(write_priority)
{
    uint32_t changed = 0;

    for (unsigned i = 0; i < access->size; i++) {
        unsigned n = (offset + i) % 32;
        uint8_t priority = (uint8_t)(access->value >> (8 * i)) & 0xf8;

        if (bank->priority[n] != priority && (vgic_valid(vgic, b) & BIT32(n))) {
            bank->priority[n] = priority;
            changed |= BIT32(n);
        }
    }
    if (changed)
        access->kick |= vgic_recompose(vgic, banked, b, changed);
}

/* ICFGR: two bits per interrupt, the upper one says edge. */
static VGIC_READER(read_config)
{
    uint32_t edge = bank->edge >> (offset % 8 * 4);
    uint32_t value = 0;

    for (unsigned i = 0; i < 16; i++)
        value |= (edge >> i & 1) << (2 * i + 1);
    return value;
}

static VGIC_WRITER(write_config)
{
    unsigned shift = offset % 8 * 4;
    uint32_t edge = 0, changed;

    if (b == 0 && offset < 4) /* SGIs are edge-triggered for good */
        return;
    for (unsigned i = 0; i < 16; i++)
        edge |= (uint32_t)(access->value >> (2 * i + 1) & 1) << i;
    changed = (edge << shift ^ bank->edge) & (0xffffu << shift) & vgic_valid(vgic, b);
    if (!changed)
        return;
    bank->edge ^= changed;
    if (is_hardware(vgic, b))
        vgic_hw_set_edge(vgic, b, changed);
    access->kick |= vgic_update(vgic, banked, b, changed);
}

/*
 * Every block of registers: X(name, first byte, bytes in the distributor, and struct vgic_row's
 * sizes, private, shift, read, write).
 */
#define REGISTERS(X)                                                                               \
    X(CTLR, GICD_CTLR, 4, 4, 0, 0, read_ctlr, vgic_write_ctlr)                                     \
    X(TYPER, GICD_TYPER, 4, 4, 0, 0, read_typer, vgic_write_ignored)                               \
    X(IIDR, GICD_IIDR, 4, 4, 0, 0, read_iidr, vgic_write_ignored)                                  \
    X(GROUP, GICD_IGROUPR, 0x80, 4, 4, 2, read_group, write_group)                                 \
    X(ENABLE, GICD_ISENABLER, 0x80, 4, 4, 2, read_enable, write_enable)                            \
    X(DISABLE, GICD_ICENABLER, 0x80, 4, 4, 2, read_enable, write_disable)                          \
    X(SET_PENDING, GICD_ISPENDR, 0x80, 4, 4, 2, read_pending, write_set_pending)                   \
    X(CLEAR_PENDING, GICD_ICPENDR, 0x80, 4, 4, 2, read_pending, write_clear_pending)               \
    X(SET_ACTIVE, GICD_ISACTIVER, 0x80, 4, 4, 2, read_active, write_set_active)                    \
    X(CLEAR_ACTIVE, GICD_ICACTIVER, 0x80, 4, 4, 2, read_active, write_clear_active)                \
    X(PRIORITY, GICD_IPRIORITYR, 0x400, 1 + 4, 32, 5, read_priority, write_priority)               \
    X(TARGETS, GICD_ITARGETSR, 0x400, 1 + 4, 0, 5, vgic_read_targets, vgic_write_targets)          \
    X(CONFIG, GICD_ICFGR, 0x100, 4, 8, 3, read_config, write_config)                               \
    X(SGIR, GICD_SGIR, 4, 4, 0, 0, read_zero, vgic_write_sgir)                                     \
    X(SGI_CLEAR, GICD_CPENDSGIR, 0x10, 1 + 4, 0, 0, vgic_read_sgi_pending, vgic_write_sgi_pending) \
    X(SGI_SET, GICD_SPENDSGIR, 0x10, 1 + 4, 0, 0, vgic_read_sgi_pending, vgic_write_sgi_pending)   \
    X(PIDR2, GICD_PIDR2_V2, 4, 4, 0, 0, read_pidr2, vgic_write_ignored)

#define ROW_NUMBER(name, ...) ROW_##name,
enum { ROW_NONE, REGISTERS(ROW_NUMBER) };

#define ROW(name, first, bytes, ...) [ROW_##name] = {first, __VA_ARGS__},
static const struct vgic_row rows[] = {REGISTERS(ROW)};

/* Row of each word of the first 4 KiB. */
#define WORDS(name, first, bytes, ...) [(first) / 4 ...((first) + (bytes)) / 4 - 1] = ROW_##name,
static const uint8_t row_of[0x1000 / 4] = {REGISTERS(WORDS)};

/* The bank b as it is seen, or NULL. */
static inline struct vgic_bank *find_bank(struct vgic *vgic, struct vgic_cpu *banked, unsigned b)
{
    if (b == 0)
        return banked ? &banked->private : NULL;
    return b < vgic->nr_banks ? &vgic_spi(vgic, b)->bank : NULL;
}

static enum mmio_result access_nothing(struct mmio_access *access)
{
    access->value = 0;
    return MMIO_DONE;
}

/*
 * Does the access by the row. An ill-sized one, or one to interrupts that do not exist or are not
 * seen here, reads as zero and is ignored.
 */
static inline enum mmio_result access_row(struct vgic *vgic, struct vgic_cpu *banked,
                                          struct mmio_access *access, const struct vgic_row *row,
                                          unsigned offset)
{
    struct vgic_bank *bank = NULL;
    unsigned b = 0;

    if (!(row->sizes & access->size))
        return access_nothing(access);
    offset -= row->first;
    if (row->shift) {
        b = offset >> row->shift;
        bank = find_bank(vgic, banked, b);
        if (!bank)
            return access_nothing(access);
    }
    if (!access->write) {
        access->value = row->read(vgic, banked, bank, b, offset, access);
    } else {
        spin_lock(&vgic->lock);
        row->write(vgic, banked, bank, b, offset, access);
        spin_unlock(&vgic->lock);
    }
    return access->kick ? MMIO_KICK : MMIO_DONE;
}

static RARE enum mmio_result access_upper(struct vgic *vgic, struct mmio_access *access,
                                          unsigned offset)
{
    return access_row(vgic, NULL, access, vgic_upper_row(vgic, offset), offset);
}

/* GICv2: the private interrupts are those of the vCPU that asks. */
static enum mmio_result access_v2(void *device, struct mmio_access *access)
{
    struct vgic *vgic = device;
    unsigned offset = (unsigned)access->offset;

    if (offset >= 0x1000)
        return access_upper(vgic, access, offset);
    return access_row(vgic, vgic->cpu[access->vcpu], access, &rows[row_of[offset / 4]], offset);
}

/* GICv3: they are in the redistributors. */
static enum mmio_result access_v3(void *device, struct mmio_access *access)
{
    struct vgic *vgic = device;
    unsigned offset = (unsigned)access->offset;

    if (offset >= 0x1000)
        return access_upper(vgic, access, offset);
    return access_row(vgic, NULL, access, &rows[row_of[offset / 4]], offset);
}

mmio_handler_t vgic_gicd_access(const struct vgic *vgic)
{
    return vgic->version == 2 ? access_v2 : access_v3;
}

enum mmio_result vgic_sgi_frame_access(struct vgic_cpu *cpu, struct mmio_access *access)
{
    unsigned offset = access->offset % 0x10000;
    const struct vgic_row *row = &rows[offset < 0x1000 ? row_of[offset / 4] : ROW_NONE];

    if (offset - row->first >= row->private)
        row = &rows[ROW_NONE];
    return access_row(cpu->vgic, cpu, access, row, offset);
}
