/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: one-line requests of the tarn command. May include loop.h, input.h.
 */
#ifndef BACKEND_CONTROL_H
#define BACKEND_CONTROL_H

#include <stdint.h>

/* Changes what the disk `index` is on (block_change). Returns "ok" or why not. */
typedef const char *control_medium(unsigned index, int fd, uint64_t sectors);

/* Listens on a SOCK_SEQPACKET socket. Returns 0 or an errno value. */
int control_open(int listen_fd, control_medium *medium);

#endif
