/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ID registers as guests read them: the CPU's own, less what is not offered. One row per
 * register with fields that are hidden (Arm ARM D19.2, ID_*). May call platform, mm, gic.
 */
#include "core/trap.h"
#include "gic/gic.h"
#include "mm/stage2.h"

#define NR_CRM 8
#define NR_OP2 8

static uint64_t table[NR_CRM][NR_OP2];

/* The 4-bit field that begins at bit `low`. */
#define F(low) (0xful << (low))

/* Fields that read as zero to guests: what is not offered. */
static const struct {
    uint8_t crm, op2;
    uint64_t fields;
} hidden[] = {
    /* ID_PFR0: AMU, RAS */
    {1, 0, F(20) | F(28)},
    /* ID_DFR0: trace, PMU */
    {1, 2, F(12) | F(16) | F(24) | F(28)},
    /* ID_AA64PFR0: EL2, EL3, RAS, SVE, SEL2, MPAM, AMU, RME */
    {4, 0, F(8) | F(12) | F(28) | F(32) | F(36) | F(40) | F(44) | F(52)},
    /* ID_AA64PFR1: MTE, RAS_frac, MPAM_frac, SME, CSV2_frac */
    {4, 1, F(8) | F(12) | F(16) | F(24) | F(32)},
    /* ID_AA64ZFR0, ID_AA64SMFR0 */
    {4, 4, ~0ul},
    {4, 5, ~0ul},
    /* ID_AA64DFR0: TraceVer, PMUVer, PMSVer, TraceFilt, TraceBuffer, MTPMU, BRBE, HPMN0 */
    {5, 0, F(4) | F(8) | F(32) | F(40) | F(44) | F(48) | F(52) | F(60)},
    /* ID_AA64AFR0, ID_AA64AFR1: nothing that is known */
    {5, 4, ~0ul},
    {5, 5, ~0ul},
    /* ID_AA64ISAR1: LS64; ID_AA64ISAR2: WFxT */
    {6, 1, F(60)},
    {6, 2, F(0)},
    /* ID_AA64MMFR0: FGT, ECV; ID_AA64MMFR1: VH, LO, TWED, XNX, HCX; ID_AA64MMFR2: NV, FWB, EVT */
    {7, 0, F(56) | F(60)},
    {7, 1, F(8) | F(16) | F(28) | F(32) | F(40)},
    {7, 2, F(24) | F(40) | F(56)},
};

#define READ_ROW(crm)                                                                              \
    do {                                                                                           \
        table[crm][0] = sysreg_read(S3_0_C0_C##crm##_0);                                           \
        table[crm][1] = sysreg_read(S3_0_C0_C##crm##_1);                                           \
        table[crm][2] = sysreg_read(S3_0_C0_C##crm##_2);                                           \
        table[crm][3] = sysreg_read(S3_0_C0_C##crm##_3);                                           \
        table[crm][4] = sysreg_read(S3_0_C0_C##crm##_4);                                           \
        table[crm][5] = sysreg_read(S3_0_C0_C##crm##_5);                                           \
        table[crm][6] = sysreg_read(S3_0_C0_C##crm##_6);                                           \
        table[crm][7] = sysreg_read(S3_0_C0_C##crm##_7);                                           \
    } while (0)

/* MIDR, MPIDR and REVIDR (CRm 0) do not trap: VPIDR_EL2 and VMPIDR_EL2 answer. */
static void read_hardware(void)
{
    READ_ROW(1);
    READ_ROW(2);
    READ_ROW(3);
    READ_ROW(4);
    READ_ROW(5);
    READ_ROW(6);
    READ_ROW(7);
}

/* A guest sees `most` at most in the field. */
static void limit(uint64_t *value, unsigned low, uint64_t most)
{
    *value = (*value & ~F(low)) | MIN(FIELD(*value, low + 3, low), most) << low;
}

void idreg_init(void)
{
    read_hardware();
    for (unsigned i = 0; i < ARRAY_SIZE(hidden); i++)
        table[hidden[i].crm][hidden[i].op2] &= ~hidden[i].fields;
    limit(&table[4][0], 56, 1);                  /* ID_AA64PFR0.CSV2: SCXTNUM is not switched */
    limit(&table[7][0], 0, STAGE2_PARANGE_MOST); /* ID_AA64MMFR0.PARange */
    if (gic_info.version == 2) {                 /* no system-register interface */
        limit(&table[4][0], 24, 0);              /* ID_AA64PFR0.GIC */
        limit(&table[1][1], 28, 0);              /* ID_PFR1.GIC */
    }
}

uint64_t idreg_read(unsigned crm, unsigned op2)
{
    return table[crm & (NR_CRM - 1)][op2];
}
