/* SPDX-License-Identifier: Apache-2.0 */
/* GICv2: CPU interface by memory-mapped registers (IHI 0048, 4.4). May call platform. */
#include "guests/lib/gic.h"
#include "platform/mmio.h"

#define GICD_AT(offset) ((char *)DOMU_GICD_BASE + (offset))
#define GICC_AT(offset) ((char *)DOMU_GICC_BASE + (offset))
#define GICC_CTLR       0x0000
#define GICC_PMR        0x0004
#define GICC_BPR        0x0008
#define GICC_IAR        0x000c
#define GICC_EOIR       0x0010
#define GICC_RPR        0x0014
#define GICC_HPPIR      0x0018
#define GICC_DIR        0x1000
#define CTLR_ENABLE     1u
#define CTLR_EOIMODE    0x200u

static void init(void)
{
    mmio_write32(GICD_AT(GICD_CTLR), 1);
}

static void init_cpu(void)
{
    mmio_write32(GICC_AT(GICC_BPR), 0);
}

static void route(uint32_t intid, unsigned cpu)
{
    mmio_write8(GICD_AT(GICD_ITARGETSR + intid), (uint8_t)(1u << cpu));
}

static void sgi(uint32_t number, unsigned mask)
{
    mmio_write32(GICD_AT(GICD_SGIR), mask << 16 | number);
}

static void sgi_others(uint32_t number)
{
    mmio_write32(GICD_AT(GICD_SGIR), 1u << 24 | number);
}

static void mask_below(uint8_t pmr)
{
    mmio_write32(GICC_AT(GICC_PMR), pmr);
}

static void set_control(uint32_t bit, bool on)
{
    uint32_t value = mmio_read32(GICC_AT(GICC_CTLR));
    mmio_write32(GICC_AT(GICC_CTLR), on ? value | bit : value & ~bit);
}

static void group_enable(bool on)
{
    set_control(CTLR_ENABLE, on);
}

static void eoi_mode(bool split)
{
    set_control(CTLR_EOIMODE, split);
}

static uint32_t running(void)
{
    return mmio_read32(GICC_AT(GICC_RPR));
}

static uint32_t highest_pending(void)
{
    return mmio_read32(GICC_AT(GICC_HPPIR)) & 0x3ff;
}

static uint32_t ack(void)
{
    return mmio_read32(GICC_AT(GICC_IAR));
}

static void eoi(uint32_t iar)
{
    mmio_write32(GICC_AT(GICC_EOIR), iar);
}

static void deactivate(uint32_t iar)
{
    mmio_write32(GICC_AT(GICC_DIR), iar);
}

const struct gic_ops gic_v2_ops = {
    init,     init_cpu, route,           sgi, sgi_others, mask_below, group_enable,
    eoi_mode, running,  highest_pending, ack, eoi,        deactivate,
};
