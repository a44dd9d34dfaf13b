/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A physical CPU as the scheduler sees it: its run queue, the vCPU whose registers it holds, the
 * vCPU whose FP registers it holds. May include platform, timer, core/share.h, core/vcpu.h.
 */
#ifndef CORE_PCPU_H
#define CORE_PCPU_H

#include "core/share.h"
#include "core/vcpu.h"
#include "platform/cpu.h"
#include "platform/spinlock.h"
#include "timer/timer.h"

struct pcpu {
    /* Touched by this CPU alone. */
    struct vcpu *loaded;   /* whose EL1 registers, timers and list registers are in the hardware */
    struct vcpu *fp_owner; /* whose FP registers are */
    uint64_t stack_top;
    uint64_t switched_in;  /* when `current` began to run, ticks */
    uint64_t switch_ticks; /* that the last switch took */
    uint64_t balanced;     /* when its load was last compared with that of others, ticks */
    bool idles;            /* its bit in core/balance.c is set */

    /* Constant from boot on. */
    struct vcpu *host; /* the vCPU of dom0 that was made here, which SGI_UPCALL is for, or NULL */
    unsigned id;

    spinlock_t lock;        /* guards what follows and the state of every vCPU at home here */
    struct vcpu *current;   /* runs, or NULL: idle */
    uint64_t charged;       /* up to when `current` has paid for its time, ticks */
    struct run_queue queue; /* ready vCPUs, without current */
    struct vcpu *retired;   /* dying vCPUs whose deadlines this CPU has to disarm, by `next` */

    uint32_t residents; /* atomic: vCPUs at home here */
    uint32_t claims;    /* vCPUs that may run here at all; see core/affinity.h */
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

/* A look at what may change: who has to obey is told besides. */
static inline bool pcpu_may_run(const struct pcpu *cpu, const struct vcpu *vcpu)
{
    return (__atomic_load_n(&vcpu->cpus, __ATOMIC_RELAXED) & BIT(cpu->id)) != 0;
}

/* It may run on other CPUs, too. Its home's lock held. */
static inline bool pcpu_may_leave(const struct pcpu *cpu, const struct vcpu *vcpu)
{
    return (vcpu->cpus & ~BIT(cpu->id)) != 0;
}

#endif
