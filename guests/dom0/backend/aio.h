/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous I/O on files: io_uring, or the workers where the kernel does not offer it to us.
 * May include workers.h. Event loop's thread only.
 */
#ifndef BACKEND_AIO_H
#define BACKEND_AIO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "guests/dom0/backend/workers.h"

enum aio_op {
    AIO_READ,
    AIO_WRITE,
    AIO_FLUSH,   /* fdatasync */
    AIO_DISCARD, /* punch a hole: reads as zero */
    AIO_ZERO,    /* reads as zero, space stays allocated */
};

/* Embedded in what is to be done. */
struct aio {
    struct job job; /* first; for the workers */
    enum aio_op op;
    int fd;
    const struct iovec *iov; /* read, write */
    unsigned count;
    uint64_t offset, bytes; /* bytes: discard, zero */
    int64_t result;         /* bytes read or written, 0, or a negated errno value */
    void (*done)(struct aio *aio);
};

/* After workers_start. with_ring: io_uring if it can be had. Returns false with errno set. */
bool aio_start(bool with_ring);

/* Queues a request, which may begin at once. done is called from the event loop or aio_drain. */
void aio_submit(struct aio *aio);

/* What was queued begins. */
void aio_kick(void);

/* Waits until all requests are done, those that done queues too. */
void aio_drain(void);

#endif
