/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build-machine twin of platform/sysreg.h: system registers are named variables that a test may set
 * and read, barriers are compiler barriers. May include platform/types.h.
 */
#ifndef PLATFORM_SYSREG_H
#define PLATFORM_SYSREG_H

#include "platform/types.h"

#define SYSREG_STR_(name) #name
#define SYSREG_STR(name)  SYSREG_STR_(name)

/*
 * Registers spring into being, zero, at their first use; names compare without case. A test that
 * wants side effects defines host_sysreg_written, which is called after every write by the code
 * under test.
 */
uint64_t host_sysreg_read(const char *name);
void host_sysreg_write(const char *name, uint64_t value);
void host_sysreg_written(const char *name, uint64_t value);

/* Forgets all registers (they read 0 again). */
void host_sysreg_reset(void);

#define sysreg_read(name) host_sysreg_read(SYSREG_STR(name))
#define sysreg_write(name, value)                                                                  \
    do {                                                                                           \
        uint64_t sysreg_value_ = (value);                                                          \
        host_sysreg_write(SYSREG_STR(name), sysreg_value_);                                        \
        host_sysreg_written(SYSREG_STR(name), sysreg_value_);                                      \
    } while (0)

#define isb()         __asm__ volatile("" : : : "memory")
#define dsb(opt)      __asm__ volatile("" : : : "memory")
#define dmb(opt)      __asm__ volatile("" : : : "memory")
#define wfi()         __asm__ volatile("" : : : "memory")
#define wfe()         __asm__ volatile("" : : : "memory")
#define sev()         __asm__ volatile("" : : : "memory")
#define irq_disable() __asm__ volatile("" : : : "memory")
#define irq_enable()  __asm__ volatile("" : : : "memory")

#endif
