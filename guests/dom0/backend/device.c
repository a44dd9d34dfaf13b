/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of a virtio-mmio device, a row each, and its life between reset and DRIVER_OK.
 */
#include "guests/dom0/backend/device.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#define COMMON_FEATURES                                                                            \
    (1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_EVENT_IDX |                                \
     1ull << VIRTIO_RING_F_INDIRECT_DESC)

static uint64_t offered(const struct device *device)
{
    return device->features | COMMON_FEATURES;
}

void device_init(struct device *device, struct device_state *state,
                 const struct guest_memory *memory, const struct device_host *host)
{
    device->state = state;
    device->host = host;
    device->running = false;
    if (device->queues == 0)
        device->queues = device->ops->queues;
    for (unsigned i = 0; i < device->queues; i++)
        vq_init(&device->vq[i], &state->queue[i], memory);
}

void device_fail(struct device *device, const char *why)
{
    if (device->state->status & VIRTIO_CONFIG_S_NEEDS_RESET)
        return;
    device->state->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
    device->host->log(device, why);
    if (device->state->status & VIRTIO_CONFIG_S_DRIVER_OK)
        device->host->signal_config(device);
}

static void start(struct device *device)
{
    if (device->running)
        return;
    device->running = true;
    if (device->ops->start)
        device->ops->start(device);
    /* Buffers may be there already, their notification taken by nobody. */
    for (unsigned i = device->outside; i < device->queues; i++)
        device_notify(device, i);
}

static void reset(struct device *device)
{
    if (device->ops->reset)
        device->ops->reset(device);
    device->running = false;
    for (unsigned i = 0; i < device->queues; i++)
        vq_reset(&device->vq[i]);
    memset(device->state, 0, sizeof(*device->state));
}

void device_resume(struct device *device)
{
    for (unsigned i = 0; i < device->queues; i++) {
        if (device->state->queue[i].ready && !vq_resume(&device->vq[i]))
            device_fail(device, device->vq[i].broken);
    }
    if (device->state->status & VIRTIO_CONFIG_S_DRIVER_OK)
        start(device);
}

void device_notify(struct device *device, unsigned queue)
{
    if (!device->running || queue >= device->queues || !device->state->queue[queue].ready)
        return;
    if (device->ops->notify)
        device->ops->notify(device, queue);
    if (device->vq[queue].broken)
        device_fail(device, device->vq[queue].broken);
}

void device_serve(struct device *device, unsigned queue, struct vq_chain *chain,
                  uint32_t (*serve)(struct device *device, const struct vq_chain *chain))
{
    struct virtqueue *vq = &device->vq[queue];
    unsigned left = DEVICE_BURST;

    vq_busy(vq);
    do {
        for (; left > 0 && vq_pop(vq, chain) == VQ_GOT; left--)
            vq_push(vq, chain->head, serve(device, chain));
    } while (left > 0 && !vq_wait(vq));
    if (left == 0)
        eventfd_write(device->kick_fd[queue], 1);
    device_signal(device, queue);
}

void device_signal(struct device *device, unsigned queue)
{
    if (vq_must_signal(&device->vq[queue]))
        device->host->signal_queue(device);
}

void device_change_config(struct device *device)
{
    device->generation++;
    device->host->signal_config(device);
}

/* The queue selected, or NULL if the device has none of that number. */
static struct virtqueue *selected(struct device *device)
{
    uint32_t queue = device->state->queue_sel;
    return queue < device->queues ? &device->vq[queue] : NULL;
}

static uint32_t read_features(struct device *device)
{
    uint32_t sel = device->state->device_features_sel;
    return sel < 2 ? (uint32_t)(offered(device) >> (32 * sel)) : 0;
}

static void write_device_features_sel(struct device *device, uint32_t value)
{
    device->state->device_features_sel = value;
}

