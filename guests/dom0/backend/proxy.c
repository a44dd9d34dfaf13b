/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices served by another process. It never sees the guest's rings: it works on rings of our own,
 * in memory that it shares with us, whose descriptors point to the guest's buffers. So it needs not
 * guard against a hostile ring, and of what it had in flight when it died we know all: its
 * successor is given that again. What would end it (virtiofsd asserts, qemu-storage-daemon breaks
 * off) is not handed over: empty buffers, requests without header.
 *
 * A slot for each head: a descriptor of our ring and the indirect table behind it.
 */
#include "guests/dom0/backend/proxy.h"

#include <errno.h>
#include <linux/fuse.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guests/dom0/backend/loop.h"
#include "guests/dom0/backend/vhost_user.h"

#define OURS_AT   (1ull << 40) /* our memory's address in descriptors: beyond all of the guest's */
#define DRAIN_MS  30000
#define MAX_TABLE VQ_MAX_SIZE
#define MAX_FUSE  (256 * 4096 + 4096) /* virtiofsd's buffer, for 256 pages and headers */
/* Of the configuration space; the daemon's may end here. */
#define CONFIG_BYTES (offsetof(struct virtio_blk_config, write_zeroes_may_unmap) + 4)

struct shared_ring {
    _Alignas(4096) struct vring_desc desc[VQ_MAX_SIZE];
    _Alignas(4096) struct {
        uint16_t flags, idx, ring[VQ_MAX_SIZE], used_event;
    } avail;
    _Alignas(4096) struct {
        uint16_t flags, idx;
        struct vring_used_elem ring[VQ_MAX_SIZE];
        uint16_t avail_event;
    } used;
    _Alignas(4096) struct vring_desc table[VQ_MAX_SIZE][MAX_TABLE];
};

struct proxy_queue {
    struct loop_source call;
    struct proxy *proxy;
    unsigned index;
    int kick_fd;
    struct shared_ring *shared;
    uint16_t seen;                  /* of the used ring */
    bool asked[VQ_MAX_SIZE];        /* heads that are outstanding */
    uint32_t writable[VQ_MAX_SIZE]; /* bytes of a head's writable part */
    unsigned outstanding;
};

struct proxy {
    struct device device; /* first: a device is its proxy */
    struct loop_source connection;
    bool discard; /* a reset is under way */
    char serial[VIRTIO_BLK_ID_BYTES];
    struct vq_chain chain;
    struct proxy_queue queue[DEVICE_MAX_QUEUES];
};

/* The other process is gone, or mad: so are we, and our successors begin anew. */
static void give_up(struct proxy *proxy, const char *why)
{
    proxy->device.host->log(&proxy->device, why);
    loop_stop();
}

static void hung_up(struct loop_source *source, uint32_t events)
{
    struct proxy *proxy = (struct proxy *)((uint8_t *)source - offsetof(struct proxy, connection));

    (void)events;
    loop_set(source, 0);
    give_up(proxy, "the process that serves it went away");
}

/* Hands the buffer in proxy->chain over. */
static void forward(struct proxy_queue *queue)
{
    struct proxy *proxy = queue->proxy;
    const struct guest_memory *memory = proxy->device.vq[queue->index].memory;
    const struct vq_chain *chain = &proxy->chain;
    struct shared_ring *shared = queue->shared;
    struct vring_desc *table = shared->table[chain->head];
    unsigned count = 0;

    for (unsigned i = 0; i < chain->readable + chain->writable; i++) {
        const struct iovec *segment = &chain->segment[i];
        if (segment->iov_len == 0)
            continue;
        table[count++] = (struct vring_desc){
            .addr = memory->ipa + (uint64_t)((uint8_t *)segment->iov_base - memory->base),
            .len = (uint32_t)segment->iov_len,
            .flags = VRING_DESC_F_NEXT | (i >= chain->readable ? VRING_DESC_F_WRITE : 0),
            .next = (uint16_t)count};
    }
    table[count - 1].flags &= (uint16_t)~VRING_DESC_F_NEXT; /* judge() has seen that there is one */
    shared->desc[chain->head] = (struct vring_desc){
        .addr = OURS_AT + (uint64_t)((uint8_t *)table - (uint8_t *)proxy->queue[0].shared),
        .len = count * (uint32_t)sizeof(struct vring_desc),
        .flags = VRING_DESC_F_INDIRECT};
    queue->asked[chain->head] = true;
    queue->writable[chain->head] = chain->writable_bytes;
    queue->outstanding++;
    shared->avail.ring[shared->avail.idx % VQ_MAX_SIZE] = chain->head;
    __atomic_store_n(&shared->avail.idx, (uint16_t)(shared->avail.idx + 1), __ATOMIC_RELEASE);
}

