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
#define ISS_CM           BIT(8)
#define ISS_S1PTW        BIT(7)
#define ISS_WNR          BIT(6)
#define ISS_TYPE(esr)    FIELD(esr, 5, 2)
#define TYPE_TRANSLATION 1

static uint64_t zero_extend(uint64_t value, unsigned size)
{
    return size == 8 ? value : value & ((1ul << (8 * size)) - 1);
}

/* A load's value as the instruction puts it in the register. */
static uint64_t load_value(uint64_t value, unsigned size, bool sign_extend, bool wide)
{
    value = zero_extend(value, size);
    if (sign_extend) {
        unsigned shift = 64 - 8 * size;
        value = (uint64_t)((int64_t)(value << shift) >> shift);
    }
    return wide ? value : value & 0xffffffff;
}

/*
 * The rest is up to the backend: remembers where its answer goes, blocks the vCPU, and only then
 * lets dom0 see the request, whose answer may come at once.
 */
static void wait_for_reply(struct vcpu *vcpu, uint64_t esr, struct vdev *vdev)
{
    vcpu->request = (struct vcpu_request){
        .rt = esr & ISS_WNR ? 31 : (uint8_t)ISS_SRT(esr),
        .size = (uint8_t)(1u << ISS_SAS(esr)),
        .sign_extend = (esr & ISS_SSE) != 0,
        .wide = (esr & ISS_SF) != 0,
    };
    sched_block(vcpu, VCPU_WAIT_REQUEST);
    vdev_post(vdev, vcpu->id);
    upcall_raise(vcpu->domain);
}

void request_finish(struct vcpu *vcpu, uint64_t value)
{
    const struct vcpu_request *r = &vcpu->request;

    vcpu_set_reg(vcpu, r->rt, load_value(value, r->size, r->sign_extend, r->wide));
}

static void emulate(struct vcpu *vcpu, uint64_t esr, const struct mmio_range *range, uint64_t where)
{
    struct domain *domain = vcpu->domain;
    unsigned size = 1u << ISS_SAS(esr);
    unsigned rt = (unsigned)ISS_SRT(esr);
    struct mmio_access access = {
        .offset = where - range->base,
        .vcpu = vcpu->id,
        .size = (uint8_t)size,
        .write = (esr & ISS_WNR) != 0,
    };

    if (access.write)
        access.value = zero_extend(vcpu_reg(vcpu, rt), size);
    enum mmio_result result = range->handler(range->device, &access);
    if (result == MMIO_FAULT) {
        inject_abort(vcpu, false);
        return;
    }
    trap_skip(esr);
    if (result == MMIO_WAIT)
        wait_for_reply(vcpu, esr, range->device);
    else if (!access.write)
        vcpu_set_reg(vcpu, rt,
                     load_value(access.value, size, (esr & ISS_SSE) != 0, (esr & ISS_SF) != 0));
    if (access.upcall)
        upcall_raise(domain);
    domain_kick(domain, access.kick);
}

/*
 * Without a valid syndrome (LDP, SIMD, atomics, cache maintenance) the access is not emulated:
 * devices are not memory, and Linux's accessors never use such instructions on them.
 */
void trap_dabt(struct vcpu *vcpu, uint64_t esr)
{
    uint64_t where = (FIELD(sysreg_read(hpfar_el2), 43, 4) << PAGE_SHIFT) |
                     (sysreg_read(far_el2) & (PAGE_SIZE - 1));
    const struct mmio_range *range = NULL;

    if ((esr & ISS_ISV) && ISS_TYPE(esr) == TYPE_TRANSLATION && !(esr & (ISS_S1PTW | ISS_CM)))
        range = mmio_table_find(&vcpu->domain->mmio, where);
    pa_t mapped;
    if (range && (where & ((1u << ISS_SAS(esr)) - 1)) == 0)
        emulate(vcpu, esr, range, where);
    else if (ISS_TYPE(esr) == TYPE_TRANSLATION &&
             stage2_lookup(&vcpu->domain->stage2, ipa(where), &mapped))
        return; /* it was being remapped at that moment: again */
    else
        inject_abort(vcpu, false);
}

void trap_iabt(struct vcpu *vcpu, uint64_t esr)
{
    (void)esr;
    inject_abort(vcpu, true);
}
