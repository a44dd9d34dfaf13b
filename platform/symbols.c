/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-up in the table that platform/mksymbols.py wrote: sorted offsets from the image's start, and
 * where each name begins in a string of names. Calls nothing.
 */
#include "platform/symbols.h"

extern const uint32_t tarn_symbol_count;
extern const uint32_t tarn_symbol_offset[];
extern const uint32_t tarn_symbol_name[];
extern const char tarn_symbol_names[];
extern char __image_start[];

const char *symbol_of(uint64_t address, uint64_t *offset)
{
    uint64_t where = address - (uintptr_t)__image_start;
    unsigned low = 0, high = tarn_symbol_count;

    while (high - low > 1) {
        unsigned middle = (low + high) / 2;
        if (tarn_symbol_offset[middle] <= where)
            low = middle;
        else
            high = middle;
    }
    if (tarn_symbol_count == 0 || address < (uintptr_t)__image_start) {
        *offset = address;
        return "?";
    }
    *offset = where - tarn_symbol_offset[low];
    return tarn_symbol_names + tarn_symbol_name[low];
}
