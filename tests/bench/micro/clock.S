/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of the bench, for the payload and for the program that is its peer on KVM's host. Both
 * count in nanoseconds of the physical counter, which is the same in every guest; a program of Linux
 * is allowed the virtual one only, which on the host is the same (-DCOUNTER=). Constants only.
 */
#include "tests/bench/micro/layout.h"

#ifndef COUNTER
#define COUNTER cntpct_el0
#endif

    .text
/*
 * The counter's ticks are coarser than an instruction. uint64_t begin_time(void) waits for the next
 * tick and returns at that moment, in nanoseconds. uint64_t end_time(void) says when it was called:
 * it waits for the next tick, too, and takes back FINE_LOOP instructions for each round it waited.
 */
    .global begin_time, end_time
begin_time:
    isb
    mrs     x2, COUNTER
1:  mrs     x0, COUNTER
    cmp     x0, x2
    b.eq    1b
    lsl     x0, x0, #TICK_SHIFT
    ret

end_time:
    mov     x1, #0
    mrs     x2, COUNTER
1:  add     x1, x1, #FINE_LOOP
    mrs     x3, COUNTER
    cmp     x3, x2
    b.eq    1b
    lsl     x0, x3, #TICK_SHIFT
    sub     x0, x0, x1
    ret
    .section .note.GNU-stack, "", %progbits
