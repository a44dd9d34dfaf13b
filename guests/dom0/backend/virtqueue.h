/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device side of a split virtqueue (virtio 1.2, 2.7) whose driver may be hostile: descriptors are
 * copied once, every address and length is checked, a chain has at most as many descriptors as the
 * queue. A ring that breaks the rules stops the queue, never the process.
 *
 * What a restarted backend needs lives in struct vq_state, plain data in memory that outlives the
 * process: where the rings are, how far they were used, and which heads were taken but not
 * returned. May include guest_memory.h.
 */
#ifndef BACKEND_VIRTQUEUE_H
#define BACKEND_VIRTQUEUE_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "guests/dom0/backend/guest_memory.h"

#define VQ_MAX_SIZE 256

struct vq_state {
    uint64_t desc, driver, device; /* guest addresses of the three parts */
    uint16_t size;
    uint16_t next_avail, next_used; /* free-running, as in the rings */
    uint16_t signalled;             /* next_used when the driver was last told */
    uint8_t ready, signalled_valid;
    uint8_t event_idx;   /* VIRTIO_F_EVENT_IDX was negotiated */
    uint8_t outside;     /* served by others, who keep their progress in the used ring */
    uint16_t publishing; /* used elements written, their index perhaps not; then counted here */
    uint64_t in_flight[VQ_MAX_SIZE / 64]; /* heads popped, not pushed */
};

struct virtqueue {
    struct vq_state *state;
    const struct guest_memory *memory;
    /* Pointers into the guest; set while the queue is ready. */
    const volatile struct vring_desc *desc;
    volatile uint16_t *avail; /* flags, idx, ring[size], used_event */
    volatile uint16_t *used;  /* flags, idx, elements, avail_event */
    volatile struct vring_used_elem *used_ring;
    const char *broken;                /* why the queue was given up, or NULL */
    uint64_t replay[VQ_MAX_SIZE / 64]; /* heads a former backend took: to be popped again, first */
};

/* A buffer of the driver: `readable` segments to read, then `writable` ones to write. */
struct vq_chain {
    uint16_t head;
    uint16_t readable, writable;
    uint32_t readable_bytes, writable_bytes;
    struct iovec segment[VQ_MAX_SIZE];
};

enum vq_result { VQ_EMPTY, VQ_GOT, VQ_BROKEN };

void vq_init(struct virtqueue *vq, struct vq_state *state, const struct guest_memory *memory);

/*
 * Begins to use the rings that state names: checks size (a power of two up to VQ_MAX_SIZE),
 * alignment and place. Returns false and says why in vq->broken.
 */
bool vq_start(struct virtqueue *vq);

/* The same for a queue that was ready when a former backend died; its unreturned buffers come
 * again. */
bool vq_resume(struct virtqueue *vq);

/* Forgets the rings, as after a reset. */
void vq_reset(struct virtqueue *vq);

/* Takes the next buffer. VQ_BROKEN: vq->broken says why; the queue yields nothing until reset. */
enum vq_result vq_pop(struct virtqueue *vq, struct vq_chain *chain);

/* Returns a buffer with `written` bytes in its writable part. */
void vq_push(struct virtqueue *vq, uint16_t head, uint32_t written);

/* The same for several, which the driver sees all at once. count: 1 to the size of the queue. */
void vq_push_all(struct virtqueue *vq, const struct vring_used_elem *element, unsigned count);

/*
 * The driver need not notify while the device is at work; vq_wait asks for a notification of the
 * next buffer. Returns false if there is one already (then go on popping).
 */
void vq_busy(struct virtqueue *vq);
bool vq_wait(struct virtqueue *vq);

/* True if the driver is to be interrupted for what was pushed since the last call. */
bool vq_must_signal(struct virtqueue *vq);

/* Copies between the segments and a buffer, from byte `offset` of the segments on. Returns bytes.
 */
size_t iov_read(const struct iovec *iov, unsigned count, size_t offset, void *buffer, size_t size);
size_t iov_write(const struct iovec *iov, unsigned count, size_t offset, const void *buffer,
                 size_t size);

#endif
