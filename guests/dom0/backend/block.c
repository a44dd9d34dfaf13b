/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks: each request is checked, then given to io_uring; the file's owner opened it with O_DIRECT
 * where it can, so data goes between the guest's pages and the disk. FLUSH is fdatasync, after
 * which data survives dom0 too.
 */
#include "guests/dom0/backend/block.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guests/dom0/backend/aio.h"

#define SECTOR        512
#define SEGMENTS      (VQ_MAX_SIZE - 2) /* less the header and the status */
#define SERIAL_SIZE   VIRTIO_BLK_ID_BYTES
#define PAGE          4096
#define CLEAR_SECTORS (1u << 21) /* 1 GiB: what one request may discard */

struct request {
    struct aio aio; /* first: what is done is its request */
    struct block *block;
    struct request *next_free;
    struct vq_chain chain;
    struct iovec data[VQ_MAX_SIZE];
    struct iovec *rest; /* of data: not done yet */
    uint32_t type;
    uint8_t queue;
    uint8_t status;
    bool direct; /* O_DIRECT was on when it was submitted */
};

struct block {
    struct device device; /* first: a device is its disk */
    int fd;
    bool readonly;
    bool direct;  /* O_DIRECT is on */
    bool discard; /* a reset is under way: results are for nobody */
    uint64_t sectors;
    char serial[SERIAL_SIZE];
    struct request *free[DEVICE_MAX_QUEUES];
    struct request *request; /* VQ_MAX_SIZE for each queue */
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

static void put(struct request *r)
{
    r->next_free = r->block->free[r->queue];
    r->block->free[r->queue] = r;
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
        vq_push(&block->device.vq[r->queue], chain->head, written);
    }
    put(r);
}

/* The first `bytes` of the data are done. */
static void skip(struct request *r, uint64_t bytes)
{
    r->aio.offset += bytes;
    while (r->aio.count > 0 && bytes >= r->rest->iov_len) {
        bytes -= r->rest->iov_len;
        r->rest++;
        r->aio.count--;
    }
    if (r->aio.count > 0) {
        r->rest->iov_base = (uint8_t *)r->rest->iov_base + bytes;
        r->rest->iov_len -= bytes;
    }
    r->aio.iov = r->rest;
}

static bool is_direct(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && flags & O_DIRECT;
}

/*
 * A driver whose buffers O_DIRECT refuses (odd addresses) is served through the page cache from
 * then on. Returns whether the request, one of several perhaps that were on their way, may be tried
 * again.
 */
static bool without_direct(struct request *r)
{
    struct block *block = r->block;

    if (block->direct && r->direct) {
        fcntl(block->fd, F_SETFL, fcntl(block->fd, F_GETFL) & ~O_DIRECT);
        block->direct = is_direct(block->fd);
    }
    return r->direct && !block->direct;
}

static void submit(struct request *r)
{
    r->direct = r->block->direct;
    aio_submit(&r->aio);
}

/* Reads and writes go on until all is done. A file that ends early is an error: its length is the
 * disk's. Returns whether there is more to do. */
static bool go_on(struct request *r)
{
    bool data = r->type == VIRTIO_BLK_T_IN || r->type == VIRTIO_BLK_T_OUT;

    if (!data || r->block->discard)
        return false;
    if (r->aio.result == -EINVAL)
        return without_direct(r);
    if (r->aio.result > 0)
        skip(r, (uint64_t)r->aio.result);
    return r->aio.result > 0 && r->aio.count > 0;
}

