/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPU switch: fold the vGIC, save the EL1 list, load stage 2, load the list, flush the vGIC.
 * May call core, mm, gic, timer.
 */
#include "core/switch.h"

#include "core/domain.h"
#include "core/timers.h"
#include "mm/tlb.h"
#include "platform/panic.h"
#include "platform/sysreg.h"

#define CPTR_TFP      BIT(10)
#define CPTR_RES1     0x401033fful /* also traps SVE, SME, trace and activity-monitor accesses */
#define CPTR_TRAP_ALL (CPTR_RES1 | CPTR_TFP)

/* HCR_EL2 of every vCPU (Arm ARM D19.2.48); TWI and TWE are for CPUs that are shared. */
#define HCR_RW    BIT(31)
#define HCR_TACR  BIT(21)
#define HCR_TIDCP BIT(20)
#define HCR_TSC   BIT(19)
#define HCR_TID3  BIT(18)
#define HCR_TWE   BIT(14)
#define HCR_TWI   BIT(13)
#define HCR_BSU   BIT(10)
#define HCR_FB    BIT(9)
#define HCR_VSE   BIT(8)
#define HCR_AMO   BIT(5)
#define HCR_IMO   BIT(4)
#define HCR_FMO   BIT(3)
#define HCR_PTW   BIT(2)
#define HCR_SWIO  BIT(1)
#define HCR_VM    BIT(0)
#define HCR_API   BIT(41)
#define HCR_APK   BIT(40)
#define HCR_TERR  BIT(36) /* error records, */
#define HCR_TLOR  BIT(35) /* LORegions: the machine's, and not offered */
#define HCR_BASE                                                                                   \
    (HCR_RW | HCR_TACR | HCR_TIDCP | HCR_TSC | HCR_TID3 | HCR_BSU | HCR_FB | HCR_AMO | HCR_IMO |   \
     HCR_FMO | HCR_PTW | HCR_SWIO | HCR_VM | HCR_TERR | HCR_TLOR)

/* What of it differs between vCPUs. */
#define HCR_OF_VCPU (HCR_TWI | HCR_TWE | HCR_VSE)

/* Neither debug, trace nor profiling registers are switched: they trap. No PMU is offered. */
#define MDCR_DEBUG   (BIT(11) | BIT(10) | BIT(9)) /* TDRA, TDOSA, TDA */
#define MDCR_TRACE   BIT(19)                      /* TTRF */
#define MDCR_PROFILE BIT(14)                      /* TPMS */
#define MDCR_PMU     (BIT(6) | BIT(5))            /* TPM, TPMCR */

void switch_init_cpu(void)
{
    sysreg_write(mdcr_el2, MDCR_DEBUG | MDCR_TRACE | MDCR_PROFILE | MDCR_PMU);
    /* FP stays open to EL2 itself until the first guest runs: libfdt uses it. */
    sysreg_write(cptr_el2, CPTR_RES1);
    sysreg_write(hstr_el2, 0);
    sysreg_write(vpidr_el2, sysreg_read(midr_el1));
    sysreg_write(hcr_el2, HCR_BASE | (context_has_pauth ? HCR_API | HCR_APK : 0));
    isb();
}

static void save_loaded(struct pcpu *cpu)
{
    struct vcpu *vcpu = cpu->loaded;

    if (!vcpu)
        return;
    domain_kick(vcpu->domain, vgic_save(vcpu->vgic.vgic, &vcpu->vgic));
    vtimer_save(&vcpu->timer);
    context_save(&vcpu->context);
    __atomic_store_n(&cpu->loaded, NULL, __ATOMIC_RELEASE); /* see switch_is_out */
    timers_vcpu_saved(vcpu);
}

static void load(struct pcpu *cpu, struct vcpu *vcpu)
{
    struct domain *domain = vcpu->domain;

    timers_vcpu_loading(vcpu);
    stage2_load(&domain->stage2);
    sysreg_write(vmpidr_el2, vcpu->vmpidr);
    context_load(&vcpu->context);
    vtimer_load(&vcpu->timer);
    vcpu->stack_top = cpu->stack_top;
    cpu->loaded = vcpu;
    sysreg_write(cptr_el2, CPTR_RES1 | (cpu->fp_owner == vcpu ? 0 : CPTR_TFP));
    /*
     * Two vCPUs of one domain share a VMID; a TLB entry that one of them may use need not be valid
     * for the other (same ASID, other tables).
     */
    if (domain->last_vcpu[cpu->id] != vcpu->id) {
        domain->last_vcpu[cpu->id] = (uint8_t)vcpu->id;
        isb();
        tlb_flush_guest_local();
    }
    vgic_load(vcpu->vgic.vgic, &vcpu->vgic);
}

static void save_fp(struct pcpu *cpu)
{
    if (!cpu->fp_owner)
        return;
    sysreg_write(cptr_el2, CPTR_RES1);
    isb();
    fp_save(&cpu->fp_owner->fp);
    __atomic_store_n(&cpu->fp_owner, NULL, __ATOMIC_RELEASE);
}

void switch_drop_fp(struct pcpu *cpu)
{
    save_fp(cpu);
    sysreg_write(cptr_el2, CPTR_TRAP_ALL); /* whoever is loaded, these are not its */
}

static bool must_leave(const struct pcpu *cpu, const struct vcpu *vcpu)
{
    return vcpu && (vcpu->held || vcpu->state == VCPU_OFF || !pcpu_may_run(cpu, vcpu));
}

void switch_to(struct pcpu *cpu, struct vcpu *vcpu, bool shared)
{
    uint64_t now = sysreg_read(hcr_el2);

    if (cpu->fp_owner != vcpu && must_leave(cpu, cpu->fp_owner))
        switch_drop_fp(cpu);
    if (cpu->loaded)
        cpu->loaded->serror = now & HCR_VSE;
    if (vcpu ? cpu->loaded != vcpu : must_leave(cpu, cpu->loaded))
        save_loaded(cpu);
    if (!vcpu)
        return;
    if (!cpu->loaded)
        load(cpu, vcpu);
    uint64_t hcr = (now & ~HCR_OF_VCPU) | vcpu->serror | (shared ? HCR_TWI | HCR_TWE : 0);
    if (now != hcr)
        sysreg_write(hcr_el2, hcr);
    if (vgic_needs_flush(&vcpu->vgic))
        domain_kick(vcpu->domain, vgic_flush(&vcpu->domain->vgic, &vcpu->vgic));
}

/* Who finds it out may set it anew: what was saved is in memory before that. */
bool switch_is_out(const struct vcpu *vcpu)
{
    const struct pcpu *cpu = vcpu->pcpu;

    return __atomic_load_n(&cpu->loaded, __ATOMIC_ACQUIRE) != vcpu &&
           __atomic_load_n(&cpu->fp_owner, __ATOMIC_ACQUIRE) != vcpu;
}

void switch_fp(struct vcpu *vcpu)
{
    struct pcpu *cpu = vcpu->pcpu;

    assert(cpu->fp_owner != vcpu);
    save_fp(cpu);
    sysreg_write(cptr_el2, CPTR_RES1);
    isb();
    fp_load(&vcpu->fp);
    cpu->fp_owner = vcpu;
}
