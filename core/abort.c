/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage-2 aborts: a guest touched an address that stage 2 does not map. Emulated devices answer, or
 * their backend does; anything else is an external abort for the guest.
 * May call core, mm, gic, virtio.
 */
#include "core/domain.h"
#include "core/sched.h"
#include "core/trap.h"
#include "platform/panic.h"

/* ESR_EL2.ISS of a data abort (Arm ARM D19.2.37) */
#define ISS_ISV          BIT(24)
#define ISS_SAS(esr)     FIELD(esr, 23, 22)
#define ISS_SSE          BIT(21)
#define ISS_SRT(esr)     FIELD(esr, 20, 16)
#define ISS_SF           BIT(15)
#define ISS_WNR          BIT(6)
#define ISS_TYPE(esr)    FIELD(esr, 5, 2)
#define TYPE_TRANSLATION 1

/* A load of a narrow register, sign-extended: LDRSB, LDRSH, LDRSW. */
static RARE uint64_t sign_extend(uint64_t value, uint64_t esr)
{
    unsigned shift = 64 - (8u << ISS_SAS(esr));
    uint64_t extended = (uint64_t)((int64_t)(value << shift) >> shift);

    return esr & ISS_SF ? extended : (uint32_t)extended;
}

static inline uint64_t zero_extend(uint64_t value, uint64_t esr)
{
    unsigned shift = 64 - (8u << ISS_SAS(esr));

    return value << shift >> shift;
}

/* Puts a load's value, zero-extended, where and how the instruction wants it. */
static inline void finish_load(struct vcpu *vcpu, uint64_t esr, uint64_t value)
{
    if (esr & ISS_SSE)
        value = sign_extend(value, esr);
    vcpu_set_reg(vcpu, (unsigned)ISS_SRT(esr), value);
}

void request_finish(struct vcpu *vcpu, uint64_t value)
{
    if (!(vcpu->request & ISS_WNR))
        finish_load(vcpu, vcpu->request, zero_extend(value, vcpu->request));
}

static inline void finish(struct vcpu *vcpu, uint64_t esr)
{
    trap_skip(esr);
    if (!vcpu->access.write)
        finish_load(vcpu, esr, vcpu->access.value);
}

/*
 * The rest is up to the backend: remembers where its answer goes, blocks the vCPU, and only then
 * lets dom0 see the request, whose answer may come at once.
 */
static void wait_for_reply(struct vcpu *vcpu, uint64_t esr)
{
    trap_skip(esr);
    vcpu->request = esr;
    sched_block(vcpu, VCPU_WAIT_REQUEST);
    vdev_post(vcpu->last_range->device, vcpu->id);
    upcall_raise(vcpu->domain);
}

/* An access that is not simply done. */
static RARE void finish_otherwise(struct vcpu *vcpu, uint64_t esr, enum mmio_result result)
{
    if (result == MMIO_KICK) {
        vcpu_mask_t kick = vcpu->access.kick;
        vcpu->access.kick = 0;
        finish(vcpu, esr);
        domain_kick(vcpu->domain, kick);
    } else if (result == MMIO_WAIT) {
        wait_for_reply(vcpu, esr);
    } else {
        inject_abort(vcpu, false);
    }
}

/* An access to the range of emulated registers vcpu->last_range. */
static inline void emulate(struct vcpu *vcpu, uint64_t esr, uint64_t offset)
{
    const struct mmio_range *range = vcpu->last_range;
    struct mmio_access *access = &vcpu->access;

    access->offset = offset;
    access->size = (uint8_t)(1u << ISS_SAS(esr));
    access->write = FIELD(esr, 6, 6);
    if (access->write)
        access->value = vcpu_reg(vcpu, (unsigned)ISS_SRT(esr));
    enum mmio_result result = range->handler(range->device, access);
    if (result == MMIO_DONE) {
        finish(vcpu, esr);
    } else if (result == MMIO_UPCALL) {
        trap_skip(esr);
        upcall_raise(vcpu->domain);
    } else {
        finish_otherwise(vcpu, esr, result);
    }
}

/* No device there: a page that was being remapped at that moment, or an external abort. */
static RARE void no_device(struct vcpu *vcpu, uint64_t esr, uint64_t where)
{
    pa_t mapped;

    if (ISS_TYPE(esr) != TYPE_TRANSLATION ||
        !stage2_lookup(&vcpu->domain->stage2, ipa(where), &mapped))
        inject_abort(vcpu, false);
}

/*
 * A load or store of a register, aligned. Without a valid syndrome (LDP, SIMD, atomics, cache
 * maintenance; walks of stage-1 tables) an access is not emulated: devices are not memory, and
 * Linux's accessors never use such instructions on them.
 */
static inline bool is_plain(uint64_t esr, uint64_t where)
{
    return (esr & ISS_ISV) && ISS_TYPE(esr) == TYPE_TRANSLATION &&
           !(where & ((1u << ISS_SAS(esr)) - 1));
}

/* Not where the access before went. */
static RARE void trap_elsewhere(struct vcpu *vcpu, uint64_t esr, uint64_t where)
{
    const struct mmio_range *range = mmio_table_find(&vcpu->domain->mmio, where);

    if (!range || !is_plain(esr, where)) {
        no_device(vcpu, esr, where);
        return;
    }
    vcpu->last_range = range;
    emulate(vcpu, esr, where - range->base);
}

void trap_dabt(struct vcpu *vcpu, uint64_t esr)
{
    /* HPFAR_EL2.FIPA, bits 43:4, is IPA bits 51:12; the rest of it is zero, but for NS above. */
    uint64_t where =
        sysreg_read(hpfar_el2) << (PAGE_SHIFT - 4) | (sysreg_read(far_el2) & (PAGE_SIZE - 1));
    uint64_t offset = where - vcpu->last_range->base;

    if (offset < vcpu->last_range->size && is_plain(esr, where))
        emulate(vcpu, esr, offset);
    else
        trap_elsewhere(vcpu, esr, where);
}

void trap_iabt(struct vcpu *vcpu, uint64_t esr)
{
    /* Nothing is where its vectors should be: it would come back here for ever. */
    if (inject_is_lost())
        domain_vcpu_lost(vcpu, esr);
    else
        inject_abort(vcpu, true);
}
