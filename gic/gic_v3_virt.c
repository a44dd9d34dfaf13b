/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv3, virtual CPU interface (IHI 0069 12.4): list registers, control, active priorities. Writes
 * are synchronised by the ERET that enters the guest. May include platform, gic.
 */
#include "gic/gic_ops.h"
#include "gic/gic_regs.h"
#include "platform/sysreg.h"

#define ICH_HCR_EL2   S3_4_C12_C11_0
#define ICH_VTR_EL2   S3_4_C12_C11_1
#define ICH_EISR_EL2  S3_4_C12_C11_3
#define ICH_ELRSR_EL2 S3_4_C12_C11_5
#define ICH_VMCR_EL2  S3_4_C12_C11_7

/* X(n, register): the list registers, the active priorities registers. */
#define ICH_LRS(X)                                                                                 \
    X(0, S3_4_C12_C12_0)                                                                           \
    X(1, S3_4_C12_C12_1)                                                                           \
    X(2, S3_4_C12_C12_2)                                                                           \
    X(3, S3_4_C12_C12_3)                                                                           \
    X(4, S3_4_C12_C12_4)                                                                           \
    X(5, S3_4_C12_C12_5)                                                                           \
    X(6, S3_4_C12_C12_6)                                                                           \
    X(7, S3_4_C12_C12_7)                                                                           \
    X(8, S3_4_C12_C13_0)                                                                           \
    X(9, S3_4_C12_C13_1)                                                                           \
    X(10, S3_4_C12_C13_2)                                                                          \
    X(11, S3_4_C12_C13_3)                                                                          \
    X(12, S3_4_C12_C13_4)                                                                          \
    X(13, S3_4_C12_C13_5)                                                                          \
    X(14, S3_4_C12_C13_6)                                                                          \
    X(15, S3_4_C12_C13_7)

#define ICH_APRS(X)                                                                                \
    X(0, S3_4_C12_C8_0, S3_4_C12_C9_0)                                                             \
    X(1, S3_4_C12_C8_1, S3_4_C12_C9_1)                                                             \
    X(2, S3_4_C12_C8_2, S3_4_C12_C9_2)                                                             \
    X(3, S3_4_C12_C8_3, S3_4_C12_C9_3)

static unsigned preemption_bits; /* 5..7 */
static unsigned apr_count;       /* registers per group: 1, 2 or 4 */

static uint32_t v3_lr_state(unsigned n)
{
#define LR_STATE(number, reg)                                                                      \
    case number:                                                                                   \
        return lr_state_v3(sysreg_read(reg));
    switch (n) {
        ICH_LRS(LR_STATE)
    default:
        return 0;
    }
}

static void v3_lr_write(unsigned n, uint64_t encoded)
{
#define LR_WRITE(number, reg)                                                                      \
    case number:                                                                                   \
        sysreg_write(reg, encoded);                                                                \
        return;
    switch (n) {
        ICH_LRS(LR_WRITE)
    default:
        return;
    }
}

static bool v3_lr_refill(unsigned n, uint64_t encoded)
{
#define LR_REFILL(number, reg)                                                                     \
    case number:                                                                                   \
        if (lr_state_v3(sysreg_read(reg)))                                                         \
            return false;                                                                          \
        sysreg_write(reg, encoded);                                                                \
        return true;
    switch (n) {
        ICH_LRS(LR_REFILL)
    default:
        return false;
    }
}

/* ICH_VTR_EL2: PREbits - 1 in 28:26, ListRegs - 1 in 4:0. */
static void v3_probe(void)
{
    uint64_t vtr = sysreg_read(ICH_VTR_EL2);

    preemption_bits = (unsigned)FIELD(vtr, 28, 26) + 1;
    apr_count = preemption_bits <= 5 ? 1 : 1u << (preemption_bits - 5);
    apr_count = MIN(apr_count, 4u);
    gic_info.nr_lrs = MIN((unsigned)FIELD(vtr, 4, 0) + 1, (unsigned)LR_MAX);
}

#define READER(name, reg)                                                                          \
    static uint32_t name(void)                                                                     \
    {                                                                                              \
        return (uint32_t)sysreg_read(reg);                                                         \
    }
READER(v3_lr_empty, ICH_ELRSR_EL2)
READER(v3_lr_ended, ICH_EISR_EL2)
READER(v3_hcr_read, ICH_HCR_EL2)

static void v3_hcr_write(uint32_t hcr)
{
    sysreg_write(ICH_HCR_EL2, hcr);
}

static void v3_save(struct gic_interface *to)
{
    to->vmcr = (uint32_t)sysreg_read(ICH_VMCR_EL2);
#define SAVE_APR(n, reg0, reg1)                                                                    \
    to->apr[0][n] = (uint32_t)sysreg_read(reg0);                                                   \
    to->apr[1][n] = (uint32_t)sysreg_read(reg1);                                                   \
    if (apr_count == n + 1)                                                                        \
        return;
    ICH_APRS(SAVE_APR)
}

static void v3_load(const struct gic_interface *from)
{
    sysreg_write(ICH_VMCR_EL2, from->vmcr);
#define LOAD_APR(n, reg0, reg1)                                                                    \
    sysreg_write(reg0, from->apr[0][n]);                                                           \
    sysreg_write(reg1, from->apr[1][n]);                                                           \
    if (apr_count == n + 1)                                                                        \
        return;
    ICH_APRS(LOAD_APR)
}

/* ICH_VMCR_EL2.VPMR is bits 31:24; bit n of the active priorities is the n-th preemption level. */
static uint32_t v3_threshold(const struct gic_interface *saved)
{
    uint32_t mask = saved->vmcr >> 24;

    for (unsigned i = 0; i < apr_count; i++) {
        uint32_t active = saved->apr[0][i] | saved->apr[1][i];
        if (active) {
            uint32_t level = 32 * i + (uint32_t)__builtin_ctz(active);
            return MIN(mask, level << (8 - preemption_bits));
        }
    }
    return mask;
}

const struct gic_virt gic_v3_virt = {
    .probe = v3_probe,
    .lr_encode = lr_encode_v3,
    .lr_write = v3_lr_write,
    .lr_refill = v3_lr_refill,
    .lr_state = v3_lr_state,
    .lr_empty = v3_lr_empty,
    .lr_ended = v3_lr_ended,
    .hcr_read = v3_hcr_read,
    .hcr_write = v3_hcr_write,
    .save = v3_save,
    .load = v3_load,
    .threshold = v3_threshold,
};
