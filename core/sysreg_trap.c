/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trapped system-register accesses: ID registers by table, the rest by rows. What has no row is not
 * offered and is UNDEFINED. May call core, timer, gic.
 */
#include "core/domain.h"
#include "core/timers.h"
#include "core/trap.h"

/* ESR_EL2.ISS of a trapped MSR, MRS: the register's encoding without Rt and direction. */
#define ISS_READ     1ul
#define ISS_RT(esr)  FIELD(esr, 9, 5)
#define ISS_CRM(esr) FIELD(esr, 4, 1)
#define ISS_OP2(esr) FIELD(esr, 19, 17)
#define SYSREG(op0, op1, crn, crm, op2)                                                            \
    (((op0) << 20) | ((op2) << 17) | ((op1) << 14) | ((crn) << 10) | ((crm) << 1))
#define ENCODING_MASK SYSREG(3u, 7u, 15u, 15u, 7u)
#define ID_GROUP      SYSREG(3u, 0u, 0u, 0u, 0u)
#define ID_GROUP_MASK SYSREG(3u, 7u, 15u, 0u, 0u)
#define DEBUG_GROUP   SYSREG(2u, 0u, 0u, 0u, 0u)
#define DEBUG_MASK    SYSREG(3u, 7u, 0u, 0u, 0u)

struct sysreg_row {
    uint32_t encoding;
    uint64_t (*read)(struct vcpu *vcpu);
    void (*write)(struct vcpu *vcpu, uint64_t value);
};

static uint64_t read_zero(UNUSED struct vcpu *vcpu)
{
    return 0;
}

static void write_ignored(UNUSED struct vcpu *vcpu, UNUSED uint64_t value)
{
}

static void write_sgi1r(struct vcpu *vcpu, uint64_t value)
{
    domain_kick(vcpu->domain, vgic_write_sgi1r(&vcpu->domain->vgic, vcpu->id, value));
}

static uint64_t read_cntp_ctl(struct vcpu *vcpu)
{
    return vtimer_read_ctl(&vcpu->timer, timer_now());
}

static void write_cntp_ctl(struct vcpu *vcpu, uint64_t value)
{
    vtimer_write_ctl(&vcpu->timer, value);
    timers_physical_changed(vcpu);
}

static uint64_t read_cntp_cval(struct vcpu *vcpu)
{
    return vcpu->timer.cntp_cval;
}

static void write_cntp_cval(struct vcpu *vcpu, uint64_t value)
{
    vcpu->timer.cntp_cval = value;
    timers_physical_changed(vcpu);
}

static uint64_t read_cntp_tval(struct vcpu *vcpu)
{
    return vtimer_read_tval(&vcpu->timer, timer_now());
}

static void write_cntp_tval(struct vcpu *vcpu, uint64_t value)
{
    vtimer_write_tval(&vcpu->timer, timer_now(), value);
    timers_physical_changed(vcpu);
}

static uint64_t read_sre(UNUSED struct vcpu *vcpu)
{
    return 7; /* SRE, DFB, DIB */
}

static uint64_t read_oslsr(UNUSED struct vcpu *vcpu)
{
    return BIT(3); /* OSLM: OS Lock implemented, not locked */
}

static uint64_t read_mdscr(UNUSED struct vcpu *vcpu)
{
    return sysreg_read(mdscr_el1);
}

/* SS, KDE, MDE: single step and software breakpoints work natively. */
static void write_mdscr(UNUSED struct vcpu *vcpu, uint64_t value)
{
    sysreg_write(mdscr_el1, value & (BIT(15) | BIT(13) | BIT(0)));
}

static const struct sysreg_row rows[] = {
    {SYSREG(3u, 0u, 12u, 11u, 5u), read_zero, write_sgi1r},       /* ICC_SGI1R_EL1 */
    {SYSREG(3u, 3u, 14u, 2u, 1u), read_cntp_ctl, write_cntp_ctl}, /* CNTP_CTL_EL0 */
    {SYSREG(3u, 3u, 14u, 2u, 2u), read_cntp_cval, write_cntp_cval},
    {SYSREG(3u, 3u, 14u, 2u, 0u), read_cntp_tval, write_cntp_tval},
    {SYSREG(3u, 0u, 1u, 0u, 1u), read_zero, write_ignored},   /* ACTLR_EL1 */
    {SYSREG(2u, 0u, 0u, 2u, 2u), read_mdscr, write_mdscr},    /* MDSCR_EL1 */
    {SYSREG(2u, 0u, 1u, 1u, 4u), read_oslsr, write_ignored},  /* OSLSR_EL1 */
    {SYSREG(3u, 0u, 12u, 12u, 5u), read_sre, write_ignored},  /* ICC_SRE_EL1 */
    {SYSREG(3u, 0u, 12u, 11u, 6u), read_zero, write_ignored}, /* ICC_ASGI1R_EL1 */
    {SYSREG(3u, 0u, 12u, 11u, 7u), read_zero, write_ignored}, /* ICC_SGI0R_EL1 */
    {0},
};

/* Breakpoints, watchpoints, OS lock: read as zero, ignore writes. */
static const struct sysreg_row debug_row = {0, read_zero, write_ignored};

/* The row of an encoding, or NULL. Those in a hurry come first in the table. */
static inline const struct sysreg_row *find(uint32_t encoding)
{
    for (const struct sysreg_row *row = rows; row->encoding; row++)
        if (row->encoding == encoding)
            return row;
    return (encoding & DEBUG_MASK) == DEBUG_GROUP ? &debug_row : NULL;
}

static void emulate(struct vcpu *vcpu, uint64_t esr, const struct sysreg_row *row)
{
    if (esr & ISS_READ)
        vcpu_set_reg(vcpu, (unsigned)ISS_RT(esr), row->read(vcpu));
    else
        row->write(vcpu, vcpu_reg(vcpu, (unsigned)ISS_RT(esr)));
    trap_skip(ESR_IL);
}

void trap_sysreg(struct vcpu *vcpu, uint64_t esr)
{
    const struct sysreg_row *row;

    if ((esr & (ID_GROUP_MASK | ISS_READ)) == (ID_GROUP | ISS_READ)) {
        vcpu_set_reg(vcpu, (unsigned)ISS_RT(esr),
                     idreg_read((unsigned)ISS_CRM(esr), (unsigned)ISS_OP2(esr)));
        trap_skip(ESR_IL);
    } else if ((row = find((uint32_t)esr & ENCODING_MASK))) {
        emulate(vcpu, esr, row);
    } else {
        inject_undef(vcpu);
    }
}
