/* SPDX-License-Identifier: Apache-2.0 */
/* Making a domain of its configuration. May include config.h, machine.h, hyper.h. */
#ifndef CLI_BUILD_H
#define CLI_BUILD_H

#include "guests/dom0/cli/machine.h"

/*
 * Creates the domain, gives it memory and devices, loads it. It is then ready to be started. Errors
 * are reported, and nothing is left of the domain; so it is if interrupted() says so. Returns an
 * exit code, and in *fd the control descriptor, or -1.
 */
int domain_build(const struct config *config, const struct sources *sources, int *fd);

/* Gives a domain its part of the CPUs. Returns an exit code, errors reported. */
int domain_schedule(const struct config *config, uint32_t id);

#endif
