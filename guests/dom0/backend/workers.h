/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads for calls that wait (disk I/O), and the way back into the event loop.
 * May include loop.h.
 */
#ifndef BACKEND_WORKERS_H
#define BACKEND_WORKERS_H

#include <stdbool.h>

/* Embedded in what is to be done. */
struct job {
    struct job *next;
    void (*run)(struct job *job);  /* on a worker */
    void (*done)(struct job *job); /* then in the event loop */
};

/* Starts the threads, once. Returns false with errno set. */
bool workers_start(void);

/* Hands a job over. Event loop. */
void workers_submit(struct job *job);

/* Waits until every job submitted so far has run, and calls their done. Event loop. */
void workers_drain(void);

/* True if a job's done is still to be called. Event loop. */
bool workers_busy(void);

#endif
