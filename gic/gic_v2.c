/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv2 (IHI 0048): distributor, CPU interface (GICC), and the virtual interface control block
 * (GICH), all memory-mapped. Interrupt groups are left as the firmware set them: in the Non-secure
 * view they cannot be seen, and without Security Extensions everything resets to group 0, which
 * GICC_CTLR.bit 0 enables in both views. May include platform, gic.
 */
#include "gic/gic_ops.h"
#include "gic/gic_regs.h"
#include "platform/cpu.h"
#include "platform/mmio.h"
#include "platform/sysreg.h"

#define GICC_CTLR 0x0000
#define GICC_PMR  0x0004
#define GICC_BPR  0x0008
#define GICC_IAR  0x000c
#define GICC_EOIR 0x0010
#define GICC_APR  0x00d0
#define GICC_IIDR 0x00fc
#define GICC_DIR  0x1000

#define GICC_CTLR_ENABLE  (1u << 0)
#define GICC_CTLR_BYPASS  0x1e0u /* as the firmware has them */
#define GICC_CTLR_EOIMODE (1u << 9)

#define GICH_HCR    0x0000
#define GICH_VTR    0x0004
#define GICH_VMCR   0x0008
#define GICH_EISR0  0x0020
#define GICH_ELRSR0 0x0030
#define GICH_APR    0x00f0
#define GICH_LR     0x0100

static uint8_t interface_mask[MAX_CPUS]; /* the distributor's bit for each CPU */
static uint32_t sgi_iar[MAX_CPUS]; /* IAR of the SGI being handled: EOIR and DIR want its source */

static uint32_t gicc_read(unsigned reg)
{
    return mmio_read32(gic_maps.gicc + reg);
}

static void gicc_write(unsigned reg, uint32_t value)
{
    mmio_write32(gic_maps.gicc + reg, value);
}

static uint32_t gich_read(unsigned reg)
{
    return mmio_read32(gic_maps.gich + reg);
}

static void gich_write(unsigned reg, uint32_t value)
{
    mmio_write32(gic_maps.gich + reg, value);
}

/*
 * Boards with 64 KiB pages in mind repeat each 4 KiB frame 16 times: there GICC_DIR is 64 KiB from
 * the start, which a base moved to the last repetition of the first frame makes right.
 */
static void find_dir(void)
{
    if (gic_info.gicc.size < 0x20000)
        return;
    if (gicc_read(GICC_IIDR) == gicc_read(0xf000 + GICC_IIDR))
        gic_maps.gicc += 0xf000;
}

/* ITARGETSR0..7 read as the asking CPU's own bit, in the bytes of interrupts that exist (4.3.12).
 */
static uint8_t read_interface_mask(void)
{
    for (unsigned i = 0; i < 32; i += 4) {
        uint32_t targets = mmio_read32(gic_maps.gicd + GICD_ITARGETSR + i);
        targets |= targets >> 16;
        targets |= targets >> 8;
        if (targets & 0xff)
            return (uint8_t)targets;
    }
    return 1; /* a single CPU: reads as zero */
}

static const char *v2_reset(void)
{
    find_dir();
    mmio_write32(gic_maps.gicd + GICD_CTLR, 0);
    interface_mask[cpu_id()] = read_interface_mask();
    return NULL;
}

static void v2_init_cpu(void)
{
    volatile uint8_t *gicd = gic_maps.gicd;

    interface_mask[cpu_id()] = read_interface_mask();
    gic_bank_reset(gicd, 0);
    mmio_write32(gicd + GICD_ISENABLER, 0x000000ff); /* EL2's SGIs */
    for (unsigned i = 0; i < 4; i++)
        gicc_write(GICC_APR + 4 * i, 0);
    gicc_write(GICC_PMR, 0xf0);
    gicc_write(GICC_BPR, 0);
    gicc_write(GICC_CTLR,
               (gicc_read(GICC_CTLR) & GICC_CTLR_BYPASS) | GICC_CTLR_ENABLE | GICC_CTLR_EOIMODE);
}

