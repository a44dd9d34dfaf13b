/* SPDX-License-Identifier: Apache-2.0 */
/* TLB maintenance; see tlb.h. Calls nothing. */
#include "mm/tlb.h"

#include "platform/sysreg.h"

#define tlbi(op)              __asm__ volatile("tlbi " #op : : : "memory")
#define tlbi_address(op, reg) __asm__ volatile("tlbi " #op ", %0" : : "r"(reg) : "memory")

void tlb_flush_el2(uint64_t va)
{
    dsb(ishst);
    tlbi_address(vae2is, FIELD(va, 55, 12));
    dsb(ish);
    isb();
}

void tlb_flush_el2_all(void)
{
    dsb(ishst);
    tlbi(alle2is);
    dsb(ish);
    isb();
}

/* Makes another VMID the current one; returns what was loaded. */
static uint64_t enter_vmid(uint64_t vttbr)
{
    uint64_t loaded = sysreg_read(vttbr_el2);

    if (loaded != vttbr) {
        sysreg_write(vttbr_el2, vttbr);
        isb();
    }
    return loaded;
}

static void leave_vmid(uint64_t vttbr, uint64_t loaded)
{
    if (loaded != vttbr) {
        sysreg_write(vttbr_el2, loaded);
        isb();
    }
}

void tlb_flush_ipa(uint64_t vttbr, uint64_t ipa)
{
    uint64_t loaded = enter_vmid(vttbr);

    tlbi_address(ipas2e1is, FIELD(ipa, 47, 12));
    leave_vmid(vttbr, loaded);
}

void tlb_flush_ipa_sync(uint64_t vttbr)
{
    uint64_t loaded = enter_vmid(vttbr);

    /* Entries that combine both stages are tagged by VA, which nobody here knows. */
    dsb(ish);
    tlbi(vmalle1is);
    dsb(ish);
    isb();
    leave_vmid(vttbr, loaded);
}

void tlb_flush_vmid(uint64_t vttbr)
{
    uint64_t loaded = enter_vmid(vttbr);

    dsb(ishst);
    tlbi(vmalls12e1is);
    dsb(ish);
    isb();
    leave_vmid(vttbr, loaded);
}

void tlb_flush_guest_local(void)
{
    dsb(nshst);
    tlbi(vmalle1);
    dsb(nsh);
    isb();
}
