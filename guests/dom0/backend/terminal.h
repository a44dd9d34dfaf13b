/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain's terminal: what its consoles print goes to everybody who is connected and to a log
 * file; what they type goes to the domain. The last TERMINAL_HISTORY bytes are kept for those who
 * come late. May include loop.h, log_file.h.
 */
#ifndef BACKEND_TERMINAL_H
#define BACKEND_TERMINAL_H

#include <stddef.h>
#include <stdint.h>

#define TERMINAL_HISTORY 16384

/* What survives the backend; all zero at first. */
struct terminal_state {
    uint64_t head; /* bytes ever put out */
    uint8_t ring[TERMINAL_HISTORY];
};

/*
 * Opens it. listen_fd: socket to accept from, nonblocking; -1: none.
 * input: takes typed bytes, returns how many; what it leaves is offered again by terminal_retry.
 * Returns 0 or an errno value.
 */
int terminal_open(struct terminal_state *state, int listen_fd,
                  size_t (*input)(const uint8_t *data, size_t size));

void terminal_output(const uint8_t *data, size_t size);

/* The domain can take input again. */
void terminal_retry(void);

/* Sends out what can be sent without waiting; before the process ends. */
void terminal_flush(void);

#endif
