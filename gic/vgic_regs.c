/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers that exist per interrupt, at the same offsets in the distributor and in a
 * redistributor's SGI frame: IHI 0048 4.3, IHI 0069 12.9 and 12.11. One row per block of registers,
 * found by one table look-up. Registers nobody has, misaligned or ill-sized accesses read as zero
 * and ignore writes. May include platform, mm, gic.
 */
#include "gic/vgic_internal.h"

struct vgic_bank *vgic_view_bank(const struct vgic_view *view, unsigned b)
{
    if (b == 0)
        return view->banked ? &view->banked->private : NULL;
    return view->spis && b < view->vgic->nr_banks ? &vgic_spi(view->vgic, b)->bank : NULL;
}

/* SPIs that are the machine's. */
static bool is_hardware(const struct vgic_view *view, unsigned b)
{
    return b && view->vgic->hardware_spis;
}

static void update(const struct vgic_view *view, unsigned b, uint32_t bits)
{
    view->access->kick |= vgic_update(view->vgic, view->banked, b, bits);
}

static void sync(const struct vgic_view *view, unsigned b, uint32_t bits)
{
    view->access->kick |= vgic_fold_local(view->vgic, view->self, view->banked, b, bits);
}

/* Declares the reader of a word of the bank. */
#define READ_WORD(name, expression)                                                                \
    static uint64_t name(const struct vgic_view *view, unsigned offset)                            \
    {                                                                                              \
        const struct vgic_bank *bank = vgic_view_bank(view, offset / 4);                           \
        return bank ? (expression) : 0;                                                            \
    }

READ_WORD(read_group, bank->group1)
READ_WORD(read_enable, bank->enabled)

static void write_group(const struct vgic_view *view, unsigned offset, uint64_t value)
{
    unsigned b = offset / 4;
    struct vgic_bank *bank = vgic_view_bank(view, b);
    uint32_t changed;

    if (!bank)
        return;
    changed = ((uint32_t)value ^ bank->group1) & vgic_valid(view->vgic, b);
    bank->group1 ^= changed;
    update(view, b, changed);
}

static void write_enable(const struct vgic_view *view, unsigned offset, uint64_t value)
{
    unsigned b = offset / 4;
    struct vgic_bank *bank = vgic_view_bank(view, b);
    uint32_t bits;

    if (!bank)
        return;
    bits = (uint32_t)value & ~bank->enabled & vgic_valid(view->vgic, b);
    if (!bits)
        return;
    bank->enabled |= bits;
    if (is_hardware(view, b))
        vgic_hw_enable(view->vgic, b, bits);
    update(view, b, bits);
}

static void write_disable(const struct vgic_view *view, unsigned offset, uint64_t value)
{
    unsigned b = offset / 4;
    struct vgic_bank *bank = vgic_view_bank(view, b);
    uint32_t bits;

    if (!bank)
        return;
    bits = (uint32_t)value & bank->enabled;
    if (!bits)
        return;
    sync(view, b, bits);
    bank->enabled &= ~bits;
    if (is_hardware(view, b))
        gic_bank_disable(b, bits);
    update(view, b, bits);
}

/*
 * State that other vCPUs' list registers were last known to hold. They are asked to fold, so that a
 * guest that reads in a loop will see the end of it.
 */
static uint32_t remote_state(const struct vgic_view *view, unsigned b, uint32_t state)
{
    struct vgic *vgic = view->vgic;
    struct vgic_bank *bank = vgic_view_bank(view, b);
    uint32_t found = 0;

    for (uint32_t bits = bank->cached; bits; bits &= bits - 1) {
        unsigned i = (unsigned)__builtin_ctz(bits);
        const struct vgic_cpu *holder = b ? vgic->cpu[vgic_spi(vgic, b)->holder[i]] : view->banked;

        if (holder->lr[bank->lr[i]].state & state)
            found |= BIT32(i);
    }
    view->access->kick |= vgic_mark_stale(vgic, view->banked, b, bank->cached);
    return found;
}

