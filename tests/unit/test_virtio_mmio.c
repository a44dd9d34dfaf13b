/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio devices of dom0's backend, driven as a guest would: registers, rings, interrupts. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/input-event-codes.h>
#include <linux/vhost.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_input.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_net.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guests/dom0/backend/aio.h"
#include "guests/dom0/backend/block.h"
#include "guests/dom0/backend/console.h"
#include "guests/dom0/backend/entropy.h"
#include "guests/dom0/backend/input.h"
#include "guests/dom0/backend/loop.h"
#include "guests/dom0/backend/net.h"
#include "guests/dom0/backend/terminal.h"
#include "guests/dom0/backend/workers.h"
#include "tests/unit/virtio_guest.h"

#define RING(n)  (GUEST_IPA + 0x10000 + (n) * (uint64_t)RING_SIZE)
#define BUFFER   (GUEST_IPA + 0x40000)
#define SIZE     16
#define SECTORS  64
#define FEATURES (1ull << VIRTIO_F_VERSION_1)

static struct guest guest;
static struct device_state state;
static struct device *device;
static struct ring ring[5];
static unsigned queue_interrupts, config_interrupts, log_lines;
static unsigned tap_offload;
static int vhost_tap[4], vhost_call[4]; /* what vhost-net was told, for each queue */
static unsigned vhost_base[4];

/* The first pair of queues is descriptor 78's, the second one 79's. */
static void vhost_ioctl(int fd, unsigned long request, void *argument)
{
    unsigned first = fd == 79 ? 2 : 0;
    struct vhost_vring_file *file = argument;
    struct vhost_vring_state *value = argument;

    if (request == VHOST_GET_FEATURES)
        *(uint64_t *)argument = 1ull << VIRTIO_F_VERSION_1;
    if (request == VHOST_SET_VRING_BASE)
        vhost_base[first + value->index] = value->num;
    if (request == VHOST_SET_VRING_CALL)
        vhost_call[first + file->index] = file->fd;
    if (request == VHOST_NET_SET_BACKEND)
        vhost_tap[first + file->index] = file->fd;
}

/* The tap of these tests is a socket, and vhost-net a number. */
int ioctl(int fd, unsigned long request, ...)
{
    va_list args;

    va_start(args, request);
    if (request == TUNSETOFFLOAD)
        tap_offload = va_arg(args, unsigned);
    else if (request != TUNSETVNETHDRSZ)
        vhost_ioctl(fd, request, va_arg(args, void *));
    va_end(args);
    return 0;
}

static void signal_queue(struct device *from)
{
    assert_ptr_equal(from, device);
    queue_interrupts++;
}

static void signal_config(struct device *from)
{
    assert_ptr_equal(from, device);
    config_interrupts++;
}

static void log_line(struct device *from, const char *message)
{
    assert_ptr_equal(from, device);
    assert_non_null(message);
    log_lines++;
}

static const struct device_host host = {signal_queue, signal_config, log_line};

static void reg_write(uint32_t offset, uint32_t value)
{
    driver_write(device, offset, value);
}

static uint32_t reg_read(uint32_t offset)
{
    return (uint32_t)device_read(device, offset, 4);
}

static void set_up_queue(unsigned i)
{
    ring_open(&ring[i], &guest, RING(i), SIZE);
    driver_queue(device, i, &ring[i]);
}

