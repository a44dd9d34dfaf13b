/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls into Tarn (guests/abi/hypercall.h) from dom0's kernel. Any context: they neither sleep nor
 * block. Status values of Tarn are negative errno values already.
 */
#ifndef TARN_DRIVER_HYPERCALL_H
#define TARN_DRIVER_HYPERCALL_H

#include <linux/arm-smccc.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "guests/abi/hypercall.h"

static inline int tarn_errno(unsigned long status)
{
    return (long)status == TARN_ENOTSUPP ? -EOPNOTSUPP : (int)status;
}

/* Up to 17 arguments, as many results: regs is both. */
static inline int tarn_hypercall(struct arm_smccc_1_2_regs *regs)
{
    arm_smccc_1_2_hvc(regs, regs);
    return tarn_errno(regs->a0);
}

/* Names travel in four registers: CREATE takes one from x3 on, INFO returns one from x7 on. */
static inline void tarn_name_to_regs(struct arm_smccc_1_2_regs *regs, const char *name)
{
    unsigned long word[TARN_NAME_SIZE / sizeof(long)];

    memcpy(word, name, sizeof(word));
    regs->a3 = word[0];
    regs->a4 = word[1];
    regs->a5 = word[2];
    regs->a6 = word[3];
}

static inline void tarn_name_from_regs(char *name, const struct arm_smccc_1_2_regs *regs)
{
    const unsigned long word[] = {regs->a7, regs->a8, regs->a9, regs->a10};

    static_assert(sizeof(word) == TARN_NAME_SIZE);
    memcpy(name, word, sizeof(word));
    name[TARN_NAME_SIZE - 1] = '\0';
}

/* Up to three arguments, no result. Inline: for the hot ones, and short for the others. */
static inline int tarn_hypercall3(u32 function, u64 a1, u64 a2, u64 a3)
{
    struct arm_smccc_res res;

    arm_smccc_1_1_hvc(function, a1, a2, a3, &res);
    return tarn_errno(res.a0);
}

#endif
