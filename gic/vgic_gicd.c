/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual distributor: what it has besides the registers per interrupt (IHI 0048 4.3, IHI 0069
 * 12.9). GICv3 offers affinity routing alone (ARE and DS read as one), no LPIs, no message-based
 * SPIs. May include platform, mm, gic.
 */
#include "gic/vgic_internal.h"
#include "platform/panic.h"

uint64_t vgic_read_ctlr(const struct vgic_view *view, unsigned offset)
{
    (void)offset;
    return view->vgic->groups | (view->vgic->version == 3 ? GICD_CTLR_ARE | GICD_CTLR_DS : 0);
}

void vgic_write_ctlr(const struct vgic_view *view, unsigned offset, uint64_t value)
{
    uint32_t groups = (uint32_t)value & (GICD_CTLR_GROUP0 | GICD_CTLR_GROUP1);

    (void)offset;
    if (groups == view->vgic->groups)
        return;
    view->vgic->groups = groups;
    view->access->kick |= vgic_update_all(view->vgic);
}

/* GICD_TYPER: ITLinesNumber 4:0; GICv2: CPUNumber 7:5; GICv3: IDbits 23:19 = 10 bits. GICD_IIDR. */
uint64_t vgic_read_ident(const struct vgic_view *view, unsigned offset)
{
    const struct vgic *vgic = view->vgic;

    if (offset)
        return VGIC_IIDR;
    return (vgic->nr_banks - 1u) | (vgic->version == 3 ? 9u << 19 : (vgic->nr_cpus - 1u) << 5);
}

uint64_t vgic_read_pidr2(const struct vgic_view *view, unsigned offset)
{
    (void)offset;
    return view->vgic->version == 2 ? 0x2b : 0;
}

/* GICv2: a bit per CPU; private interrupts have the reader's own. */
uint64_t vgic_read_targets(const struct vgic_view *view, unsigned offset)
{
    const struct vgic *vgic = view->vgic;
    unsigned b = offset / 32;
    uint64_t value = 0;

    if (vgic->version != 2 || b >= vgic->nr_banks)
        return 0;
    for (unsigned i = 0; i < view->access->size; i++) {
        uint64_t mask = b ? vgic_spi(vgic, b)->targets[(offset + i) % 32] : BIT(view->self->number);
        value |= mask << (8 * i);
    }
    return value;
}

/* The interrupt goes to `route` from now on; a list register that holds it is folded first. */
static void set_route(const struct vgic_view *view, unsigned b, unsigned i, unsigned route)
{
    struct vgic *vgic = view->vgic;
    struct vgic_spi_bank *spi = vgic_spi(vgic, b);

    if (spi->route[i] == route)
        return;
    spi->route[i] = (uint8_t)route;
    if (vgic->hardware_spis)
        vgic_hw_route(vgic, b, i);
    view->access->kick |= vgic_move(vgic, b, BIT32(i));
}

/* An SPI with several targets goes to the first of them. */
void vgic_write_targets(const struct vgic_view *view, unsigned offset, uint64_t value)
{
    struct vgic *vgic = view->vgic;
    unsigned b = offset / 32;

    if (vgic->version != 2 || b == 0 || b >= vgic->nr_banks)
        return;
    for (unsigned k = 0; k < view->access->size; k++) {
        unsigned i = (offset + k) % 32;
        uint8_t mask = (uint8_t)(value >> (8 * k)) & (uint8_t)(0xff >> (8 - vgic->nr_cpus));

        if (!(vgic_valid(vgic, b) & BIT32(i)))
            continue;
        vgic_spi(vgic, b)->targets[i] = mask;
        set_route(view, b, i, mask ? (unsigned)__builtin_ctz(mask) : VGIC_NOBODY);
    }
}

/* GICv3: GICD_IROUTERn, 64 bits, by halves too. A route to nobody reads as affinity 255.0.255.255.
 */
static uint64_t router_value(const struct vgic_spi_bank *spi, unsigned i)
{
    if (spi->targets[i])
        return GICD_IROUTER_IRM;
    return spi->route[i] == VGIC_NOBODY ? 0xff0000fffful : vcpu_mpidr(spi->route[i]);
}

static uint64_t read_router(const struct vgic_view *view, unsigned offset)
{
    unsigned b = offset / 8 / 32;
    uint64_t value;

    if (b == 0 || b >= view->vgic->nr_banks)
        return 0;
    value = router_value(vgic_spi(view->vgic, b), offset / 8 % 32);
    return value >> (offset % 8 * 8);
}

/* Number of the vCPU with this affinity. */
static unsigned vcpu_of(const struct vgic *vgic, uint64_t affinity)
{
    uint64_t n = FIELD(affinity, 15, 8) * 16 + FIELD(affinity, 7, 0);

    if (n >= vgic->nr_cpus || affinity != vcpu_mpidr((unsigned)n))
        return VGIC_NOBODY;
    return (unsigned)n;
}

/* "Any CPU" (Interrupt_Routing_Mode) means the one it goes to already. */
static void write_router(const struct vgic_view *view, unsigned offset, uint64_t value)
{
    struct vgic *vgic = view->vgic;
    unsigned b = offset / 8 / 32, i = offset / 8 % 32;
    struct vgic_spi_bank *spi;

    if (b == 0 || b >= vgic->nr_banks || !(vgic_valid(vgic, b) & BIT32(i)))
        return;
    spi = vgic_spi(vgic, b);
    if (view->access->size == 4 && offset % 8)
        value = (router_value(spi, i) & 0xffffffff) | value << 32;
    else if (view->access->size == 4)
        value |= router_value(spi, i) & ~0xfffffffful;
    spi->targets[i] = !!(value & GICD_IROUTER_IRM);
    if (!spi->targets[i])
        set_route(view, b, i, vcpu_of(vgic, value & 0xff00ffffff));
    else if (spi->route[i] == VGIC_NOBODY)
        set_route(view, b, i, 0);
}

static const struct vgic_row router_row = {GICD_IROUTER, 4 + 8, 0, read_router, write_router};

static uint64_t read_pidr2_v3(const struct vgic_view *view, unsigned offset)
{
    (void)view;
    (void)offset;
    return 0x3b;
}

static const struct vgic_row pidr2_row = {GICD_PIDR2_V3, 4, 0, read_pidr2_v3, NULL};

enum mmio_result vgic_gicd_access(void *device, struct mmio_access *access)
{
    struct vgic *vgic = device;
    unsigned offset = (unsigned)access->offset & 0xffff;
    const struct vgic_row *row = NULL;

    assert(access->vcpu < vgic->nr_cpus);
    struct vgic_cpu *self = vgic->cpu[access->vcpu];
    struct vgic_view view = {.vgic = vgic,
                             .self = self,
                             .banked = vgic->version == 2 ? self : NULL,
                             .spis = true,
                             .access = access};

    if (offset < 0x1000)
        row = vgic_find_row(offset);
    else if (vgic->version == 3 && offset >= GICD_IROUTER && offset < GICD_IROUTER + 8 * 1024)
        row = &router_row;
    else if (vgic->version == 3 && offset / 4 == GICD_PIDR2_V3 / 4)
        row = &pidr2_row;
    vgic_access_row(&view, row, offset);
    return MMIO_DONE;
}
