/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that the runtime's assembly and C share. Includes nothing.
 */
#ifndef PAYLOAD_LAYOUT_H
#define PAYLOAD_LAYOUT_H

#define PAYLOAD_CPUS  8
#define PAYLOAD_STACK 16384

/* MAIR: 0 = Device-nGnRE, 1 = Normal write-back. */
#define MMU_MAIR 0xff04
/* 39-bit addresses from one level-1 table, 4 KiB granule, 40-bit output, inner shareable
 * write-back. */
#define MMU_TCR (25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 2 << 32)
/* MMU and caches on, RES1 bits, EL0 may use neither WFI nor cache maintenance without us knowing.
 */
#define MMU_SCTLR 0x30d5181d

/* Exception frame: x0..x30, ELR, SPSR, ESR, FAR */
#define FRAME_SIZE 288
#define FRAME_ELR  248
#define FRAME_ESR  264

/* Everything is mapped a second time, this much higher, with access from EL0. */
#define EL0_VIEW 0x4000000000

#endif