static void bring_up(uint64_t features)
{
    driver_begin(device, features);
    assert_true(reg_read(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK);
    for (unsigned i = 0; i < device->queues; i++)
        set_up_queue(i);
    driver_ok(device);
}

static void plug(struct device *made)
{
    assert_non_null(made);
    device = made;
    memset(&state, 0, sizeof(state));
    queue_interrupts = config_interrupts = log_lines = 0;
    device_init(device, &state, &guest.memory, &host);
}

static void unplug(void)
{
    reg_write(VIRTIO_MMIO_STATUS, 0);
}

/* One descriptor, offered and notified. */
static void offer(unsigned queue, unsigned i, uint64_t ipa, uint32_t length, uint16_t flags)
{
    ring_desc(&ring[queue], i, ipa, length, flags, 0);
    ring_offer(&ring[queue], (uint16_t)i);
    device_notify(device, queue);
}

static void wait_interrupts(unsigned count)
{
    for (unsigned i = 0; i < 1000 && queue_interrupts < count; i++)
        loop_once(10);
    assert_true(queue_interrupts >= count);
}

static int setup(void **unused)
{
    (void)unused;
    guest_open(&guest);
    return loop_init() && workers_start() && aio_start(true) ? 0 : -1;
}

/* The loop and its threads are there from the first group. */
static int setup_without_ring(void **unused)
{
    (void)unused;
    guest_open(&guest);
    return aio_start(false) ? 0 : -1;
}

static int teardown(void **unused)
{
    (void)unused;
    guest_close(&guest);
    return 0;
}

/* ---- registers ---- */

static void test_features(void **unused)
{
    (void)unused;
    plug(entropy_new(0));
    reg_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    assert_true(reg_read(VIRTIO_MMIO_DEVICE_FEATURES) & 1);
    reg_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
    assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_FEATURES), 0);
    /* Without VERSION_1, and with what is not offered: FEATURES_OK does not stick. */
    reg_write(VIRTIO_MMIO_STATUS, ALIVE | VIRTIO_CONFIG_S_FEATURES_OK);
    assert_int_equal(reg_read(VIRTIO_MMIO_STATUS), ALIVE);
    reg_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    reg_write(VIRTIO_MMIO_DRIVER_FEATURES, 3);
    reg_write(VIRTIO_MMIO_STATUS, ALIVE | VIRTIO_CONFIG_S_FEATURES_OK);
    assert_int_equal(reg_read(VIRTIO_MMIO_STATUS), ALIVE);
    reg_write(VIRTIO_MMIO_DRIVER_FEATURES, 1);
    reg_write(VIRTIO_MMIO_STATUS, ALIVE | VIRTIO_CONFIG_S_FEATURES_OK);
    assert_int_equal(reg_read(VIRTIO_MMIO_STATUS), ALIVE | VIRTIO_CONFIG_S_FEATURES_OK);
    reg_write(VIRTIO_MMIO_DRIVER_FEATURES, 0); /* too late */
    assert_true(device_has(device, VIRTIO_F_VERSION_1));
    unplug();
    assert_false(device_has(device, VIRTIO_F_VERSION_1));
}

