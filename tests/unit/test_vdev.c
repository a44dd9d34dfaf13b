/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio-mmio transport at EL2: hot registers, forwarding, hostile accesses, and no notify
 * lost. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "guests/abi/domu.h"
#include "platform/panic.h"
#include "virtio/vdev.h"

#define INDEX  3u
#define QUEUES 5u

static struct tarn_notify_page page;
static struct vdev vdev;

static int setup(void **state)
{
    (void)state;
    memset(&page, 0, sizeof(page));
    assert_true(vdev_init(&vdev, &page, INDEX, 2, QUEUES));
    return 0;
}

static struct mmio_access write_of(uint64_t offset, unsigned size, uint64_t value)
{
    return (struct mmio_access){
        .offset = offset, .vcpu = 1, .size = (uint8_t)size, .write = true, .value = value};
}

static struct mmio_access read_of(uint64_t offset, unsigned size)
{
    return (struct mmio_access){
        .offset = offset, .vcpu = 1, .size = (uint8_t)size, .value = 0xdead};
}

/* Does a 32-bit write that must be done at EL2; returns whether dom0 is to be told. */
static bool write_done(uint64_t offset, uint64_t value)
{
    struct mmio_access access = write_of(offset, 4, value);
    assert_int_equal(vdev_access(&vdev, &access), MMIO_DONE);
    return access.upcall;
}

static uint64_t read_done(uint64_t offset)
{
    struct mmio_access access = read_of(offset, 4);
    assert_int_equal(vdev_access(&vdev, &access), MMIO_DONE);
    assert_false(access.upcall);
    return access.value;
}

static void test_init_bounds(void **state)
{
    struct vdev other;
    (void)state;
    assert_true(vdev_init(&other, &page, TARN_MAX_VDEVS - 1, 63, TARN_MAX_QUEUES));
    assert_false(vdev_init(&other, &page, TARN_MAX_VDEVS, 1, 1));
    assert_false(vdev_init(&other, &page, 0, 0, 1));
    assert_false(vdev_init(&other, &page, 0, 64, 1));
    assert_false(vdev_init(&other, &page, 0, 0x100000001, 1));
    assert_false(vdev_init(&other, &page, 0, 1, 0));
    assert_false(vdev_init(&other, &page, 0, 1, TARN_MAX_QUEUES + 1));
    assert_false(vdev_init(&other, &page, 0, 1, 0x100000001));
}

static void test_identification(void **state)
{
    (void)state;
    assert_int_equal(read_done(0x000), 0x74726976);
    assert_int_equal(read_done(0x004), 2);
    assert_int_equal(read_done(0x008), 2);
    assert_int_equal(page.requests, 0);
}

static void test_notify_coalesces(void **state)
{
    (void)state;
    assert_true(write_done(0x050, 0));
    assert_false(write_done(0x050, 0)); /* bit is there already */
    assert_false(write_done(0x050, 4)); /* another queue: dom0 has yet to take the device's bit */
    assert_int_equal(page.devices, BIT(INDEX));
    assert_int_equal(page.queues[INDEX], 0x11);
    page.devices = 0; /* dom0 took devices, but not the queues yet */
    assert_false(write_done(0x050, 0));
    assert_int_equal(page.devices, 0);
    assert_true(write_done(0x050, 1));
    page.devices = 0;
    page.queues[INDEX] = 0;
    assert_true(write_done(0x050, 0));
    page.devices = BIT(7); /* another device's bit, not taken yet: its upcall is under way */
    page.queues[INDEX] = 0;
    assert_false(write_done(0x050, 0));
    assert_int_equal(page.devices, BIT(7) | BIT(INDEX));
}

