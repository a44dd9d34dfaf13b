/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes of device registers from EL2: one access of exactly the size named, never merged
 * or torn. The pointer is an EL2 virtual address in a device mapping. May include platform/types.h.
 */
#ifndef PLATFORM_MMIO_H
#define PLATFORM_MMIO_H

#include "platform/types.h"

static inline uint32_t mmio_read32(const volatile void *address)
{
    uint32_t value;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void mmio_write32(volatile void *address, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "rZ"(value), "r"(address) : "memory");
}

static inline uint64_t mmio_read64(const volatile void *address)
{
    uint64_t value;
    __asm__ volatile("ldr %x0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void mmio_write64(volatile void *address, uint64_t value)
{
    __asm__ volatile("str %x0, [%1]" : : "rZ"(value), "r"(address) : "memory");
}

static inline void mmio_write8(volatile void *address, uint8_t value)
{
    __asm__ volatile("strb %w0, [%1]" : : "rZ"(value), "r"(address) : "memory");
}

#endif
