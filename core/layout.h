/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offsets that assembly shares with C; core/vcpu.c asserts that they are right. Constants only.
 */
#ifndef CORE_LAYOUT_H
#define CORE_LAYOUT_H

#define VCPU_STACK  256
#define VCPU_HAZARD 280
#define VCPU_EXITS  288
#define VCPU_DIRTY  808

/* struct el2_frame (platform/panic.h) */
#define FRAME_SP   248
#define FRAME_ELR  256 /* and SPSR behind it */
#define FRAME_ESR  272 /* and FAR behind it */
#define FRAME_SIZE 288

#endif
