/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System registers, barriers and the few instructions C has no words for. Register names are the
 * assembler's; a register it does not know is written S<op0>_<op1>_C<n>_C<m>_<op2>.
 * May include platform/types.h.
 */
#ifndef PLATFORM_SYSREG_H
#define PLATFORM_SYSREG_H

#include "platform/types.h"

#define SYSREG_STR_(name) #name
#define SYSREG_STR(name)  SYSREG_STR_(name)

#define sysreg_read(name)                                                                          \
    ({                                                                                             \
        uint64_t sysreg_value_;                                                                    \
        __asm__ volatile("mrs %0, " SYSREG_STR(name) : "=r"(sysreg_value_));                       \
        sysreg_value_;                                                                             \
    })

#define sysreg_write(name, value)                                                                  \
    do {                                                                                           \
        uint64_t sysreg_written_ = (value);                                                        \
        __asm__ volatile("msr " SYSREG_STR(name) ", %x0" : : "rZ"(sysreg_written_) : "memory");    \
    } while (0)

#define isb()    __asm__ volatile("isb" : : : "memory")
#define dsb(opt) __asm__ volatile("dsb " #opt : : : "memory")
#define dmb(opt) __asm__ volatile("dmb " #opt : : : "memory")
#define wfi()    __asm__ volatile("dsb sy\n\twfi" : : : "memory")
#define wfe()    __asm__ volatile("wfe" : : : "memory")
#define sev()    __asm__ volatile("dsb ishst\n\tsev" : : : "memory")

/* Masks and unmasks IRQs of the calling CPU at EL2 (PSTATE.I). */
#define irq_disable() __asm__ volatile("msr daifset, #2" : : : "memory")
#define irq_enable()  __asm__ volatile("msr daifclr, #2" : : : "memory")

#endif
