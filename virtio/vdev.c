/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio-mmio transport (virtio 1.2, 4.2.2): a row per register.
 * May include guests/abi, platform, mm, virtio.
 *
 * Posting a notification, and when dom0 needs an upcall
 * -----------------------------------------------------
 * EL2 does  A: old = OR(queues[d], bit q), release.  If bit q was clear in old:
 *           B: old = OR(devices, bit d), release.    If old was 0: upcall.
 * dom0, on each upcall, does  X: xchg(devices, 0), acquire; then for each bit d it took
 *                             Y: xchg(queues[d], 0), acquire.
 * Claim: every A is followed by a Y that takes its bit, and what the guest stored before its
 * QueueNotify is visible to dom0 after that Y. All four are read-modify-writes, and those of one
 * word happen one after the other, each on the value the one before left.
 * - B not reached: bit q was set by an earlier A' that no Y has taken yet, so the next Y of this
 * word takes both. That Y comes: A' is on its way to B' (EL2 does not block between them), or some
 * A'' is that made the bit first, or B' is done and its d still set or taken by an X whose Y has
 * yet to come.
 * - B finds bits (d or others) in devices: no X has happened since the B' that made it not 0. That
 * B' asked for an upcall, whose X has yet to come and takes our d too. Its Y follows it.
 * - B finds 0: we ask for the upcall.
 * - In each case our A precedes that Y: it precedes B, B precedes X (X takes what B left in the
 * word, and acquires what B released), X precedes Y.
 * - A happens even when bit q is set: it is what releases the guest's stores to the Y that takes it
 * (a read-modify-write in between continues the release sequence); a mere test of the bit would
 * not. Were dom0 to take queues before devices, an A between them would be lost: the order is its
 * duty. A driver that starts on a page with bits in it (its predecessor is gone) has to look
 * without an upcall.
 */
#include "virtio/vdev.h"

#include "guests/abi/domu.h"
#include "platform/panic.h"

#define VIRTIO_MAGIC   0x74726976 /* "virt" */
#define VIRTIO_VERSION 2
#define VIRTIO_VENDOR  0x6e726174 /* "tarn" */
#define VIRTIO_MAX_ID  63
#define QUEUE_NOTIFY   0x050
#define CONFIG_OFFSET  0x100 /* device-specific configuration from here on */
#define INTERRUPT_BITS 3ul   /* used buffer, configuration change */

typedef enum mmio_result (*vdev_row_t)(struct vdev *vdev, struct mmio_access *access);

struct vdev_row {
    vdev_row_t read, write; /* NULL: reads as `constant`, ignores writes */
    uint32_t constant;
};

/*
 * Fills the vCPU's request slot, which is free and stays ours, since the vCPU waits. It is posted
 * by vdev_post, once the vCPU can take the answer.
 */
static enum mmio_result post(struct vdev *vdev, struct mmio_access *access)
{
    struct tarn_notify_page *notify = vdev->notify;
    assert(access->vcpu < TARN_MAX_VCPUS);
    notify->request[access->vcpu] = (struct tarn_request){
        .value = access->write ? mmio_data(access) : 0,
        .offset = (uint32_t)access->offset,
        .device = vdev->index,
        .write = access->write,
        .size = access->size,
        .vcpu = (uint8_t)access->vcpu,
    };
    return MMIO_WAIT;
}

void vdev_post(struct vdev *vdev, unsigned vcpu)
{
    __atomic_fetch_or(&vdev->notify->requests, BIT(vcpu), __ATOMIC_RELEASE);
}

static enum mmio_result answer(struct mmio_access *access, uint32_t value)
{
    access->value = value;
    return MMIO_DONE;
}

static enum mmio_result read_device_id(struct vdev *vdev, struct mmio_access *access)
{
    return answer(access, vdev->device_id);
}

/* See the top of the file. */
static enum mmio_result write_queue_notify(struct vdev *vdev, struct mmio_access *access)
{
    uint32_t queue = (uint32_t)access->value;
    if (queue >= vdev->nr_queues)
        return MMIO_DONE;
    access->notifies++;
    uint64_t old = __atomic_fetch_or(vdev->queues, BIT(queue), __ATOMIC_RELEASE);
    if (old & BIT(queue))
        return MMIO_DONE;
    old = __atomic_fetch_or(&vdev->notify->devices, vdev->bit, __ATOMIC_RELEASE);
    return old == 0 ? MMIO_UPCALL : MMIO_DONE;
}

/* Acquire: the guest then reads the ring that the backend wrote before vdev_interrupt. */
static enum mmio_result read_interrupt_status(struct vdev *vdev, struct mmio_access *access)
{
    return answer(access, __atomic_load_n(&vdev->interrupt_status, __ATOMIC_ACQUIRE));
}

