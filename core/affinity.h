/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which CPUs a vCPU may run on: those it was given, less the ones that are dedicated to another. A
 * CPU that one vCPU alone may run on is that vCPU's own: its WFI does not exit.
 * May include core/domain.h. All functions but affinity_call: domain table lock held.
 */
#ifndef CORE_AFFINITY_H
#define CORE_AFFINITY_H

#include "core/domain.h"

/* CPUs that are for everybody. */
uint64_t affinity_common(void);

/* A new vCPU, and one that is held and leaves for good. */
void affinity_enter(struct vcpu *vcpu, uint64_t cpus);
void affinity_leave(struct vcpu *vcpu);

/*
 * The vCPU may run on `cpus`; dedicated: on one of them, where nobody else may. TARN_EINVAL: there
 * is no such CPU; TARN_EBUSY: they are dedicated to others, or, for a dedicated one, each of them
 * is the only one that somebody else may run on. Nothing has changed then.
 */
int64_t affinity_set(struct vcpu *vcpu, uint64_t cpus, bool dedicated);

/* The hypercall TARN_HC_VCPU_AFFINITY. Takes the domain table's lock. */
int64_t affinity_call(struct vcpu *vcpu, uint64_t *x);

#endif
