/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a trapped memory access of a guest travels: the access, the handler's answer, and the table
 * of address ranges (one per domain) that finds the handler by binary search. May include platform
 * only.
 */
#ifndef MM_TRAP_MMIO_H
#define MM_TRAP_MMIO_H

#include "platform/types.h"

/* What became of an access. */
enum mmio_result {
    MMIO_DONE,   /* emulated; for a read, value holds the answer */
    MMIO_UPCALL, /* a write, emulated; dom0 is to be told that the notify page has news */
    MMIO_KICK,   /* emulated; there are vCPUs to kick */
    MMIO_WAIT,   /* for the backend; the vCPU blocks until REQUEST_REPLY */
    MMIO_FAULT,  /* nothing there: external abort to the guest */
};

/* One access; the handler reads the upper part and fills in the lower one. */
struct mmio_access {
    uint64_t offset; /* from the range's base */
    uint32_t vcpu;   /* number of the asking vCPU in its domain */
    uint8_t size;    /* 1, 2, 4 or 8 bytes; offset is a multiple of it */
    bool write;

    uint64_t value;   /* write: the data in the low size bytes, anything above; read: the answer,
                         zero-extended */
    vcpu_mask_t kick; /* vCPUs of the same domain that have something new to see; 0 before */

    uint64_t notifies; /* statistics: notifications of devices by this vCPU so far */
};

/* The data of a write, zero-extended. */
static inline uint64_t mmio_data(const struct mmio_access *access)
{
    return access->value & ~0ul >> (64 - 8u * access->size);
}

typedef enum mmio_result (*mmio_handler_t)(void *device, struct mmio_access *access);

struct mmio_range {
    uint64_t base; /* ipa */
    uint64_t size;
    mmio_handler_t handler;
    void *device;
};

#define MMIO_MAX_RANGES 64

/* Sorted by base, disjoint. Built before the domain runs, constant after. */
struct mmio_table {
    unsigned count;
    struct mmio_range range[MMIO_MAX_RANGES];
};

/* Adds a range. Returns false when it overlaps another one or the table is full. */
bool mmio_table_add(struct mmio_table *table, uint64_t base, uint64_t size, mmio_handler_t handler,
                    void *device);

/* The range that holds ipa, or NULL. */
const struct mmio_range *mmio_table_find(const struct mmio_table *table, uint64_t ipa);

#endif