static uint64_t read_pending(const struct vgic_view *view, unsigned offset)
{
    unsigned b = offset / 4;
    struct vgic_bank *bank = vgic_view_bank(view, b);
    uint32_t remote, hardware;

    if (!bank)
        return 0;
    sync(view, b, 0xffffffff);
    remote = bank->cached ? remote_state(view, b, LR_PENDING) & ~bank->drop_pending : 0;
    hardware = is_hardware(view, b) ? gic_bank_pending(b) & vgic_valid(view->vgic, b) : 0;
    return vgic_pending(bank) | remote | hardware;
}

static uint64_t read_active(const struct vgic_view *view, unsigned offset)
{
    unsigned b = offset / 4;
    struct vgic_bank *bank = vgic_view_bank(view, b);
    uint32_t remote;

    if (!bank)
        return 0;
    sync(view, b, 0xffffffff);
    remote = bank->cached ? remote_state(view, b, LR_ACTIVE) & ~bank->drop_active : 0;
    return bank->active | remote;
}

/* Bits that ISPENDR and ICPENDR may change: not the SGIs of GICv2. */
static uint32_t pend_mask(const struct vgic_view *view, unsigned b)
{
    return vgic_valid(view->vgic, b) & (b == 0 && view->vgic->version == 2 ? 0xffff0000 : ~0u);
}

/* A hardware interrupt becomes pending where it belongs, and comes from there like any other. */
static void write_set_pending(const struct vgic_view *view, unsigned offset, uint64_t value)
{
    unsigned b = offset / 4;
    struct vgic_bank *bank = vgic_view_bank(view, b);
    uint32_t bits = (uint32_t)value & pend_mask(view, b);

    if (!bank || !bits)
        return;
    if (is_hardware(view, b)) {
        gic_bank_set_pending(b, bits);
        return;
    }
    sync(view, b, bits);
    bank->latch |= bits;
    update(view, b, bits);
}

static void write_clear_pending(const struct vgic_view *view, unsigned offset, uint64_t value)
{
    unsigned b = offset / 4;
    struct vgic_bank *bank = vgic_view_bank(view, b);
    uint32_t bits = (uint32_t)value & pend_mask(view, b);

    if (!bank || !bits)
        return;
    sync(view, b, bits);
    if (is_hardware(view, b))
        gic_bank_clear_pending(b, bits);
    bank->latch &= ~bits;
    bank->drop_pending |= bits & bank->cached;
    update(view, b, bits);
}

static void write_set_active(const struct vgic_view *view, unsigned offset, uint64_t value)
{
    unsigned b = offset / 4;
    struct vgic_bank *bank = vgic_view_bank(view, b);
    uint32_t bits = (uint32_t)value & vgic_valid(view->vgic, b);

    if (!bank || !bits)
        return;
    sync(view, b, bits);
    bits &= ~bank->active;
    for (uint32_t idle = b ? bits & ~bank->ready & ~bank->cached : 0; idle; idle &= idle - 1) {
        struct vgic_spi_bank *spi = vgic_spi(view->vgic, b);
        unsigned i = (unsigned)__builtin_ctz(idle);
        spi->holder[i] = spi->route[i];
    }
    bank->active |= bits;
    update(view, b, bits);
}

static void write_clear_active(const struct vgic_view *view, unsigned offset, uint64_t value)
{
    unsigned b = offset / 4;
    struct vgic_bank *bank = vgic_view_bank(view, b);
    uint32_t bits = (uint32_t)value & vgic_valid(view->vgic, b);

    if (!bank || !bits)
        return;
    sync(view, b, bits);
    bank->active &= ~bits;
    bank->drop_active |= bits & bank->cached;
    if (b)
        view->access->kick |= vgic_move(view->vgic, b, bits);
    else
        update(view, b, bits);
}

