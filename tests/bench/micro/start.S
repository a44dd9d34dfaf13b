/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload's first instructions and its vectors: entered like a Linux kernel at EL1 (or at EL2, on
 * a machine without a hypervisor), MMU off, x0 = device tree. It stays without MMU, so that nothing
 * but the hypervisor stands between an instruction and what is measured. Constants only.
 */
#include "guests/lib/image.inc"
#include "tests/bench/micro/layout.h"

    image_header

    .text
start:
    mrs     x21, cntpct_el0
    mrs     x20, cntvct_el0
    mov     x19, x0
    image_set_up

    msr     spsel, #1
    adrp    x1, stack_end
    mov     sp, x1
    adrp    x1, vectors
    add     x1, x1, :lo12:vectors
    msr     vbar_el1, x1
    isb
    mov     x0, x19
    mov     x1, x21
    mov     x2, x20
    bl      micro_main
4:  wfi
    b       4b

/* void mark(void): where a round begins and ends, for who reads a trace (tests/bench/silicon.py). */
    .global mark
mark:
    ret

/* The second vCPU, by PSCI CPU_ON. */
    .global secondary_start
secondary_start:
    msr     spsel, #1
    adrp    x1, secondary_stack_end
    mov     sp, x1
    adrp    x1, vectors
    add     x1, x1, :lo12:vectors
    msr     vbar_el1, x1
    isb
    bl      secondary_main
5:  wfi
    b       5b

/*
 * bool next_gap(uint64_t gap[2], uint64_t end): runs until somebody else had the CPU for GAP_TICKS
 * or longer, or until the counter has passed end; false then. gap: nanoseconds of the last
 * instruction before and of the first after, to some ten instructions.
 */
    .global next_gap
next_gap:
    stp     x30, x0, [sp, #-16]!
    mrs     x2, cntpct_el0
6:  mov     x4, #0
7:  add     x4, x4, #FINE_LOOP
    mrs     x3, cntpct_el0
    cmp     x3, x2
    b.eq    7b
    mov     x6, x2
    mov     x2, x3
    cmp     x3, x1
    b.hi    8f
    sub     x5, x3, x6
    cmp     x5, #GAP_TICKS
    b.lo    6b
    add     x6, x4, x6, lsl #TICK_SHIFT
    bl      end_time
    ldp     x30, x1, [sp], #16
    sub     x0, x0, #GAP_OWN
    stp     x6, x0, [x1]
    mov     x0, #1
    ret
8:  ldp     x30, x1, [sp], #16
    mov     x0, #0
    ret

/*
 * The handler of interrupts: when it began (as end_time) and what it was; the virtual timer is
 * turned off before its end of interrupt.
 */
irq_handler:
    stp     x0, x1, [sp, #-48]!
    stp     x2, x3, [sp, #16]
    str     x30, [sp, #32]
    bl      end_time
    adrp    x1, irq_time
    str     x0, [x1, :lo12:irq_time]
    mrs     x0, S3_0_C12_C12_0      /* ICC_IAR1_EL1 */
    cmp     w0, #VTIMER_INTID
    b.ne    1f
    msr     cntv_ctl_el0, xzr
    isb
1:  msr     S3_0_C12_C12_1, x0      /* ICC_EOIR1_EL1 */
    adrp    x1, irq_intid
    str     x0, [x1, :lo12:irq_intid]
    ldr     x30, [sp, #32]
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp], #48
    eret

unexpected:
    mrs     x0, esr_el1
    mrs     x1, elr_el1
    mrs     x2, far_el1
    bl      micro_unexpected
2:  wfi
    b       2b

.macro vector target
    .balign 0x80
    b       \target
.endm

    .balign 0x800
vectors:
    .rept 4
    vector  unexpected
    .endr
    vector  unexpected
    vector  irq_handler
    vector  unexpected
    vector  unexpected
    .rept 8
    vector  unexpected
    .endr

    .bss
    .balign 4096
    .skip   16384
stack_end:
    .skip   4096
secondary_stack_end:
    .global irq_time, irq_intid
irq_time:
    .skip   8
irq_intid:
    .skip   8
