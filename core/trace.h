/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace: what each CPU does, in a ring of its own that dom0 reads (guests/abi/notify.h). Off, a
 * call of trace() is a load and a branch; exits and entries pay nothing, see trace.c. May include
 * guests/abi, platform.
 */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "platform/types.h"

#include "guests/abi/notify.h"

struct vcpu;

extern volatile uint32_t trace_on; /* not by __atomic: that is an instruction more */

/* Writes a record. vcpu: whom it is about, or NULL. */
RARE void trace_write(const struct vcpu *vcpu, enum tarn_trace_type type, uint64_t what,
                      uint64_t value0, uint64_t value1);

static inline void trace(const struct vcpu *vcpu, enum tarn_trace_type type, uint64_t what)
{
    if (trace_on)
        trace_write(vcpu, type, what, 0, 0);
}

/* On the way into a guest, HAZARD_TRACE is among the hazards. Returns the vCPU to enter. */
RARE struct vcpu *trace_enter(struct vcpu *vcpu, uint32_t hazard);

int64_t trace_control(uint64_t *x); /* the hypercall */

#endif
