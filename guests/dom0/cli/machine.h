/* SPDX-License-Identifier: Apache-2.0 */
/* What the config of a domain needs of this machine. May include config.h, image.h. */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include <stdio.h>

#include "guests/dom0/cli/image.h"
#include "guests/dom0/common/config.h"

/* What domain_build takes from the files. */
struct sources {
    int kernel, initrd; /* descriptors; initrd -1: none */
    uint64_t initrd_size;
    struct kernel_image image;
    struct layout layout;
};

/*
 * Checks files, bridges, and that kernel and initrd fit the memory; opens kernel and initrd.
 * Returns false, with every error on `errors` and nothing left open.
 */
bool machine_check(const struct config *config, struct sources *sources, FILE *errors);

void machine_close(struct sources *sources);

/* Version of this machine's GIC, which is that of domains, too: 2 or 3; 0 if it has none. */
unsigned machine_gic_version(void);

#endif
