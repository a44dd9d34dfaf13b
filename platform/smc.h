/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to the firmware at EL3 by SMC: PSCI (Arm DEN 0022) and the SMCCC workarounds (DEN 0028).
 * Any CPU, no locks. May include platform/types.h.
 */
#ifndef PLATFORM_SMC_H
#define PLATFORM_SMC_H

#include "platform/types.h"

/* Reads PSCI_VERSION. Returns NULL, or a sentence if the firmware has no PSCI of 0.2 or later. */
const char *smc_init(const void *fdt);

/* CPU_ON: mpidr's CPU begins at entry (pa) with x0 = context. Returns the PSCI status, 0 for
 * success. */
int64_t smc_psci_cpu_on(uint64_t mpidr, uint64_t entry, uint64_t context);

/* SYSTEM_OFF or SYSTEM_RESET; parks if the firmware does neither. */
__attribute__((noreturn)) void smc_psci_system(bool off);

/* SMCCC_ARCH_FEATURES of an ARCH_WORKAROUND function; negative: the firmware has none. */
int64_t smc_arch_feature(uint32_t function);

/* Any call: x0 = function and x1..x3; returns x0. */
int64_t smc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);

#endif
