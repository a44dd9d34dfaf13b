/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: one process per domain, from its start to its end. It keeps the backend running,
 * makes the domain anew when the guest reboots, and clears everything away when it is over.
 * May include config.h.
 */
#ifndef CLI_SUPERVISE_H
#define CLI_SUPERVISE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Runs the domain `name`, which `tarn create` has built, until it is over. SIGTERM asks the guest
 * to shut down and destroys it if it does not; SIGINT destroys it at once. Returns an exit code.
 */
int supervise(const char *name);

/* The same in the background, for machines without systemd. True once the domain runs. */
bool supervise_in_background(const char *name);

/* Asks the backend to press the power button. Returns 0, or why not in `why`. */
int press_power(const char *name, char *why, size_t size);

#endif
