/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build-machine twin of platform/spinlock.h: a program of one thread cannot wait, so a lock that is
 * taken twice ends the test. Where locks are taken and given back is where other CPUs come in
 * between: a test that plays several defines host_lock_gap and host_lock_is_free itself.
 * May include platform/types.h and platform/panic.h.
 */
#ifndef PLATFORM_SPINLOCK_H
#define PLATFORM_SPINLOCK_H

#include "platform/panic.h"
#include "platform/types.h"

typedef struct {
    uint16_t next;
    uint16_t owner;
} spinlock_t;

/* Called before a lock is taken and after one is given back; does nothing. */
void host_lock_gap(void);

/* What spin_trylock finds of a lock that nobody here holds; true. */
bool host_lock_is_free(const spinlock_t *lock);

static inline bool spin_is_locked(const spinlock_t *lock)
{
    return lock->next != lock->owner;
}

static inline void spin_lock(spinlock_t *lock)
{
    host_lock_gap();
    assert(!spin_is_locked(lock));
    lock->next++;
}

static inline bool spin_trylock(spinlock_t *lock)
{
    bool taken = !spin_is_locked(lock) && host_lock_is_free(lock);

    lock->next += taken;
    return taken;
}

static inline void spin_unlock(spinlock_t *lock)
{
    assert(spin_is_locked(lock));
    lock->owner++;
    host_lock_gap();
}

#endif
