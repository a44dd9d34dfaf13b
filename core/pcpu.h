/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A physical CPU as the scheduler sees it: its run queue, the vCPU whose registers it holds, the
 * vCPU whose FP registers it holds. May include platform, timer, core/vcpu.h.
 */
#ifndef CORE_PCPU_H
#define CORE_PCPU_H

#include "core/vcpu.h"
#include "platform/cpu.h"
#include "platform/spinlock.h"
#include "timer/timer.h"

struct run_queue {
    struct vcpu *first, *last;
};

struct pcpu {
    /* Touched by this CPU alone. */
    struct vcpu *loaded;   /* whose EL1 registers, timers and list registers are in the hardware */
    struct vcpu *fp_owner; /* whose FP registers are */
    uint64_t stack_top;
    uint64_t switched_in;      /* when `current` began to run, ticks */
    struct deadline slice_end; /* preemption, armed only while others wait */
    unsigned id;

    spinlock_t lock;           /* guards what follows and the state of every vCPU at home here */
    struct vcpu *current;      /* runs, or NULL: idle */
    struct run_queue queue[2]; /* ready vCPUs, without current: with slice left; without */
    unsigned residents;        /* vCPUs at home here, for placement */
    struct vcpu *retired;      /* dying vCPUs whose deadlines this CPU has to disarm, by `next` */

    struct vcpu *posts; /* atomic: vCPUs at home here with something posted, by `next_post` */
    uint64_t grace;     /* last grace period this CPU has passed; see core/grace.h */
};

extern struct pcpu pcpus[MAX_CPUS];

/* The calling CPU's. */
static inline struct pcpu *this_pcpu(void)
{
    return &pcpus[cpu_id()];
}

static inline bool pcpu_is_this(const struct pcpu *cpu)
{
    return cpu->id == cpu_id();
}

#endif
