/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An interrupt for a vCPU is put into the vGIC by the CPU that runs the vCPU: that is where its
 * list registers are, so the guest has it with one interruption and the sender with one store.
 * Posts of one moment are one SGI. May include core/vcpu.h.
 */
#ifndef CORE_POST_H
#define CORE_POST_H

#include "core/vcpu.h"

/*
 * Makes INTID domain->first_line + line (0..63), edge-triggered, pending for the vCPU: at once if
 * it is at home on the calling CPU, else as soon as its CPU takes the post. What the caller stored
 * before is visible to the guest that takes the interrupt. Any CPU, no lock.
 */
void post_interrupt(struct vcpu *vcpu, unsigned line);

/* Delivers what was posted to vCPUs of the calling CPU: at most each of them once. No lock. */
void post_take(struct pcpu *cpu);

#endif