static void write_driver_features(struct device *device, uint32_t value)
{
    struct device_state *s = device->state;
    uint32_t sel = s->driver_features_sel;

    if (sel >= 2 || s->status & VIRTIO_CONFIG_S_FEATURES_OK)
        return;
    s->driver_features &= ~(0xffffffffull << (32 * sel));
    s->driver_features |= (uint64_t)value << (32 * sel);
}

static void write_driver_features_sel(struct device *device, uint32_t value)
{
    device->state->driver_features_sel = value;
}

static void write_queue_sel(struct device *device, uint32_t value)
{
    device->state->queue_sel = value;
}

static uint32_t read_queue_num_max(struct device *device)
{
    return selected(device) ? VQ_MAX_SIZE : 0;
}

static void write_queue_num(struct device *device, uint32_t value)
{
    struct virtqueue *vq = selected(device);

    if (vq && !vq->state->ready)
        vq->state->size = value <= VQ_MAX_SIZE ? (uint16_t)value : 0;
}

static uint32_t read_queue_ready(struct device *device)
{
    struct virtqueue *vq = selected(device);
    return vq ? vq->state->ready : 0;
}

/*
 * The driver takes one queue away. The device lets go of all; what it had of the others' buffers it
 * takes again.
 */
static void stop_queue(struct device *device, struct virtqueue *vq)
{
    bool running = device->running;

    if (running && device->ops->reset)
        device->ops->reset(device);
    device->running = false;
    vq_reset(vq);
    for (unsigned i = 0; i < device->queues; i++)
        if (device->state->queue[i].ready && !vq_resume(&device->vq[i]))
            device_fail(device, device->vq[i].broken);
    if (running)
        start(device);
}

static void write_queue_ready(struct device *device, uint32_t value)
{
    struct virtqueue *vq = selected(device);

    if (!vq || vq->state->ready == (value & 1))
        return;
    if (!(value & 1)) {
        stop_queue(device, vq);
        return;
    }
    vq->state->event_idx = device_has(device, VIRTIO_RING_F_EVENT_IDX);
    if (vq_start(vq))
        vq->state->ready = 1;
    else
        device_fail(device, vq->broken);
}

static uint32_t read_status(struct device *device)
{
    return device->state->status;
}

