/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLB maintenance; nobody else executes TLBI (but head.S, before there is a map). Every function
 * completes earlier table stores first, reaches the TLBs of all CPUs in the Inner Shareable domain
 * and is done on return (Arm ARM D8.14). Any CPU; the caller holds the lock of the tables it has
 * changed. May include platform.
 */
#ifndef MM_TLB_H
#define MM_TLB_H

#include "platform/types.h"

/* Completes earlier table stores: table walks see them (enough where an entry was invalid before).
 */
void tlb_publish(void);

/* EL2's own translations of [va, va + size); no entry in there was finer than granule. */
void tlb_el2(uint64_t va, uint64_t size, uint64_t granule);

/*
 * Stage-2 translations of [ipa, ipa + size) of the VMID in vttbr, and combinations of stage 1
 * and 2. VTTBR_EL2 of the calling CPU is changed for the time and restored.
 */
void tlb_ipa(uint64_t vttbr, uint64_t ipa, uint64_t size, uint64_t granule);

/* Everything of the VMID in vttbr, stage 1 and 2. */
void tlb_vmid(uint64_t vttbr);

/* Stage 1 of the VMID that is loaded, calling CPU's TLB only. */
void tlb_flush_guest_local(void);

#endif
