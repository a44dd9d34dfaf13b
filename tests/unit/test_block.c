/* SPDX-License-Identifier: Apache-2.0 */
/* Disks whose I/O the test does itself: what becomes of results that are not all one asked for. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "guests/dom0/backend/aio.h"
#include "guests/dom0/backend/block.h"
#include "tests/unit/virtio_guest.h"

#define RING     (GUEST_IPA + 0x10000)
#define BUFFER   (GUEST_IPA + 0x40000)
#define SIZE     16
#define SECTORS  64
#define FEATURES (1ull << VIRTIO_F_VERSION_1)

static struct guest guest;
static struct device_state state;
static struct device *device;
static struct ring ring;
static struct aio *submitted[8];
static unsigned count;
static int disk_fd, flags;

/* The file's flags (UNIT_FLAGS_block): not every file system has O_DIRECT. */
int test_fcntl(int fd, int command, ...)
{
    va_list args;

    assert_int_equal(fd, disk_fd);
    va_start(args, command);
    if (command == F_SETFL)
        flags = va_arg(args, int);
    va_end(args);
    return command == F_GETFL ? flags : 0;
}

void aio_submit(struct aio *aio)
{
    assert_in_range(count, 0, 7);
    submitted[count++] = aio;
}

void aio_kick(void)
{
}

void aio_drain(void)
{
}

static void answer(unsigned i, int64_t result)
{
    submitted[i]->result = result;
    submitted[i]->done(submitted[i]);
}

static void ignore(struct device *from)
{
    (void)from;
}

static void log_line(struct device *from, const char *message)
{
    (void)from;
    fail_msg("%s", message);
}

static const struct device_host host = {ignore, ignore, log_line};

static int plug(void **unused)
{
    char path[] = "/tmp/tarn-disk-XXXXXX";

    (void)unused;
    guest_open(&guest);
    disk_fd = mkstemp(path);
    unlink(path);
    assert_int_equal(ftruncate(disk_fd, SECTORS * 512), 0);
    flags = O_RDWR | O_DIRECT;
    count = 0;
    device = block_new(3, disk_fd, false, 1, "root");
    assert_non_null(device);
    memset(&state, 0, sizeof(state));
    device_init(device, &state, &guest.memory, &host);
    driver_begin(device, FEATURES);
    ring_open(&ring, &guest, RING, SIZE);
    driver_queue(device, 0, &ring);
    driver_ok(device);
    return 0;
}

static int unplug(void **unused)
{
    (void)unused;
    block_free(device);
    close(disk_fd);
    guest_close(&guest);
    return 0;
}

/* A read of 1024 bytes, at three descriptors from `head` on; where its status will be. */
static uint8_t *offer(unsigned head)
{
    uint64_t at = BUFFER + head * 4096ull;
    struct virtio_blk_outhdr *header = guest_pointer(&guest, at);
    uint8_t *status = guest_pointer(&guest, at + 16);

    *header = (struct virtio_blk_outhdr){.type = VIRTIO_BLK_T_IN};
    *status = 0xff;
    ring_desc(&ring, head, at, 16, VRING_DESC_F_NEXT, (uint16_t)(head + 1));
    ring_desc(&ring, head + 1, at + 1001, 1024, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT,
              (uint16_t)(head + 2));
    ring_desc(&ring, head + 2, at + 16, 1, VRING_DESC_F_WRITE, 0);
    ring_offer(&ring, (uint16_t)head);
    device_notify(device, 0);
    return status;
}

/* O_DIRECT refuses all that were on their way: each is tried once more, without. */
static void test_odd_buffers(void **unused)
{
    uint8_t *first = offer(0), *second = offer(3);

    (void)unused;
    assert_int_equal(count, 2);
    answer(0, -EINVAL);
    assert_int_equal(flags & O_DIRECT, 0);
    answer(1, -EINVAL);
    assert_int_equal(count, 4);
    answer(2, 1024);
    answer(3, 1024);
    assert_int_equal(*first, VIRTIO_BLK_S_OK);
    assert_int_equal(*second, VIRTIO_BLK_S_OK);
    /* It is not the buffer's address, then. */
    first = offer(6);
    answer(4, -EINVAL);
    assert_int_equal(count, 5);
    assert_int_equal(*first, VIRTIO_BLK_S_IOERR);
}

static void test_in_parts(void **unused)
{
    uint8_t *status = offer(0);

    (void)unused;
    answer(0, 1000);
    assert_int_equal(count, 2);
    assert_int_equal(submitted[1]->offset, 1000);
    assert_int_equal(submitted[1]->iov->iov_len, 24);
    answer(1, 24);
    assert_int_equal(*status, VIRTIO_BLK_S_OK);
    /* The file ends early. */
    status = offer(3);
    answer(2, 512);
    answer(3, 0);
    assert_int_equal(*status, VIRTIO_BLK_S_IOERR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_odd_buffers, plug, unplug),
        cmocka_unit_test_setup_teardown(test_in_parts, plug, unplug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
