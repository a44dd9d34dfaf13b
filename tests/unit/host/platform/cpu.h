/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build-machine twin of platform/cpu.h: the test says which CPU it plays.
 * May include platform/types.h and platform/sysreg.h.
 */
#ifndef PLATFORM_CPU_H
#define PLATFORM_CPU_H

#include "platform/sysreg.h"
#include "platform/types.h"

/* The CPU that the code under test believes to run on; 0 at first. */
extern unsigned host_cpu_id;

static inline unsigned cpu_id(void)
{
    return host_cpu_id;
}

extern unsigned cpu_count;

#endif