static const struct device_ops disk_ops;

/* A disk's serial number is ours. Returns whether that was the request. */
static bool answer_id(struct proxy *proxy, struct virtqueue *vq)
{
    struct vq_chain *chain = &proxy->chain;
    struct iovec *in = chain->segment + chain->readable;
    uint8_t status = VIRTIO_BLK_S_OK;
    uint32_t type;

    if (proxy->device.ops != &disk_ops)
        return false;
    iov_read(chain->segment, chain->readable, 0, &type, sizeof(type));
    if (type != VIRTIO_BLK_T_GET_ID)
        return false;
    if (chain->writable_bytes != sizeof(proxy->serial) + 1)
        status = VIRTIO_BLK_S_IOERR;
    else
        iov_write(in, chain->writable, 0, proxy->serial, sizeof(proxy->serial));
    iov_write(in, chain->writable, chain->writable_bytes - 1, &status, 1);
    vq_push(vq, chain->head, chain->writable_bytes);
    return true;
}

/* Whether the other process can make something of the buffer in proxy->chain. NULL, or why not. */
static const char *judge(const struct proxy *proxy)
{
    const struct vq_chain *chain = &proxy->chain;
    bool disk = proxy->device.ops == &disk_ops;

    if (chain->readable_bytes <
        (disk ? sizeof(struct virtio_blk_outhdr) : sizeof(struct fuse_in_header)))
        return "a request has no header";
    if (disk)
        return chain->writable_bytes ? NULL : "a request has no room for its status";
    return chain->readable_bytes <= MAX_FUSE ? NULL : "a request is longer than any can be";
}

static void notify(struct device *device, unsigned index)
{
    struct proxy *proxy = (struct proxy *)device;
    struct proxy_queue *queue = &proxy->queue[index];
    struct virtqueue *vq = &device->vq[index];

    vq_busy(vq);
    do {
        while (vq_pop(vq, &proxy->chain) == VQ_GOT) {
            const char *wrong = judge(proxy);
            if (wrong)
                vq->broken = wrong;
            else if (!answer_id(proxy, vq))
                forward(queue);
        }
        __atomic_thread_fence(__ATOMIC_SEQ_CST); /* our index before its wish */
        if (!(__atomic_load_n(&queue->shared->used.flags, __ATOMIC_RELAXED) &
              VRING_USED_F_NO_NOTIFY))
            eventfd_write(queue->kick_fd, 1);
    } while (!vq_wait(vq));
    device_signal(device, index);
}

/* Takes what is done. False: an answer to nothing. */
static bool reap(struct proxy_queue *queue)
{
    struct proxy *proxy = queue->proxy;
    struct shared_ring *shared = queue->shared;

    while (queue->seen != __atomic_load_n(&shared->used.idx, __ATOMIC_ACQUIRE)) {
        volatile struct vring_used_elem *element = &shared->used.ring[queue->seen++ % VQ_MAX_SIZE];
        uint32_t head = element->id, written = element->len;
        if (head >= VQ_MAX_SIZE || !queue->asked[head])
            return false;
        if (written > queue->writable[head])
            written = queue->writable[head];
        queue->asked[head] = false;
        queue->outstanding--;
        if (!proxy->discard)
            vq_push(&proxy->device.vq[queue->index], (uint16_t)head, written);
    }
    if (!proxy->discard)
        device_signal(&proxy->device, queue->index);
    return true;
}

static void called(struct loop_source *source, uint32_t events)
{
    struct proxy_queue *queue = (struct proxy_queue *)source;
    eventfd_t count;

    (void)events;
    eventfd_read(source->fd, &count);
    if (!reap(queue))
        give_up(queue->proxy, "the process that serves it answers what was not asked");
}

/* Waits for what the other process has in hand: it may write to the guest's buffers until then. */
static void reset(struct device *device)
{
    struct proxy *proxy = (struct proxy *)device;

    proxy->discard = true;
    for (unsigned i = 0; i < device->queues; i++) {
        struct proxy_queue *queue = &proxy->queue[i];
        struct pollfd fds[2] = {{.fd = queue->call.fd, .events = POLLIN},
                                {.fd = proxy->connection.fd, .events = POLLIN}};
        eventfd_t count;
        while (queue->outstanding) {
            if (poll(fds, 2, DRAIN_MS) <= 0 || fds[1].revents) {
                give_up(proxy, "the process that serves it does not answer");
                return; /* discard stays: we are over */
            }
            eventfd_read(queue->call.fd, &count);
            if (!reap(queue)) {
                give_up(proxy, "the process that serves it answers what was not asked");
                return;
            }
        }
    }
    proxy->discard = false;
}

static const struct device_ops disk_ops = {
    .name = "block",
    .id = VIRTIO_ID_BLOCK,
    .queues = 1,
    .notify = notify,
    .reset = reset,
};

