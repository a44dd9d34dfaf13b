/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of a virtio-mmio device (virtio 1.2, 4.2.2) that never leaves EL2: identification,
 * QueueNotify, InterruptStatus and InterruptACK. Every other register is posted to the device's
 * backend as a request. Knows no domain and no vCPU: it sets bits in the notify page and says in
 * struct mmio_access whom to tell. May include guests/abi, platform, mm.
 */
#ifndef VIRTIO_VDEV_H
#define VIRTIO_VDEV_H

#include "platform/types.h"

#include "guests/abi/notify.h"
#include "mm/trap_mmio.h"

struct vdev {
    struct tarn_notify_page *notify; /* EL2 address of the domain's page */
    uint64_t *queues;                /* its word there */
    uint64_t bit;                    /* its own in `devices` */
    uint32_t interrupt_status;       /* atomic */
    uint32_t device_id;              /* virtio device type; 0: none */
    uint8_t index;
    uint8_t nr_queues;
    uint16_t plain_from; /* offset from which on every access is a request */
};

/* Sets up device `index` of a domain. Returns false on an index, id (1..63) or queue count out of
 * range. */
bool vdev_init(struct vdev *vdev, struct tarn_notify_page *notify, unsigned index,
               uint64_t device_id, uint64_t nr_queues);

/*
 * Trapped access: a handler for mmio_table_add; device is the struct vdev. Any vCPU of the domain,
 * no lock. Reserved registers, and registers accessed in a size or direction that they do not have,
 * read as zero and ignore writes. access->vcpu is below TARN_MAX_VCPUS (asserted).
 */
enum mmio_result vdev_access(void *vdev, struct mmio_access *access);

/*
 * On MMIO_WAIT the request is written down but not posted: the caller first makes the vCPU wait,
 * then calls this and tells dom0; the answer may come at any time from then on.
 */
void vdev_post(struct vdev *vdev, unsigned vcpu);

/*
 * Backend's interrupt: sets bits (1, 2) in InterruptStatus; the caller then raises the interrupt,
 * also when they were set already. Returns false when bits holds others or none. Any CPU.
 */
bool vdev_interrupt(struct vdev *vdev, uint64_t bits);

#endif
