/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv3: CPU interface by system registers (IHI 0069, 12.2), redistributors. May call platform.
 */
#include "guests/lib/gic.h"
#include "guests/lib/payload.h"
#include "platform/mmio.h"
#include "platform/sysreg.h"

#define GICD_AT(offset)  ((char *)DOMU_GICD_BASE + (offset))
#define GICR_WAKER       0x0014
#define GICR_SGI_BASE    0x10000
#define WAKER_SLEEP      2u
#define WAKER_ASLEEP     4u
#define CTLR_ARE         0x10u
#define CTLR_GROUP1      2u
#define ICC_CTLR_EOIMODE 2ul

#define ICC_PMR_EL1     S3_0_C4_C6_0
#define ICC_DIR_EL1     S3_0_C12_C11_1
#define ICC_RPR_EL1     S3_0_C12_C11_3
#define ICC_SGI1R_EL1   S3_0_C12_C11_5
#define ICC_IAR1_EL1    S3_0_C12_C12_0
#define ICC_EOIR1_EL1   S3_0_C12_C12_1
#define ICC_HPPIR1_EL1  S3_0_C12_C12_2
#define ICC_BPR1_EL1    S3_0_C12_C12_3
#define ICC_CTLR_EL1    S3_0_C12_C12_4
#define ICC_SRE_EL1     S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7

static char *own_redistributor(void)
{
    return (char *)DOMU_GICR_BASE + (size_t)this_cpu() * DOMU_GICR_STRIDE;
}

char *gic_v3_private_frame(void)
{
    return own_redistributor() + GICR_SGI_BASE;
}

static void init(void)
{
    mmio_write32(GICD_AT(GICD_CTLR), CTLR_ARE | CTLR_GROUP1);
    for (uint32_t intid = 32; intid < 1020; intid += 32)
        mmio_write32(GICD_AT(GICD_IGROUPR + intid / 8), UINT32_MAX);
}

static void init_cpu(void)
{
    char *waker = own_redistributor() + GICR_WAKER;
    mmio_write32(waker, mmio_read32(waker) & ~WAKER_SLEEP);
    while (mmio_read32(waker) & WAKER_ASLEEP)
        ;
    mmio_write32(gic_v3_private_frame() + GICD_IGROUPR, UINT32_MAX);
    sysreg_write(ICC_SRE_EL1, 7);
    isb();
    sysreg_write(ICC_BPR1_EL1, 0);
}

static void route(uint32_t intid, unsigned cpu)
{
    mmio_write64(GICD_AT(GICD_IROUTER + 8 * (size_t)intid), cpu);
}

static void sgi(uint32_t number, unsigned mask)
{
    sysreg_write(ICC_SGI1R_EL1, (uint64_t)number << 24 | mask);
    isb();
}

static void sgi_others(uint32_t number)
{
    sysreg_write(ICC_SGI1R_EL1, (uint64_t)number << 24 | 1ul << 40);
    isb();
}

static void mask_below(uint8_t pmr)
{
    sysreg_write(ICC_PMR_EL1, pmr);
    isb();
}

static void group_enable(bool on)
{
    sysreg_write(ICC_IGRPEN1_EL1, on);
    isb();
}

static void eoi_mode(bool split)
{
    uint64_t value = sysreg_read(ICC_CTLR_EL1) & ~ICC_CTLR_EOIMODE;
    sysreg_write(ICC_CTLR_EL1, split ? value | ICC_CTLR_EOIMODE : value);
    isb();
}

static uint32_t running(void)
{
    return (uint32_t)sysreg_read(ICC_RPR_EL1);
}

static uint32_t highest_pending(void)
{
    return (uint32_t)sysreg_read(ICC_HPPIR1_EL1);
}

static uint32_t ack(void)
{
    uint32_t iar = (uint32_t)sysreg_read(ICC_IAR1_EL1);
    dsb(sy);
    return iar;
}

static void eoi(uint32_t iar)
{
    sysreg_write(ICC_EOIR1_EL1, iar);
    isb();
}

static void deactivate(uint32_t iar)
{
    sysreg_write(ICC_DIR_EL1, iar);
    isb();
}

const struct gic_ops gic_v3_ops = {
    init,     init_cpu, route,           sgi, sgi_others, mask_below, group_enable,
    eoi_mode, running,  highest_pending, ack, eoi,        deactivate,
};
