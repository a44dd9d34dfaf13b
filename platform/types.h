/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Basic types of EL2: fixed-width integers and addresses as types of their own, so that a physical
 * address is never taken for an intermediate physical one. May include only the compiler's headers.
 */
#ifndef PLATFORM_TYPES_H
#define PLATFORM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Physical address: what the memory system sees. */
typedef struct {
    uint64_t v;
} pa_t;

/* Intermediate physical address: what a guest takes for physical; the input of stage 2. */
typedef struct {
    uint64_t v;
} ipa_t;

static inline pa_t pa(uint64_t v)
{
    return (pa_t){v};
}

static inline ipa_t ipa(uint64_t v)
{
    return (ipa_t){v};
}

/* Half-open range of physical addresses [base, base + size). */
struct pa_range {
    uint64_t base;
    uint64_t size;
};

/* A set of vCPUs of one domain; bit n is vCPU n. */
typedef uint64_t vcpu_mask_t;

#define KIB        1024ul
#define MIB        (1024ul * KIB)
#define GIB        (1024ul * MIB)
#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ul
#define BLOCK_2M   (2 * MIB)
#define MAX_CPUS   64

/* Off the usual way: not inlined, out of line, so that what is usual stays short. */
#define RARE   __attribute__((cold, noinline))
#define UNUSED __attribute__((unused))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n)        (1ul << (n))
#define BIT32(n)      ((uint32_t)1 << (n))
/* For each bit i that is set in `bits`, 32 at most, the lowest first. `bits` is read once. */
#define for_each_bit(i, bits)                                                                      \
    for (uint32_t i, left_##i = (bits); left_##i && (i = (uint32_t)__builtin_ctz(left_##i), true); \
         left_##i &= left_##i - 1)
/* Bits high..low of value, shifted down. */
#define FIELD(value, high, low)         (((value) >> (low)) & ((2ul << ((high) - (low))) - 1))
#define MIN(a, b)                       ((a) < (b) ? (a) : (b))
#define MAX(a, b)                       ((a) > (b) ? (a) : (b))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline uint64_t align_down(uint64_t value, uint64_t to)
{
    return value & ~(to - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) & ~(to - 1);
}

#endif
