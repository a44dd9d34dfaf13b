/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First instructions of Tarn: the arm64 Image header (Linux Documentation/arch/arm64/booting.rst), the
 * entry at EL2 with the MMU off, the first translation tables, and the way secondary CPUs come in.
 *
 * The image is linked at EL2_IMAGE_VA and may be loaded at any 2 MiB-aligned physical address: until
 * the MMU is on, everything here is addressed relative to the PC; afterwards the link addresses hold,
 * so nothing needs to be relocated. The tables map text RX, read-only data RO and data RW from the
 * first line of C on. This page alone is also mapped at its physical address (RX), for the two
 * instructions around switching the MMU on; el2_unmap_identity() drops that when all CPUs are up.
 */
#include "mm/layout.h"

#define PTE_PAGE        0x3
#define PTE_TABLE       0x3
#define PTE_AF          (1 << 10)
#define PTE_SH_INNER    (3 << 8)
#define PTE_RO          (1 << 7)
#define PTE_AP1         (1 << 6) /* RES1 at EL2 */
#define PTE_NORMAL      PTE_PAGE | PTE_AF | PTE_SH_INNER | PTE_AP1 /* AttrIndx 0; XN where due */

#define MAIR_VALUE      0x00000000004404ff /* 0 Normal WB, 1 Device-nGnRE, 2 Normal NC */
#define TCR_VALUE       ((1 << 31) | (1 << 23) | (3 << 12) | (1 << 10) | (1 << 8) | 16)
#define SCTLR_VALUE     (0x30c50830 | (1 << 19) | (1 << 12) | (1 << 3) | (1 << 2) | 1)
#define SCTLR_OFF       0x30c50830

/* Physical address of a symbol, MMU off. */
.macro adr_pa reg, symbol
        adrp    \reg, \symbol
        add     \reg, \reg, :lo12:\symbol
.endm

