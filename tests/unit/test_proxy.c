/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that another process serves (guests/dom0/backend/proxy.c, vhost_user.c): the test is the
 * guest on one side and that process, good or mad, on the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "guests/dom0/backend/loop.h"
#include "guests/dom0/backend/proxy.h"
#include "tests/unit/virtio_guest.h"

#define SIZE     8
#define BUFFER   (GUEST_IPA + 0x10000)
#define OURS_AT  (1ull << 40) /* proxy.c's */
#define FEATURES (1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_BLK_F_FLUSH)
#define SECTORS  2048

static struct guest guest;
static struct device *device;
static struct device_state state;
static struct ring ring;
static unsigned log_lines;

/* What the other process was told, by vhost-user's numbers of messages. */
static struct {
    int fd, kick, call;
    uint8_t *shared; /* the second region */
    struct vring_desc *desc;
    uint16_t *avail, *used;
} daemon_side;

struct message {
    uint32_t request, flags, size;
    uint8_t payload[512];
} __attribute__((packed, aligned(4)));

static ssize_t hear(struct message *message, int fds[2])
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec iov = {.iov_base = message, .iov_len = 12};
    struct msghdr header = {.msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(daemon_side.fd, &header, 0);

    if (got != 12)
        return 0;
    if (CMSG_FIRSTHDR(&header))
        memcpy(fds, CMSG_DATA(&control.head), CMSG_FIRSTHDR(&header)->cmsg_len - CMSG_LEN(0));
    return message->size ? recv(daemon_side.fd, message->payload, message->size, MSG_WAITALL) : 12;
}

static void reply(struct message *message, const void *payload, uint32_t size)
{
    message->flags = 5;
    message->size = size;
    memcpy(message->payload, payload, size);
    send(daemon_side.fd, message, 12 + size, 0);
}

static void reply_config(struct message *message)
{
    struct virtio_blk_config config = {.capacity = SECTORS, .seg_max = 126};
    uint8_t payload[72];

    memcpy(payload, message->payload, 12);
    memcpy(payload + 12, &config, sizeof(payload) - 12);
    reply(message, payload, message->size);
}

/* The set-up of one queue, as libvhost-user goes through it. */
static void *serve(void *unused)
{
    static const uint64_t offered = FEATURES | 1ull << 30 | 1ull << VIRTIO_RING_F_INDIRECT_DESC;
    static const uint64_t protocol = 1ull << 9;
    struct message message;
    int fds[2];

    while (hear(&message, fds) > 0 && message.request != 18) {
        uint64_t numbers[10];
        memcpy(numbers, message.payload, sizeof(numbers));
        if (message.request == 1)
            reply(&message, &offered, 8);
        if (message.request == 15)
            reply(&message, &protocol, 8);
        if (message.request == 24)
            reply_config(&message);
        if (message.request == 5)
            memcpy(&daemon_side.shared, &numbers[7], 8);
        if (message.request == 9) {
            memcpy(&daemon_side.desc, &numbers[1], 8);
            memcpy(&daemon_side.used, &numbers[2], 8);
            memcpy(&daemon_side.avail, &numbers[3], 8);
        }
        if (message.request == 12)
            daemon_side.kick = fds[0];
        if (message.request == 13)
            daemon_side.call = fds[0];
    }
    return unused;
}

static void ignore(struct device *from)
{
    (void)from;
}

static void log_line(struct device *from, const char *message)
{
    (void)from;
    assert_non_null(message);
    log_lines++;
}

static const struct device_host host = {ignore, ignore, log_line};

static void bring_up(void)
{
    driver_begin(device, FEATURES);
    ring_open(&ring, &guest, GUEST_IPA, SIZE);
    driver_queue(device, 0, &ring);
    driver_ok(device);
}

static int plug(void **unused)
{
    int pair[2];
    pthread_t thread;

    (void)unused;
    loop_init();
    guest_open(&guest);
    log_lines = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    daemon_side.fd = pair[1];
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
    int memory = memfd_create("guest", 0);
    device = proxy_new_disk(0, pair[0], memory, &guest.memory, false, 1, "serial");
    pthread_join(thread, NULL);
    close(memory);
    assert_non_null(device);
    memset(&state, 0, sizeof(state));
    device_init(device, &state, &guest.memory, &host);
    bring_up();
    return 0;
}

