/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other direction of gic/lr.c: what the hardware makes of an encoded list register.
 */
#ifndef TESTS_UNIT_LR_DECODE_H
#define TESTS_UNIT_LR_DECODE_H

#include "gic/lr.h"

static inline struct lr lr_decode_v2(uint64_t value)
{
    bool hw = value & BIT(31);

    return (struct lr){
        .intid = value & 0x3ff,
        .priority = (uint8_t)(FIELD(value, 27, 23) << 3),
        .source = hw ? 0 : (uint8_t)FIELD(value, 12, 10),
        .state = (uint8_t)lr_state_v2(value),
        .hw = hw,
        .group1 = value & BIT(30),
        .eoi = !hw && (value & BIT(19)),
    };
}

static inline struct lr lr_decode_v3(uint64_t value)
{
    bool hw = value & BIT(61);

    return (struct lr){
        .intid = (uint16_t)value,
        .priority = (uint8_t)FIELD(value, 55, 48),
        .state = (uint8_t)lr_state_v3(value),
        .hw = hw,
        .group1 = value & BIT(60),
        .eoi = !hw && (value & BIT(41)),
    };
}

#endif
