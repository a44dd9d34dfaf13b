/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout of EL2's virtual addresses: one level-0 entry, 1 GiB steps. Constants only, for C,
 * assembly and the linker script. Each CPU has STACK_STRIDE of stack area, of which the upper
 * STACK_SIZE is mapped.
 */
#ifndef MM_LAYOUT_H
#define MM_LAYOUT_H

#define EL2_IMAGE_VA  0x00007f8000000000
#define EL2_STACK_VA  0x00007f8040000000
#define EL2_DEVICE_VA 0x00007f8080000000
#define EL2_WINDOW_VA 0x00007f80c0000000
#define EL2_HEAP_VA   0x00007f8100000000
#define EL2_FDT_VA    0x00007f9000000000

#define STACK_SIZE    0x4000
#define STACK_STRIDE  0x8000
#define BLOCK_SIZE_2M 0x200000

#endif
