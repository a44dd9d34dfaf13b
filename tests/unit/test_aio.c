/* SPDX-License-Identifier: Apache-2.0 */
/* Asynchronous I/O where the kernel has no memory to begin it, once or for a long time. */
#include "unit.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <unistd.h>

#include "guests/dom0/backend/aio.h"
#include "guests/dom0/backend/loop.h"

#define ENTRIES  256 /* of the ring, as aio.c has it */
#define REQUESTS (ENTRIES + 44)
#define BYTES    16

/* aio.c calls these instead (UNIT_FLAGS_aio). */
#undef io_uring_submit
#undef io_uring_submit_and_wait
int io_uring_submit(struct io_uring *ring);
int io_uring_submit_and_wait(struct io_uring *ring, unsigned count);

static unsigned refusals, refused;

static bool refuse(void)
{
    if (refusals == 0)
        return false;
    refusals--;
    refused++;
    return true;
}

int test_submit(struct io_uring *ring)
{
    return refuse() ? -EAGAIN : io_uring_submit(ring);
}

int test_submit_and_wait(struct io_uring *ring, unsigned count)
{
    return refuse() ? -EAGAIN : io_uring_submit_and_wait(ring, count);
}

static struct aio request[REQUESTS];
static uint8_t data[REQUESTS][BYTES];
static struct iovec iov[REQUESTS];
static unsigned done;
static int fd;

static void is_done(struct aio *aio)
{
    assert_int_equal(aio->result, BYTES);
    done++;
}

static void submit(unsigned count)
{
    done = refused = 0;
    for (unsigned i = 0; i < count; i++) {
        iov[i] = (struct iovec){.iov_base = data[i], .iov_len = BYTES};
        request[i] =
            (struct aio){.op = AIO_READ, .fd = fd, .iov = &iov[i], .count = 1, .done = is_done};
        aio_submit(&request[i]);
    }
    aio_kick();
}

static void wait_done(unsigned count)
{
    for (unsigned i = 0; i < 1000 && done < count; i++)
        loop_once(10);
    assert_int_equal(done, count);
}

static int setup(void **unused)
{
    char path[] = "/tmp/tarn-aio-XXXXXX";

    (void)unused;
    fd = mkstemp(path);
    unlink(path);
    assert_int_equal(write(fd, data[0], BYTES), BYTES);
    return loop_init() && workers_start() && aio_start(true) ? 0 : -1;
}

/* Nothing is under way whose completion would bring the next try. */
static void test_refused_at_first(void **unused)
{
    (void)unused;
    refusals = 3;
    submit(2);
    wait_done(2);
    assert_int_equal(refusals, 0);
}

/* More than the ring takes, for as long as the kernel takes none. */
static void test_refused_for_ever(void **unused)
{
    (void)unused;
    refusals = UINT32_MAX;
    submit(REQUESTS);
    wait_done(REQUESTS - ENTRIES);
    loop_once(30);
    assert_int_equal(done, REQUESTS - ENTRIES);
    assert_true(refused < REQUESTS);
    refusals = 0;
    wait_done(REQUESTS);
}

static void test_drain(void **unused)
{
    (void)unused;
    refusals = REQUESTS - ENTRIES + 3;
    submit(REQUESTS);
    aio_drain();
    assert_int_equal(done, REQUESTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_at_first),
        cmocka_unit_test(test_refused_for_ever),
        cmocka_unit_test(test_drain),
    };
    struct io_uring ring;

    if (io_uring_queue_init(1, &ring, 0) != 0) {
        printf("io_uring is not to be had on this machine: not tested\n");
        return 0;
    }
    io_uring_queue_exit(&ring);
    return cmocka_run_group_tests(tests, setup, NULL);
}
