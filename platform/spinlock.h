/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket spinlock: fair, eight instructions when free. EL2 runs with IRQs masked, so there is no
 * irq-saving variant. The order in which locks nest is written in core/README.md.
 * May include platform/types.h and platform/panic.h.
 */
#ifndef PLATFORM_SPINLOCK_H
#define PLATFORM_SPINLOCK_H

#include "platform/panic.h"
#include "platform/types.h"

/* A zeroed one is free. */
typedef struct {
    uint16_t next;  /* ticket of the next to come */
    uint16_t owner; /* ticket being served */
} spinlock_t;

static inline void spin_lock(spinlock_t *lock)
{
    uint16_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket)
        ;
}

/* Takes it if it is free. For a second lock of the same rank, which has no order to the first. */
static inline bool spin_trylock(spinlock_t *lock)
{
    uint16_t ticket = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
    return __atomic_compare_exchange_n(&lock->next, &ticket, (uint16_t)(ticket + 1), false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void spin_unlock(spinlock_t *lock)
{
    uint16_t owner = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
    __atomic_store_n(&lock->owner, (uint16_t)(owner + 1), __ATOMIC_RELEASE);
}

#endif
