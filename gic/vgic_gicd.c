/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual distributor: what it has besides the registers per interrupt (IHI 0048 4.3, IHI 0069
 * 12.9). GICv3 offers affinity routing alone (ARE and DS read as one), no LPIs, no message-based
 * SPIs. May include platform, mm, gic.
 */
#include "gic/vgic_internal.h"
#include "platform/panic.h"

VGIC_WRITER(vgic_write_ignored)
{
}

VGIC_WRITER(vgic_write_ctlr)
{
    uint32_t groups = (uint32_t)access->value & (GICD_CTLR_GROUP0 | GICD_CTLR_GROUP1);

    if (groups == vgic->groups)
        return;
    vgic->groups = groups;
    access->kick |= vgic_update_all(vgic);
}

/* GICv2: a bit per CPU; private interrupts have the reader's own. */
VGIC_READER(vgic_read_targets)
{
    if (vgic->version != 2)
        return 0;
    if (b)
        return vgic_read_bytes(&vgic_spi(vgic, b)->targets[offset % 32], access);
    return BIT(access->vcpu) * (access->size == 4 ? 0x01010101 : 1);
}

/* The interrupt goes to `route` from now on; a list register that holds it is folded first. */
static void set_route(struct vgic *vgic, struct mmio_access *access, unsigned b, unsigned i,
                      unsigned route)
{
    struct vgic_spi_bank *spi = vgic_spi(vgic, b);

    if (spi->route[i] == route)
        return;
    spi->route[i] = (uint8_t)route;
    if (vgic->hardware_spis)
        vgic_hw_route(vgic, b, i);
    access->kick |= vgic_move(vgic, b, BIT32(i));
}

/* An SPI with several targets goes to the first of them. */
VGIC_WRITER(vgic_write_targets)
{
    if (vgic->version != 2 || b == 0)
        return;
    for (unsigned k = 0; k < access->size; k++) {
        unsigned i = (offset + k) % 32;
        uint8_t mask = (uint8_t)(access->value >> (8 * k)) & (uint8_t)(0xff >> (8 - vgic->nr_cpus));

        if (!(vgic_valid(vgic, b) & BIT32(i)))
            continue;
        vgic_spi(vgic, b)->targets[i] = mask;
        set_route(vgic, access, b, i, mask ? (unsigned)__builtin_ctz(mask) : VGIC_NOBODY);
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

static VGIC_READER(read_router)
{
    uint64_t value = router_value(vgic_spi(vgic, b), offset / 8 % 32);
    value >>= offset % 8 * 8;
    return access->size == 4 ? (uint32_t)value : value;
}

/* "Any CPU" (Interrupt_Routing_Mode) means the one it goes to already. */
static VGIC_WRITER(write_router)
{
    unsigned i = offset / 8 % 32;
    uint64_t value = access->value;
    struct vgic_spi_bank *spi = vgic_spi(vgic, b);

    if (!(vgic_valid(vgic, b) & BIT32(i)))
        return;
    if (access->size == 4 && offset % 8)
        value = (router_value(spi, i) & 0xffffffff) | value << 32;
    else if (access->size == 4)
        value = (router_value(spi, i) & ~0xfffffffful) | (uint32_t)value;
    unsigned wanted = vcpu_of_mpidr(value & 0xff00ffffff);
    spi->targets[i] = !!(value & GICD_IROUTER_IRM);
    if (!spi->targets[i])
        set_route(vgic, access, b, i, wanted < vgic->nr_cpus ? wanted : VGIC_NOBODY);
    else if (spi->route[i] == VGIC_NOBODY)
        set_route(vgic, access, b, i, 0);
}

static VGIC_READER(read_pidr2_v3)
{
    return 0x3b;
}

/* GICv3 alone has something there. */
const struct vgic_row *vgic_upper_row(const struct vgic *vgic, unsigned offset)
{
    static const struct vgic_row none;
    static const struct vgic_row router = {GICD_IROUTER, 4 + 8, 0, 8, read_router, write_router};
    static const struct vgic_row pidr2 = {GICD_PIDR2_V3,     4, 0, 0, read_pidr2_v3,
                                          vgic_write_ignored};

    if (vgic->version == 3 && offset >= GICD_IROUTER && offset < GICD_IROUTER + 8 * 1024)
        return &router;
    return vgic->version == 3 && offset == GICD_PIDR2_V3 ? &pidr2 : &none;
}
