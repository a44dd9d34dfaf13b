/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device and its virtio-mmio registers (virtio 1.2, 4.2.2), as far as they come to dom0:
 * all but MagicValue, Version, DeviceID, VendorID, QueueNotify, InterruptStatus and InterruptACK,
 * which EL2 answers. May include virtqueue.h.
 *
 * One thread, the event loop's, calls everything here.
 */
#ifndef BACKEND_DEVICE_H
#define BACKEND_DEVICE_H

#include "guests/dom0/backend/virtqueue.h"

#define DEVICE_MAX_QUEUES 10
#define DEVICE_CONFIG_MAX 256 /* bytes of configuration space */

/* What survives the backend: one per device, in memory that its supervisor holds. All zero: reset.
 */
struct device_state {
    uint64_t driver_features;
    uint32_t device_features_sel, driver_features_sel;
    uint32_t queue_sel;
    uint32_t status; /* virtio 1.2, 2.1 */
    uint32_t own;    /* what a kind of device has to keep */
    struct vq_state queue[DEVICE_MAX_QUEUES];
};

struct device;

/* What a kind of device does. Functions may be NULL where nothing is to be done. */
struct device_ops {
    const char *name;
    uint32_t id;     /* virtio 1.2, 5 */
    unsigned queues; /* unless the device says how many it has */
    /* The driver has set DRIVER_OK, or a former backend's driver had. */
    void (*start)(struct device *device);
    /* Queue has new buffers, or may have. Only between start and reset. */
    void (*notify)(struct device *device, unsigned queue);
    /* When it returns nothing of the device touches the rings or the guest's buffers any more. */
    void (*reset)(struct device *device);
    /* Configuration space; without them it is the bytes in device->config, read-only. */
    void (*write_config)(struct device *device, uint32_t offset, unsigned size, uint64_t value);
};

/* How a device reaches its guest; set by whoever owns the domain's file. */
struct device_host {
    void (*signal_queue)(struct device *device);  /* used-buffer interrupt */
    void (*signal_config)(struct device *device); /* configuration-change interrupt */
    void (*log)(struct device *device, const char *message);
};

struct device {
    const struct device_ops *ops;
    const struct device_host *host;
    struct device_state *state;
    uint64_t features; /* offered, without those that every device here offers */
    unsigned index, queues;
    unsigned outside;               /* the first of these are not served by this process */
    int irq_fd;                     /* its signal is the used-buffer interrupt */
    int kick_fd[DEVICE_MAX_QUEUES]; /* signalled by a queue's notification */
    bool running;                   /* between start and reset */
    uint32_t generation;            /* of the configuration space */
    struct virtqueue vq[DEVICE_MAX_QUEUES];
    _Alignas(8) uint8_t config[DEVICE_CONFIG_MAX];
};

/* The first part of every device: ops, index, features and config are set by the caller before. */
void device_init(struct device *device, struct device_state *state,
                 const struct guest_memory *memory, const struct device_host *host);

/* A new backend takes over a device as state describes it. */
void device_resume(struct device *device);

/* A register access of the driver. Sizes other than the register's read zero and write nothing. */
uint64_t device_read(struct device *device, uint32_t offset, unsigned size);
void device_write(struct device *device, uint32_t offset, unsigned size, uint64_t value);

/* A notification of the queue, which is served here. */
void device_notify(struct device *device, unsigned queue);

/*
 * Serves a queue whose buffers are done at once: `serve` does one and returns how many bytes it
 * wrote. A guest that always has another buffer must not keep the rest of its devices waiting:
 * after DEVICE_BURST buffers the queue notifies itself.
 */
#define DEVICE_BURST 64
void device_serve(struct device *device, unsigned queue, struct vq_chain *chain,
                  uint32_t (*serve)(struct device *device, const struct vq_chain *chain));

/* After pushing: interrupts the driver if it wants that. */
void device_signal(struct device *device, unsigned queue);

/* After a change of the configuration space: tells the driver. */
void device_change_config(struct device *device);

/* The driver broke a rule: one line to the log, DEVICE_NEEDS_RESET to the driver. */
void device_fail(struct device *device, const char *why);

static inline bool device_has(const struct device *device, unsigned feature)
{
    return device->state->driver_features >> feature & 1;
}

#endif
