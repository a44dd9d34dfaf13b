/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI 1.1 for guests (Arm DEN 0022): CPUs are vCPUs of the caller's domain; SYSTEM_OFF and RESET
 * stop the domain, those of dom0 the machine. May call core, platform.
 */
#include "core/domain.h"
#include "core/sched.h"
#include "core/trap.h"
#include "platform/log.h"
#include "platform/smc.h"

#define PSCI_SUCCESS          0
#define PSCI_NOT_SUPPORTED    (-1)
#define PSCI_INVALID_PARAMS   (-2)
#define PSCI_ALREADY_ON       (-4)
#define PSCI_INTERNAL_FAILURE (-6)
#define PSCI_VERSION_1_1      0x10001
#define AFFINITY_ON           0
#define AFFINITY_OFF          1
#define TOS_NOT_PRESENT       2
#define SMC64                 0x40000000u
#define FN_SMCCC_VERSION      0x80000000u

/* mask: the bits of x1.. that count, by the width of the call. */
typedef int64_t (*psci_row_t)(struct vcpu *vcpu, uint64_t mask);

static int64_t version(UNUSED struct vcpu *vcpu, UNUSED uint64_t mask)
{
    return PSCI_VERSION_1_1;
}

/* Every power state is standby: context is kept, an interrupt ends it, as WFI. */
static int64_t cpu_suspend(struct vcpu *vcpu, UNUSED uint64_t mask)
{
    if (!vgic_has_deliverable(&vcpu->domain->vgic, &vcpu->vgic))
        sched_block(vcpu, VCPU_WAIT_EVENT);
    return PSCI_SUCCESS;
}

static int64_t cpu_off(struct vcpu *vcpu, UNUSED uint64_t mask)
{
    domain_vcpu_off(vcpu, TARN_REASON_ALL_OFF);
    return PSCI_SUCCESS;
}

static int64_t cpu_on(struct vcpu *vcpu, uint64_t mask)
{
    unsigned id = vcpu_of_mpidr(vcpu->x[1] & mask);

    if (id >= vcpu->domain->nr_vcpus)
        return PSCI_INVALID_PARAMS;
    if (!domain_vcpu_on(vcpu->domain, id, vcpu->x[2] & mask, vcpu->x[3] & mask))
        return PSCI_ALREADY_ON;
    return PSCI_SUCCESS;
}

static int64_t affinity_info(struct vcpu *vcpu, uint64_t mask)
{
    unsigned id = vcpu_of_mpidr(vcpu->x[1] & mask);

    if (id >= vcpu->domain->nr_vcpus || (vcpu->x[2] & mask) != 0)
        return PSCI_INVALID_PARAMS;
    return domain_vcpu_is_off(vcpu->domain->vcpu[id]) ? AFFINITY_OFF : AFFINITY_ON;
}

static int64_t migrate_info_type(UNUSED struct vcpu *vcpu, UNUSED uint64_t mask)
{
    return TOS_NOT_PRESENT;
}

/* Does not return to a guest that survives the call. */
static int64_t system_stop(struct vcpu *vcpu, uint8_t reason)
{
    if (vcpu->domain->id == DOM0_ID) {
        log_info("dom0 asked for %s", reason == TARN_REASON_POWEROFF ? "power-off" : "reset");
        smc_psci_system(reason == TARN_REASON_POWEROFF);
    }
    domain_stop(vcpu->domain, reason);
    return PSCI_INTERNAL_FAILURE;
}

static int64_t system_off(struct vcpu *vcpu, UNUSED uint64_t mask)
{
    return system_stop(vcpu, TARN_REASON_POWEROFF);
}

static int64_t system_reset(struct vcpu *vcpu, UNUSED uint64_t mask)
{
    return system_stop(vcpu, TARN_REASON_REBOOT);
}

/* Only SYSTEM_WARM_RESET (0), as an ordinary reset; vendor resets do not exist here. */
static int64_t system_reset2(struct vcpu *vcpu, uint64_t mask)
{
    if ((vcpu->x[1] & mask) != 0)
        return PSCI_INVALID_PARAMS;
    return system_stop(vcpu, TARN_REASON_REBOOT);
}

static int64_t features(struct vcpu *vcpu, uint64_t mask);

/* Function number -> row; `wide`: the function exists as a 64-bit call too. */
static const struct {
    psci_row_t row;
    bool wide;
} rows[32] = {
    [0x00] = {version, false},      [0x01] = {cpu_suspend, true},
    [0x02] = {cpu_off, false},      [0x03] = {cpu_on, true},
    [0x04] = {affinity_info, true}, [0x06] = {migrate_info_type, false},
    [0x08] = {system_off, false},   [0x09] = {system_reset, false},
    [0x0a] = {features, false},     [0x12] = {system_reset2, true},
};

static psci_row_t find(uint32_t function)
{
    unsigned number = function & 0x1f;

    if ((function & ~(SMC64 | 0x1f)) != 0x84000000u || ((function & SMC64) && !rows[number].wide))
        return NULL;
    return rows[number].row;
}

static int64_t features(struct vcpu *vcpu, UNUSED uint64_t mask)
{
    uint32_t function = (uint32_t)vcpu->x[1];

    return function == FN_SMCCC_VERSION || find(function) ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
}

int64_t psci_call(struct vcpu *vcpu, uint32_t function)
{
    psci_row_t row = find(function);

    return row ? row(vcpu, function & SMC64 ? UINT64_MAX : UINT32_MAX) : PSCI_NOT_SUPPORTED;
}
