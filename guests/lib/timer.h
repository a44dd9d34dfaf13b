/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of EL1 and waiting with a limit. May include platform.
 */
#ifndef PAYLOAD_TIMER_H
#define PAYLOAD_TIMER_H

#include "platform/sysreg.h"
#include "platform/types.h"

static inline uint64_t counter(void)
{
    isb();
    return sysreg_read(cntvct_el0);
}

static inline uint64_t physical_counter(void)
{
    isb();
    return sysreg_read(cntpct_el0);
}

static inline uint64_t us_to_ticks(uint64_t us)
{
    return us * sysreg_read(cntfrq_el0) / 1000000;
}

/* Polls condition for at most `us` microseconds of virtual counter; tells whether it came true. */
#define WAIT(condition, us)                                                                        \
    ({                                                                                             \
        uint64_t wait_end_ = counter() + us_to_ticks(us);                                          \
        while (!(condition) && counter() < wait_end_)                                              \
            ;                                                                                      \
        (condition);                                                                               \
    })

static inline void delay_us(uint64_t us)
{
    uint64_t end = counter() + us_to_ticks(us);
    while (counter() < end)
        ;
}

#endif
