/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system registers that make up a vCPU at EL1 and EL0. One list makes the structure, save,
 * load, reset and dump; they stay in the hardware as long as the vCPU is loaded, across any number
 * of exits. May include platform.
 */
#ifndef CORE_CONTEXT_H
#define CORE_CONTEXT_H

#include "platform/types.h"

/*
 * X(field, register, and the same of the next): in pairs, since two registers travel in one load or
 * store. ELR_EL2 and SPSR_EL2 are the guest's PC and PSTATE.
 */
#define EL1_CONTEXT(X)                                                                             \
    X(pc, elr_el2, pstate, spsr_el2)                                                               \
    X(sp_el0, sp_el0, sp_el1, sp_el1)                                                              \
    X(elr_el1, elr_el1, spsr_el1, spsr_el1)                                                        \
    X(sctlr_el1, sctlr_el1, cpacr_el1, cpacr_el1)                                                  \
    X(ttbr0_el1, ttbr0_el1, ttbr1_el1, ttbr1_el1)                                                  \
    X(tcr_el1, tcr_el1, mair_el1, mair_el1)                                                        \
    X(amair_el1, amair_el1, vbar_el1, vbar_el1)                                                    \
    X(contextidr_el1, contextidr_el1, tpidr_el1, tpidr_el1)                                        \
    X(tpidr_el0, tpidr_el0, tpidrro_el0, tpidrro_el0)                                              \
    X(esr_el1, esr_el1, far_el1, far_el1)                                                          \
    X(afsr0_el1, afsr0_el1, afsr1_el1, afsr1_el1)                                                  \
    X(par_el1, par_el1, csselr_el1, csselr_el1)                                                    \
    X(mdscr_el1, mdscr_el1, cntkctl_el1, cntkctl_el1)

/* Pointer authentication keys (FEAT_PAuth), by encoding: older assemblers do not know them. */
#define PAUTH_CONTEXT(X)                                                                           \
    X(apia_lo, S3_0_C2_C1_0, apia_hi, S3_0_C2_C1_1)                                                \
    X(apib_lo, S3_0_C2_C1_2, apib_hi, S3_0_C2_C1_3)                                                \
    X(apda_lo, S3_0_C2_C2_0, apda_hi, S3_0_C2_C2_1)                                                \
    X(apdb_lo, S3_0_C2_C2_2, apdb_hi, S3_0_C2_C2_3)                                                \
    X(apga_lo, S3_0_C2_C3_0, apga_hi, S3_0_C2_C3_1)

#define PSTATE_EL1H 0x5
#define PSTATE_EL1T 0x4
#define PSTATE_MODE 0x1f
#define PSTATE_DAIF 0x3c0

/* Reset values of those that are not 0. */
#define PSTATE_RESET    (PSTATE_DAIF | PSTATE_EL1H)
#define SCTLR_EL1_RESET 0x30d00800ul /* MMU and caches off, little endian, RES1 of Armv8.0 */

#define CONTEXT_FIELD(f1, reg1, f2, reg2) uint64_t f1, f2;
struct el1_context {
    EL1_CONTEXT(CONTEXT_FIELD)
    PAUTH_CONTEXT(CONTEXT_FIELD)
};

/* FP/SIMD registers: saved when another vCPU first uses FP on this CPU. See core/fpsimd.S. */
struct fp_context {
    __attribute__((aligned(16))) uint64_t q[64];
    uint64_t fpsr, fpcr;
};

/* Whether the CPUs have FEAT_PAuth. Set once by context_init at boot. */
void context_init(void);
extern bool context_has_pauth;

void context_reset(struct el1_context *context);
void context_save(struct el1_context *context);
void context_load(const struct el1_context *context);

/* core/fpsimd.S: all of V0-V31, FPSR, FPCR. CPTR_EL2.TFP must be clear. */
void fp_save(struct fp_context *fp);
void fp_load(const struct fp_context *fp);

#endif
