/* SPDX-License-Identifier: Apache-2.0 */
/* What little of systemd the tarn command uses. Includes nothing. */
#ifndef CLI_SYSTEMD_H
#define CLI_SYSTEMD_H

#include <stdbool.h>

/* True if systemd is this machine's init. */
bool systemd_is_here(void);

/* Tells whoever started us, if they asked: "READY=1", "STATUS=...". */
void systemd_notify(const char *state);

/*
 * Runs `systemctl VERB tarn@NAME.service`, waits for it, or until interrupted(). True if it
 * succeeded. kill sends SIGINT to the supervisor.
 */
bool systemd_unit(const char *verb, const char *name);

/* True if tarn@NAME.service is being stopped only to be started again. */
bool systemd_restarts(const char *name);

#endif
