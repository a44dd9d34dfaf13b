/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ties a vCPU's timers to the scheduler and the vGIC: who wakes a vCPU whose virtual timer is not
 * in the hardware, and the emulated physical timer. May include core, timer, gic.
 */
#ifndef CORE_TIMERS_H
#define CORE_TIMERS_H

#include "core/vcpu.h"

void timers_vcpu_init(struct vcpu *vcpu);

/* Switch hooks, on the vCPU's CPU. */
void timers_vcpu_saved(struct vcpu *vcpu);
void timers_vcpu_loading(struct vcpu *vcpu);

/* The emulated physical timer's registers have changed: line and deadline follow. vCPU loaded here.
 */
void timers_physical_changed(struct vcpu *vcpu);

/* No deadline of the vCPU stays armed. On its CPU. */
void timers_vcpu_stop(struct vcpu *vcpu);

#endif
