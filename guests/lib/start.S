/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First instructions of a payload: entered like a Linux kernel (Documentation/arm64/booting), at EL1
 * with the MMU off and x0 = device tree, or as a secondary by PSCI CPU_ON with x0 = its number.
 */
#include "guests/lib/image.inc"
#include "guests/lib/layout.h"

    image_header

    .text
start:
    mov     x19, x0
    image_set_up

    /* Nothing of the image may linger in a cache when caches go on. */
    adrp    x1, image_start
    adrp    x2, image_end
    mrs     x4, ctr_el0
    ubfx    x4, x4, #16, #4
    mov     x5, #4
    lsl     x5, x5, x4
4:  dc      ivac, x1
    add     x1, x1, x5
    cmp     x1, x2
    b.lo    4b
    dsb     sy

    mov     x0, #0
    bl      set_stack
    bl      mmu_build
    bl      mmu_enable
    mov     x0, x19
    bl      payload_main
5:  wfi
    b       5b

    .global secondary_entry
secondary_entry:
    mov     x19, x0
    bl      set_stack
    bl      mmu_enable
    mov     x0, x19
    bl      secondary_main
6:  wfi
    b       6b

/* x0 = number of the CPU. Sets SP, TPIDR_EL1, VBAR_EL1, FP access. Clobbers x1, x2. */
set_stack:
    msr     spsel, #1
    adrp    x1, stacks
    add     x1, x1, :lo12:stacks
    mov     x2, #PAYLOAD_STACK
    madd    x1, x0, x2, x1
    add     sp, x1, x2
    msr     tpidr_el1, x0
    adrp    x1, vectors
    add     x1, x1, :lo12:vectors
    msr     vbar_el1, x1
    mov     x1, #(3 << 20)
    msr     cpacr_el1, x1
    isb
    ret

/* Takes what mmu_build prepared. Clobbers x1. */
mmu_enable:
    adrp    x1, mmu_table
    add     x1, x1, :lo12:mmu_table
    msr     ttbr0_el1, x1
    ldr     x1, =MMU_MAIR
    msr     mair_el1, x1
    ldr     x1, =MMU_TCR
    msr     tcr_el1, x1
    isb
    tlbi    vmalle1
    dsb     nsh
    isb
    ldr     x1, =MMU_SCTLR
    msr     sctlr_el1, x1
    isb
    ret

/*
 * void el0_enter(uint64_t pc, uint64_t x0): runs at EL0 until it takes a synchronous exception, whose
 * handler comes back by way of el0_resume. EL0 has no stack.
 */
    .global el0_enter
el0_enter:
    stp     x29, x30, [sp, #-16]!
    stp     x27, x28, [sp, #-16]!
    stp     x25, x26, [sp, #-16]!
    stp     x23, x24, [sp, #-16]!
    stp     x21, x22, [sp, #-16]!
    stp     x19, x20, [sp, #-16]!
    msr     elr_el1, x0
    msr     spsr_el1, xzr
    mov     x0, x1
    eret
    .global el0_resume
el0_resume:
    ldp     x19, x20, [sp], #16
    ldp     x21, x22, [sp], #16
    ldp     x23, x24, [sp], #16
    ldp     x25, x26, [sp], #16
    ldp     x27, x28, [sp], #16
    ldp     x29, x30, [sp], #16
    ret

    .bss
    .balign 4096
stacks:
    .skip   PAYLOAD_STACK * PAYLOAD_CPUS