static uint64_t read_priority(const struct vgic_view *view, unsigned offset)
{
    const struct vgic_bank *bank = vgic_view_bank(view, offset / 32);
    uint64_t value = 0;

    for (unsigned i = 0; bank && i < view->access->size; i++)
        value |= (uint64_t)bank->priority[(offset + i) % 32] << (8 * i);
    return value;
}

/* Five bits, as list registers have. */
static void write_priority(const struct vgic_view *view, unsigned offset, uint64_t value)
{
    unsigned b = offset / 32;
    struct vgic_bank *bank = vgic_view_bank(view, b);
    uint32_t changed = 0;

    for (unsigned i = 0; bank && i < view->access->size; i++) {
        unsigned n = (offset + i) % 32;
        uint8_t priority = (uint8_t)(value >> (8 * i)) & 0xf8;

        if (bank->priority[n] != priority && (vgic_valid(view->vgic, b) & BIT32(n))) {
            bank->priority[n] = priority;
            changed |= BIT32(n);
        }
    }
    if (changed)
        view->access->kick |= vgic_reorder(view->vgic, view->banked, b, changed);
}

/* ICFGR: two bits per interrupt, the upper one says edge. */
static uint64_t read_config(const struct vgic_view *view, unsigned offset)
{
    const struct vgic_bank *bank = vgic_view_bank(view, offset / 8);
    uint32_t edge = bank ? bank->edge >> (offset % 8 * 4) : 0;
    uint32_t value = 0;

    for (unsigned i = 0; i < 16; i++)
        value |= (edge >> i & 1) << (2 * i + 1);
    return value;
}

static void write_config(const struct vgic_view *view, unsigned offset, uint64_t value)
{
    unsigned b = offset / 8, shift = offset % 8 * 4;
    struct vgic_bank *bank = vgic_view_bank(view, b);
    uint32_t edge = 0, changed;

    if (!bank || offset < 4) /* SGIs are edge-triggered for good */
        return;
    for (unsigned i = 0; i < 16; i++)
        edge |= (uint32_t)(value >> (2 * i + 1) & 1) << i;
    changed = (edge << shift ^ bank->edge) & (0xffffu << shift) & vgic_valid(view->vgic, b);
    if (!changed)
        return;
    bank->edge ^= changed;
    if (is_hardware(view, b))
        vgic_hw_set_edge(view->vgic, b, changed);
    update(view, b, changed);
}

enum {
    ROW_NONE,
    ROW_CTLR,
    ROW_IDENT,
    ROW_GROUP,
    ROW_ENABLE,
    ROW_DISABLE,
    ROW_SET_PENDING,
    ROW_CLEAR_PENDING,
    ROW_SET_ACTIVE,
    ROW_CLEAR_ACTIVE,
    ROW_PRIORITY,
    ROW_TARGETS,
    ROW_CONFIG,
    ROW_SGIR,
    ROW_SGI_CLEAR,
    ROW_SGI_SET,
    ROW_PIDR2,
};

