/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Save, load and reset of a vCPU's EL1 system registers, made from the list in context.h.
 * May call platform.
 */
#include "core/context.h"

#include "platform/sysreg.h"

bool context_has_pauth;

void context_init(void)
{
    uint64_t isar1 = sysreg_read(id_aa64isar1_el1);

    /* APA, API, GPA, GPI (Arm ARM D19.2.62). */
    context_has_pauth = (isar1 & 0xff000ff0) != 0;
}

#define CONTEXT_SAVE(f1, reg1, f2, reg2)                                                           \
    {                                                                                              \
        uint64_t one = sysreg_read(reg1), two = sysreg_read(reg2);                                 \
        context->f1 = one;                                                                         \
        context->f2 = two;                                                                         \
    }
#define CONTEXT_LOAD(f1, reg1, f2, reg2)                                                           \
    {                                                                                              \
        uint64_t one = context->f1, two = context->f2;                                             \
        sysreg_write(reg1, one);                                                                   \
        sysreg_write(reg2, two);                                                                   \
    }

void context_reset(struct el1_context *context)
{
    *context = (struct el1_context){.pstate = PSTATE_RESET, .sctlr_el1 = SCTLR_EL1_RESET};
}

void context_save(struct el1_context *context)
{
    EL1_CONTEXT(CONTEXT_SAVE)
    if (context_has_pauth) {
        PAUTH_CONTEXT(CONTEXT_SAVE)
    }
}

void context_load(const struct el1_context *context)
{
    EL1_CONTEXT(CONTEXT_LOAD)
    if (context_has_pauth) {
        PAUTH_CONTEXT(CONTEXT_LOAD)
    }
}