static int unplug(void **unused)
{
    (void)unused;
    close(daemon_side.fd);
    guest_close(&guest);
    free(device);
    return 0;
}

/* A read of 512 bytes, or what `type` says: header, data, status. */
static void offer(unsigned head, uint32_t type, uint32_t length)
{
    struct virtio_blk_outhdr *header = guest_pointer(&guest, BUFFER);

    *header = (struct virtio_blk_outhdr){.type = type, .sector = 9};
    ring_desc(&ring, head, BUFFER, sizeof(*header), VRING_DESC_F_NEXT, (uint16_t)(head + 1));
    ring_desc(&ring, head + 1, BUFFER + 4096, length, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE,
              (uint16_t)(head + 2));
    ring_desc(&ring, head + 2, BUFFER + 16, 1, VRING_DESC_F_WRITE, 0);
    ring_offer(&ring, (uint16_t)head);
    device_notify(device, 0);
}

/* The other process is done with a head. */
static void answer(uint32_t head, uint32_t written)
{
    struct vring_used_elem *element = (void *)(daemon_side.used + 2);
    eventfd_t one = 1;

    element[daemon_side.used[1] % VQ_MAX_SIZE] =
        (struct vring_used_elem){.id = head, .len = written};
    daemon_side.used[1]++;
    eventfd_write(daemon_side.call, one);
}

static void test_there_and_back(void **unused)
{
    eventfd_t kicks = 0;

    (void)unused;
    assert_int_equal(device_read(device, VIRTIO_MMIO_CONFIG, 8), SECTORS);
    offer(3, VIRTIO_BLK_T_IN, 512);
    assert_int_equal(daemon_side.avail[1], 1);
    assert_int_equal(daemon_side.avail[2], 3);
    assert_int_equal(eventfd_read(daemon_side.kick, &kicks), 0);
    /* One indirect descriptor, to a table beside the rings, to the guest's own buffers. */
    assert_int_equal(daemon_side.desc[3].flags, VRING_DESC_F_INDIRECT);
    assert_int_equal(daemon_side.desc[3].len, 3 * sizeof(struct vring_desc));
    const struct vring_desc *table =
        (const void *)(daemon_side.shared + (daemon_side.desc[3].addr - OURS_AT));
    assert_int_equal(table[0].addr, BUFFER);
    assert_int_equal(table[0].flags, VRING_DESC_F_NEXT);
    assert_int_equal(table[1].addr, BUFFER + 4096);
    assert_int_equal(table[1].len, 512);
    assert_int_equal(table[2].flags, VRING_DESC_F_WRITE);
    assert_null(ring_take(&ring));
    answer(3, 513);
    loop_once(1000);
    const struct vring_used_elem *element = ring_take(&ring);
    assert_non_null(element);
    assert_int_equal(element->id, 3);
    assert_int_equal(element->len, 513);
    /* The serial number is told here. */
    offer(0, VIRTIO_BLK_T_GET_ID, 20);
    assert_int_equal(daemon_side.avail[1], 1);
    assert_non_null(ring_take(&ring));
    assert_string_equal(guest_pointer(&guest, BUFFER + 4096), "serial");
}

/* No more than was asked for is believed. */
static void test_boasts(void **unused)
{
    (void)unused;
    offer(0, VIRTIO_BLK_T_IN, 512);
    answer(0, 0xffffffff);
    loop_once(1000);
    assert_int_equal(ring_take(&ring)->len, 513);
    assert_int_equal(log_lines, 0);
}

/* Answers to nothing: twice the same, and beyond all heads. The backend gives up, the next begins.
 */
static void test_mad(void **unused)
{
    (void)unused;
    offer(0, VIRTIO_BLK_T_IN, 512);
    answer(0, 513);
    answer(0, 513);
    loop_once(1000);
    assert_non_null(ring_take(&ring));
    assert_null(ring_take(&ring));
    assert_int_equal(log_lines, 1);
}