/* Urgent requests, and the others. */
static const struct device_ops share_ops = {
    .name = "share",
    .id = VIRTIO_ID_FS,
    .queues = 2,
    .notify = notify,
    .reset = reset,
};

static bool open_queue(struct proxy *proxy, unsigned index, struct shared_ring *shared)
{
    struct proxy_queue *queue = &proxy->queue[index];

    queue->proxy = proxy;
    queue->index = index;
    queue->shared = &shared[index];
    queue->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    queue->call = (struct loop_source){.events = EPOLLIN, .ready = called};
    queue->call.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct vhost_user_ring ring = {.index = index,
                                   .size = VQ_MAX_SIZE,
                                   .desc = queue->shared->desc,
                                   .avail = &queue->shared->avail,
                                   .used = &queue->shared->used,
                                   .kick_fd = queue->kick_fd,
                                   .call_fd = queue->call.fd};
    return ring.kick_fd >= 0 && ring.call_fd >= 0 && loop_add(&queue->call) &&
           vhost_user_start_ring(proxy->connection.fd, &ring);
}

/* Shares the guest's memory and our own, and starts the rings there. */
static bool connect_rings(struct proxy *proxy, int memory_fd, const struct guest_memory *memory)
{
    size_t size = proxy->device.queues * sizeof(struct shared_ring);
    int fd = memfd_create("rings", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
        return false;
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED)
        return false;
    struct vhost_user_region region[] = {
        {.address = memory->ipa, .size = memory->size, .ours = memory->base, .fd = memory_fd},
        {.address = OURS_AT, .size = size, .ours = shared, .fd = fd},
    };
    bool good = vhost_user_set_memory(proxy->connection.fd, region, 2);
    for (unsigned i = 0; good && i < proxy->device.queues; i++)
        good = open_queue(proxy, i, shared);
    close(fd);
    return good;
}

static struct proxy *make(unsigned index, int fd, const struct device_ops *ops, unsigned queues)
{
    struct proxy *proxy = calloc(1, sizeof(*proxy));

    if (!proxy)
        return NULL;
    proxy->device = (struct device){.ops = ops, .index = index, .queues = queues};
    proxy->connection = (struct loop_source){.fd = fd, .events = EPOLLIN, .ready = hung_up};
    return proxy;
}

struct device *proxy_new_disk(unsigned index, int fd, int memory_fd,
                              const struct guest_memory *memory, bool readonly, unsigned queues,
                              const char *serial)
{
    uint64_t features = 1ull << VIRTIO_BLK_F_FLUSH | 1ull << VIRTIO_BLK_F_SEG_MAX |
                        1ull << VIRTIO_BLK_F_BLK_SIZE | 1ull << VIRTIO_BLK_F_MQ |
                        1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_INDIRECT_DESC;
    struct proxy *proxy = make(index, fd, &disk_ops, queues);

    if (!proxy)
        return NULL;
    features |= readonly ? 1ull << VIRTIO_BLK_F_RO
                         : 1ull << VIRTIO_BLK_F_DISCARD | 1ull << VIRTIO_BLK_F_WRITE_ZEROES;
    memcpy(proxy->serial, serial, strnlen(serial, sizeof(proxy->serial)));
    struct virtio_blk_config *config = (struct virtio_blk_config *)proxy->device.config;
    if (!vhost_user_open(fd, &features, config, CONFIG_BYTES) ||
        !(features & 1ull << VIRTIO_RING_F_INDIRECT_DESC) ||
        !connect_rings(proxy, memory_fd, memory) || !loop_add(&proxy->connection))
        return NULL;
    config->num_queues = (uint16_t)queues;
    proxy->device.features = features | 1ull << VIRTIO_BLK_F_MQ;
    if (readonly)
        proxy->device.features |= 1ull << VIRTIO_BLK_F_RO;
    return &proxy->device;
}

/* virtiofsd follows indirect descriptors, though it does not offer to. */
struct device *proxy_new_share(unsigned index, int fd, int memory_fd,
                               const struct guest_memory *memory, const char *tag)
{
    uint64_t features = 1ull << VIRTIO_F_VERSION_1;
    struct proxy *proxy = make(index, fd, &share_ops, share_ops.queues);

    if (!proxy || !vhost_user_open(fd, &features, NULL, 0) ||
        !connect_rings(proxy, memory_fd, memory) || !loop_add(&proxy->connection))
        return NULL;
    struct virtio_fs_config *config = (struct virtio_fs_config *)proxy->device.config;
    memcpy(config->tag, tag, strnlen(tag, sizeof(config->tag)));
    config->num_request_queues = share_ops.queues - 1;
    return &proxy->device;
}
