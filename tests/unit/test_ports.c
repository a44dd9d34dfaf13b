/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The serial ports' device (guests/dom0/backend/ports.c), driven by its registers, its rings and a
 * client's socket.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_mmio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guests/dom0/backend/loop.h"
#include "guests/dom0/backend/ports.h"
#include "tests/unit/virtio_guest.h"

#define SIZE        8
#define QUEUES      6 /* of two ports */
#define RING(i)     (GUEST_IPA + (uint64_t)(i)*RING_SIZE)
#define BUFFER(n)   (GUEST_IPA + 0x20000 + (uint64_t)(n)*4096)
#define FEATURES    (1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_CONSOLE_F_MULTIPORT)
#define CONTROL_IN  2
#define CONTROL_OUT 3

static struct guest guest;
static struct device *device;
static struct device_state state;
static struct ring ring[QUEUES];
static struct port_option options[2] = {{.name = "agent", .peer = -1},
                                        {.name = "second", .peer = -1}};
static char names[2][16];

static void ignore(struct device *from)
{
    (void)from;
}

static void log_line(struct device *from, const char *message)
{
    (void)from;
    assert_non_null(message);
}

static const struct device_host host = {ignore, ignore, log_line};

static void bring_up(void)
{
    driver_begin(device, FEATURES);
    for (unsigned i = 0; i < QUEUES; i++) {
        ring_open(&ring[i], &guest, RING(i), SIZE);
        driver_queue(device, i, &ring[i]);
    }
    driver_ok(device);
}

static void offer(unsigned queue, unsigned i, uint64_t ipa, uint32_t length, uint16_t flags)
{
    ring_desc(&ring[queue], i, ipa, length, flags, 0);
    ring_offer(&ring[queue], (uint16_t)i);
    device_notify(device, queue);
}

/* The driver says something of a port. */
static void say(unsigned port, unsigned event, unsigned value)
{
    static unsigned turn;
    struct virtio_console_control *control = guest_pointer(&guest, BUFFER(0));

    *control = (struct virtio_console_control){
        .id = port, .event = (uint16_t)event, .value = (uint16_t)value};
    offer(CONTROL_OUT, turn++ % SIZE, BUFFER(0), sizeof(*control), 0);
}

/* Room for the device's next word, 64 bytes each. */
static void listen_for(unsigned count)
{
    static unsigned turn;

    for (unsigned i = 0; i < count; i++, turn++)
        offer(CONTROL_IN, turn % SIZE, BUFFER(1) + 64ull * (turn % SIZE), 64, VRING_DESC_F_WRITE);
}

/* What it said next. */
static void expect(unsigned port, unsigned event, unsigned value, const char *name)
{
    struct vring_used_elem *element = ring_take(&ring[CONTROL_IN]);

    assert_non_null(element);
    const uint8_t *bytes = guest_pointer(&guest, BUFFER(1) + 64ull * element->id);
    const struct virtio_console_control *control = (const void *)bytes;
    assert_int_equal(element->len, sizeof(*control) + strlen(name));
    assert_int_equal(control->id, port);
    assert_int_equal(control->event, event);
    assert_int_equal(control->value, value);
    assert_memory_equal(bytes + sizeof(*control), name, strlen(name));
}

