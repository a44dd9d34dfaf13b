/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stolen time (Arm DEN 0057A): how long a vCPU was ready and waited for its CPU, in a page that its
 * domain reads. May include core/domain.h.
 */
#ifndef CORE_PVTIME_H
#define CORE_PVTIME_H

#include "core/domain.h"

#define PV_TIME_FEATURES 0xc5000020

/* Shows a new domain its page. False: EL2's heap is exhausted. */
bool pvtime_map(struct domain *domain);

/* PV_TIME_FEATURES, PV_TIME_ST, and any other call of the standard hypervisor service. */
int64_t pvtime_call(struct vcpu *vcpu, uint32_t function);

#endif