static void done(struct aio *aio)
{
    struct request *r = (struct request *)aio;
    struct block *block = r->block;
    bool data = r->type == VIRTIO_BLK_T_IN || r->type == VIRTIO_BLK_T_OUT;

    if (go_on(r)) {
        submit(r);
        return;
    }
    r->status = aio->result == -EOPNOTSUPP                    ? VIRTIO_BLK_S_UNSUPP
                : aio->result < 0 || (data && aio->count > 0) ? VIRTIO_BLK_S_IOERR
                                                              : VIRTIO_BLK_S_OK;
    finish(r);
    if (!block->discard)
        device_signal(&block->device, r->queue);
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

static bool in_disk(const struct request *r, uint64_t sector, uint64_t sectors)
{
    return sectors <= r->block->sectors && sector <= r->block->sectors - sectors;
}

static void start(struct request *r, enum aio_op op)
{
    r->aio.op = op;
    submit(r);
}

/* Reads and writes: whole sectors inside the disk. */
static void read_or_write(struct request *r, uint64_t sector)
{
    struct vq_chain *chain = &r->chain;
    bool in = r->type == VIRTIO_BLK_T_IN;
    size_t header = sizeof(struct virtio_blk_outhdr);
    uint64_t bytes = in ? chain->writable_bytes - 1 : chain->readable_bytes - header;

    if (bytes == 0 || bytes % SECTOR != 0 || !in_disk(r, sector, bytes / SECTOR) ||
        (!in && r->block->readonly)) {
        fail(r, VIRTIO_BLK_S_IOERR);
        return;
    }
    r->aio.offset = sector * SECTOR;
    r->aio.count = in ? slice(r->data, chain->segment + chain->readable, chain->writable, 0, bytes)
                      : slice(r->data, chain->segment, chain->readable, header, bytes);
    r->aio.iov = r->rest = r->data;
    start(r, in ? AIO_READ : AIO_WRITE);
}

/* Discard and write zeroes: one range, as the configuration says (max_discard_seg). */
static void clear(struct request *r)
{
    struct vq_chain *chain = &r->chain;
    struct virtio_blk_discard_write_zeroes range;
    bool discard = r->type == VIRTIO_BLK_T_DISCARD;
    size_t header = sizeof(struct virtio_blk_outhdr);

    if (r->block->readonly || chain->readable_bytes != header + sizeof(range) ||
        iov_read(chain->segment, chain->readable, header, &range, sizeof(range)) != sizeof(range) ||
        range.num_sectors == 0 || !in_disk(r, range.sector, range.num_sectors)) {
        fail(r, VIRTIO_BLK_S_IOERR);
        return;
    }
    if (range.flags & ~(discard ? 0u : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP)) {
        fail(r, VIRTIO_BLK_S_UNSUPP);
        return;
    }
    r->aio.offset = range.sector * SECTOR;
    r->aio.bytes = (uint64_t)range.num_sectors * SECTOR;
    start(r, discard || range.flags ? AIO_DISCARD : AIO_ZERO);
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
        start(r, AIO_FLUSH);
        break;
    case VIRTIO_BLK_T_DISCARD:
    case VIRTIO_BLK_T_WRITE_ZEROES:
        clear(r);
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
        while ((r = block->free[queue]) != NULL && vq_pop(vq, &r->chain) == VQ_GOT) {
            block->free[queue] = r->next_free;
            const char *error = begin(r);
            if (error) {
                put(r);
                vq->broken = error;
            }
        }
        aio_kick();
    } while (!vq_wait(vq));
    device_signal(device, queue);
}

static void reset(struct device *device)
{
    struct block *block = (struct block *)device;

    block->discard = true;
    aio_drain();
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
    config->num_queues = (uint16_t)block->device.queues;
    config->max_discard_sectors = config->max_write_zeroes_sectors = CLEAR_SECTORS;
    config->max_discard_seg = config->max_write_zeroes_seg = 1;
    config->discard_sector_alignment = PAGE / SECTOR;
    config->write_zeroes_may_unmap = 1;
}

static void set_features(struct block *block)
{
    block->device.features = 1ull << VIRTIO_BLK_F_FLUSH | 1ull << VIRTIO_BLK_F_SEG_MAX |
                             1ull << VIRTIO_BLK_F_BLK_SIZE | 1ull << VIRTIO_BLK_F_MQ;
    block->device.features |=
        block->readonly ? 1ull << VIRTIO_BLK_F_RO
                        : 1ull << VIRTIO_BLK_F_DISCARD | 1ull << VIRTIO_BLK_F_WRITE_ZEROES;
}

struct device *block_new(unsigned index, int fd, bool readonly, unsigned queues, const char *serial)
{
    struct block *block = calloc(1, sizeof(*block));
    struct request *request = calloc((size_t)queues * VQ_MAX_SIZE, sizeof(*request));

    if (!block || !request) {
        free(block);
        free(request);
        return NULL;
    }
    block->fd = fd;
    block->readonly = readonly;
    block->direct = is_direct(fd);
    block->sectors = length_of(fd) / SECTOR;
    block->request = request;
    memcpy(block->serial, serial, strnlen(serial, SERIAL_SIZE));
    for (unsigned i = queues * VQ_MAX_SIZE; i-- > 0;) {
        request[i] = (struct request){
            .aio = {.fd = fd, .done = done}, .block = block, .queue = (uint8_t)(i / VQ_MAX_SIZE)};
        put(&request[i]);
    }
    block->device = (struct device){.ops = &ops, .index = index, .queues = queues};
    set_features(block);
    set_config(block);
    return &block->device;
}

/* The number of the descriptor stays, so that requests need not know. */
bool block_change(struct device *device, int fd, uint64_t sectors)
{
    struct block *block = (struct block *)device;
    struct virtio_blk_config *config = (struct virtio_blk_config *)device->config;

    if (device->ops != &ops) {
        errno = ENODEV;
        return false;
    }
    aio_drain();
    if (dup3(fd, block->fd, O_CLOEXEC) < 0)
        return false;
    close(fd);
    block->direct = is_direct(block->fd);
    block->sectors = config->capacity = sectors;
    device_change_config(device);
    return true;
}

void block_free(struct device *device)
{
    struct block *block = (struct block *)device;

    free(block->request);
    free(block);
}
