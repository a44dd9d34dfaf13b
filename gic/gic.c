/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The physical GIC: public calls, and access to banks of physical interrupts for the virtual GIC.
 * May include platform, gic.
 */
#include "gic/gic.h"
#include "gic/gic_ops.h"
#include "gic/gic_regs.h"
#include "platform/mmio.h"
#include "platform/sysreg.h"

struct gic_info gic_info;
struct gic_maps gic_maps;
struct gic_ops gic_ops;
struct gic_virt gic_virt;

void gic_init_cpu(void)
{
    static const struct gic_interface idle;

    gic_ops.init_cpu();
    for (unsigned n = 0; n < gic_info.nr_lrs; n++)
        gic_virt.lr_write(n, 0);
    gic_virt.load(&idle);
    gic_virt.hcr_write(HCR_EN);
}

void gic_enable_ppi(uint32_t intid)
{
    gic_bank_write(GICD_ISENABLER, 0, BIT32(intid));
}

static volatile uint8_t *bank_register(unsigned reg, unsigned bank)
{
    return gic_ops.frame(32 * bank) + reg + 4ul * bank;
}

void gic_bank_write(unsigned reg, unsigned bank, uint32_t bits)
{
    mmio_write32(bank_register(reg, bank), bits);
}

uint32_t gic_bank_pending(unsigned bank)
{
    return mmio_read32(bank_register(GICD_ISPENDR, bank));
}

void gic_bank_reset(volatile uint8_t *frame, unsigned bank)
{
    volatile uint8_t *bits = frame + 4ul * bank;
    volatile uint8_t *priorities = frame + GICD_IPRIORITYR + 32ul * bank;

    mmio_write32(bits + GICD_ICENABLER, 0xffffffff);
    mmio_write32(bits + GICD_ICACTIVER, 0xffffffff);
    mmio_write32(bits + GICD_ICPENDR, 0xffffffff);
    if (gic_info.version == 3)
        mmio_write32(bits + GICD_IGROUPR, 0xffffffff);
    for (unsigned i = 0; i < 32; i += 4)
        mmio_write32(priorities + i, 0xa0a0a0a0);
}

/*
 * Reading back makes sure that the interrupt is active before the guest can deactivate it: a late
 * write would leave it active for good.
 */
void gic_bank_set_active(unsigned bank, uint32_t bits)
{
    gic_bank_write(GICD_ISACTIVER, bank, bits);
    (void)mmio_read32(bank_register(GICD_ISACTIVER, bank));
}
