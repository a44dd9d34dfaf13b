/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only user of TLBI (Arm ARM D8.13). Table writes must have been published (DSB ISHST) before.
 * May include platform.
 */
#ifndef MM_TLB_H
#define MM_TLB_H

#include "platform/types.h"

/* EL2's own map: one address / everything, all CPUs; complete on return. */
void tlb_flush_el2(uint64_t va);
void tlb_flush_el2_all(void);

/*
 * Stage 2 of the VMID in vttbr, all CPUs: any number of addresses, then sync; complete after sync.
 * VTTBR_EL2 holds the VMID for a moment and its own value again on return.
 */
void tlb_flush_ipa(uint64_t vttbr, uint64_t ipa);
void tlb_flush_ipa_sync(uint64_t vttbr);

/* Everything of a VMID, stage 1 and 2, all CPUs; complete on return. */
void tlb_flush_vmid(uint64_t vttbr);

/* Stage 1 of the VMID that is loaded, calling CPU only; complete on return. */
void tlb_flush_guest_local(void);

#endif