static void test_notify_out_of_range_is_ignored(void **state)
{
    static const uint64_t bad[] = {QUEUES,  63,         64,          65,
                                   0x10000, 0xffffffff, 0x100000000, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(write_done(0x050, bad[i]));
    assert_int_equal(page.devices, 0);
    assert_int_equal(page.queues[INDEX], 0);
}

static void test_interrupt_status_and_ack(void **state)
{
    (void)state;
    assert_false(vdev_interrupt(&vdev, 0));
    assert_false(vdev_interrupt(&vdev, 4));
    assert_false(vdev_interrupt(&vdev, 0x100000001));
    assert_int_equal(read_done(0x060), 0);
    assert_true(vdev_interrupt(&vdev, 1));
    assert_true(vdev_interrupt(&vdev, 2));
    assert_int_equal(read_done(0x060), 3);
    assert_false(write_done(0x064, 1));
    assert_int_equal(read_done(0x060), 2);
    assert_false(write_done(0x064, UINT32_MAX));
    assert_int_equal(read_done(0x060), 0);
    assert_int_equal(page.requests, 0);
}

static void test_reset_clears_and_forwards(void **state)
{
    struct mmio_access access = write_of(0x070, 4, 1);
    (void)state;
    assert_true(vdev_interrupt(&vdev, 3));
    assert_int_equal(vdev_access(&vdev, &access), MMIO_WAIT);
    assert_int_equal(read_done(0x060), 3);
    access = write_of(0x070, 4, 0);
    assert_int_equal(vdev_access(&vdev, &access), MMIO_WAIT);
    assert_true(access.upcall);
    assert_int_equal(read_done(0x060), 0);
}

static void check_request(const struct mmio_access *access)
{
    const struct tarn_request *request = &page.request[access->vcpu];
    assert_int_equal(page.requests, BIT(access->vcpu));
    assert_int_equal(request->offset, access->offset);
    assert_int_equal(request->size, access->size);
    assert_int_equal(request->write, access->write);
    assert_int_equal(request->value, access->write ? access->value : 0);
    assert_int_equal(request->device, INDEX);
    assert_int_equal(request->vcpu, access->vcpu);
}

static void test_request_is_posted(void **state)
{
    struct mmio_access access = write_of(0x080, 4, 0x12345678);
    (void)state;
    access.vcpu = 31;
    assert_int_equal(vdev_access(&vdev, &access), MMIO_WAIT);
    assert_true(access.upcall);
    check_request(&access);
    page.requests = 0;
    access = read_of(0x103, 1);
    access.vcpu = 31;
    assert_int_equal(vdev_access(&vdev, &access), MMIO_WAIT);
    check_request(&access);
    access.vcpu = TARN_MAX_VCPUS;
    expect_assert_failure(vdev_access(&vdev, &access));
}

/* Every offset (also beyond the page), size and direction: an answer, nothing outside the page
 * touched. */
static void test_hostile_accesses(void **state)
{
    static const uint8_t sizes[] = {1, 2, 4, 8};
    (void)state;
    for (uint64_t offset = 0; offset < DOMU_VIRTIO_STRIDE + 64; offset++) {
        for (size_t i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
            struct mmio_access access = write_of(offset, sizes[i / 2], 0x80);
            access.write = i % 2;
            page.requests = 0;
            enum mmio_result result = vdev_access(&vdev, &access);
            if (offset + sizes[i / 2] > DOMU_VIRTIO_STRIDE)
                assert_int_equal(result, MMIO_FAULT);
            else if (offset < 0x100 && (offset % 4 || sizes[i / 2] != 4))
                assert_int_equal(result, MMIO_DONE);
            if (result == MMIO_WAIT)
                check_request(&access);
            else
                assert_int_equal(page.requests, 0);
        }
    }
    struct mmio_access far = read_of(UINT64_MAX - 3, 4);
    assert_int_equal(vdev_access(&vdev, &far), MMIO_FAULT);
    assert_int_equal(page.devices, 0);
}

/* Direction matters: what the driver may only write reads as zero without bothering the backend. */
static void test_directions(void **state)
{
    static const uint16_t write_only[] = {0x14, 0x20, 0x24, 0x30, 0x38,
                                          0x50, 0x64, 0x80, 0xa4, 0xac};
    static const uint16_t read_only[] = {0x00, 0x04, 0x08, 0x0c, 0x10, 0x34, 0x60, 0xb0, 0xfc};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(write_only); i++)
        assert_int_equal(read_done(write_only[i]), 0);
    for (size_t i = 0; i < ARRAY_SIZE(read_only); i++)
        assert_false(write_done(read_only[i], 1));
    assert_int_equal(page.requests, 0);
}

