/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket spinlock: fair, seven instructions when free. EL2 runs with IRQs masked, so there is no
 * irq-saving variant. The order in which locks nest is written in core/README.md.
 * May include platform/types.h and platform/panic.h.
 */
#ifndef PLATFORM_SPINLOCK_H
#define PLATFORM_SPINLOCK_H

#include "platform/panic.h"
#include "platform/types.h"

/* A zeroed one is free. */
typedef union {
    uint32_t both;
    uint16_t owner; /* ticket being served; in the other half: the ticket of the next to come */
} spinlock_t;

static inline void spin_lock(spinlock_t *lock)
{
    uint32_t both = __atomic_fetch_add(&lock->both, (1u << 16), __ATOMIC_ACQUIRE);
    for (uint16_t owner = (uint16_t)both; owner != both >> 16;
         owner = __atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE))
        __asm__ volatile("yield"); /* to the holder, where CPUs take turns (QEMU with -icount) */
}

/* Takes it if it is free. For a second lock of the same rank, which has no order to the first. */
static inline bool spin_trylock(spinlock_t *lock)
{
    uint32_t both = __atomic_load_n(&lock->both, __ATOMIC_RELAXED);
    return (uint16_t)both == both >> 16 &&
           __atomic_compare_exchange_n(&lock->both, &both, both + (1u << 16), false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Nobody else writes the owner. */
static inline void spin_unlock(spinlock_t *lock)
{
    __atomic_store_n(&lock->owner, (uint16_t)(lock->owner + 1), __ATOMIC_RELEASE);
}

#endif
