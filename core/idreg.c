/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ID registers as guests read them: the CPU's own, less what is not offered. One row per field that
 * is hidden or limited (Arm ARM D19.2, ID_*). May call platform.
 */
#include "core/trap.h"

#define NR_CRM 8
#define NR_OP2 8

static uint64_t table[NR_CRM][NR_OP2];

/* A field and the highest value a guest may see in it. */
struct limit {
    uint8_t crm, op2;
    uint8_t low; /* lowest bit of the 4-bit field */
    uint8_t most;
};

static const struct limit limits[] = {
    /* ID_PFR0: AMU, RAS; ID_DFR0: PMU, trace */
    {1, 0, 20, 0},
    {1, 0, 28, 0},
    {1, 2, 24, 0},
    {1, 2, 12, 0},
    {1, 2, 16, 0},
    {1, 2, 28, 0},
    /* ID_AA64PFR0: EL2, EL3, RAS, SVE, MPAM, AMU, RME, CSV2 (SCXTNUM is not switched) */
    {4, 0, 8, 0},
    {4, 0, 12, 0},
    {4, 0, 28, 0},
    {4, 0, 32, 0},
    {4, 0, 36, 0},
    {4, 0, 40, 0},
    {4, 0, 44, 0},
    {4, 0, 52, 0},
    {4, 0, 56, 1},
    /* ID_AA64PFR1: MTE, RAS_frac, MPAM_frac, SME, CSV2_frac */
    {4, 1, 8, 0},
    {4, 1, 12, 0},
    {4, 1, 16, 0},
    {4, 1, 24, 0},
    {4, 1, 32, 0},
    /* ID_AA64ZFR0 (all), ID_AA64SMFR0 (all): see idreg_init */
    /* ID_AA64DFR0: TraceVer, PMUVer, PMSVer, TraceFilt, TraceBuffer, MTPMU, BRBE, HPMN0 */
    {5, 0, 4, 0},
    {5, 0, 8, 0},
    {5, 0, 32, 0},
    {5, 0, 40, 0},
    {5, 0, 44, 0},
    {5, 0, 48, 0},
    {5, 0, 52, 0},
    {5, 0, 60, 0},
    /* ID_AA64ISAR1: LS64; ID_AA64ISAR2: WFxT */
    {6, 1, 60, 0},
    {6, 2, 0, 0},
    /* ID_AA64MMFR0: FGT, ECV; ID_AA64MMFR1: VH, LO, TWED, XNX, HCX; ID_AA64MMFR2: NV, FWB, EVT */
    {7, 0, 56, 0},
    {7, 0, 60, 0},
    {7, 1, 8, 0},
    {7, 1, 16, 0},
    {7, 1, 28, 0},
    {7, 1, 32, 0},
    {7, 1, 40, 0},
    {7, 2, 24, 0},
    {7, 2, 40, 0},
    {7, 2, 56, 0},
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

static void set_field(unsigned crm, unsigned op2, unsigned low, uint64_t value)
{
    table[crm][op2] = (table[crm][op2] & ~(0xful << low)) | value << low;
}

/* PARange of ID_AA64MMFR0_EL1 for an IPA width that stage2.h offers. */
static uint64_t parange(unsigned bits)
{
    static const uint8_t widths[] = {32, 36, 40, 42, 44, 48};
    uint64_t code = 0;

    while (code + 1 < ARRAY_SIZE(widths) && widths[code + 1] <= bits)
        code++;
    return code;
}

void idreg_init(unsigned ipa_bits, unsigned gic_version)
{
    read_hardware();
    for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
        const struct limit *limit = &limits[i];
        uint64_t value = FIELD(table[limit->crm][limit->op2], limit->low + 3u, limit->low);
        if (value > limit->most)
            set_field(limit->crm, limit->op2, limit->low, limit->most);
    }
    table[4][4] = 0; /* ID_AA64ZFR0_EL1 */
    table[4][5] = 0; /* ID_AA64SMFR0_EL1 */
    table[5][4] = 0; /* ID_AA64AFR0_EL1, ID_AA64AFR1_EL1: nothing that is known */
    table[5][5] = 0;
    set_field(7, 0, 0, parange(ipa_bits));
    if (gic_version == 2) {
        set_field(4, 0, 24, 0); /* ID_AA64PFR0.GIC: no system-register interface */
        set_field(1, 1, 28, 0); /* ID_PFR1.GIC */
    }
}

uint64_t idreg_read(unsigned crm, unsigned op2)
{
    return table[crm & (NR_CRM - 1)][op2];
}
