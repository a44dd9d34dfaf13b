/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio-mmio transport at EL2: hot registers, forwarding, hostile accesses, lost
 * notifications. */
#include "unit.h"

#include "guests/abi/domu.h"
#include "platform/panic.h"

/* The code under test, with a place for other CPUs' steps before each of its atomic ones. */
static void others_take_steps(void);
#define __atomic_fetch_or(where, bits, order)                                                      \
    (others_take_steps(), __atomic_fetch_or(where, bits, order))
#include "virtio/vdev.c"
#undef __atomic_fetch_or

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
    enum mmio_result result = vdev_access(&vdev, &access);
    assert_true(result == MMIO_UPCALL || result == MMIO_DONE);
    return result == MMIO_UPCALL;
}

static uint64_t read_done(uint64_t offset)
{
    struct mmio_access access = read_of(offset, 4);
    assert_int_equal(vdev_access(&vdev, &access), MMIO_DONE);
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

/* A device that is none of virtio: all of its page is requests, as wide as they may be. */
static void test_plain(void **state)
{
    struct vdev plain;

    (void)state;
    assert_true(vdev_init(&plain, &page, 1, TARN_PLAIN_ID, 1));
    for (uint64_t offset = 0; offset < 0x1000; offset += 4) {
        struct mmio_access read = read_of(offset, 4), write = write_of(offset, 4, 0);
        assert_int_equal(vdev_access(&plain, &read), MMIO_WAIT);
        assert_int_equal(vdev_access(&plain, &write), MMIO_WAIT);
    }
    struct mmio_access end = read_of(0xffc, 8), wide = read_of(0x50, 8);
    assert_int_equal(vdev_access(&plain, &end), MMIO_FAULT);
    assert_int_equal(vdev_access(&plain, &wide), MMIO_WAIT);
    assert_int_equal(page.queues[1], 0);
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
    static const uint64_t bad[] = {QUEUES, 63, 64, 65, 0x10000, 0xffffffff, 0x80000000, UINT64_MAX};
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
    assert_int_equal(read_done(0x060), 0);
}

/* The slot is filled by the access; the bit waits for vdev_post. */
static void check_request(const struct mmio_access *access)
{
    const struct tarn_request *request = &page.request[access->vcpu];
    assert_int_equal(page.requests, 0);
    vdev_post(&vdev, access->vcpu);
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
 * The race of vdev.c's proof: before each atomic step of a vCPU that notifies, dom0 and other vCPUs
 * may take steps of theirs, chosen at random. dom0 looks only when it got an upcall, devices first.
 */
static uint32_t posted[QUEUES], seen[QUEUES];
static unsigned upcalls, depth;
static uint64_t devices_taken;
static bool racing;

static void dom0_step(void)
{
    if (devices_taken & BIT(INDEX)) {
        uint64_t queues = __atomic_exchange_n(&page.queues[INDEX], 0, __ATOMIC_ACQUIRE);
        for (unsigned q = 0; q < QUEUES; q++)
            if (queues & BIT(q))
                seen[q] = posted[q];
        devices_taken = 0;
    } else if (upcalls > 0) {
        upcalls = 0;
        devices_taken = __atomic_exchange_n(&page.devices, 0, __ATOMIC_ACQUIRE);
    }
}

static void notify_some_queue(void)
{
    uint64_t queue = unit_random_below(2);
    depth++;
    posted[queue]++;
    if (write_done(0x050, queue))
        upcalls++;
    depth--;
}

static void others_take_steps(void)
{
    if (!racing)
        return;
    for (uint64_t steps = unit_random_below(4); steps > 0; steps--) {
        if (depth < 3 && unit_random_below(3) == 0)
            notify_some_queue();
        else
            dom0_step();
    }
}

static void test_no_notify_is_lost(void **state)
{
    racing = true;
    for (unsigned round = 0; round < 50000; round++) {
        setup(state);
        for (unsigned i = 0; i < 4; i++) {
            notify_some_queue();
            others_take_steps();
        }
        while (upcalls > 0 || devices_taken != 0)
            dom0_step();
        assert_memory_equal(seen, posted, sizeof(seen));
        assert_int_equal(page.devices, 0);
        assert_int_equal(page.queues[INDEX], 0);
    }
    racing = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_init_bounds, setup),
        cmocka_unit_test_setup(test_plain, setup),
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
