/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks: each request is checked in the event loop, then waits for the file on a worker. The file
 * is read and written through the page cache; FLUSH is fdatasync, after which data survives dom0
 * too.
 */
#include "guests/dom0/backend/block.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guests/dom0/backend/workers.h"

#define SECTOR      512
#define SEGMENTS    (VQ_MAX_SIZE - 2) /* less the header and the status */
#define SERIAL_SIZE VIRTIO_BLK_ID_BYTES

struct request {
    struct job job; /* first: a job is its request */
    struct block *block;
    struct request *next_free;
    struct vq_chain chain;
    struct iovec data[VQ_MAX_SIZE];
    unsigned data_count;
    uint64_t bytes; /* in data */
    uint64_t offset;
    uint32_t type;
    uint8_t status;
};

struct block {
    struct device device; /* first: a device is its disk */
    int fd;
    bool readonly;
    bool discard; /* a reset is under way: results are for nobody */
    uint64_t sectors;
    char serial[SERIAL_SIZE];
    struct request *free;
    struct request request[VQ_MAX_SIZE];
};

/* Cuts [skip, skip + size) out of segments. Returns how many pieces. */
static unsigned slice(struct iovec *to, const struct iovec *from, unsigned count, size_t skip,
                      size_t size)
{
    unsigned pieces = 0;

    for (unsigned i = 0; i < count && size > 0; i++) {
        size_t length = from[i].iov_len;
        if (skip >= length) {
            skip -= length;
            continue;
        }
        length -= skip;
        if (length > size)
            length = size;
        to[pieces++] =
            (struct iovec){.iov_base = (uint8_t *)from[i].iov_base + skip, .iov_len = length};
        size -= length;
        skip = 0;
    }
    return pieces;
}

