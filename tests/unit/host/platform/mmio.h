/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build-machine twin of platform/mmio.h: every access is one call of a function, which by default
 * reads or writes the memory named; a test that plays a device defines host_mmio_read and
 * host_mmio_write itself. May include platform/types.h.
 */
#ifndef PLATFORM_MMIO_H
#define PLATFORM_MMIO_H

#include "platform/types.h"

/* size: 1, 4 or 8 bytes. */
uint64_t host_mmio_read(const volatile void *address, unsigned size);
void host_mmio_write(volatile void *address, uint64_t value, unsigned size);

static inline uint32_t mmio_read32(const volatile void *address)
{
    return (uint32_t)host_mmio_read(address, 4);
}

static inline void mmio_write32(volatile void *address, uint32_t value)
{
    host_mmio_write(address, value, 4);
}

static inline uint64_t mmio_read64(const volatile void *address)
{
    return host_mmio_read(address, 8);
}

static inline void mmio_write64(volatile void *address, uint64_t value)
{
    host_mmio_write(address, value, 8);
}

static inline void mmio_write8(volatile void *address, uint8_t value)
{
    host_mmio_write(address, value, 1);
}

#endif