/* The barrier: what the sender of an SGI wrote before is seen after. */
static uint32_t v2_ack(void)
{
    uint32_t iar = gicc_read(GICC_IAR);
    uint32_t intid = iar & 0x3ff;

    dsb(sy);
    if (intid < 16)
        sgi_iar[cpu_id()] = iar;
    if (intid < GIC_INTID_SPURIOUS)
        gicc_write(GICC_EOIR, iar);
    return intid;
}

static void v2_deactivate(uint32_t intid)
{
    gicc_write(GICC_DIR, intid < 16 ? sgi_iar[cpu_id()] : intid);
}

static void v2_send_sgi(unsigned cpu, uint32_t sgi)
{
    dsb(ishst);
    mmio_write32(gic_maps.gicd + GICD_SGIR, (uint32_t)interface_mask[cpu] << 16 | sgi);
}

static volatile uint8_t *v2_frame(UNUSED uint32_t intid)
{
    return gic_maps.gicd;
}

static void v2_route(uint32_t intid, unsigned cpu)
{
    mmio_write8(gic_maps.gicd + GICD_ITARGETSR + intid, interface_mask[cpu]);
}

static void v2_probe(void)
{
    gic_info.nr_lrs = MIN((gich_read(GICH_VTR) & 0x3f) + 1, (uint32_t)LR_MAX);
}

static void v2_lr_write(unsigned n, uint64_t encoded)
{
    gich_write(GICH_LR + 4 * n, (uint32_t)encoded);
}

static uint32_t v2_lr_state(unsigned n)
{
    return lr_state_v2(gich_read(GICH_LR + 4 * n));
}

static bool v2_lr_refill(unsigned n, uint64_t encoded)
{
    if (v2_lr_state(n))
        return false;
    v2_lr_write(n, encoded);
    return true;
}

#define READER(name, reg)                                                                          \
    static uint32_t name(void)                                                                     \
    {                                                                                              \
        return gich_read(reg);                                                                     \
    }
READER(v2_lr_empty, GICH_ELRSR0)
READER(v2_lr_ended, GICH_EISR0)
READER(v2_hcr_read, GICH_HCR)

static void v2_hcr_write(uint32_t hcr)
{
    gich_write(GICH_HCR, hcr);
}

static void v2_save(struct gic_interface *to)
{
    to->vmcr = gich_read(GICH_VMCR);
    to->apr[0][0] = gich_read(GICH_APR);
}

static void v2_load(const struct gic_interface *from)
{
    gich_write(GICH_VMCR, from->vmcr);
    gich_write(GICH_APR, from->apr[0][0]);
}

/* GICH_VMCR.VMPriMask is bits 31:27; bit n of GICH_APR stands for priority 8 n. */
static uint32_t v2_threshold(const struct gic_interface *saved)
{
    uint32_t mask = (saved->vmcr >> 27) << 3, active = saved->apr[0][0];

    return active ? MIN(mask, (uint32_t)__builtin_ctz(active) << 3) : mask;
}

const struct gic_ops gic_v2_ops = {
    .reset = v2_reset,
    .init_cpu = v2_init_cpu,
    .ack = v2_ack,
    .deactivate = v2_deactivate,
    .send_sgi = v2_send_sgi,
    .frame = v2_frame,
    .route = v2_route,
};

const struct gic_virt gic_v2_virt = {
    .probe = v2_probe,
    .lr_encode = lr_encode_v2,
    .lr_write = v2_lr_write,
    .lr_refill = v2_lr_refill,
    .lr_state = v2_lr_state,
    .lr_empty = v2_lr_empty,
    .lr_ended = v2_lr_ended,
    .hcr_read = v2_hcr_read,
    .hcr_write = v2_hcr_write,
    .save = v2_save,
    .load = v2_load,
    .threshold = v2_threshold,
};