/*
 * The race of vdev.c's proof, played by two vCPUs of a guest and a dom0 that looks only when it got
 * an upcall. A vCPU waits until each of its notifications was seen, like a driver for its request.
 * A signal stops the vCPUs' threads at random instructions, so that dom0 gets its turn between any
 * two of them.
 */
#define ROUNDS   50000u
#define PATIENCE 5 /* seconds */
static uint32_t posted[QUEUES], seen[QUEUES];
static uint32_t upcalls, done, lost;

static void pause_here(int signal)
{
    (void)signal;
    nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
}

static void block_alarm(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(how, &set, NULL);
}

static bool wait_until_seen(unsigned queue, uint32_t round)
{
    time_t start = time(NULL);
    for (unsigned spins = 1; __atomic_load_n(&seen[queue], __ATOMIC_ACQUIRE) != round; spins++) {
        if (spins % 64 == 0)
            sched_yield();
        if (spins % 65536 == 0 && time(NULL) - start > PATIENCE)
            return false;
    }
    return true;
}

static void *notifier(void *argument)
{
    unsigned queue = (unsigned)(uintptr_t)argument;
    block_alarm(SIG_UNBLOCK);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        struct mmio_access access = write_of(0x050, 4, queue);
        __atomic_store_n(&posted[queue], round, __ATOMIC_RELAXED);
        vdev_access(&vdev, &access);
        if (access.upcall)
            __atomic_fetch_add(&upcalls, 1, __ATOMIC_SEQ_CST);
        if (!wait_until_seen(queue, round)) {
            __atomic_fetch_add(&lost, 1, __ATOMIC_SEQ_CST);
            break;
        }
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void take_all(void)
{
    uint64_t devices = __atomic_exchange_n(&page.devices, 0, __ATOMIC_ACQUIRE);
    if (!(devices & BIT(INDEX)))
        return;
    uint64_t queues = __atomic_exchange_n(&page.queues[INDEX], 0, __ATOMIC_ACQUIRE);
    for (unsigned q = 0; q < QUEUES; q++)
        if (queues & BIT(q))
            __atomic_store_n(&seen[q], __atomic_load_n(&posted[q], __ATOMIC_RELAXED),
                             __ATOMIC_RELEASE);
}

static void test_no_notify_is_lost(void **state)
{
    const struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    pthread_t thread[2];
    (void)state;
    block_alarm(SIG_BLOCK);
    signal(SIGALRM, pause_here);
    setitimer(ITIMER_REAL, &often, NULL);
    for (uintptr_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, notifier, (void *)i), 0);
    while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) != 2) {
        if (__atomic_exchange_n(&upcalls, 0, __ATOMIC_SEQ_CST) != 0)
            take_all();
        else
            sched_yield();
    }
    setitimer(ITIMER_REAL, &never, NULL);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(lost, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_init_bounds, setup),
        cmocka_unit_test_setup(test_identification, setup),
        cmocka_unit_test_setup(test_notify_coalesces, setup),
        cmocka_unit_test_setup(test_notify_out_of_range_is_ignored, setup),
        cmocka_unit_test_setup(test_interrupt_status_and_ack, setup),
        cmocka_unit_test_setup(test_reset_clears_and_forwards, setup),
        cmocka_unit_test_setup(test_request_is_posted, setup),
        cmocka_unit_test_setup(test_hostile_accesses, setup),
        cmocka_unit_test_setup(test_directions, setup),
        cmocka_unit_test_setup(test_no_notify_is_lost, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