static const struct vgic_row rows[] = {
    [ROW_CTLR] = {GICD_CTLR, 4, VGIC_GICD_ONLY, vgic_read_ctlr, vgic_write_ctlr},
    [ROW_IDENT] = {GICD_TYPER, 4, VGIC_GICD_ONLY, vgic_read_ident, NULL},
    [ROW_GROUP] = {GICD_IGROUPR, 4, 0, read_group, write_group},
    [ROW_ENABLE] = {GICD_ISENABLER, 4, 0, read_enable, write_enable},
    [ROW_DISABLE] = {GICD_ICENABLER, 4, 0, read_enable, write_disable},
    [ROW_SET_PENDING] = {GICD_ISPENDR, 4, VGIC_LOCKED_READ, read_pending, write_set_pending},
    [ROW_CLEAR_PENDING] = {GICD_ICPENDR, 4, VGIC_LOCKED_READ, read_pending, write_clear_pending},
    [ROW_SET_ACTIVE] = {GICD_ISACTIVER, 4, VGIC_LOCKED_READ, read_active, write_set_active},
    [ROW_CLEAR_ACTIVE] = {GICD_ICACTIVER, 4, VGIC_LOCKED_READ, read_active, write_clear_active},
    [ROW_PRIORITY] = {GICD_IPRIORITYR, 1 + 4, 0, read_priority, write_priority},
    [ROW_TARGETS] = {GICD_ITARGETSR, 1 + 4, VGIC_GICD_ONLY, vgic_read_targets, vgic_write_targets},
    [ROW_CONFIG] = {GICD_ICFGR, 4, 0, read_config, write_config},
    [ROW_SGIR] = {GICD_SGIR, 4, VGIC_GICD_ONLY, NULL, vgic_write_sgir},
    [ROW_SGI_CLEAR] = {GICD_CPENDSGIR, 1 + 4, VGIC_GICD_ONLY | VGIC_LOCKED_READ,
                       vgic_read_sgi_pending, vgic_write_sgi_clear},
    [ROW_SGI_SET] = {GICD_SPENDSGIR, 1 + 4, VGIC_GICD_ONLY | VGIC_LOCKED_READ,
                     vgic_read_sgi_pending, vgic_write_sgi_set},
    [ROW_PIDR2] = {GICD_PIDR2_V2, 4, VGIC_GICD_ONLY, vgic_read_pidr2, NULL},
};

#define WORDS(first, size) [(first) / 4 ...((first) + (size)) / 4 - 1]

/* Row of each word of the first 4 KiB. */
static const uint8_t row_of[0x1000 / 4] = {
    WORDS(GICD_CTLR, 4) = ROW_CTLR,
    WORDS(GICD_TYPER, 8) = ROW_IDENT,
    WORDS(GICD_IGROUPR, 0x80) = ROW_GROUP,
    WORDS(GICD_ISENABLER, 0x80) = ROW_ENABLE,
    WORDS(GICD_ICENABLER, 0x80) = ROW_DISABLE,
    WORDS(GICD_ISPENDR, 0x80) = ROW_SET_PENDING,
    WORDS(GICD_ICPENDR, 0x80) = ROW_CLEAR_PENDING,
    WORDS(GICD_ISACTIVER, 0x80) = ROW_SET_ACTIVE,
    WORDS(GICD_ICACTIVER, 0x80) = ROW_CLEAR_ACTIVE,
    WORDS(GICD_IPRIORITYR, 0x400) = ROW_PRIORITY,
    WORDS(GICD_ITARGETSR, 0x400) = ROW_TARGETS,
    WORDS(GICD_ICFGR, 0x100) = ROW_CONFIG,
    WORDS(GICD_SGIR, 4) = ROW_SGIR,
    WORDS(GICD_CPENDSGIR, 0x10) = ROW_SGI_CLEAR,
    WORDS(GICD_SPENDSGIR, 0x10) = ROW_SGI_SET,
    WORDS(GICD_PIDR2_V2, 4) = ROW_PIDR2,
};

const struct vgic_row *vgic_find_row(unsigned offset)
{
    unsigned row = offset < 0x1000 ? row_of[offset / 4] : ROW_NONE;

    return row == ROW_NONE ? NULL : &rows[row];
}

void vgic_access_row(const struct vgic_view *view, const struct vgic_row *row, unsigned offset)
{
    struct mmio_access *access = view->access;
    spinlock_t *lock = &view->vgic->lock;

    if (!access->write)
        access->value = 0;
    if (!row || !(row->sizes & access->size) || offset % access->size)
        return;
    offset -= row->first;
    if (access->write && row->write) {
        spin_lock(lock);
        row->write(view, offset, access->value);
        spin_unlock(lock);
    } else if (!access->write && row->read && row->flags & VGIC_LOCKED_READ) {
        spin_lock(lock);
        access->value = row->read(view, offset);
        spin_unlock(lock);
    } else if (!access->write && row->read) {
        access->value = row->read(view, offset);
    }
}
