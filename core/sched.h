/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler: which vCPU a physical CPU runs. Each CPU has its own run queue; a vCPU is at home
 * on one CPU. Time slices are handed out round-robin, a woken vCPU that has not used up its slice
 * goes first; docs/scheduler.md says why that is fair. May include core, gic, timer.
 */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include "core/pcpu.h"
#include "core/vcpu.h"

#define SCHED_SLICE_NS 10000000ul

/* Boot CPU: once. */
void sched_init(void);

/* At home on a CPU at most: each may have two deadlines armed there, and the slice is one. */
#define SCHED_MAX_RESIDENTS ((TIMER_MAX_DEADLINES - 1) / 2)

/* Whether so many more vCPUs find a home. Domain lock held. */
bool sched_has_room(unsigned vcpus);

/* The CPU with the fewest vCPUs at home; counts one more there. Domain lock held. */
struct pcpu *sched_place(void);

/* A vCPU leaves its home for good. */
void sched_unplace(struct vcpu *vcpu);

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

/* True once a held vCPU is no longer current anywhere. */
bool sched_is_off_cpu(struct vcpu *vcpu);

/* CPU time of a vCPU so far, in ticks, the running stretch included. Any CPU. */
uint64_t sched_run_time(struct vcpu *vcpu);

#endif
