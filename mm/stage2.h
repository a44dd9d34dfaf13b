/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage-2 translation of one domain (Arm ARM D8, "stage 2 translations"): 4 KiB granule, 40-bit IPA
 * (fewer where the CPU has fewer), two concatenated level-1 tables at the root, blocks of 2 MiB and
 * 1 GiB wherever alignment allows. May include platform and mm.
 */
#ifndef MM_STAGE2_H
#define MM_STAGE2_H

#include "mm/pt.h"
#include "platform/spinlock.h"
#include "platform/types.h"

/* ID_AA64MMFR0_EL1.PARange of guests, at most: 40 bits of IPA. */
#define STAGE2_PARANGE_MOST 2ul

/* Attributes of a stage-2 mapping. */
enum stage2_attr {
    STAGE2_RAM,    /* Normal write-back, read, write, execute */
    STAGE2_RAM_NX, /* the same without execute: another domain's memory, shared pages */
    STAGE2_DEVICE, /* Device-nGnRE as far as stage 2 says (stage 1 may be stricter), read, write */
};

struct stage2 {
    spinlock_t lock; /* the tables */
    uint64_t vttbr;  /* VTTBR_EL2: VMID and root */
    uint16_t owner;  /* domain id; owner of the table pages; VMID = owner + 1 */
    struct pt pt;    /* its root: NULL if there are no tables */
};

/* Once, at boot, on the boot CPU: reads ID_AA64MMFR0_EL1 and fixes VTCR_EL2. */
void stage2_init(void);

/* Each CPU: writes VTCR_EL2. */
void stage2_init_cpu(void);

/* Width of an IPA in bits, known from stage2_init on. */
extern unsigned stage2_ipa_bits;

/* Creates empty tables owned by domain `owner`. Returns false when EL2's heap is exhausted. */
bool stage2_create(struct stage2 *s2, uint16_t owner);

/* Frees all tables and removes every TLB entry of the VMID. No CPU may have it loaded. */
void stage2_destroy(struct stage2 *s2);

/*
 * Maps [ipa, ipa + size) to pa; all multiples of PAGE_SIZE. The range must be unmapped before.
 * Returns false, with nothing mapped, when the heap is exhausted, when part of the range is mapped
 * already or when it is beyond the IPA width.
 */
bool stage2_map(struct stage2 *s2, ipa_t ipa, pa_t pa, uint64_t size, enum stage2_attr attr);

/*
 * Unmaps [ipa, ipa + size): break, TLB maintenance on all CPUs, done on return. Splits blocks at
 * the edges. Returns false (nothing changed) if a table needed for a split cannot be had.
 */
bool stage2_unmap(struct stage2 *s2, ipa_t ipa, uint64_t size);

/* Translates. Returns false where nothing is mapped. */
bool stage2_lookup(struct stage2 *s2, ipa_t ipa, pa_t *pa);

/* Loads VTTBR_EL2 on the calling CPU; the caller's ERET or ISB synchronises. */
void stage2_load(const struct stage2 *s2);

#endif
