/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every unit test includes first: cmocka with what it needs, and a repeatable random number
 * generator. Tests include the headers of the code under test after it, from the tree's root.
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The next number of a fixed sequence (xorshift64*); unit_random_seed starts another one. */
uint64_t unit_random(void);
void unit_random_seed(uint64_t seed);

/* A number in [0, below). */
static inline uint64_t unit_random_below(uint64_t below)
{
    return unit_random() % below;
}

#endif
