/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing up the CPUs and sending them into the scheduler. Boot only.
 */
#ifndef BOOT_SMP_H
#define BOOT_SMP_H

#include "platform/types.h"

/* What each CPU does for itself once its MMU is on; here for the boot CPU. */
void smp_boot_cpu(void);

/*
 * Starts the other CPUs of the device tree by PSCI CPU_ON and waits until they are ready. A CPU
 * that does not come is left out with a warning.
 */
void smp_start_secondaries(const void *fdt);

/* Lets all CPUs enter the scheduler, the caller too. dom0 is ready. */
__attribute__((noreturn)) void smp_go(void);

/* Entry of a secondary from head.S, on its own stack. */
__attribute__((noreturn)) void secondary_main(unsigned cpu);

#endif
