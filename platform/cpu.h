/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The physical CPUs: their number and who is calling. CPUs are numbered 0.. in the order of the
 * device tree's cpu nodes, with the boot CPU as 0. TPIDR_EL2 holds the caller's number. May include
 * platform/types.h and platform/sysreg.h.
 */
#ifndef PLATFORM_CPU_H
#define PLATFORM_CPU_H

#include "platform/sysreg.h"
#include "platform/types.h"

/* Number of the calling CPU, below MAX_CPUS. */
static inline unsigned cpu_id(void)
{
    return (unsigned)sysreg_read(tpidr_el2);
}

/* CPUs found in the device tree and started so far; constant once boot is over. */
extern unsigned cpu_count;

/* MPIDR_EL1 affinity fields (Aff3..Aff0, other bits 0) of each CPU; constant likewise. */
extern uint64_t cpu_mpidr[MAX_CPUS];

#endif
