/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2's exception vectors and the way back to a guest.
 *
 * While a guest runs, SP_EL2 points to its struct vcpu, so that its registers are saved without a
 * scratch register. Handlers run on the CPU's one stack, from the top each time: nothing of a C
 * frame survives an exit. A handler is called with x0 = the vCPU that exited and x1 = ESR_EL2; x19
 * keeps the vCPU. Before the guest is entered again its hazard word and its vGIC's flag are tested:
 * only if one is set C code looks, which may return another vCPU.
 */
#include "core/layout.h"

        .text

/* General registers, less the first and the last, in memory at SP, where x0 would be first. */
.macro x4_to_x29 op
        \op     x4, x5, [sp, #(8 * 4)]
        \op     x6, x7, [sp, #(8 * 6)]
        \op     x8, x9, [sp, #(8 * 8)]
        \op     x10, x11, [sp, #(8 * 10)]
        \op     x12, x13, [sp, #(8 * 12)]
        \op     x14, x15, [sp, #(8 * 14)]
        \op     x16, x17, [sp, #(8 * 16)]
        \op     x18, x19, [sp, #(8 * 18)]
        \op     x20, x21, [sp, #(8 * 20)]
        \op     x22, x23, [sp, #(8 * 22)]
        \op     x24, x25, [sp, #(8 * 24)]
        \op     x26, x27, [sp, #(8 * 26)]
        \op     x28, x29, [sp, #(8 * 28)]
.endm

.macro save_guest traced, synchronous
        stp     x0, x1, [sp, #(8 * 0)]
        stp     x2, x3, [sp, #(8 * 2)]
        x4_to_x29 stp
        stp     x30, xzr, [sp, #(8 * 30)] /* register 31 reads as zero */
        mov     x19, sp
        ldr     x0, [x19, #VCPU_STACK]
        mov     sp, x0
        mov     x29, xzr
    .if \traced
        mov     x0, x19
        mov     w1, #\synchronous
        bl      trace_exit
    .endif
        mrs     x1, esr_el2
.endm

/* A synchronous exception of the guest: to the handler of its class. */
.macro from_guest_sync traced
        .balign 0x80
        save_guest \traced, 1
        b       guest_sync
.endm

/* An asynchronous one: calls handler(vcpu, ESR_EL2). */
.macro from_guest handler, traced
        .balign 0x80
        save_guest \traced, 0
        mov     x0, x19
        adr     x30, guest_resume
        b       \handler
.endm

/* An exception from EL2 itself, or a kind of state nobody here can be in: a bug, told with its name. */
.macro fatal name
        .balign 0x80
        msr     sp_el0, x0              /* the guest's; there is no way back to it anyhow */
        adr     x0, 1f
        b       fatal_entry
1:      .asciz  "\name"
.endm

.macro vectors traced
        fatal   "synchronous exception at EL2, SP_EL0"
        fatal   "IRQ at EL2, SP_EL0"
        fatal   "FIQ at EL2, SP_EL0"
        fatal   "SError at EL2, SP_EL0"
        fatal   "synchronous exception at EL2"
        fatal   "IRQ at EL2"
        fatal   "FIQ at EL2"
        fatal   "SError at EL2"
        from_guest_sync \traced
        from_guest trap_irq, \traced
        from_guest trap_fiq, \traced
        from_guest trap_serror, \traced
        /* AArch32 at EL0 traps with the same classes of syndrome. */
        from_guest_sync \traced
        from_guest trap_irq, \traced
        from_guest trap_fiq, \traced
        from_guest trap_serror, \traced
.endm

        .balign 0x800
        .global el2_vectors, el2_vectors_traced
el2_vectors:
        vectors 0
        .balign 0x800
el2_vectors_traced:
        vectors 1

/* x1 = ESR_EL2. Counts the exit and calls the handler of the exception class. */
guest_sync:
        ubfx    x2, x1, #26, #6
        add     x3, x19, x2, lsl #3
        ldr     x4, [x3, #VCPU_EXITS]
        add     x4, x4, #1
        str     x4, [x3, #VCPU_EXITS]
        adr     x3, trap_handlers
        ldr     x3, [x3, x2, lsl #3]
        mov     x0, x19
        blr     x3
guest_resume:
        ldr     w1, [x19, #VCPU_HAZARD]
        ldrb    w2, [x19, #VCPU_DIRTY]
        orr     w1, w1, w2
        cbz     w1, guest_return
        mov     x0, x19
        bl      trap_enter

/* x0 = vCPU to enter, loaded on this CPU. */
        .global guest_enter
guest_enter:
        mov     x19, x0
guest_return:
        mov     sp, x19
        ldp     x2, x3, [sp, #(8 * 2)]
        x4_to_x29 ldp
        ldr     x30, [sp, #(8 * 30)]
        ldp     x0, x1, [sp, #(8 * 0)]
        eret
        /* No speculation past the return. */
        dsb     nsh
        isb

/*
 * x0 = name of the vector, SP_EL0 = x0 at the exception. The stack may be what is broken: the frame
 * goes to a stack of its own, which the first CPU to come takes for good; others park.
 */
fatal_entry:
        msr     tpidr_el1, x1
        msr     contextidr_el1, x2
        ldr     x1, =fatal_taken
1:      ldaxr   w2, [x1]
        cbnz    w2, 2f
        stxr    w2, w1, [x1]            /* anything but 0 means taken */
        cbnz    w2, 1b
        b       3f
2:      wfi
        b       2b
3:      ldr     x1, =fatal_stack_end - FRAME_SIZE
        str     x3, [x1, #(8 * 3)]
        mov     x3, sp
        str     x3, [x1, #FRAME_SP]
        mov     sp, x1
        mov     x3, x0
        mrs     x0, sp_el0
        mrs     x1, tpidr_el1
        mrs     x2, contextidr_el1
        stp     x0, x1, [sp, #(8 * 0)]
        str     x2, [sp, #(8 * 2)]
        x4_to_x29 stp
        str     x30, [sp, #(8 * 30)]
        mrs     x0, elr_el2
        mrs     x1, spsr_el2
        stp     x0, x1, [sp, #FRAME_ELR]
        mrs     x0, esr_el2
        mrs     x1, far_el2
        stp     x0, x1, [sp, #FRAME_ESR]
        mov     x0, x3
        mov     x1, sp
        b       panic_frame

        .section .bss.fatal, "aw", %nobits
        .balign 4096
        .global fatal_stack_guard
fatal_stack_guard:
        .skip   4096
        .skip   8192
fatal_stack_end:
fatal_taken:
        .skip   4
