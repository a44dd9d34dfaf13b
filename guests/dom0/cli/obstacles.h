/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps a domain with a good configuration from starting. May include config.h. */
#ifndef CLI_OBSTACLES_H
#define CLI_OBSTACLES_H

#include "guests/dom0/common/config.h"

/*
 * Looks at what other domains have now: the name, memory, CPUs, disks, the vsock address. Prints a
 * line for each thing that is in the way, none if tarn create may be expected to succeed.
 */
void obstacles_find(const struct config *config, FILE *out);

#endif
