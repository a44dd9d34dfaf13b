/* SPDX-License-Identifier: Apache-2.0 */
/* The table of emulated address ranges; see trap_mmio.h. */
#include "mm/trap_mmio.h"

bool mmio_table_add(struct mmio_table *table, uint64_t base, uint64_t size, mmio_handler_t handler,
                    void *device)
{
    unsigned at = 0;

    if (table->count == MMIO_MAX_RANGES || size == 0 || base + size < base)
        return false;
    while (at < table->count && table->range[at].base < base)
        at++;
    if (at > 0 && base - table->range[at - 1].base < table->range[at - 1].size)
        return false;
    if (at < table->count && table->range[at].base - base < size)
        return false;
    for (unsigned i = table->count; i > at; i--)
        table->range[i] = table->range[i - 1];
    table->range[at] = (struct mmio_range){base, size, handler, device};
    table->count++;
    return true;
}

const struct mmio_range *mmio_table_find(const struct mmio_table *table, uint64_t ipa)
{
    unsigned low = 0, high = table->count;

    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (ipa < table->range[middle].base)
            high = middle;
        else if (ipa - table->range[middle].base >= table->range[middle].size)
            low = middle + 1;
        else
            return &table->range[middle];
    }
    return NULL;
}
