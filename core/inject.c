/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions that Tarn makes a guest take at its EL1. May call platform.
 */
#include "core/trap.h"

#define SPSR_AARCH32 BIT(4)
#define SPSR_SSBS    BIT(12)
#define SPSR_PAN     BIT(22)
#define SCTLR_SPAN   BIT(23)
#define SCTLR_DSSBS  BIT(44)

#define ISS_EXTERNAL 0x10 /* DFSC, IFSC: synchronous external abort, not on a walk */

/* Offset of the synchronous vector for an exception taken from `pstate` (Arm ARM D1.3.6). */
static uint64_t vector(uint64_t pstate)
{
    uint64_t mode = pstate & PSTATE_MODE;

    if (pstate & SPSR_AARCH32)
        return 0x600;
    return mode == PSTATE_EL1H ? 0x200 : mode == PSTATE_EL1T ? 0x000 : 0x400;
}

/* PSTATE at the vector: EL1h, all masked, PAN and SSBS as SCTLR_EL1 says. */
static uint64_t vector_pstate(uint64_t pstate)
{
    uint64_t sctlr = sysreg_read(sctlr_el1);
    uint64_t target = PSTATE_EL1H | PSTATE_DAIF | (pstate & (SPSR_PAN | 0xf0000000));

    if (!(sctlr & SCTLR_SPAN))
        target |= SPSR_PAN;
    if (sctlr & SCTLR_DSSBS)
        target |= SPSR_SSBS;
    return target;
}

bool inject_is_lost(void)
{
    uint64_t pstate = sysreg_read(spsr_el2);

    return (pstate & PSTATE_MODE) == PSTATE_EL1H &&
           sysreg_read(elr_el2) == sysreg_read(vbar_el1) + vector(pstate);
}

static void take(uint64_t esr)
{
    uint64_t pstate = sysreg_read(spsr_el2);

    sysreg_write(elr_el1, sysreg_read(elr_el2));
    sysreg_write(spsr_el1, pstate);
    sysreg_write(esr_el1, esr);
    sysreg_write(elr_el2, sysreg_read(vbar_el1) + vector(pstate));
    sysreg_write(spsr_el2, vector_pstate(pstate));
}

void inject_undef(UNUSED struct vcpu *vcpu)
{
    take(ESR_EC(EC_UNKNOWN) | (sysreg_read(esr_el2) & ESR_IL));
}

void inject_abort(UNUSED struct vcpu *vcpu, bool instruction)
{
    uint64_t pstate = sysreg_read(spsr_el2);
    bool from_el1 = !(pstate & SPSR_AARCH32) && (pstate & PSTATE_MODE & 0xc) == (PSTATE_EL1H & 0xc);
    unsigned ec = instruction ? EC_IABT_LOW : EC_DABT_LOW;

    if (from_el1)
        ec++; /* ..._SAME */
    sysreg_write(far_el1, sysreg_read(far_el2));
    take(ESR_EC(ec) | ESR_IL | ISS_EXTERNAL);
}
