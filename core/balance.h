/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where vCPUs are at home. A CPU with too much to do gives a vCPU that waits there to one with
 * less; nobody takes from another. May include core/pcpu.h.
 */
#ifndef CORE_BALANCE_H
#define CORE_BALANCE_H

#include "core/pcpu.h"

/* At home on a CPU at most: each may have three deadlines armed there. */
#define BALANCE_MAX_RESIDENTS (TIMER_MAX_DEADLINES / 3)

/*
 * Ticks that a vCPU waits before it is moved to an idle CPU: short waits are cheaper than moves.
 * Set once, by sched_init. Loads are compared every BALANCE_INTERVAL of them.
 */
extern uint64_t balance_patience;
#define BALANCE_INTERVAL 20

/* Whether so many more vCPUs find a home among `cpus`. Table lock held. */
bool balance_has_room(unsigned vcpus, uint64_t cpus);

/* The one of `cpus` with the fewest vCPUs at home; counts one more there. Table lock held. */
struct pcpu *balance_place(uint64_t cpus);

/* A vCPU leaves its home for good. */
void balance_unplace(struct vcpu *vcpu);

/* What follows: the calling CPU's. */

/*
 * It has nothing to do: tells others, and the one with the most to do to look. Returns when it is
 * to be called again, TIMER_NEVER for not before something happens. No lock held.
 */
uint64_t balance_idle(struct pcpu *cpu);

extern uint64_t balance_idle_cpus; /* atomic: a bit a CPU */

static inline void balance_not_idle(struct pcpu *cpu)
{
    if (!cpu->idles)
        return;
    cpu->idles = false;
    __atomic_fetch_and(&balance_idle_cpus, ~BIT(cpu->id), __ATOMIC_RELAXED);
}

/* There is a CPU that could do some of its work. */
static inline bool balance_wanted(const struct pcpu *cpu)
{
    return cpu->queue.movable && __atomic_load_n(&balance_idle_cpus, __ATOMIC_RELAXED);
}

/* There may be one with less to do. */
static inline bool balance_due(const struct pcpu *cpu)
{
    return balance_wanted(cpu) || (cpu->queue.movable && cpu->switched_in >= cpu->balanced);
}

/* Gives one of those who wait to a CPU with less to do, if that makes it better. No lock held. */
void balance_away(struct pcpu *cpu);

/*
 * One that is to run next, and waits nowhere, may not run here any more: gives it away as soon as
 * it is in no register and the other CPU's lock is free; until then it waits. False: nowhere to, it
 * runs on here until there is room elsewhere. Lock held; true: a decision is to be made anew.
 */
bool balance_expel(struct pcpu *cpu, struct vcpu *vcpu);

#endif
