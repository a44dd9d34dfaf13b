/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's RAM as the backend sees it: one window, and the only way from a guest's address to a
 * pointer. What lies behind may change at any time, so whoever decides upon a value copies it
 * first. Includes nothing of Tarn.
 */
#ifndef BACKEND_GUEST_MEMORY_H
#define BACKEND_GUEST_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct guest_memory {
    uint8_t *base;
    uint64_t ipa, size; /* first guest address, bytes */
};

/* Pointer to [ipa, ipa + length), or NULL unless all of it is RAM. */
static inline void *guest_at(const struct guest_memory *memory, uint64_t ipa, uint64_t length)
{
    uint64_t offset = ipa - memory->ipa;

    if (ipa < memory->ipa || length > memory->size || offset > memory->size - length)
        return NULL;
    return memory->base + offset;
}

#endif
