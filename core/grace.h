/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grace periods: memory that other CPUs may still be looking at is freed once each of them has
 * taken a kick, which it does only from a guest or from idle, that is, outside every hypercall and
 * handler. The fast paths pay nothing. May include core/pcpu.h, gic.
 */
#ifndef CORE_GRACE_H
#define CORE_GRACE_H

#include "platform/types.h"

struct pcpu;

/* Begins a grace period: kicks all CPUs. Returns its number. Not from an interrupt. */
uint64_t grace_begin(void);

/* True when every CPU has passed the point where it could hold pointers from before it began. */
bool grace_passed(uint64_t period);

/* The last period that was begun; to be read before a kick is handled. */
uint64_t grace_latest(void);

/* The calling CPU has handled a kick that came with or after `period`. */
void grace_kick(struct pcpu *cpu, uint64_t period);

#endif