/* Reads or writes all of the data. A file that ends early is an error: its length is the disk's. */
static bool transfer(struct request *r)
{
    struct iovec *iov = r->data;
    unsigned count = r->data_count;
    uint64_t offset = r->offset;

    while (count > 0) {
        ssize_t n = r->type == VIRTIO_BLK_T_IN
                        ? preadv(r->block->fd, iov, (int)count, (off_t)offset)
                        : pwritev(r->block->fd, iov, (int)count, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        offset += (uint64_t)n;
        while (count > 0 && (size_t)n >= iov->iov_len) {
            n -= (ssize_t)iov->iov_len;
            iov++;
            count--;
        }
        if (count > 0) {
            iov->iov_base = (uint8_t *)iov->iov_base + n;
            iov->iov_len -= (size_t)n;
        }
    }
    return true;
}

static void run(struct job *job)
{
    struct request *r = (struct request *)job;
    bool good = r->type == VIRTIO_BLK_T_FLUSH ? fdatasync(r->block->fd) == 0 : transfer(r);

    r->status = good ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

/* Answers: status in the last writable byte. */
static void finish(struct request *r)
{
    struct block *block = r->block;
    struct vq_chain *chain = &r->chain;
    bool fills = r->type == VIRTIO_BLK_T_IN || r->type == VIRTIO_BLK_T_GET_ID;
    uint32_t written = fills && r->status == VIRTIO_BLK_S_OK ? chain->writable_bytes : 1;

    if (!block->discard) {
        iov_write(chain->segment + chain->readable, chain->writable, chain->writable_bytes - 1,
                  &r->status, 1);
        vq_push(&block->device.vq[0], chain->head, written);
    }
    r->next_free = block->free;
    block->free = r;
}

static void notify(struct device *device, unsigned queue);

static void done(struct job *job)
{
    struct request *r = (struct request *)job;
    struct block *block = r->block;

    finish(r);
    if (!block->discard)
        device_signal(&block->device, 0);
}

static void fail(struct request *r, uint8_t status)
{
    r->status = status;
    finish(r);
}

static void get_id(struct request *r)
{
    struct vq_chain *chain = &r->chain;
    struct iovec *in = chain->segment + chain->readable;

    if (chain->writable_bytes < SERIAL_SIZE + 1) {
        fail(r, VIRTIO_BLK_S_IOERR);
        return;
    }
    iov_write(in, chain->writable, 0, r->block->serial, SERIAL_SIZE);
    fail(r, VIRTIO_BLK_S_OK);
}

/* Reads and writes: whole sectors inside the disk. */
static void read_or_write(struct request *r, uint64_t sector)
{
    struct vq_chain *chain = &r->chain;
    bool in = r->type == VIRTIO_BLK_T_IN;
    size_t header = sizeof(struct virtio_blk_outhdr);

    r->bytes = in ? chain->writable_bytes - 1 : chain->readable_bytes - header;
    uint64_t sectors = r->bytes / SECTOR;
    if (r->bytes % SECTOR != 0 || sectors > r->block->sectors ||
        sector > r->block->sectors - sectors || (!in && r->block->readonly)) {
        fail(r, VIRTIO_BLK_S_IOERR);
        return;
    }
    r->offset = sector * SECTOR;
    r->data_count =
        in ? slice(r->data, chain->segment + chain->readable, chain->writable, 0, r->bytes)
           : slice(r->data, chain->segment, chain->readable, header, r->bytes);
    workers_submit(&r->job);
}

/* Decides what to do with the request in r->chain. Returns an error text if it is none. */
static const char *begin(struct request *r)
{
    struct vq_chain *chain = &r->chain;
    struct virtio_blk_outhdr header;

    if (iov_read(chain->segment, chain->readable, 0, &header, sizeof(header)) != sizeof(header))
        return "a request has no header";
    if (chain->writable_bytes == 0)
        return "a request has no room for its status";
    r->type = header.type;
    switch (header.type) {
    case VIRTIO_BLK_T_IN:
    case VIRTIO_BLK_T_OUT:
        read_or_write(r, header.sector);
        break;
    case VIRTIO_BLK_T_FLUSH:
        workers_submit(&r->job);
        break;
    case VIRTIO_BLK_T_GET_ID:
        get_id(r);
        break;
    default:
        fail(r, VIRTIO_BLK_S_UNSUPP);
        break;
    }
    return NULL;
}

static void notify(struct device *device, unsigned queue)
{
    struct block *block = (struct block *)device;
    struct virtqueue *vq = &device->vq[queue];
    struct request *r;

    vq_busy(vq);
    do {
        /* There are as many requests as heads, so one is free for every head that can come. */
        while ((r = block->free) != NULL && vq_pop(vq, &r->chain) == VQ_GOT) {
            block->free = r->next_free;
            const char *error = begin(r);
            if (error) {
                r->next_free = block->free;
                block->free = r;
                vq->broken = error;
            }
        }
    } while (!vq_wait(vq));
    device_signal(device, queue);
}

static void reset(struct device *device)
{
    struct block *block = (struct block *)device;

    block->discard = true;
    workers_drain();
    block->discard = false;
}

static const struct device_ops ops = {
    .name = "block",
    .id = VIRTIO_ID_BLOCK,
    .queues = 1,
    .notify = notify,
    .reset = reset,
};

/* Bytes of a file or block device; 0 with errno set. */
static uint64_t length_of(int fd)
{
    struct stat st;
    uint64_t bytes = 0;

    if (fstat(fd, &st) != 0)
        return 0;
    if (!S_ISBLK(st.st_mode))
        return (uint64_t)st.st_size;
    return ioctl(fd, BLKGETSIZE64, &bytes) == 0 ? bytes : 0;
}

static void set_config(struct block *block)
{
    struct virtio_blk_config *config = (struct virtio_blk_config *)block->device.config;

    config->capacity = block->sectors;
    config->seg_max = SEGMENTS;
    config->blk_size = SECTOR;
}

struct device *block_new(unsigned index, int fd, bool readonly, const char *serial)
{
    struct block *block = calloc(1, sizeof(*block));

    if (!block)
        return NULL;
    block->fd = fd;
    block->readonly = readonly;
    block->sectors = length_of(fd) / SECTOR;
    memcpy(block->serial, serial, strnlen(serial, SERIAL_SIZE));
    for (unsigned i = VQ_MAX_SIZE; i-- > 0;) {
        struct request *r = &block->request[i];
        *r = (struct request){.job = {.run = run, .done = done}, .block = block};
        r->next_free = block->free;
        block->free = r;
    }
    block->device = (struct device){.ops = &ops, .index = index};
    block->device.features =
        1ull << VIRTIO_BLK_F_FLUSH | 1ull << VIRTIO_BLK_F_SEG_MAX | 1ull << VIRTIO_BLK_F_BLK_SIZE;
    if (readonly)
        block->device.features |= 1ull << VIRTIO_BLK_F_RO;
    set_config(block);
    return &block->device;
}
