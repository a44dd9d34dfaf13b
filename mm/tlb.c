/* SPDX-License-Identifier: Apache-2.0 */
/* The only user of TLBI; see tlb.h. May call platform. */
#include "mm/tlb.h"

#include "platform/panic.h"
#include "platform/sysreg.h"

/* More operations by address than this cost more than refilling the TLB. Also the bound of the
 * loops. */
#define TLB_MOST_BY_ADDRESS 64

#define tlbi(op) __asm__ volatile("tlbi " #op : : : "memory")
/* Address operand: bits 55:12 in 43:0; TTL (47:44) 0, "any level". */
#define tlbi_address(op, address)                                                                  \
    __asm__ volatile("tlbi " #op ", %0" : : "r"(FIELD((address), 55, 12)) : "memory")

void tlb_publish(void)
{
    dsb(ishst);
    isb();
}

/* Steps of granule that touch [start, start + size), or 0 if they are too many to do one by one. */
static uint64_t steps(uint64_t start, uint64_t size, uint64_t granule)
{
    uint64_t first = align_down(start, granule);
    uint64_t count = (start + size - first + granule - 1) / granule;

    return count <= TLB_MOST_BY_ADDRESS ? count : 0;
}

void tlb_el2(uint64_t va, uint64_t size, uint64_t granule)
{
    uint64_t count = steps(va, size, granule);
    uint64_t first = align_down(va, granule);

    dsb(ishst);
    if (count == 0)
        tlbi(alle2is);
    for (uint64_t i = 0; i < count; i++)
        tlbi_address(vae2is, first + i * granule);
    dsb(ish);
    isb();
}

/* TLBI for EL1&0 works on the VMID in VTTBR_EL2. Returns the former value. */
static uint64_t enter_vmid(uint64_t vttbr)
{
    uint64_t former = sysreg_read(vttbr_el2);

    dsb(ishst);
    if (former != vttbr) {
        sysreg_write(vttbr_el2, vttbr);
        isb();
    }
    return former;
}

static void leave_vmid(uint64_t vttbr, uint64_t former)
{
    dsb(ish);
    if (former != vttbr)
        sysreg_write(vttbr_el2, former);
    isb();
}

void tlb_ipa(uint64_t vttbr, uint64_t ipa, uint64_t size, uint64_t granule)
{
    uint64_t count = steps(ipa, size, granule);
    uint64_t first = align_down(ipa, granule);

    if (count == 0) {
        tlb_vmid(vttbr);
        return;
    }
    uint64_t former = enter_vmid(vttbr);
    for (uint64_t i = 0; i < count; i++)
        tlbi_address(ipas2e1is, first + i * granule);
    /*
     * A TLB may hold VA to PA in one entry, which an IPA does not find: once stage 2 is clean, and
     * not earlier lest a walk combine the two again, all stage-1 entries of the VMID go.
     */
    dsb(ish);
    tlbi(vmalle1is);
    leave_vmid(vttbr, former);
}

void tlb_vmid(uint64_t vttbr)
{
    uint64_t former = enter_vmid(vttbr);

    tlbi(vmalls12e1is);
    leave_vmid(vttbr, former);
}

void tlb_flush_guest_local(void)
{
    dsb(nshst);
    tlbi(vmalle1);
    dsb(nsh);
    isb();
}
