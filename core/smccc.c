/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HVC and SMC of a guest by the SMC Calling Convention 1.2 (Arm DEN 0028): which service owns the
 * function. Architecture calls go through to the firmware's answers; PSCI and hypercalls have files
 * of their own. May call core, platform.
 */
#include "core/trap.h"
#include "guests/abi/hypercall.h"
#include "platform/smc.h"

#define SMCCC_OWNER(function) FIELD(function, 29, 24)
#define OWNER_ARCH            0
#define OWNER_STANDARD        4
#define OWNER_STANDARD_HYP    5
#define OWNER_VENDOR_HYP      6
#define SMCCC_FAST            BIT32(31)

#define SMCCC_VERSION           0x80000000
#define SMCCC_ARCH_FEATURES     0x80000001
#define SMCCC_ARCH_WORKAROUND_1 0x80008000
#define SMCCC_ARCH_WORKAROUND_2 0x80007fff
#define SMCCC_ARCH_WORKAROUND_3 0x80003fff
#define SMCCC_VERSION_1_2       0x10002
#define SMCCC_NOT_REQUIRED      (-2)

static bool is_workaround(uint32_t function)
{
    return function == SMCCC_ARCH_WORKAROUND_1 || function == SMCCC_ARCH_WORKAROUND_3;
}

static int64_t arch_features(uint32_t function)
{
    if (function == SMCCC_VERSION || function == SMCCC_ARCH_FEATURES ||
        function == PV_TIME_FEATURES)
        return TARN_OK;
    if (is_workaround(function))
        return smc_arch_feature(function);
    /* It turns off a mitigation of the CPU, for whoever runs there next: it stays on for all. */
    if (function == SMCCC_ARCH_WORKAROUND_2 && smc_arch_feature(function) != TARN_ENOTSUPP)
        return SMCCC_NOT_REQUIRED;
    return TARN_ENOTSUPP;
}

static int64_t arch_call(struct vcpu *vcpu, uint32_t function)
{
    if (function == SMCCC_VERSION)
        return SMCCC_VERSION_1_2;
    if (function == SMCCC_ARCH_FEATURES)
        return arch_features((uint32_t)vcpu->x[1]);
    if (is_workaround(function) && smc_arch_feature(function) >= 0) {
        (void)smc(function, vcpu->x[1], 0, 0);
        return TARN_OK;
    }
    return TARN_ENOTSUPP;
}

static int64_t vendor_call(struct vcpu *vcpu, uint32_t function)
{
    if (function != TARN_SMCCC_UID)
        return hypercall(vcpu, function);
    vcpu->x[1] = TARN_UID_1;
    vcpu->x[2] = TARN_UID_2;
    vcpu->x[3] = TARN_UID_3;
    return TARN_UID_0;
}

static void call(struct vcpu *vcpu)
{
    uint32_t function = (uint32_t)vcpu->x[0];
    int64_t result = TARN_ENOTSUPP;

    if (!(function & SMCCC_FAST))
        ; /* yielding calls: none */
    else if (SMCCC_OWNER(function) == OWNER_STANDARD)
        result = psci_call(vcpu, function);
    else if (SMCCC_OWNER(function) == OWNER_STANDARD_HYP)
        result = pvtime_call(vcpu, function);
    else if (SMCCC_OWNER(function) == OWNER_VENDOR_HYP)
        result = vendor_call(vcpu, function);
    else if (SMCCC_OWNER(function) == OWNER_ARCH)
        result = arch_call(vcpu, function);
    vcpu->x[0] = (uint64_t)result;
}

/* The PC is behind the HVC already; the immediate is not used by the convention. */
void trap_hvc(struct vcpu *vcpu, UNUSED uint64_t esr)
{
    call(vcpu);
}

void trap_smc(struct vcpu *vcpu, uint64_t esr)
{
    trap_skip(esr);
    call(vcpu);
}