static void test_mad_beyond(void **unused)
{
    (void)unused;
    answer(0xfffffff0, 1);
    loop_once(1000);
    assert_int_equal(log_lines, 1);
    assert_null(ring_take(&ring));
}

static void test_gone(void **unused)
{
    (void)unused;
    offer(0, VIRTIO_BLK_T_IN, 512);
    shutdown(daemon_side.fd, SHUT_RDWR);
    loop_once(1000);
    assert_int_equal(log_lines, 1);
    assert_true(state.queue[0].in_flight[0] & 1); /* for the next */
}

static void *answer_late(void *unused)
{
    static const struct timespec moment = {.tv_nsec = 50000000};

    nanosleep(&moment, NULL);
    answer(0, 513);
    return unused;
}

/* A reset waits for what the other process has in hand, and tells the guest nothing of it. */
static void test_reset_waits(void **unused)
{
    pthread_t thread;

    (void)unused;
    offer(0, VIRTIO_BLK_T_IN, 512);
    assert_int_equal(pthread_create(&thread, NULL, answer_late, NULL), 0);
    driver_write(device, VIRTIO_MMIO_STATUS, 0);
    assert_int_equal(daemon_side.used[1], 1);
    assert_int_equal(ring.used[1], 0);
    pthread_join(thread, NULL);
    bring_up();
    offer(0, VIRTIO_BLK_T_IN, 512);
    assert_int_equal(daemon_side.avail[1], 2);
    answer(0, 513);
    loop_once(1000);
    loop_once(100);
    assert_non_null(ring_take(&ring));
    assert_int_equal(log_lines, 0);
}

/* A request without room for its status, or without header, never gets there. */
static void test_guest_breaks_rules(void **unused)
{
    (void)unused;
    ring_desc(&ring, 0, BUFFER, 16, 0, 0);
    ring_offer(&ring, 0);
    device_notify(device, 0);
    assert_int_equal(daemon_side.avail[1], 0);
    assert_true(state.status & VIRTIO_CONFIG_S_NEEDS_RESET);
    bring_up();
    ring_desc(&ring, 0, BUFFER, 15, VRING_DESC_F_NEXT, 1);
    ring_desc(&ring, 1, BUFFER + 16, 1, VRING_DESC_F_WRITE, 0);
    ring_offer(&ring, 0);
    device_notify(device, 0);
    assert_int_equal(daemon_side.avail[1], 0);
    assert_true(state.status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* Empty buffers are left out: the other process takes them for a broken ring. */
static void test_empty_buffers(void **unused)
{
    (void)unused;
    ring_desc(&ring, 0, BUFFER, 0, VRING_DESC_F_NEXT, 1);
    ring_desc(&ring, 1, BUFFER, 16, VRING_DESC_F_NEXT, 2);
    ring_desc(&ring, 2, BUFFER + 16, 1, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 3);
    ring_desc(&ring, 3, BUFFER + 17, 0, VRING_DESC_F_WRITE, 0);
    ring_offer(&ring, 0);
    device_notify(device, 0);
    assert_int_equal(daemon_side.avail[1], 1);
    assert_int_equal(daemon_side.desc[0].len, 2 * sizeof(struct vring_desc));
    const struct vring_desc *table =
        (const void *)(daemon_side.shared + (daemon_side.desc[0].addr - OURS_AT));
    assert_int_equal(table[0].len, 16);
    assert_int_equal(table[0].flags, VRING_DESC_F_NEXT);
    assert_int_equal(table[0].next, 1);
    assert_int_equal(table[1].addr, BUFFER + 16);
    assert_int_equal(table[1].flags, VRING_DESC_F_WRITE);
    answer(0, 1);
    loop_once(1000);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, plug, unplug)
    const struct CMUnitTest tests[] = {
        ROW(test_there_and_back),     ROW(test_boasts),        ROW(test_mad),
        ROW(test_mad_beyond),         ROW(test_gone),          ROW(test_reset_waits),
        ROW(test_guest_breaks_rules), ROW(test_empty_buffers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