static enum mmio_result write_interrupt_ack(struct vdev *vdev, struct mmio_access *access)
{
    __atomic_fetch_and(&vdev->interrupt_status, ~(uint32_t)access->value, __ATOMIC_ACQ_REL);
    return MMIO_DONE;
}

/* A reset leaves no interrupt of the device's former life behind (virtio 1.2, 4.2.2.1). */
static enum mmio_result write_status(struct vdev *vdev, struct mmio_access *access)
{
    if ((uint32_t)access->value == 0)
        __atomic_store_n(&vdev->interrupt_status, 0, __ATOMIC_RELEASE);
    return post(vdev, access);
}

#define ROW(offset)       [(offset) / 4]
#define ROWS(first, last) [(first) / 4 ...(last) / 4]

static const struct vdev_row rows[CONFIG_OFFSET / 4] = {
    ROW(0x000) = {.constant = VIRTIO_MAGIC},    /* MagicValue */
    ROW(0x004) = {.constant = VIRTIO_VERSION},  /* Version */
    ROW(0x008) = {read_device_id, NULL},        /* DeviceID */
    ROW(0x00c) = {.constant = VIRTIO_VENDOR},   /* VendorID */
    ROW(0x010) = {post, NULL},                  /* DeviceFeatures */
    ROW(0x014) = {NULL, post},                  /* DeviceFeaturesSel */
    ROWS(0x020, 0x024) = {NULL, post},          /* DriverFeatures, DriverFeaturesSel */
    ROW(0x030) = {NULL, post},                  /* QueueSel */
    ROW(0x034) = {post, NULL},                  /* QueueNumMax */
    ROW(0x038) = {NULL, post},                  /* QueueNum */
    ROW(0x044) = {post, post},                  /* QueueReady */
    ROW(0x060) = {read_interrupt_status, NULL}, /* InterruptStatus */
    ROW(0x064) = {NULL, write_interrupt_ack},   /* InterruptACK */
    ROW(0x070) = {post, write_status},          /* Status */
    ROWS(0x080, 0x084) = {NULL, post},          /* QueueDescLow, High */
    ROWS(0x090, 0x094) = {NULL, post},          /* QueueDriverLow, High */
    ROWS(0x0a0, 0x0a4) = {NULL, post},          /* QueueDeviceLow, High */
    ROW(0x0ac) = {NULL, post},                  /* SHMSel */
    ROWS(0x0b0, 0x0bc) = {post, NULL},          /* SHMLenLow, High, SHMBaseLow, High */
    ROW(0x0c0) = {post, post},                  /* QueueReset */
    ROW(0x0fc) = {post, NULL},                  /* ConfigGeneration */
};

enum mmio_result vdev_access(void *device, struct mmio_access *access)
{
    struct vdev *vdev = device;
    uint64_t offset = access->offset;
    if (offset == QUEUE_NOTIFY && access->write && access->size == 4 && vdev->plain_from) /* hot */
        return write_queue_notify(vdev, access);
    if (offset >= vdev->plain_from)
        return offset + access->size - 1 < DOMU_VIRTIO_STRIDE ? post(vdev, access) : MMIO_FAULT;
    const struct vdev_row *row = &rows[offset / 4];
    vdev_row_t function = access->write ? row->write : row->read;
    if (access->size != 4 || offset % 4 != 0)
        return answer(access, 0);
    return function ? function(vdev, access) : answer(access, row->constant);
}

bool vdev_init(struct vdev *vdev, struct tarn_notify_page *notify, unsigned index,
               uint64_t device_id, uint64_t nr_queues)
{
    if (index >= TARN_MAX_VDEVS || device_id < 1 || device_id > VIRTIO_MAX_ID || nr_queues < 1 ||
        nr_queues > TARN_MAX_QUEUES)
        return false;
    *vdev = (struct vdev){
        .notify = notify,
        .queues = &notify->queues[index],
        .bit = BIT(index),
        .device_id = (uint32_t)device_id,
        .index = (uint8_t)index,
        .nr_queues = (uint8_t)nr_queues,
        .plain_from = device_id == TARN_PLAIN_ID ? 0 : CONFIG_OFFSET,
    };
    return true;
}

bool vdev_interrupt(struct vdev *vdev, uint64_t bits)
{
    if (bits == 0 || (bits & ~INTERRUPT_BITS) != 0)
        return false;
    __atomic_fetch_or(&vdev->interrupt_status, (uint32_t)bits, __ATOMIC_RELEASE);
    return true;
}
