/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Save and load of the FP/SIMD registers. x0 = struct fp_context *. Clobbers x0-x2.
 */
        .arch   armv8-a+fp+simd
        .text

.macro each_pair op
        \op     q0, q1, [x0, #0x000]
        \op     q2, q3, [x0, #0x020]
        \op     q4, q5, [x0, #0x040]
        \op     q6, q7, [x0, #0x060]
        \op     q8, q9, [x0, #0x080]
        \op     q10, q11, [x0, #0x0a0]
        \op     q12, q13, [x0, #0x0c0]
        \op     q14, q15, [x0, #0x0e0]
        \op     q16, q17, [x0, #0x100]
        \op     q18, q19, [x0, #0x120]
        \op     q20, q21, [x0, #0x140]
        \op     q22, q23, [x0, #0x160]
        \op     q24, q25, [x0, #0x180]
        \op     q26, q27, [x0, #0x1a0]
        \op     q28, q29, [x0, #0x1c0]
        \op     q30, q31, [x0, #0x1e0]
.endm

        .global fp_save
fp_save:
        each_pair stp
        mrs     x1, fpsr
        mrs     x2, fpcr
        add     x0, x0, #0x200
        stp     x1, x2, [x0]
        ret

        .global fp_load
fp_load:
        each_pair ldp
        add     x0, x0, #0x200
        ldp     x1, x2, [x0]
        msr     fpsr, x1
        msr     fpcr, x2
        ret
