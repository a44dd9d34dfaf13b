/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a domain's backend: opens what its devices are made of, and leaves the new process with
 * these descriptors, a user id of its own and no privileges. May include config.h.
 */
#ifndef CLI_SPAWN_H
#define CLI_SPAWN_H

#include <sys/types.h>

#include "guests/dom0/common/config.h"

/* Descriptors that outlive a backend; the supervisor's. */
struct backend_fds {
    int console; /* listening sockets */
    int control;
    int state; /* /run/tarn/NAME/state */
    int port[CONFIG_MAX_PORTS];
};

/* Opens them. Returns an exit code; errors are reported. */
int backend_fds_open(struct backend_fds *fds, const struct config *config);

/* The domain was made anew: its devices begin so, too. Returns an exit code. */
int backend_state_clear(const struct backend_fds *fds, const char *name);

/*
 * Starts the backend of the domain `id` and waits until its devices are there; up to `patience`
 * seconds for a disk that is in use. Returns an exit code (errors are reported), and its process
 * id.
 */
int backend_spawn(const struct config *config, unsigned id, const struct backend_fds *fds,
                  unsigned patience, pid_t *pid);

#endif