/* The driver may only add bits; writing 0 is a reset (virtio 1.2, 2.1). */
static void write_status(struct device *device, uint32_t value)
{
    struct device_state *s = device->state;

    if (value == 0) {
        reset(device);
        return;
    }
    value &= 0xff;
    if (value & VIRTIO_CONFIG_S_FEATURES_OK && !(s->status & VIRTIO_CONFIG_S_FEATURES_OK)) {
        bool good =
            (s->driver_features & ~offered(device)) == 0 && device_has(device, VIRTIO_F_VERSION_1);
        if (!good)
            value &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
    }
    s->status |= value & ~(uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET;
    if (s->status & VIRTIO_CONFIG_S_DRIVER_OK && s->status & VIRTIO_CONFIG_S_FEATURES_OK)
        start(device);
}

static void set_half(struct device *device, size_t field, bool high, uint32_t value)
{
    struct virtqueue *vq = selected(device);

    if (!vq || vq->state->ready)
        return;
    uint64_t *address = (uint64_t *)((uint8_t *)vq->state + field);
    if (high)
        *address = (uint32_t)*address | (uint64_t)value << 32;
    else
        *address = (*address & ~0xffffffffull) | value;
}

#define ADDRESS_HALF(name, field, high)                                                            \
    static void write_##name(struct device *device, uint32_t value)                                \
    {                                                                                              \
        set_half(device, offsetof(struct vq_state, field), high, value);                           \
    }
ADDRESS_HALF(desc_low, desc, false)
ADDRESS_HALF(desc_high, desc, true)
ADDRESS_HALF(driver_low, driver, false)
ADDRESS_HALF(driver_high, driver, true)
ADDRESS_HALF(device_low, device, false)
ADDRESS_HALF(device_high, device, true)

static uint32_t read_generation(struct device *device)
{
    return device->generation;
}

/* No shared memory region has a length of all ones (virtio 1.2, 4.2.2). */
static uint32_t read_no_region(struct device *device)
{
    (void)device;
    return 0xffffffff;
}

struct row {
    uint32_t (*read)(struct device *device);
    void (*write)(struct device *device, uint32_t value);
};

#define ROW(offset) [(offset) / 4]

static const struct row rows[VIRTIO_MMIO_CONFIG / 4] = {
    ROW(VIRTIO_MMIO_DEVICE_FEATURES) = {read_features, NULL},
    ROW(VIRTIO_MMIO_DEVICE_FEATURES_SEL) = {NULL, write_device_features_sel},
    ROW(VIRTIO_MMIO_DRIVER_FEATURES) = {NULL, write_driver_features},
    ROW(VIRTIO_MMIO_DRIVER_FEATURES_SEL) = {NULL, write_driver_features_sel},
    ROW(VIRTIO_MMIO_QUEUE_SEL) = {NULL, write_queue_sel},
    ROW(VIRTIO_MMIO_QUEUE_NUM_MAX) = {read_queue_num_max, NULL},
    ROW(VIRTIO_MMIO_QUEUE_NUM) = {NULL, write_queue_num},
    ROW(VIRTIO_MMIO_QUEUE_READY) = {read_queue_ready, write_queue_ready},
    ROW(VIRTIO_MMIO_STATUS) = {read_status, write_status},
    ROW(VIRTIO_MMIO_QUEUE_DESC_LOW) = {NULL, write_desc_low},
    ROW(VIRTIO_MMIO_QUEUE_DESC_HIGH) = {NULL, write_desc_high},
    ROW(VIRTIO_MMIO_QUEUE_AVAIL_LOW) = {NULL, write_driver_low},
    ROW(VIRTIO_MMIO_QUEUE_AVAIL_HIGH) = {NULL, write_driver_high},
    ROW(VIRTIO_MMIO_QUEUE_USED_LOW) = {NULL, write_device_low},
    ROW(VIRTIO_MMIO_QUEUE_USED_HIGH) = {NULL, write_device_high},
    ROW(VIRTIO_MMIO_CONFIG_GENERATION) = {read_generation, NULL},
    ROW(VIRTIO_MMIO_SHM_LEN_LOW) = {read_no_region, NULL},
    ROW(VIRTIO_MMIO_SHM_LEN_HIGH) = {read_no_region, NULL},
    ROW(VIRTIO_MMIO_SHM_BASE_LOW) = {read_no_region, NULL},
    ROW(VIRTIO_MMIO_SHM_BASE_HIGH) = {read_no_region, NULL},
};

static bool in_config(uint32_t offset, unsigned size)
{
    return offset < DEVICE_CONFIG_MAX && size <= DEVICE_CONFIG_MAX - offset &&
           (size == 1 || size == 2 || size == 4 || size == 8);
}

uint64_t device_read(struct device *device, uint32_t offset, unsigned size)
{
    uint64_t value = 0;

    if (offset >= VIRTIO_MMIO_CONFIG) {
        if (in_config(offset - VIRTIO_MMIO_CONFIG, size))
            memcpy(&value, &device->config[offset - VIRTIO_MMIO_CONFIG], size);
        return value;
    }
    const struct row *row = &rows[offset / 4];
    return row->read && size == 4 && offset % 4 == 0 ? row->read(device) : 0;
}

void device_write(struct device *device, uint32_t offset, unsigned size, uint64_t value)
{
    if (offset >= VIRTIO_MMIO_CONFIG) {
        if (device->ops->write_config && in_config(offset - VIRTIO_MMIO_CONFIG, size))
            device->ops->write_config(device, offset - VIRTIO_MMIO_CONFIG, size, value);
        return;
    }
    const struct row *row = &rows[offset / 4];
    if (row->write && size == 4 && offset % 4 == 0)
        row->write(device, (uint32_t)value);
}
