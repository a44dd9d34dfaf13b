/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encodings of a list register. Pure; may include gic/lr.h.
 */
#include "gic/lr.h"

/* GICH_LRn: HW 31, Grp1 30, State 29:28, Priority 27:23, PhysicalID 19:10 (EOI 19, CPUID 12:10). */
uint64_t lr_encode_v2(const struct lr *lr)
{
    uint32_t value = lr->intid & 0x3ffu;

    if (lr->hw)
        value |= BIT32(31) | (lr->intid & 0x3ffu) << 10;
    else
        value |= (lr->eoi ? BIT32(19) : 0u) | (lr->source & 7u) << 10;
    value |= lr->group1 ? BIT32(30) : 0u;
    return value | (lr->state & 3u) << 28 | (uint32_t)(lr->priority >> 3) << 23;
}

/* ICH_LR<n>_EL2: State 63:62, HW 61, Group 60, Priority 55:48, pINTID 44:32 (EOI 41), vINTID 31:0.
 */
uint64_t lr_encode_v3(const struct lr *lr)
{
    uint64_t value = lr->intid;

    if (lr->hw)
        value |= BIT(61) | (uint64_t)(lr->intid & 0x1fffu) << 32;
    else
        value |= lr->eoi ? BIT(41) : 0ul;
    value |= lr->group1 ? BIT(60) : 0ul;
    return value | (uint64_t)(lr->state & 3u) << 62 | (uint64_t)lr->priority << 48;
}
