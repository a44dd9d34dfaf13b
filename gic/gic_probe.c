/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the GIC in the device tree, maps it and resets its distributor. Boot CPU only.
 * May include platform, mm, gic.
 */
#include "gic/gic.h"
#include "gic/gic_ops.h"
#include "gic/gic_regs.h"
#include "mm/el2_map.h"
#include "platform/fdt.h"
#include "platform/log.h"
#include "platform/mmio.h"

/* GICD_IIDR of QEMU's GICv2: an implementer and no more; silicon has a product, a GIC-400 2. */
#define IIDR_QEMU 0x43bu

static volatile uint8_t *map(const struct pa_range *range)
{
    return el2_map_device(pa(range->base), range->size);
}

static const char *probe_v2(const void *fdt, int node)
{
    if (!dt_reg(fdt, node, 1, &gic_info.gicc) || !dt_reg(fdt, node, 2, &gic_info.gich) ||
        !dt_reg(fdt, node, 3, &gic_info.gicv))
        return "the GICv2's node has no virtual interfaces (reg: GICD, GICC, GICH, GICV): this "
               "machine or its device tree cannot run guests";
    gic_maps.gicc = map(&gic_info.gicc);
    gic_maps.gich = map(&gic_info.gich);
    gic_info.forgets = mmio_read32(gic_maps.gicd + GICD_IIDR) == IIDR_QEMU;
    return NULL;
}

static const char *probe_v3(const void *fdt, int node)
{
    uint64_t count = dt_cells(fdt, node, "#redistributor-regions", 1);

    gic_info.gicr_stride = dt_cells(fdt, node, "redistributor-stride", 0);
    if (gic_info.gicr_stride % GICR_FRAMES)
        return "the GICv3's redistributor-stride is not a multiple of 128 KiB";
    if (count < 1 || count > ARRAY_SIZE(gic_info.gicr))
        return "the GICv3's #redistributor-regions is 0 or more than 16";
    for (unsigned i = 0; i < count; i++) {
        if (!dt_reg(fdt, node, 1 + i, &gic_info.gicr[i]))
            return "the GICv3's reg has fewer regions than #redistributor-regions says";
        gic_maps.gicr[i] = map(&gic_info.gicr[i]);
    }
    gic_info.gicr_count = (unsigned)count;
    return NULL;
}

static void reset_spis(void)
{
    for (unsigned bank = 1; bank < (gic_info.nr_irqs + 31) / 32; bank++)
        gic_bank_reset(gic_maps.gicd, bank);
    for (unsigned n = 32; n < gic_info.nr_irqs; n++)
        gic_ops.route(n, 0);
}

const char *gic_probe(const void *fdt)
{
    int node = dt_gic(fdt, &gic_info.version);
    const char *wrong;

    if (node < 0)
        return "the device tree names no interrupt controller that Tarn knows (GICv2 with virtual "
               "interfaces, GICv3)";
    if (!dt_reg(fdt, node, 0, &gic_info.gicd))
        return "the GIC's node has no usable reg property";
    if (!dt_interrupt(fdt, node, 0, &gic_info.maintenance_intid) ||
        gic_info.maintenance_intid < 16 || gic_info.maintenance_intid > 31)
        return "the GIC's node names no maintenance interrupt (interrupts = <1 9 4>): this machine "
               "or its device tree cannot run guests";
    gic_maps.gicd = map(&gic_info.gicd);
    wrong = gic_info.version == 3 ? probe_v3(fdt, node) : probe_v2(fdt, node);
    if (wrong)
        return wrong;
    gic_ops = gic_info.version == 3 ? gic_v3_ops : gic_v2_ops;
    gic_virt = gic_info.version == 3 ? gic_v3_virt : gic_v2_virt;
    gic_info.nr_irqs = (mmio_read32(gic_maps.gicd + GICD_TYPER) & 0x1f) * 32 + 32;
    gic_info.nr_irqs = MIN(gic_info.nr_irqs, 1020u);
    wrong = gic_ops.reset();
    if (wrong)
        return wrong;
    gic_virt.probe();
    reset_spis();
    if (gic_info.version == 2)
        mmio_write32(gic_maps.gicd + GICD_CTLR, 1);
    log_info("GICv%u: %u interrupts, %u list registers", gic_info.version, gic_info.nr_irqs,
             gic_info.nr_lrs);
    return NULL;
}