/* Links table \next into the table x1, at the entry for address \va; x1 = \next. Clobbers x2, x3. */
.macro link_table next, va, level_shift
        ubfx    x3, \va, #\level_shift, #9
        adr_pa  x2, \next
        orr     x2, x2, #PTE_TABLE
        str     x2, [x1, x3, lsl #3]
        sub     x1, x2, #PTE_TABLE
.endm

        .section .text.head, "ax"
        .global _head
_head:
        b       primary_entry           /* code0 */
        nop                             /* code1 */
        .quad   0                       /* text_offset */
        .quad   __image_size            /* image_size, BSS included */
        .quad   0xa                     /* flags: little endian, 4 KiB pages, placed anywhere */
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .long   0

/*
 * x0 = physical address of the device tree. MMU and D-cache off, as the boot protocol says.
 * Keeps: x20 = device tree, x21 = PA of the image, x22 = PA - VA.
 */
primary_entry:
        msr     daifset, #0xf
        mov     x20, x0
        mrs     x1, CurrentEL
        cmp     x1, #(2 << 2)
        b.ne    wrong_el
        adr_pa  x21, _head
        tst     x21, #(BLOCK_SIZE_2M - 1)
        b.ne    misaligned
        ldr     x1, =_head
        sub     x22, x21, x1
        ldr     x1, =SCTLR_OFF
        msr     sctlr_el2, x1
        isb

        /* BSS holds the tables: clear it first. */
        adr_pa  x1, __bss_start
        adr_pa  x2, __bss_end
1:      stp     xzr, xzr, [x1], #16
        cmp     x1, x2
        b.lo    1b
        adr_pa  x1, image_pa_offset
        str     x22, [x1]

        bl      map_image
        bl      map_identity
        bl      invalidate_image
        ldr     x1, =MAIR_VALUE
        msr     mair_el2, x1
        mrs     x2, id_aa64mmfr0_el1
        and     x2, x2, #0xf            /* PARange */
        cmp     x2, #5                  /* 48 bits at most: without LPA2 no more fit */
        mov     x3, #5
        csel    x2, x2, x3, ls
        ldr     x1, =TCR_VALUE
        orr     x1, x1, x2, lsl #16     /* TCR_EL2.PS */
        msr     tcr_el2, x1
        adr_pa  x1, boot_l0
        msr     ttbr0_el2, x1
        ldr     x1, =SCTLR_VALUE
        ldr     x2, =primary_mapped
        b       mmu_on

/* x1 = SCTLR_EL2, x2 = where to go on, a link address. */
mmu_on:
        tlbi    alle2
        dsb     nsh
        isb
        msr     sctlr_el2, x1
        isb
        br      x2

primary_mapped:
        ldr     x1, =boot_stack_end
        mov     sp, x1
        ldr     x1, =el2_vectors
        msr     vbar_el2, x1
        msr     tpidr_el2, xzr
        isb
        /* Until main() stirs in the device tree's seed, a canary made of the time. */
        mrs     x1, cntpct_el0
        ldr     x2, =0x9e3779b97f4a7c15
        mul     x1, x1, x2
        ldr     x2, =__stack_chk_guard
        str     x1, [x2]
        mov     x29, xzr
        mov     x30, xzr
        mov     x0, x20
        b       main

/* Level 3 of the image: one page per entry, attributes by section. Clobbers x1-x8. */
map_image:
        ldr     x4, =EL2_IMAGE_VA
        adr_pa  x1, boot_l0
        link_table boot_image_l1, x4, 39
        link_table boot_image_l2, x4, 30
        link_table boot_image_l3, x4, 21
        mov     x2, x1

        mov     x1, x21                 /* page */
        ldr     x7, =PTE_NORMAL | PTE_RO
        adr_pa  x3, __text_end
        mov     x8, x30
        bl      map_pages
        ldr     x7, =PTE_NORMAL | PTE_RO | (1 << 54)
        adr_pa  x3, __rodata_end
        bl      map_pages
        ldr     x7, =PTE_NORMAL | (1 << 54)
        adr_pa  x3, __image_end
        bl      map_pages
        /* The pages under the stacks of the image stay unmapped. */
        adr_pa  x2, boot_image_l3
        .irp    guard, boot_stack_guard, fatal_stack_guard
        adr_pa  x1, \guard
        sub     x1, x1, x21
        lsr     x1, x1, #(12 - 3)
        str     xzr, [x2, x1]
        .endr
        ret     x8

/* Maps [x1, x3) with attributes x7; x2 = next entry. Leaves x1 = x3 and x2 moved on. */
map_pages:
        cmp     x1, x3
        b.hs    1f
        orr     x4, x1, x7
        str     x4, [x2], #8
        add     x1, x1, #4096
        b       map_pages
1:      ret

/* This page at its physical address, read-only and executable. Clobbers x1-x3. */
map_identity:
        adr_pa  x1, boot_l0
        link_table boot_identity_l1, x21, 39
        link_table boot_identity_l2, x21, 30
        link_table boot_identity_l3, x21, 21
        ldr     x2, =PTE_NORMAL | PTE_RO
        orr     x2, x2, x21
        ubfx    x3, x21, #12, #9
        str     x2, [x1, x3, lsl #3]
        ret

/*
 * What was written with the D-cache off is in memory; lines of the same addresses that a bootloader
 * left in the cache must not come to light when the MMU goes on. Clobbers x1-x4.
 */
invalidate_image:
        dsb     sy
        mrs     x1, ctr_el0
        ubfx    x1, x1, #16, #4         /* DminLine: log2 of words */
        mov     x2, #4
        lsl     x2, x2, x1
        adr_pa  x1, __bss_start
        adr_pa  x3, __image_end
1:      dc      ivac, x1
        add     x1, x1, x2
        cmp     x1, x3
        b.lo    1b
        dsb     sy
        ret

/*
 * A secondary CPU, started by PSCI CPU_ON: x0 = its number. The boot CPU has cleaned el2_mmu_config
 * to memory.
 */
        .global secondary_entry
secondary_entry:
        msr     daifset, #0xf
        mov     x20, x0
        mrs     x1, CurrentEL
        cmp     x1, #(2 << 2)
        b.ne    park
        adr_pa  x3, el2_mmu_config
        ldp     x1, x2, [x3]
        msr     ttbr0_el2, x1
        msr     tcr_el2, x2
        ldp     x2, x1, [x3, #16]
        msr     mair_el2, x2
        ldr     x2, =secondary_mapped
        b       mmu_on

secondary_mapped:
        ldr     x1, =stack_top
        ldr     x1, [x1, x20, lsl #3]
        mov     sp, x1
        ldr     x1, =el2_vectors
        msr     vbar_el2, x1
        msr     tpidr_el2, x20
        isb
        mov     x29, xzr
        mov     x30, xzr
        mov     x0, x20
        b       secondary_main

wrong_el:
        adr_pa  x0, text_wrong_el
        b       1f
misaligned:
        adr_pa  x0, text_misaligned
1:      bl      early_puts
park:
        wfi
        b       park

        .ltorg
        .global _head_end
_head_end:

        .section .rodata.head, "a"
text_wrong_el:
        .asciz  "\r\nTarn: entered at EL1, but a hypervisor needs EL2. QEMU: add -machine virtualization=on; board: enter from firmware at EL2.\r\n"
text_misaligned:
        .asciz  "\r\nTarn: loaded at an address that is not a multiple of 2 MiB. Load the image at such an address (U-Boot: booti does so by itself).\r\n"

        .section .bss.stack, "aw", %nobits
        .balign 4096
boot_stack_guard:
        .skip   4096
        .skip   STACK_SIZE
        .global boot_stack_end
boot_stack_end:
