/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the vectors to the handler of each exception class, and on to the guest entry. What is not
 * static and has no header here is called by core/entry.S.
 * May call core, gic.
 */
#include "core/trap.h"

#include "core/domain.h"
#include "core/sched.h"
#include "core/switch.h"
#include "platform/log.h"
#include "platform/panic.h"

_Static_assert(sizeof(struct el2_frame) == FRAME_SIZE, "core/layout.h");
_Static_assert(offsetof(struct el2_frame, sp) == FRAME_SP, "core/layout.h");
_Static_assert(offsetof(struct el2_frame, elr) == FRAME_ELR, "core/layout.h");
_Static_assert(offsetof(struct el2_frame, spsr) == FRAME_ELR + 8, "core/layout.h");
_Static_assert(offsetof(struct el2_frame, esr) == FRAME_ESR, "core/layout.h");
_Static_assert(offsetof(struct el2_frame, far) == FRAME_ESR + 8, "core/layout.h");

#define ESR_WFX_TI 3ul /* 0 WFI, 1 WFE */

static void trap_wfx(struct vcpu *vcpu, uint64_t esr)
{
    trap_skip(esr);
    if (esr & ESR_WFX_TI)
        sched_yield(vcpu);
    else if (!vgic_has_deliverable(&vcpu->domain->vgic, &vcpu->vgic))
        sched_block(vcpu, VCPU_WAIT_EVENT);
}

static void trap_fp(struct vcpu *vcpu, UNUSED uint64_t esr)
{
    if (vcpu->pcpu->fp_owner == vcpu)
        inject_undef(vcpu); /* SVE or SME state, which is not offered */
    else
        switch_fp(vcpu);
}

static void trap_undef(struct vcpu *vcpu, UNUSED uint64_t esr)
{
    inject_undef(vcpu);
}

/* Exception class -> handler. What is not offered to guests is UNDEF. */
const trap_handler_t trap_handlers[EXIT_CLASSES] = {
    [0x00] = trap_undef,          [EC_WFX] = trap_wfx,
    [0x02 ... 0x06] = trap_undef, [EC_FP] = trap_fp,
    [0x08 ... 0x15] = trap_undef, [EC_HVC64] = trap_hvc,
    [EC_SMC64] = trap_smc,        [EC_SYSREG] = trap_sysreg,
    [0x19 ... 0x1f] = trap_undef, [EC_IABT_LOW] = trap_iabt,
    [0x21 ... 0x23] = trap_undef, [EC_DABT_LOW] = trap_dabt,
    [0x25 ... 0x3f] = trap_undef,
};

/*
 * The vGIC's flag or the hazard word is set; nothing else is looked at before a guest entry. The
 * hazard word comes last: a flush may wake another vCPU of this CPU, which is a reason to
 * reschedule. Returns the vCPU to enter.
 */
struct vcpu *trap_enter(struct vcpu *vcpu)
{
    if (vgic_needs_flush(&vcpu->vgic))
        domain_kick(vcpu->domain, vgic_flush(&vcpu->domain->vgic, &vcpu->vgic));
    uint32_t hazard = __atomic_load_n(&vcpu->hazard, __ATOMIC_ACQUIRE);
    if (hazard & HAZARD_TRACE)
        return trace_enter(vcpu, hazard);
    return hazard ? sched_enter(vcpu) : vcpu;
}

void trap_irq(struct vcpu *vcpu, UNUSED uint64_t esr)
{
    vcpu->exits[EXIT_CLASSES]++;
    irq_handle_one(vcpu->pcpu);
}

/* Tarn gives no interrupt to group 0, so an FIQ can come from the firmware's side only. */
void trap_fiq(struct vcpu *vcpu, uint64_t esr)
{
    log_guest("d%uv%u: FIQ ignored, ESR %lx", vcpu->domain->id, vcpu->id, esr);
}

/*
 * An SError while a guest ran: something it touched answered with an error late. It is the guest's
 * to handle: a virtual SError with the same syndrome is what it would have seen (HCR_EL2.VSE).
 */
void trap_serror(struct vcpu *vcpu, uint64_t esr)
{
    log_guest("d%uv%u: SError handed on, ESR %lx", vcpu->domain->id, vcpu->id, esr);
    sysreg_write(hcr_el2, sysreg_read(hcr_el2) | BIT(8));
}
