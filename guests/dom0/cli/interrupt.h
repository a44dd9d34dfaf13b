/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals that end a command, for those that leave nothing behind then: they look from time to
 * time whether one came. Includes nothing.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

/* From now on SIGINT, SIGTERM and SIGHUP are noted. */
void interrupt_watch(void);

/* They end the process again. */
void interrupt_unwatch(void);

/* The first one that came, or 0. */
int interrupted(void);

#endif
