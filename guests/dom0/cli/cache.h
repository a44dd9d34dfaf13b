/* SPDX-License-Identifier: Apache-2.0 */
/* Data caches, from EL0. Includes nothing. */
#ifndef CLI_CACHE_H
#define CLI_CACHE_H

#include <stddef.h>

/* Cleans [start, start + size) to the point of coherency: who reads past the caches sees it then.
 */
void cache_clean(const void *start, size_t size);

#endif