static int listener(char name[16], unsigned number)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr address = {.sa_family = AF_UNIX};

    snprintf(name, 13, "p%u.%d", number, getpid());
    strcpy(address.sa_data + 1, name); /* an abstract name */
    assert_int_equal(bind(fd, &address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static int dial(unsigned port)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr address = {.sa_family = AF_UNIX};

    strcpy(address.sa_data + 1, names[port]);
    assert_int_equal(connect(fd, &address, sizeof(address)), 0);
    loop_once(100);
    return fd;
}

static void plug(void)
{
    memset(&state, 0, sizeof(state));
    device_init(device, &state, &guest.memory, &host);
    bring_up();
}

/* From DEVICE_READY to open ports, with room for words given late. */
static void introduce(void)
{
    say(0xffffffff, VIRTIO_CONSOLE_DEVICE_READY, 1);
    assert_null(ring_take(&ring[CONTROL_IN]));
    listen_for(1);
    expect(0, VIRTIO_CONSOLE_PORT_ADD, 1, "");
    listen_for(3);
    expect(1, VIRTIO_CONSOLE_PORT_ADD, 1, "");
    assert_null(ring_take(&ring[CONTROL_IN]));
    say(0, VIRTIO_CONSOLE_PORT_READY, 1);
    expect(0, VIRTIO_CONSOLE_PORT_NAME, 1, "agent");
    expect(0, VIRTIO_CONSOLE_PORT_OPEN, 0, "");
    listen_for(2);
    say(1, VIRTIO_CONSOLE_PORT_READY, 1);
    expect(1, VIRTIO_CONSOLE_PORT_NAME, 1, "second");
    expect(1, VIRTIO_CONSOLE_PORT_OPEN, 0, "");
}

static void test_there_and_back(void **unused)
{
    char text[64];

    (void)unused;
    plug();
    assert_int_equal(device_read(device, VIRTIO_MMIO_CONFIG + 4, 4), 2); /* max_nr_ports */
    introduce();
    /* Nobody is there: what the guest writes is thrown away. */
    offer(5, 0, BUFFER(2), 100, 0);
    assert_non_null(ring_take(&ring[5]));
    listen_for(1);
    int client = dial(1);
    expect(1, VIRTIO_CONSOLE_PORT_OPEN, 1, "");
    memcpy(guest_pointer(&guest, BUFFER(2)), "from guest", 10);
    offer(5, 1, BUFFER(2), 10, 0);
    assert_non_null(ring_take(&ring[5]));
    assert_int_equal(recv(client, text, sizeof(text), 0), 10);
    assert_memory_equal(text, "from guest", 10);
    /* What comes before somebody listens, and before there is room, waits for it. */
    assert_int_equal(send(client, "from dom0", 9, 0), 9);
    loop_once(100);
    offer(4, 0, BUFFER(3), 4, VRING_DESC_F_WRITE);
    assert_null(ring_take(&ring[4]));
    say(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    offer(4, 1, BUFFER(4), 64, VRING_DESC_F_WRITE);
    assert_int_equal(ring_take(&ring[4])->len, 4);
    assert_int_equal(ring_take(&ring[4])->len, 5);
    assert_memory_equal(guest_pointer(&guest, BUFFER(3)), "from", 4);
    assert_memory_equal(guest_pointer(&guest, BUFFER(4)), " dom0", 5);
    /* A second client is turned away; the first one's end is told. */
    int late = dial(1);
    assert_int_equal(recv(late, text, sizeof(text), 0), 0);
    close(late);
    close(client);
    listen_for(1);
    loop_once(100);
    expect(1, VIRTIO_CONSOLE_PORT_OPEN, 0, "");
    assert_false(state.status & VIRTIO_CONFIG_S_NEEDS_RESET);
    driver_write(device, VIRTIO_MMIO_STATUS, 0);
}

/* A client that does not read holds the guest's buffers, and nothing is lost. */
static void test_slow_client(void **unused)
{
    static uint8_t text[1 << 20];
    size_t sent = 0, got = 0;
    ssize_t n;

    (void)unused;
    plug();
    introduce();
    int client = dial(0);
    for (unsigned i = 0; i < 200; i++) {
        memset(guest_pointer(&guest, BUFFER(i % SIZE)), (int)i, 4096);
        offer(1, i % SIZE, BUFFER(i % SIZE), 4096, 0);
        sent += 4096;
        if (!ring_take(&ring[1]))
            break;
    }
    assert_true(sent < 200 * 4096);
    for (unsigned i = 0; i < 100 && got < sent; i++) {
        while ((n = recv(client, text + got, sizeof(text) - got, 0)) > 0)
            got += (size_t)n;
        loop_once(10);
    }
    assert_int_equal(got, sent);
    for (size_t i = 0; i < got; i++)
        assert_int_equal(text[i], (uint8_t)(i / 4096));
    assert_non_null(ring_take(&ring[1]));
    close(client);
    loop_once(100);
    driver_write(device, VIRTIO_MMIO_STATUS, 0);
}

/* All that a client sent arrives, even if it goes at once; then its end is told. */
static void test_hasty_client(void **unused)
{
    uint8_t text[5000];
    size_t got = 0;

    (void)unused;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 7 + i / 256);
    plug();
    /* It comes before there is a driver. */
    int client = dial(0);
    assert_int_equal(send(client, text, sizeof(text), 0), sizeof(text));
    close(client);
    for (unsigned i = 0; i < 5; i++)
        loop_once(10);
    driver_write(device, VIRTIO_MMIO_STATUS, 0);
    bring_up();
    say(0xffffffff, VIRTIO_CONSOLE_DEVICE_READY, 1);
    say(0, VIRTIO_CONSOLE_PORT_READY, 1);
    listen_for(4);
    expect(0, VIRTIO_CONSOLE_PORT_ADD, 1, "");
    expect(0, VIRTIO_CONSOLE_PORT_NAME, 1, "agent");
    expect(0, VIRTIO_CONSOLE_PORT_OPEN, 1, "");
    expect(1, VIRTIO_CONSOLE_PORT_ADD, 1, "");
    int next = dial(0); /* its turn comes when the other's bytes have been taken */
    assert_int_equal(send(next, "!", 1, 0), 1);
    offer(1, 0, BUFFER(2), 100, 0); /* nobody to write to */
    assert_non_null(ring_take(&ring[1]));
    listen_for(2);
    say(0, VIRTIO_CONSOLE_PORT_OPEN, 1);
    for (unsigned i = 0; got < sizeof(text); i++) {
        assert_null(ring_take(&ring[CONTROL_IN]));
        offer(0, i % SIZE, BUFFER(3), 1000, VRING_DESC_F_WRITE);
        struct vring_used_elem *element = ring_take(&ring[0]);
        assert_non_null(element);
        assert_memory_equal(guest_pointer(&guest, BUFFER(3)), text + got, element->len);
        got += element->len;
    }
    expect(0, VIRTIO_CONSOLE_PORT_OPEN, 0, "");
    for (unsigned i = 0; i < 3; i++)
        loop_once(10);
    expect(0, VIRTIO_CONSOLE_PORT_OPEN, 1, "");
    offer(0, 0, BUFFER(4), 64, VRING_DESC_F_WRITE);
    assert_int_equal(ring_take(&ring[0])->len, 1);
    close(next);
    listen_for(1);
    loop_once(10);
    expect(0, VIRTIO_CONSOLE_PORT_OPEN, 0, "");
    driver_write(device, VIRTIO_MMIO_STATUS, 0);
}

/* The next backend says all again, and takes the buffers that were taken. */
static void test_resume(void **unused)
{
    (void)unused;
    plug();
    introduce();
    listen_for(4);
    struct device_state kept = state;
    uint16_t seen = ring[CONTROL_IN].seen;
    driver_write(device, VIRTIO_MMIO_STATUS, 0);
    state = kept;
    device_init(device, &state, &guest.memory, &host);
    device_resume(device);
    assert_int_equal(ring[CONTROL_IN].seen, seen);
    expect(0, VIRTIO_CONSOLE_PORT_ADD, 1, "");
    expect(0, VIRTIO_CONSOLE_PORT_OPEN, 0, "");
    expect(1, VIRTIO_CONSOLE_PORT_ADD, 1, "");
    expect(1, VIRTIO_CONSOLE_PORT_OPEN, 0, "");
    driver_write(device, VIRTIO_MMIO_STATUS, 0);
}

/* Words about no port, too short ones, ones that cannot be, and rings that break the rules. */
static void test_hostile(void **unused)
{
    (void)unused;
    plug();
    for (unsigned event = 0; event < 20; event++) {
        say(2, event, event);
        say(0xffffffff, 0xffff, 0xffff);
    }
    offer(CONTROL_OUT, 0, BUFFER(0), 3, 0);
    offer(CONTROL_OUT, 1, BUFFER(0), 8, VRING_DESC_F_WRITE);
    assert_false(state.status & VIRTIO_CONFIG_S_NEEDS_RESET);
    offer(1, 0, GUEST_IPA + GUEST_SIZE, 4096, 0);
    assert_true(state.status & VIRTIO_CONFIG_S_NEEDS_RESET);
    plug();
    listen_for(1);
    offer(CONTROL_IN, 5, 0, 64, VRING_DESC_F_WRITE);
    say(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
    assert_true(state.status & VIRTIO_CONFIG_S_NEEDS_RESET);
    driver_write(device, VIRTIO_MMIO_STATUS, 0);
}

static void begin(int peer, bool wins)
{
    for (unsigned i = 0; i < 2; i++)
        options[i].fd = listener(names[i], i);
    options[1].peer = peer;
    options[1].wins = wins;
    device = ports_new(0, options, 2);
    assert_non_null(device);
}

static bool is_closed(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

/* Two domains called each other at the same time: both stay with the call of the one that wins. */
static void test_peer(void **unused)
{
    int ours[2];

    (void)unused;
    for (unsigned wins = 0; wins < 2; wins++) {
        close(options[0].fd);
        close(options[1].fd);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ours), 0);
        begin(ours[0], wins);
        int theirs = dial(1);
        assert_int_equal(is_closed(theirs), wins);
        assert_int_equal(is_closed(ours[1]), !wins);
        /* Its next life calls before we have seen the end of the former one. */
        close(wins ? ours[1] : theirs);
        int next = dial(1);
        assert_false(is_closed(next));
        int third = dial(1);
        assert_true(is_closed(third));
        close(next);
        close(third);
        loop_once(100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_slow_client),
        cmocka_unit_test(test_hasty_client),   cmocka_unit_test(test_resume),
        cmocka_unit_test(test_hostile),        cmocka_unit_test(test_peer),
    };

    guest_open(&guest);
    loop_init();
    begin(-1, false);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    guest_close(&guest);
    return failed;
}