static void test_queue_registers(void **unused)
{
    (void)unused;
    plug(entropy_new(0));
    assert_int_equal(reg_read(VIRTIO_MMIO_QUEUE_NUM_MAX), VQ_MAX_SIZE);
    reg_write(VIRTIO_MMIO_QUEUE_SEL, 1);
    assert_int_equal(reg_read(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
    reg_write(VIRTIO_MMIO_QUEUE_READY, 1); /* of a queue that is not there */
    assert_int_equal(reg_read(VIRTIO_MMIO_QUEUE_READY), 0);
    bring_up(FEATURES);
    assert_int_equal(reg_read(VIRTIO_MMIO_QUEUE_READY), 1);
    reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
    assert_int_equal(reg_read(VIRTIO_MMIO_QUEUE_READY), 0);
    assert_int_equal(reg_read(VIRTIO_MMIO_SHM_LEN_LOW), 0xffffffff);
    unplug();
}

static void test_bad_queue_needs_reset(void **unused)
{
    (void)unused;
    plug(entropy_new(0));
    bring_up(FEATURES);
    reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
    reg_write(VIRTIO_MMIO_QUEUE_DESC_HIGH, 1);
    reg_write(VIRTIO_MMIO_QUEUE_READY, 1);
    assert_int_equal(reg_read(VIRTIO_MMIO_QUEUE_READY), 0);
    assert_true(reg_read(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
    assert_int_equal(config_interrupts, 1);
    assert_int_equal(log_lines, 1);
    bring_up(FEATURES);
    offer(0, 0, BUFFER, 8, VRING_DESC_F_WRITE);
    assert_int_equal(ring[0].used[1], 1);
    offer(0, 1, 0, 8, VRING_DESC_F_WRITE); /* not RAM */
    offer(0, 1, 0, 8, VRING_DESC_F_WRITE);
    assert_true(reg_read(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
    assert_int_equal(config_interrupts, 2);
    assert_int_equal(log_lines, 2);
    unplug();
}

/* Any access at all, in any order, is survived. */
static void test_random_registers(void **unused)
{
    (void)unused;
    plug(entropy_new(0));
    for (unsigned i = 0; i < 200000; i++) {
        uint32_t offset = (uint32_t)unit_random_below(0x300);
        unsigned size = 1u << unit_random_below(4);
        if (unit_random_below(4))
            offset &= ~3u;
        if (unit_random_below(2))
            device_read(device, offset, size);
        else
            device_write(device, offset, size,
                         unit_random_below(2) ? unit_random_below(20) : unit_random());
        if (unit_random_below(16) == 0)
            device_notify(device, (unsigned)unit_random_below(3));
    }
    unplug();
}

/* ---- entropy ---- */

static void test_entropy(void **unused)
{
    static const uint8_t zero[32];

    (void)unused;
    plug(entropy_new(0));
    bring_up(FEATURES);
    offer(0, 0, BUFFER, 32, VRING_DESC_F_WRITE);
    struct vring_used_elem *used = ring_take(&ring[0]);
    assert_int_equal(used->len, 32);
    assert_memory_not_equal(guest_pointer(&guest, BUFFER), zero, 32);
    assert_int_equal(queue_interrupts, 1);
    offer(0, 1, BUFFER, 65536, VRING_DESC_F_WRITE); /* bounded */
    assert_int_equal(ring_take(&ring[0])->len, 4096);
    unplug();
}

/* A queue that has much to do lets others have their turn. */
static void test_burst(void **unused)
{
    struct ring long_ring;
    eventfd_t kicks = 0;

    (void)unused;
    plug(entropy_new(1));
    bring_up(FEATURES);
    reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
    ring_open(&long_ring, &guest, RING(0), 128);
    reg_write(VIRTIO_MMIO_QUEUE_NUM, 128);
    reg_write(VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)long_ring.at);
    reg_write(VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)long_ring.at + 4096);
    reg_write(VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)long_ring.at + 6144);
    reg_write(VIRTIO_MMIO_QUEUE_READY, 1);
    device->kick_fd[0] = eventfd(0, EFD_NONBLOCK);
    for (unsigned i = 0; i < 100; i++) {
        ring_desc(&long_ring, i, BUFFER, 16, VRING_DESC_F_WRITE, 0);
        ring_offer(&long_ring, (uint16_t)i);
    }
    device_notify(device, 0);
    assert_int_equal(long_ring.used[1], DEVICE_BURST);
    assert_int_equal(eventfd_read(device->kick_fd[0], &kicks), 0);
    device_notify(device, 0);
    assert_int_equal(long_ring.used[1], 100);
    assert_int_equal(eventfd_read(device->kick_fd[0], &kicks), -1);
    close(device->kick_fd[0]);
    unplug();
}

/* ---- disk ---- */

static int disk_fd;

static struct device *new_disk(bool readonly)
{
    char path[] = "/tmp/tarn-disk-XXXXXX";

    disk_fd = mkstemp(path);
    unlink(path);
    assert_int_equal(ftruncate(disk_fd, SECTORS * 512), 0);
    return block_new(3, disk_fd, readonly, 2, "root");
}

static void drop_disk(void)
{
    unplug();
    block_free(device);
    close(disk_fd);
}

/* Header at BUFFER, data at BUFFER + 4096, status at BUFFER + 16. Returns the status. */
static uint8_t request(uint32_t type, uint64_t sector, uint32_t length)
{
    struct virtio_blk_outhdr *header = guest_pointer(&guest, BUFFER);
    uint8_t *status = guest_pointer(&guest, BUFFER + 16);
    uint16_t data_flags = type == VIRTIO_BLK_T_OUT ? 0 : VRING_DESC_F_WRITE;
    unsigned before = queue_interrupts;

    *header = (struct virtio_blk_outhdr){.type = type, .sector = sector};
    *status = 0xff;
    ring_desc(&ring[0], 0, BUFFER, 16, VRING_DESC_F_NEXT, length ? 1 : 2);
    ring_desc(&ring[0], 1, BUFFER + 4096, length, data_flags | VRING_DESC_F_NEXT, 2);
    ring_desc(&ring[0], 2, BUFFER + 16, 1, VRING_DESC_F_WRITE, 0);
    ring_offer(&ring[0], 0);
    device_notify(device, 0);
    wait_interrupts(before + 1);
    return *status;
}

static void test_disk_config(void **unused)
{
    (void)unused;
    plug(new_disk(true));
    assert_int_equal(device_read(device, 0x100, 8), SECTORS);
    assert_int_equal(device_read(device, 0x100, 4), SECTORS);
    assert_int_equal(device_read(device, 0x104, 4), 0);
    assert_int_equal(device_read(device, 0x10c, 4), 254); /* seg_max */
    assert_int_equal(device_read(device, 0x114, 4), 512); /* blk_size */
    assert_int_equal(device_read(device, 0x1ff, 4), 0);
    reg_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
    assert_true(reg_read(VIRTIO_MMIO_DEVICE_FEATURES) & 1u << VIRTIO_BLK_F_RO);
    drop_disk();
}

static void test_disk_read_write(void **unused)
{
    uint8_t *data;
    uint8_t copy[1024];

    (void)unused;
    plug(new_disk(false));
    bring_up(FEATURES | 1ull << VIRTIO_BLK_F_FLUSH);
    data = guest_pointer(&guest, BUFFER + 4096);
    for (unsigned i = 0; i < sizeof(copy); i++)
        copy[i] = data[i] = (uint8_t)unit_random();
    assert_int_equal(request(VIRTIO_BLK_T_OUT, 7, 1024), VIRTIO_BLK_S_OK);
    assert_int_equal(ring_take(&ring[0])->len, 1);
    assert_int_equal(request(VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
    memset(data, 0, 1024);
    assert_int_equal(pread(disk_fd, data, 1024, 7 * 512), 1024);
    assert_memory_equal(data, copy, 1024);
    memset(data, 0, 1024);
    assert_int_equal(request(VIRTIO_BLK_T_IN, 7, 1024), VIRTIO_BLK_S_OK);
    assert_memory_equal(data, copy, 1024);
    assert_int_equal(request(VIRTIO_BLK_T_GET_ID, 0, 20), VIRTIO_BLK_S_OK);
    assert_string_equal((char *)data, "root");
    drop_disk();
}

/* Taken out, and another one put in. */
static void test_disk_changes(void **unused)
{
    FILE *file = tmpfile();
    int other = dup(fileno(file));

    (void)unused;
    assert_int_equal(pwrite(other, "other", 5, 512), 5);
    fclose(file);
    plug(new_disk(false));
    bring_up(FEATURES);
    assert_true(block_change(device, open("/dev/null", O_RDWR), 0));
    assert_int_equal(device_read(device, 0x100, 8), 0);
    assert_int_equal(config_interrupts, 1);
    assert_int_equal(reg_read(VIRTIO_MMIO_CONFIG_GENERATION), 1);
    assert_int_equal(request(VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_IOERR);
    assert_true(block_change(device, other, 2));
    assert_int_equal(device_read(device, 0x100, 8), 2);
    assert_int_equal(config_interrupts, 2);
    assert_int_equal(request(VIRTIO_BLK_T_OUT, 0, 512), VIRTIO_BLK_S_OK);
    assert_int_equal(request(VIRTIO_BLK_T_IN, 2, 512), VIRTIO_BLK_S_IOERR);
    assert_int_equal(request(VIRTIO_BLK_T_IN, 1, 5), VIRTIO_BLK_S_IOERR); /* no whole sector */
    drop_disk();
    device = entropy_new(0);
    assert_false(block_change(device, -1, 2));
}

/* Data of the request: the range. Returns the status. */
static uint8_t clear(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
    struct virtio_blk_outhdr *header = guest_pointer(&guest, BUFFER);
    struct virtio_blk_discard_write_zeroes *range = guest_pointer(&guest, BUFFER + 4096);
    uint8_t *status = guest_pointer(&guest, BUFFER + 16);
    unsigned before = queue_interrupts;

    *header = (struct virtio_blk_outhdr){.type = type};
    *range = (struct virtio_blk_discard_write_zeroes){
        .sector = sector, .num_sectors = sectors, .flags = flags};
    ring_desc(&ring[1], 0, BUFFER, 16, VRING_DESC_F_NEXT, 1);
    ring_desc(&ring[1], 1, BUFFER + 4096, sizeof(*range), VRING_DESC_F_NEXT, 2);
    ring_desc(&ring[1], 2, BUFFER + 16, 1, VRING_DESC_F_WRITE, 0);
    ring_offer(&ring[1], 0);
    device_notify(device, 1);
    wait_interrupts(before + 1);
    return *status;
}

/* On the second queue. */
static void test_disk_clears(void **unused)
{
    uint8_t data[SECTORS * 512];

    (void)unused;
    plug(new_disk(false));
    bring_up(FEATURES | 1ull << VIRTIO_BLK_F_DISCARD | 1ull << VIRTIO_BLK_F_WRITE_ZEROES);
    memset(data, 0x5a, sizeof(data));
    assert_int_equal(pwrite(disk_fd, data, sizeof(data), 0), sizeof(data));
    assert_int_equal(clear(VIRTIO_BLK_T_WRITE_ZEROES, 3, 2, 0), VIRTIO_BLK_S_OK);
    assert_int_equal(clear(VIRTIO_BLK_T_WRITE_ZEROES, 8, 1, 1), VIRTIO_BLK_S_OK);
    assert_int_equal(clear(VIRTIO_BLK_T_DISCARD, 16, 8, 0), VIRTIO_BLK_S_OK);
    assert_int_equal(pread(disk_fd, data, sizeof(data), 0), sizeof(data));
    for (unsigned i = 0; i < SECTORS; i++) {
        bool cleared = i == 3 || i == 4 || i == 8 || (i >= 16 && i < 24);
        assert_int_equal(data[i * 512 + 100], cleared ? 0 : 0x5a);
    }
    assert_int_equal(clear(VIRTIO_BLK_T_DISCARD, 0, 0, 0), VIRTIO_BLK_S_IOERR);
    assert_int_equal(clear(VIRTIO_BLK_T_DISCARD, SECTORS, 1, 0), VIRTIO_BLK_S_IOERR);
    assert_int_equal(clear(VIRTIO_BLK_T_DISCARD, 0, 1, 1), VIRTIO_BLK_S_UNSUPP);
    assert_int_equal(clear(VIRTIO_BLK_T_WRITE_ZEROES, 0, 1, 2), VIRTIO_BLK_S_UNSUPP);
    drop_disk();
    plug(new_disk(true));
    bring_up(FEATURES);
    assert_int_equal(clear(VIRTIO_BLK_T_DISCARD, 0, 1, 0), VIRTIO_BLK_S_IOERR);
    drop_disk();
}

static void test_disk_refuses(void **unused)
{
    (void)unused;
    plug(new_disk(false));
    bring_up(FEATURES);
    assert_int_equal(request(VIRTIO_BLK_T_IN, SECTORS, 512), VIRTIO_BLK_S_IOERR);
    assert_int_equal(request(VIRTIO_BLK_T_IN, SECTORS - 1, 1024), VIRTIO_BLK_S_IOERR);
    assert_int_equal(request(VIRTIO_BLK_T_OUT, UINT64_MAX, 512), VIRTIO_BLK_S_IOERR);
    assert_int_equal(request(VIRTIO_BLK_T_OUT, 0, 100), VIRTIO_BLK_S_IOERR);
    assert_int_equal(request(VIRTIO_BLK_T_GET_ID, 0, 4), VIRTIO_BLK_S_IOERR);
    assert_int_equal(request(99, 0, 512), VIRTIO_BLK_S_UNSUPP);
    assert_int_equal(log_lines, 0);
    drop_disk();
    plug(new_disk(true));
    bring_up(FEATURES);
    assert_int_equal(request(VIRTIO_BLK_T_OUT, 0, 512), VIRTIO_BLK_S_IOERR);
    assert_int_equal(request(VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_OK);
    drop_disk();
}

static void test_disk_without_header_needs_reset(void **unused)
{
    (void)unused;
    plug(new_disk(false));
    bring_up(FEATURES);
    offer(0, 0, BUFFER, 8, 0);
    assert_true(reg_read(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
    bring_up(FEATURES);
    offer(0, 0, BUFFER, 16, 0); /* no room for a status */
    assert_true(reg_read(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
    bring_up(FEATURES);
    assert_int_equal(request(VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_OK);
    drop_disk();
}

/* A reset with I/O under way: when it is through, nothing touches the rings any more. */
static void test_disk_reset_under_way(void **unused)
{
    (void)unused;
    plug(new_disk(false));
    for (unsigned round = 0; round < 200; round++) {
        bring_up(FEATURES);
        for (unsigned i = 0; i < SIZE / 4; i++) {
            struct virtio_blk_outhdr *header = guest_pointer(&guest, BUFFER);
            *header = (struct virtio_blk_outhdr){.type = VIRTIO_BLK_T_IN};
            ring_desc(&ring[0], 4 * i, BUFFER, 16, VRING_DESC_F_NEXT, (uint16_t)(4 * i + 1));
            ring_desc(&ring[0], 4 * i + 1, BUFFER + 4096, 513, VRING_DESC_F_WRITE, 0);
            ring_offer(&ring[0], (uint16_t)(4 * i));
        }
        device_notify(device, 0);
        reg_write(VIRTIO_MMIO_STATUS, 0);
        uint16_t used = ring[0].used[1];
        loop_once(0);
        assert_int_equal(ring[0].used[1], used);
    }
    drop_disk();
}

/* A backend dies with requests in flight; the next one does them. */
static void test_disk_resume(void **unused)
{
    (void)unused;
    plug(new_disk(false));
    bring_up(FEATURES);
    struct device_state saved = state;
    struct virtio_blk_outhdr *header = guest_pointer(&guest, BUFFER);
    *header = (struct virtio_blk_outhdr){.type = VIRTIO_BLK_T_OUT, .sector = 1};
    memset(guest_pointer(&guest, BUFFER + 4096), 0x5a, 512);
    ring_desc(&ring[0], 0, BUFFER, 16, VRING_DESC_F_NEXT, 1);
    ring_desc(&ring[0], 1, BUFFER + 4096, 512, VRING_DESC_F_NEXT, 2);
    ring_desc(&ring[0], 2, BUFFER + 16, 1, VRING_DESC_F_WRITE, 0);
    ring_offer(&ring[0], 0);
    saved.queue[0].next_avail = 1; /* taken, and never returned */
    saved.queue[0].in_flight[0] = 1;
    reg_write(VIRTIO_MMIO_STATUS, 0);
    block_free(device);
    device = block_new(3, disk_fd, false, 2, "root");
    state = saved;
    queue_interrupts = 0;
    device_init(device, &state, &guest.memory, &host);
    device_resume(device);
    wait_interrupts(3); /* for each queue what the former one may not have told; and the request */
    assert_int_equal(ring[0].used[1], 1);
    uint8_t byte = 0;
    assert_int_equal(pread(disk_fd, &byte, 1, 1023), 1);
    assert_int_equal(byte, 0x5a);
    drop_disk();
}

/* ---- network ---- */

static int wire;

static struct device *new_net(void)
{
    static const uint8_t mac[6] = {2, 't', 'a', 1, 2, 3};
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
    wire = pair[1];
    static struct device *made[3]; /* the loop knows them for good */
    static unsigned count;
    return made[count++ % 3] = net_new(4, pair[0], mac);
}

static void drop_net(void)
{
    unplug();
    close(wire);
}

static void test_net_transmit(void **unused)
{
    char packet[64];

    (void)unused;
    plug(new_net());
    assert_int_equal(device_read(device, 0x100, 1), 2);
    assert_int_equal(device_read(device, 0x105, 1), 3);
    bring_up(FEATURES | 1ull << VIRTIO_NET_F_MRG_RXBUF | 1ull << VIRTIO_NET_F_GUEST_CSUM |
             1ull << VIRTIO_NET_F_GUEST_TSO4);
    assert_int_equal(tap_offload, TUN_F_CSUM | TUN_F_TSO4);
    memcpy(guest_pointer(&guest, BUFFER), "headerheaderpacket", 18);
    offer(1, 0, BUFFER, 18, 0);
    assert_int_equal(recv(wire, packet, sizeof(packet), 0), 18);
    assert_memory_equal(packet, "headerheaderpacket", 18);
    assert_int_equal(ring[1].used[1], 1);
    assert_int_equal(queue_interrupts, 1);
    drop_net();
}

static void test_net_receive(void **unused)
{
    struct virtio_net_hdr_mrg_rxbuf *header = guest_pointer(&guest, BUFFER);
    uint8_t packet[1000];

    (void)unused;
    plug(new_net());
    bring_up(FEATURES | 1ull << VIRTIO_NET_F_MRG_RXBUF);
    for (unsigned i = 0; i < 4; i++)
        offer(0, i, BUFFER + 512 * i, 512, VRING_DESC_F_WRITE);
    for (unsigned i = 0; i < sizeof(packet); i++)
        packet[i] = (uint8_t)i;
    assert_int_equal(send(wire, packet, 100, 0), 100);
    wait_interrupts(1);
    assert_int_equal(header->num_buffers, 1);
    assert_int_equal(ring_take(&ring[0])->len, 100);
    /* Two buffers for one packet, seen at once. */
    assert_int_equal(send(wire, packet, 1000, 0), 1000);
    wait_interrupts(2);
    assert_int_equal(ring[0].used[1], 3);
    header = guest_pointer(&guest, BUFFER + 512);
    assert_int_equal(header->num_buffers, 2);
    assert_int_equal(ring_take(&ring[0])->len, 512);
    assert_int_equal(ring_take(&ring[0])->len, 488);
    assert_memory_equal(guest_pointer(&guest, BUFFER + 512 + 12), packet + 12, 988);
    /* No room: lost. Then there is room again. */
    assert_int_equal(send(wire, packet, 1000, 0), 1000);
    assert_int_equal(send(wire, packet, 64, 0), 64);
    wait_interrupts(3);
    assert_int_equal(ring_take(&ring[0])->len, 64);
    assert_int_equal(send(wire, packet, 65, 0), 65);
    loop_once(10);
    assert_null(ring_take(&ring[0]));
    offer(0, 5, BUFFER, 512, VRING_DESC_F_WRITE);
    wait_interrupts(4);
    assert_int_equal(ring_take(&ring[0])->len, 65);
    drop_net();
}

/* A driver without mergeable buffers gets whole packets in one. */
static void test_net_receive_unmerged(void **unused)
{
    uint8_t packet[600] = {0};

    (void)unused;
    plug(new_net());
    bring_up(FEATURES);
    for (unsigned i = 0; i < 2; i++)
        offer(0, i, BUFFER + 512 * i, 512, VRING_DESC_F_WRITE);
    assert_int_equal(send(wire, packet, 600, 0), 600);
    assert_int_equal(send(wire, packet, 512, 0), 512);
    wait_interrupts(1);
    assert_int_equal(ring[0].used[1], 1);
    assert_int_equal(ring_take(&ring[0])->len, 512);
    drop_net();
}

/* vhost begins at 0, and where the used ring ends when a former backend had it. */
static void test_net_vhost(void **unused)
{
    static const uint8_t mac[6] = {2};

    (void)unused;
    struct device *former = net_new_vhost(4, 1, (int[]){77}, (int[]){78}, mac);
    plug(former);
    device->irq_fd = 79;
    vhost_tap[0] = vhost_tap[1] = -1;
    bring_up(FEATURES);
    assert_int_equal(vhost_base[0], 0);
    assert_int_equal(vhost_call[1], 79);
    assert_int_equal(vhost_tap[0], 77);
    assert_int_equal(vhost_tap[1], 77);
    ring[0].used[1] = 9;
    struct device_state saved = state;
    device = net_new_vhost(4, 1, (int[]){80}, (int[]){78}, mac);
    state = saved;
    device_init(device, &state, &guest.memory, &host);
    device_resume(device);
    assert_int_equal(vhost_base[0], 9);
    assert_int_equal(vhost_base[1], 0);
    assert_int_equal(vhost_tap[0], 80);
    /* A queue taken away, and a reset. */
    reg_write(VIRTIO_MMIO_QUEUE_SEL, 1);
    reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
    assert_int_equal(vhost_tap[0], 80);
    assert_int_equal(vhost_tap[1], -1);
    unplug();
    assert_int_equal(vhost_tap[0], -1);
    free(former); /* the loop knows both, by eventfds that nobody signals */
    free(device);
}

/* What the driver says of its pairs of queues (virtio 1.2, 5.1.6.5.6); returns the answer. */
static uint8_t use_pairs(uint8_t class, uint16_t pairs)
{
    uint8_t *request = guest_pointer(&guest, BUFFER), *answer = request + 16;

    request[0] = class;
    request[1] = VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET;
    memcpy(request + 2, &pairs, 2);
    *answer = 0xff;
    ring_desc(&ring[4], 0, BUFFER, 4, VRING_DESC_F_NEXT, 1);
    ring_desc(&ring[4], 1, BUFFER + 16, 1, VRING_DESC_F_WRITE, 0);
    ring_offer(&ring[4], 0);
    device_notify(device, 4);
    return *answer;
}

static void test_net_pairs(void **unused)
{
    static const uint8_t mac[6] = {2};
    static const int taps[] = {77, 80}, vhosts[] = {78, 79};

    (void)unused;
    struct device *former = net_new_vhost(4, 2, taps, vhosts, mac);
    plug(former);
    for (unsigned i = 0; i < 4; i++)
        vhost_tap[i] = -1;
    bring_up(FEATURES | 1ull << VIRTIO_NET_F_MQ | 1ull << VIRTIO_NET_F_CTRL_VQ);
    assert_int_equal(device_read(device, VIRTIO_MMIO_CONFIG + 8, 2), 2);
    assert_int_equal(vhost_tap[1], 77);
    assert_int_equal(vhost_tap[2], -1);
    assert_int_equal(use_pairs(VIRTIO_NET_CTRL_MQ, 3), VIRTIO_NET_ERR);
    assert_int_equal(use_pairs(VIRTIO_NET_CTRL_MQ, 0), VIRTIO_NET_ERR);
    assert_int_equal(use_pairs(VIRTIO_NET_CTRL_MAC, 2), VIRTIO_NET_ERR);
    assert_int_equal(vhost_tap[2], -1);
    assert_int_equal(use_pairs(VIRTIO_NET_CTRL_MQ, 2), VIRTIO_NET_OK);
    assert_int_equal(vhost_tap[2], 80);
    assert_int_equal(vhost_tap[3], 80);
    ring[3].used[1] = 5;
    struct device_state saved = state;
    device = net_new_vhost(4, 2, taps, vhosts, mac);
    vhost_tap[3] = -1;
    state = saved;
    device_init(device, &state, &guest.memory, &host);
    device_resume(device);
    assert_int_equal(vhost_base[3], 5);
    assert_int_equal(vhost_tap[3], 80);
    assert_int_equal(use_pairs(VIRTIO_NET_CTRL_MQ, 1), VIRTIO_NET_OK);
    assert_int_equal(vhost_tap[0], 77);
    assert_int_equal(vhost_tap[2], -1);
    unplug();
    assert_int_equal(vhost_tap[0], -1);
    bring_up(FEATURES | 1ull << VIRTIO_NET_F_CTRL_VQ);
    assert_true(state.status & VIRTIO_CONFIG_S_NEEDS_RESET);
    unplug();
    free(former);
    free(device);
}

/* ---- console and terminal ---- */

static uint8_t typed[64];
static size_t typed_size, type_room;

static size_t type_in(const uint8_t *data, size_t size)
{
    if (console_in_use())
        return console_input(data, size);
    size_t n = size < type_room ? size : type_room;
    memcpy(typed + typed_size, data, n);
    typed_size += n;
    type_room -= n;
    return n;
}

static int listener(const char *name)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr address = {.sa_family = AF_UNIX};

    strcpy(address.sa_data + 1, name); /* an abstract name */
    assert_int_equal(bind(fd, &address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static int dial(const char *name)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr address = {.sa_family = AF_UNIX};

    strcpy(address.sa_data + 1, name);
    assert_int_equal(connect(fd, &address, sizeof(address)), 0);
    loop_once(10);
    return fd;
}

static void test_console(void **unused)
{
    char text[TERMINAL_HISTORY + 1];
    char name[12];

    (void)unused;
    snprintf(name, sizeof(name), "t%d", getpid());
    static struct terminal_state history;
    assert_int_equal(terminal_open(&history, listener(name), type_in), 0);
    plug(console_new(0));
    bring_up(FEATURES);
    terminal_output((const uint8_t *)"early ", 6);
    int client = dial(name);
    assert_int_equal(recv(client, text, sizeof(text), 0), 6);
    /* Before the guest uses its console, typing goes elsewhere, and waits for room there. */
    type_room = 2;
    assert_int_equal(send(client, "abcd", 4, 0), 4);
    loop_once(10);
    assert_int_equal(typed_size, 2);
    type_room = 2;
    terminal_retry();
    assert_memory_equal(typed, "abcd", 4);
    memcpy(guest_pointer(&guest, BUFFER), "login: ", 7);
    offer(1, 0, BUFFER, 7, 0);
    assert_int_equal(recv(client, text, sizeof(text), 0), 7);
    assert_memory_equal(text, "login: ", 7);
    assert_true(console_in_use());
    /* Typing waits for the guest's buffers. */
    assert_int_equal(send(client, "root\r", 5, 0), 5);
    loop_once(10);
    offer(0, 0, BUFFER + 512, 3, VRING_DESC_F_WRITE);
    offer(0, 1, BUFFER + 1024, 3, VRING_DESC_F_WRITE);
    assert_memory_equal(guest_pointer(&guest, BUFFER + 512), "roo", 3);
    assert_memory_equal(guest_pointer(&guest, BUFFER + 1024), "t\r", 2);
    assert_int_equal(ring_take(&ring[0])->len, 3);
    assert_int_equal(ring_take(&ring[0])->len, 2);
    /* Who comes late sees what was last. */
    memset(guest_pointer(&guest, BUFFER), 'x', 5000);
    for (unsigned i = 0; i < 4; i++)
        offer(1, i, BUFFER, 5000, 0);
    int late = dial(name);
    size_t got = 0;
    ssize_t n;
    while ((n = recv(late, text + got, sizeof(text) - got, 0)) > 0)
        got += (size_t)n;
    assert_int_equal(got, TERMINAL_HISTORY);
    assert_int_equal(text[0], 'x');
    close(late);
    close(client);
    unplug();
    assert_false(console_in_use());
}

/* ---- power button ---- */

static void select_config(uint8_t select, uint8_t subsel)
{
    device_write(device, 0x100, 1, select);
    device_write(device, 0x101, 1, subsel);
}

static void test_power_button(void **unused)
{
    struct virtio_input_event *events = guest_pointer(&guest, BUFFER);

    (void)unused;
    plug(input_new(2));
    assert_false(input_press_power());
    bring_up(FEATURES);
    select_config(VIRTIO_INPUT_CFG_ID_NAME, 0);
    assert_int_equal(device_read(device, 0x102, 1), 17);
    select_config(VIRTIO_INPUT_CFG_EV_BITS, EV_KEY);
    assert_int_equal(device_read(device, 0x102, 1), KEY_POWER / 8 + 1);
    assert_int_equal(device_read(device, 0x108 + KEY_POWER / 8, 1), 1 << KEY_POWER % 8);
    select_config(VIRTIO_INPUT_CFG_EV_BITS, EV_REL);
    assert_int_equal(device_read(device, 0x102, 1), 0);
    assert_false(input_press_power()); /* no buffers */
    for (unsigned i = 0; i < 8; i++)
        offer(0, i, BUFFER + 8 * i, 8, VRING_DESC_F_WRITE);
    assert_true(input_press_power());
    assert_int_equal(ring[0].used[1], 4);
    assert_int_equal(events[0].type, EV_KEY);
    assert_int_equal(events[0].code, KEY_POWER);
    assert_int_equal(events[0].value, 1);
    assert_int_equal(events[1].type, EV_SYN);
    assert_int_equal(events[2].value, 0);
    assert_int_equal(queue_interrupts, 1);
    unplug();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_queue_registers),
        cmocka_unit_test(test_bad_queue_needs_reset),
        cmocka_unit_test(test_random_registers),
        cmocka_unit_test(test_entropy),
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_disk_config),
        cmocka_unit_test(test_disk_read_write),
        cmocka_unit_test(test_disk_changes),
        cmocka_unit_test(test_disk_clears),
        cmocka_unit_test(test_disk_refuses),
        cmocka_unit_test(test_disk_without_header_needs_reset),
        cmocka_unit_test(test_disk_reset_under_way),
        cmocka_unit_test(test_disk_resume),
        cmocka_unit_test(test_net_transmit),
        cmocka_unit_test(test_net_receive),
        cmocka_unit_test(test_net_receive_unmerged),
        cmocka_unit_test(test_net_vhost),
        cmocka_unit_test(test_net_pairs),
        cmocka_unit_test(test_console),
        cmocka_unit_test(test_power_button),
    };
    const struct CMUnitTest disk_tests[] = {
        cmocka_unit_test(test_disk_read_write), cmocka_unit_test(test_disk_clears),
        cmocka_unit_test(test_disk_refuses),    cmocka_unit_test(test_disk_reset_under_way),
        cmocka_unit_test(test_disk_resume),
    };
    return cmocka_run_group_tests(tests, setup, teardown) +
           cmocka_run_group_tests_name("without io_uring", disk_tests, setup_without_ring,
                                       teardown);
}
