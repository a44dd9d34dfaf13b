/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's side of a device and its split virtqueues, and RAM to put them in, for tests of the
 * backend.
 */
#ifndef VIRTIO_GUEST_H
#define VIRTIO_GUEST_H

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include "guests/dom0/backend/device.h"
#include "guests/dom0/backend/virtqueue.h"

#define GUEST_IPA  0x40000000ull
#define GUEST_SIZE 0x100000ull
#define RING_SIZE  8192 /* room for one queue's three parts */

struct guest {
    struct guest_memory memory; /* base: GUEST_SIZE bytes, exactly, so that ASan sees beyond */
};

struct ring {
    struct guest *guest;
    uint16_t size;
    uint64_t
        at; /* ipa of the descriptors; then the available ring at +4096, the used ring at +6144 */
    struct vring_desc *desc;
    uint16_t *avail, *used;
    struct vring_used_elem *elements;
    uint16_t seen; /* used index up to which take_used has gone */
};

static inline void guest_open(struct guest *guest)
{
    guest->memory = (struct guest_memory){
        .base = aligned_alloc(4096, GUEST_SIZE), .ipa = GUEST_IPA, .size = GUEST_SIZE};
    memset(guest->memory.base, 0, GUEST_SIZE);
}

static inline void guest_close(struct guest *guest)
{
    free(guest->memory.base);
}

static inline void *guest_pointer(struct guest *guest, uint64_t ipa)
{
    return guest->memory.base + (ipa - GUEST_IPA);
}

static inline void ring_open(struct ring *ring, struct guest *guest, uint64_t at, uint16_t size)
{
    memset(guest_pointer(guest, at), 0, RING_SIZE);
    *ring = (struct ring){.guest = guest, .size = size, .at = at};
    ring->desc = guest_pointer(guest, at);
    ring->avail = guest_pointer(guest, at + 4096);
    ring->used = guest_pointer(guest, at + 6144);
    ring->elements = (struct vring_used_elem *)(ring->used + 2);
}

static inline void ring_desc(struct ring *ring, unsigned i, uint64_t ipa, uint32_t length,
                             uint16_t flags, uint16_t next)
{
    ring->desc[i] = (struct vring_desc){.addr = ipa, .len = length, .flags = flags, .next = next};
}

static inline void ring_offer(struct ring *ring, uint16_t head)
{
    ring->avail[2 + ring->avail[1] % ring->size] = head;
    ring->avail[1]++;
}

/* The next used element, or NULL. */
static inline struct vring_used_elem *ring_take(struct ring *ring)
{
    if (ring->used[1] == ring->seen)
        return NULL;
    return &ring->elements[ring->seen++ % ring->size];
}

#define ALIVE (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)

static inline void driver_write(struct device *device, uint32_t offset, uint32_t value)
{
    device_write(device, offset, 4, value);
}

/* From reset to FEATURES_OK (virtio 1.2, 3.1.1). */
static inline void driver_begin(struct device *device, uint64_t features)
{
    driver_write(device, VIRTIO_MMIO_STATUS, 0);
    driver_write(device, VIRTIO_MMIO_STATUS, ALIVE);
    for (unsigned i = 0; i < 2; i++) {
        driver_write(device, VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
        driver_write(device, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> (32 * i)));
    }
    driver_write(device, VIRTIO_MMIO_STATUS, ALIVE | VIRTIO_CONFIG_S_FEATURES_OK);
}

/* Queue `i` is this ring. */
static inline void driver_queue(struct device *device, unsigned i, const struct ring *ring)
{
    driver_write(device, VIRTIO_MMIO_QUEUE_SEL, i);
    driver_write(device, VIRTIO_MMIO_QUEUE_NUM, ring->size);
    driver_write(device, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)ring->at);
    driver_write(device, VIRTIO_MMIO_QUEUE_DESC_HIGH, (uint32_t)(ring->at >> 32));
    driver_write(device, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)ring->at + 4096);
    driver_write(device, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 0);
    driver_write(device, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)ring->at + 6144);
    driver_write(device, VIRTIO_MMIO_QUEUE_USED_HIGH, 0);
    driver_write(device, VIRTIO_MMIO_QUEUE_READY, 1);
}

static inline void driver_ok(struct device *device)
{
    driver_write(device, VIRTIO_MMIO_STATUS,
                 ALIVE | VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
}

#endif
