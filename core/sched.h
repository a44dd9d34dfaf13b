/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler: which vCPU a physical CPU runs. Each CPU has its own run queue; a vCPU is at home
 * on one CPU, and core/balance.h moves it. docs/scheduler.md says why that is fair.
 * May include core, gic, timer.
 */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include "core/pcpu.h"
#include "core/vcpu.h"

#define SCHED_SLICE_NS      10000000ul
#define SCHED_CAP_PERIOD_NS 50000000ul

/* Boot CPU: once. */
void sched_init(void);

/* A new vCPU, whose home is set. */
void sched_vcpu_init(struct vcpu *vcpu);

/* weight: 1..SHARE_WEIGHT_MAX; cap: ticks in each SCHED_CAP_PERIOD_NS, 0: none. Any CPU. */
void sched_set_share(struct vcpu *vcpu, uint32_t weight, uint64_t cap);

/* It may run on these CPUs from now on, at least one; moves there soon. Any CPU. */
void sched_set_cpus(struct vcpu *vcpu, uint64_t cpus);

/* First entry of a CPU into the scheduler; does not return. Stack top = the caller's stack. */
__attribute__((noreturn)) void sched_start(uint64_t stack_top);

/*
 * The guest-entry slow path: decides who runs on this CPU, idles until somebody can, switches if it
 * is another vCPU, and brings the hardware up to date. Returns the vCPU to enter. Loaded vCPU
 * given.
 */
struct vcpu *sched_enter(struct vcpu *vcpu);

/*
 * Blocks the calling CPU's current vCPU in the given wait state; takes effect at the guest entry
 * that follows. With VCPU_WAIT_EVENT it stays running if an interrupt has come meanwhile.
 */
void sched_block(struct vcpu *vcpu, enum vcpu_state state);

/* Lets others that are ready go first; takes effect at the guest entry that follows. */
void sched_yield(struct vcpu *vcpu);

/* Something new for a vCPU (an interrupt): wakes it from WFI, or makes it exit to see it. Any CPU.
 */
void sched_kick(struct vcpu *vcpu);

/* From OFF or a wait state to ready. Returns false (and does nothing) in any other state. Any CPU.
 */
bool sched_wake_from(struct vcpu *vcpu, enum vcpu_state from);

/*
 * The backend's answer for a vCPU in VCPU_WAIT_REQUEST: puts the value in its register and makes it
 * ready. Returns false if it does not wait for one. Any CPU.
 */
bool sched_reply(struct vcpu *vcpu, uint64_t value);

/* Pause: keeps a vCPU off its CPU until released; state and wake-ups go on behind it. Any CPU. */
void sched_hold(struct vcpu *vcpu);
void sched_release(struct vcpu *vcpu);

/*
 * A dying vCPU that is held and out of every register: its CPU will disarm its deadlines when it
 * next takes a kick (the caller begins a grace period). sched_kicked is that CPU's side.
 */
void sched_retire(struct vcpu *vcpu);
void sched_kicked(struct pcpu *cpu);

/* So many more vCPUs may run on a CPU: it looks whether one has it for itself. Any CPU. */
void sched_claim(struct pcpu *cpu, int change);

/*
 * For core/balance.c, with the lock of `cpu` held. join: a vCPU that is ready and whose home this
 * is wants to run. resched: the CPU looks at its queue again.
 */
void sched_join(struct pcpu *cpu, struct vcpu *vcpu, uint64_t now);
void sched_resched(struct pcpu *cpu);

/* True once a held vCPU is no longer current anywhere. */
bool sched_is_off_cpu(struct vcpu *vcpu);

/* CPU time of a vCPU so far, in ticks, the running stretch included. Any CPU. */
uint64_t sched_run_time(struct vcpu *vcpu);

#endif
