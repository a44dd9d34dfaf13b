/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a backend may still ask of dom0's kernel once it serves a guest: to use the descriptors it
 * holds. Includes nothing.
 */
#ifndef BACKEND_SANDBOX_H
#define BACKEND_SANDBOX_H

/*
 * For all threads, for good. Any other system call ends the process. Returns 0 or an errno value.
 */
int sandbox_enter(void);

#endif
