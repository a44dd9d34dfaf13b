/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv3 (IHI 0069), physical side: distributor with affinity routing, redistributors, and the CPU
 * interface as system registers. Works in the Non-secure view as well as with one Security state.
 * May include platform, gic.
 */
#include "gic/gic_ops.h"
#include "gic/gic_regs.h"
#include "platform/cpu.h"
#include "platform/mmio.h"
#include "platform/panic.h"
#include "platform/sysreg.h"

#define ICC_SRE_EL2     S3_4_C12_C9_5
#define ICC_SRE_EL1     S3_0_C12_C12_5
#define ICC_PMR_EL1     S3_0_C4_C6_0
#define ICC_AP1R0_EL1   S3_0_C12_C9_0
#define ICC_DIR_EL1     S3_0_C12_C11_1
#define ICC_SGI1R_EL1   S3_0_C12_C11_5
#define ICC_IAR1_EL1    S3_0_C12_C12_0
#define ICC_EOIR1_EL1   S3_0_C12_C12_1
#define ICC_BPR1_EL1    S3_0_C12_C12_3
#define ICC_CTLR_EL1    S3_0_C12_C12_4
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7

/* SRE, no FIQ and IRQ bypass; a guest's ICC_SRE_EL1 traps, for where SRE is not constant. */
#define SRE_ALL      0x7ul
#define CTLR_EOIMODE (1ul << 1)

#define BOOT_SPINS 10000000u

#define CTLR_ENABLE (GICD_CTLR_ARE | GICD_CTLR_GROUP1 | 1u)

static volatile uint8_t *redistributor[MAX_CPUS]; /* RD frame of each CPU */
static uint64_t sgi_target[MAX_CPUS];             /* of each CPU, as ICC_SGI1R_EL1 has it */

static uint64_t frame_size(uint64_t typer)
{
    if (gic_info.gicr_stride)
        return gic_info.gicr_stride;
    return typer & GICR_TYPER_VLPIS ? 2 * GICR_FRAMES : GICR_FRAMES;
}

/* A region ends with its size or with the frame marked Last. */
static volatile uint8_t *find_redistributor(unsigned cpu)
{
    uint64_t mpidr = cpu_mpidr[cpu];
    uint64_t wanted = (mpidr & 0xffffff) | FIELD(mpidr, 39, 32) << 24; /* Affinity_Value */

    for (unsigned i = 0; i < gic_info.gicr_count; i++) {
        volatile uint8_t *rd = gic_maps.gicr[i];
        volatile uint8_t *end = rd + gic_info.gicr[i].size;
        for (uint64_t typer = 0; rd + GICR_FRAMES <= end && !(typer & GICR_TYPER_LAST);
             rd += frame_size(typer)) {
            typer = mmio_read64(rd + GICR_TYPER);
            if (typer >> 32 == wanted)
                return rd;
        }
    }
    return NULL;
}

/* Spins until a register's bits read as zero. Boot: false after about a second. */
static bool wait_clear(volatile uint8_t *reg, uint32_t bits)
{
    for (unsigned i = 0; i < BOOT_SPINS; i++)
        if (!(mmio_read32(reg) & bits))
            return true;
    return false;
}

static const char *v3_reset(void)
{
    volatile uint8_t *gicd = gic_maps.gicd;

    mmio_write32(gicd + GICD_CTLR, 0);
    if (!wait_clear(gicd + GICD_CTLR, GICD_CTLR_RWP))
        return "the GICv3 distributor does not answer (GICD_CTLR.RWP stays set)";
    mmio_write32(gicd + GICD_CTLR, CTLR_ENABLE);
    if (!wait_clear(gicd + GICD_CTLR, GICD_CTLR_RWP) ||
        !(mmio_read32(gicd + GICD_CTLR) & GICD_CTLR_ARE))
        return "the GICv3 distributor does not do affinity routing (GICD_CTLR.ARE)";
    if (!find_redistributor(cpu_id()))
        return "no GICv3 redistributor matches the boot CPU: check reg of the interrupt controller";
    return NULL;
}

/* Marks the CPU as awake, so that the redistributor forwards to it. */
static void wake(volatile uint8_t *rd)
{
    mmio_write32(rd + GICR_WAKER, mmio_read32(rd + GICR_WAKER) & ~GICR_WAKER_SLEEP);
    if (!wait_clear(rd + GICR_WAKER, GICR_WAKER_ASLEEP))
        panic("GICv3: the redistributor of CPU %u does not wake up", cpu_id());
}

static void init_redistributor(volatile uint8_t *rd)
{
    wake(rd);
    gic_bank_reset(rd + GICR_SGI, 0);
    if (!wait_clear(rd + GICR_CTLR, GICR_CTLR_RWP))
        panic("GICv3: the redistributor of CPU %u does not answer", cpu_id());
    mmio_write32(rd + GICR_SGI + GICD_ISENABLER, 0x000000ff); /* EL2's SGIs */
}

static void v3_init_cpu(void)
{
    volatile uint8_t *rd = find_redistributor(cpu_id());
    uint64_t mpidr = cpu_mpidr[cpu_id()];

    if (!rd)
        panic("GICv3: no redistributor for CPU %u: check reg of the interrupt controller",
              cpu_id());
    redistributor[cpu_id()] = rd;
    /* ICC_SGI1R_EL1: Aff3 55:48, RS 47:44, Aff2 39:32, Aff1 23:16, list of Aff0 15:0. */
    sgi_target[cpu_id()] = FIELD(mpidr, 39, 32) << 48 | FIELD(mpidr, 23, 16) << 32 |
                           FIELD(mpidr, 15, 8) << 16 | FIELD(mpidr, 7, 4) << 44 | BIT(mpidr & 15);

    sysreg_write(ICC_SRE_EL2, SRE_ALL);
    isb();
    init_redistributor(rd);
    sysreg_write(ICC_SRE_EL1, 7);
    sysreg_write(ICC_CTLR_EL1, CTLR_EOIMODE);
    sysreg_write(ICC_PMR_EL1, 0xf0);
    sysreg_write(ICC_BPR1_EL1, 0);
    sysreg_write(ICC_AP1R0_EL1, 0);
    isb();
    sysreg_write(ICC_IGRPEN1_EL1, 1);
    isb();
}

/* The barrier: the interrupt is active before anything is done about it. */
static uint32_t v3_ack(void)
{
    uint32_t intid = (uint32_t)sysreg_read(ICC_IAR1_EL1);

    dsb(sy);
    if (intid < GIC_INTID_SPURIOUS)
        sysreg_write(ICC_EOIR1_EL1, intid);
    return intid;
}

static void v3_deactivate(uint32_t intid)
{
    sysreg_write(ICC_DIR_EL1, intid);
}

static void v3_send_sgi(unsigned cpu, uint32_t sgi)
{
    dsb(ishst);
    sysreg_write(ICC_SGI1R_EL1, sgi_target[cpu] | (uint64_t)sgi << 24);
    isb();
}

static volatile uint8_t *v3_frame(uint32_t intid)
{
    return intid < 32 ? redistributor[cpu_id()] + GICR_SGI : gic_maps.gicd;
}

static void v3_route(uint32_t intid, unsigned cpu)
{
    mmio_write64(gic_maps.gicd + GICD_IROUTER + 8ul * intid, cpu_mpidr[cpu]);
}

const struct gic_ops gic_v3_ops = {
    .reset = v3_reset,
    .init_cpu = v3_init_cpu,
    .ack = v3_ack,
    .deactivate = v3_deactivate,
    .send_sgi = v3_send_sgi,
    .frame = v3_frame,
    .route = v3_route,
};
