/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: file descriptors and what to do when they are ready (epoll).
 * Includes nothing of Tarn.
 */
#ifndef BACKEND_LOOP_H
#define BACKEND_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* Embedded in what it belongs to. May be removed, not freed, while the loop runs. */
struct loop_source {
    int fd;          /* -1: not in the loop */
    uint32_t events; /* EPOLLIN, EPOLLOUT; EPOLLET: once for each time that something comes */
    void (*ready)(struct loop_source *source, uint32_t events);
};

/* Opens the loop, once a process. Returns false with errno set. */
bool loop_init(void);

/* Adds a source with fd, events and ready set. Returns false with errno set. */
bool loop_add(struct loop_source *source);

/* Changes the events it waits for; 0 keeps it silent but for errors. Does nothing if fd is -1. */
void loop_set(struct loop_source *source, uint32_t events);

/* Takes it out; its fd stays open. */
void loop_forget(struct loop_source *source);

/* Takes it out, if it is in, and closes its fd. */
void loop_close(struct loop_source *source);

/* Waits up to timeout_ms (-1: for ever) and handles what is ready. False: something is broken. */
bool loop_once(int timeout_ms);

/* Runs until loop_stop. */
void loop_run(void);
void loop_stop(void);

#endif
