/* SPDX-License-Identifier: Apache-2.0 */
/* Split virtqueues, device side: the rules, rings that break them, and a device that died. */
#include "unit.h"

#include "guests/dom0/backend/virtqueue.h"
#include "tests/unit/virtio_guest.h"

#define RING   (GUEST_IPA + 0x10000)
#define BUFFER (GUEST_IPA + 0x40000)
#define SIZE   8

static struct guest guest;
static struct ring ring;
static struct vq_state queue;
static struct virtqueue vq;
static struct vq_chain chain;

static bool start(void)
{
    queue.desc = ring.at;
    queue.driver = ring.at + 4096;
    queue.device = ring.at + 6144;
    queue.size = ring.size;
    if (!vq_start(&vq))
        return false;
    queue.ready = 1;
    return true;
}

static int setup(void **state)
{
    (void)state;
    guest_open(&guest);
    ring_open(&ring, &guest, RING, SIZE);
    memset(&queue, 0, sizeof(queue));
    vq_init(&vq, &queue, &guest.memory);
    assert_true(start());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    guest_close(&guest);
    return 0;
}

static void test_guest_at_bounds(void **state)
{
    const struct guest_memory *memory = &guest.memory;

    (void)state;
    assert_ptr_equal(guest_at(memory, GUEST_IPA, GUEST_SIZE), memory->base);
    assert_null(guest_at(memory, GUEST_IPA, GUEST_SIZE + 1));
    assert_null(guest_at(memory, GUEST_IPA - 1, 1));
    assert_non_null(guest_at(memory, GUEST_IPA + GUEST_SIZE - 1, 1));
    assert_null(guest_at(memory, GUEST_IPA + GUEST_SIZE, 1));
    assert_null(guest_at(memory, UINT64_MAX, 2));
    assert_null(guest_at(memory, GUEST_IPA + 1, UINT64_MAX));
}

static void test_chain_round_trip(void **state)
{
    (void)state;
    assert_int_equal(vq_pop(&vq, &chain), VQ_EMPTY);
    ring_desc(&ring, 3, BUFFER, 10, VRING_DESC_F_NEXT, 5);
    ring_desc(&ring, 5, BUFFER + 10, 20, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 0);
    ring_desc(&ring, 0, BUFFER + 30, 5, VRING_DESC_F_WRITE, 0);
    ring_offer(&ring, 3);
    assert_int_equal(vq_pop(&vq, &chain), VQ_GOT);
    assert_int_equal(chain.head, 3);
    assert_int_equal(chain.readable, 1);
    assert_int_equal(chain.writable, 2);
    assert_int_equal(chain.readable_bytes, 10);
    assert_int_equal(chain.writable_bytes, 25);
    assert_int_equal(iov_write(chain.segment + 1, 2, 18, "abcd", 4), 4);
    assert_memory_equal(guest_pointer(&guest, BUFFER + 28), "abcd", 4);
    char text[8];
    assert_int_equal(iov_read(chain.segment + 1, 2, 18, text, sizeof(text)), 7);
    assert_memory_equal(text, "abcd", 4);
    assert_null(ring_take(&ring));
    vq_push(&vq, 3, 7);
    struct vring_used_elem *used = ring_take(&ring);
    assert_non_null(used);
    assert_int_equal(used->id, 3);
    assert_int_equal(used->len, 7);
    assert_int_equal(vq_pop(&vq, &chain), VQ_EMPTY);
}

static void test_indices_wrap(void **state)
{
    (void)state;
    ring_desc(&ring, 1, BUFFER, 4, 0, 0);
    for (unsigned i = 0; i < 70000; i++) {
        ring_offer(&ring, 1);
        assert_int_equal(vq_pop(&vq, &chain), VQ_GOT);
        vq_push(&vq, chain.head, 0);
        assert_non_null(ring_take(&ring));
    }
}

static void test_indirect(void **state)
{
    struct vring_desc *table = guest_pointer(&guest, BUFFER);

    (void)state;
    for (uint16_t i = 0; i < SIZE; i++)
        table[i] = (struct vring_desc){.addr = BUFFER + 4096 + i,
                                       .len = 1,
                                       .flags = i < SIZE - 1 ? VRING_DESC_F_NEXT : 0,
                                       .next = (uint16_t)(i + 1)};
    ring_desc(&ring, 2, BUFFER, 16 * SIZE, VRING_DESC_F_INDIRECT, 0);
    ring_offer(&ring, 2);
    assert_int_equal(vq_pop(&vq, &chain), VQ_GOT);
    assert_int_equal(chain.readable, SIZE);
    assert_int_equal(chain.head, 2);
}

static void test_notifications_without_event_index(void **state)
{
    (void)state;
    ring_desc(&ring, 0, BUFFER, 1, 0, 0);
    vq_busy(&vq);
    assert_int_equal(ring.used[0], VRING_USED_F_NO_NOTIFY);
    assert_true(vq_wait(&vq));
    assert_int_equal(ring.used[0], 0);
    assert_false(vq_must_signal(&vq)); /* nothing pushed */
    ring_offer(&ring, 0);
    assert_false(vq_wait(&vq));
    assert_int_equal(vq_pop(&vq, &chain), VQ_GOT);
    vq_push(&vq, 0, 0);
    assert_true(vq_must_signal(&vq));
    assert_false(vq_must_signal(&vq));
    ring.avail[0] = VRING_AVAIL_F_NO_INTERRUPT;
    ring_offer(&ring, 0);
    assert_int_equal(vq_pop(&vq, &chain), VQ_GOT);
    vq_push(&vq, 0, 0);
    assert_false(vq_must_signal(&vq));
}

static void test_notifications_with_event_index(void **state)
{
    uint16_t *used_event = &ring.avail[2 + SIZE];
    uint16_t *avail_event = &ring.used[2 + 4 * SIZE];

    (void)state;
    queue.event_idx = 1;
    for (uint16_t i = 0; i < 4; i++) {
        ring_desc(&ring, i, BUFFER, 1, 0, 0);
        ring_offer(&ring, i);
        assert_int_equal(vq_pop(&vq, &chain), VQ_GOT);
    }
    assert_true(vq_wait(&vq));
    assert_int_equal(*avail_event, 4);
    *used_event = 2;
    vq_push(&vq, 0, 0);
    vq_push(&vq, 1, 0);
    assert_false(vq_must_signal(&vq));
    vq_push(&vq, 2, 0);
    assert_true(vq_must_signal(&vq));
    vq_push(&vq, 3, 0);
    assert_false(vq_must_signal(&vq));
}

static void expect_broken(void)
{
    assert_int_equal(vq_pop(&vq, &chain), VQ_BROKEN);
    assert_non_null(vq.broken);
    assert_int_equal(vq_pop(&vq, &chain), VQ_BROKEN);
    assert_true(vq_wait(&vq));
    assert_false(vq_must_signal(&vq));
    vq_reset(&vq);
    ring_open(&ring, &guest, RING, SIZE);
    assert_true(start());
}

static void test_hostile_chains(void **state)
{
    (void)state;
    ring_desc(&ring, 0, BUFFER, 1, VRING_DESC_F_NEXT, 0); /* a loop */
    ring_offer(&ring, 0);
    expect_broken();
    ring_desc(&ring, 0, BUFFER, 1, VRING_DESC_F_NEXT, SIZE); /* an index out of range */
    ring_offer(&ring, 0);
    expect_broken();
    ring_desc(&ring, 0, GUEST_IPA + GUEST_SIZE - 1, 2, 0, 0); /* beyond RAM */
    ring_offer(&ring, 0);
    expect_broken();
    ring_desc(&ring, 0, UINT64_MAX - 1, 4, 0, 0); /* wraps */
    ring_offer(&ring, 0);
    expect_broken();
    ring_desc(&ring, 0, BUFFER, 1, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE,
              1); /* read after write */
    ring_desc(&ring, 1, BUFFER, 1, 0, 0);
    ring_offer(&ring, 0);
    expect_broken();
    ring_desc(&ring, 0, BUFFER, 1, VRING_DESC_F_NEXT, 1); /* an indirect table not at the front */
    ring_desc(&ring, 1, BUFFER, 16, VRING_DESC_F_INDIRECT, 0);
    ring_offer(&ring, 0);
    expect_broken();
    ring_offer(&ring, SIZE); /* no such head */
    expect_broken();
    ring.avail[1] = SIZE + 1; /* more than fits */
    expect_broken();
}

static void test_hostile_indirect(void **state)
{
    struct vring_desc *table = guest_pointer(&guest, BUFFER);

    (void)state;
    ring_desc(&ring, 0, BUFFER, 15, VRING_DESC_F_INDIRECT, 0);
    ring_offer(&ring, 0);
    expect_broken();
    ring_desc(&ring, 0, BUFFER, 0, VRING_DESC_F_INDIRECT, 0);
    ring_offer(&ring, 0);
    expect_broken();
    ring_desc(&ring, 0, GUEST_IPA + GUEST_SIZE - 16, 32, VRING_DESC_F_INDIRECT, 0);
    ring_offer(&ring, 0);
    expect_broken();
    ring_desc(&ring, 0, BUFFER, 32, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1);
    ring_offer(&ring, 0);
    expect_broken();
    ring_desc(&ring, 0, BUFFER, 16, VRING_DESC_F_INDIRECT, 0); /* a table in a table */
    table[0] = (struct vring_desc){.addr = BUFFER, .len = 16, .flags = VRING_DESC_F_INDIRECT};
    ring_offer(&ring, 0);
    expect_broken();
    for (uint16_t i = 0; i < 2 * SIZE; i++) /* longer than the queue */
        table[i] = (struct vring_desc){
            .addr = BUFFER, .len = 1, .flags = VRING_DESC_F_NEXT, .next = (uint16_t)(i + 1)};
    ring_desc(&ring, 0, BUFFER, 32 * SIZE, VRING_DESC_F_INDIRECT, 0);
    ring_offer(&ring, 0);
    expect_broken();
}

static void test_head_twice(void **state)
{
    (void)state;
    ring_desc(&ring, 1, BUFFER, 1, 0, 0);
    ring_offer(&ring, 1);
    ring_offer(&ring, 1);
    assert_int_equal(vq_pop(&vq, &chain), VQ_GOT);
    expect_broken();
}

static void refuse(uint64_t desc, uint64_t driver, uint64_t device, uint16_t size)
{
    vq_reset(&vq);
    queue.desc = desc;
    queue.driver = driver;
    queue.device = device;
    queue.size = size;
    assert_false(vq_start(&vq));
    assert_non_null(vq.broken);
    assert_false(vq_resume(&vq));
}

static void test_hostile_rings(void **state)
{
    const uint64_t a = RING, end = GUEST_IPA + GUEST_SIZE;

    (void)state;
    refuse(a, a, a, 0);
    refuse(a, a, a, 3);
    refuse(a, a, a, 512);
    refuse(a + 8, a, a, SIZE);
    refuse(a, a + 1, a, SIZE);
    refuse(a, a, a + 2, SIZE);
    refuse(0, a, a, SIZE);
    refuse(end - 16 * SIZE + 16, a, a, SIZE);
    refuse(a, end - 4, a, SIZE);
    refuse(a, a, end - 8 * SIZE, SIZE);
    refuse(UINT64_MAX - 15, a, a, SIZE);
}

/* Whatever is in the rings: no byte outside RAM, no endless chain. */
static void test_random_rings(void **state)
{
    uint8_t *base = guest.memory.base;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        vq_reset(&vq);
        ring_open(&ring, &guest, RING, SIZE);
        assert_true(start());
        for (unsigned i = 0; i < SIZE; i++)
            ring_desc(&ring, i,
                      unit_random_below(4) ? BUFFER + 16 * unit_random_below(8) : unit_random(),
                      (uint32_t)(unit_random_below(4) ? 16 * unit_random_below(4) : unit_random()),
                      (uint16_t)unit_random_below(8), (uint16_t)unit_random_below(SIZE + 1));
        memcpy(guest_pointer(&guest, BUFFER), ring.desc, 16 * SIZE);
        for (unsigned i = 0; i < SIZE; i++)
            ring.avail[2 + i] = (uint16_t)unit_random_below(SIZE + (unit_random_below(8) == 0));
        ring.avail[1] = (uint16_t)unit_random_below(SIZE + 2);
        unsigned popped = 0;
        while (vq_pop(&vq, &chain) == VQ_GOT) {
            assert_true(++popped <= SIZE);
            for (unsigned i = 0; i < chain.readable + chain.writable; i++) {
                uint8_t *at = chain.segment[i].iov_base;
                assert_true(at >= base && at + chain.segment[i].iov_len <= base + GUEST_SIZE);
            }
            if (unit_random_below(2))
                vq_push(&vq, chain.head, 0);
        }
    }
}

/* A new backend on the same state: buffers that were not returned come again, once. */
static void test_resume(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < 5; i++) {
        ring_desc(&ring, i, BUFFER, 1, 0, 0);
        ring_offer(&ring, i);
    }
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(vq_pop(&vq, &chain), VQ_GOT);
    vq_push(&vq, 1, 0);
    vq_push(&vq, 3, 0);
    vq_init(&vq, &queue, &guest.memory);
    assert_true(vq_resume(&vq));
    static const uint16_t expected[] = {0, 2, 4};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(vq_pop(&vq, &chain), VQ_GOT);
        assert_int_equal(chain.head, expected[i]);
        vq_push(&vq, chain.head, 0);
    }
    assert_int_equal(vq_pop(&vq, &chain), VQ_EMPTY);
    assert_int_equal(ring.used[1], 5);
}

/* It died between telling the driver and noting that it had. */
static void test_resume_while_publishing(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < 2; i++) {
        ring_desc(&ring, i, BUFFER, 1, 0, 0);
        ring_offer(&ring, i);
        assert_int_equal(vq_pop(&vq, &chain), VQ_GOT);
    }
    struct vq_state before = queue;
    vq_push(&vq, 0, 0);
    queue = before;
    queue.publishing = 1;
    vq_init(&vq, &queue, &guest.memory);
    assert_true(vq_resume(&vq));
    assert_int_equal(vq_pop(&vq, &chain), VQ_GOT);
    assert_int_equal(chain.head, 1);
    vq_push(&vq, 1, 0);
    assert_int_equal(ring.used[1], 2);
    assert_int_equal(vq_pop(&vq, &chain), VQ_EMPTY);
}

/* It died between marking a head and counting it. */
static void test_resume_while_popping(void **state)
{
    (void)state;
    ring_desc(&ring, 0, BUFFER, 1, 0, 0);
    ring_offer(&ring, 0);
    assert_int_equal(vq_pop(&vq, &chain), VQ_GOT);
    queue.next_avail = 0;
    vq_init(&vq, &queue, &guest.memory);
    assert_true(vq_resume(&vq));
    assert_int_equal(vq_pop(&vq, &chain), VQ_GOT);
    assert_int_equal(vq_pop(&vq, &chain), VQ_EMPTY);
}

static void test_push_all(void **state)
{
    struct vring_used_elem elements[3];

    (void)state;
    for (uint16_t i = 0; i < 3; i++) {
        ring_desc(&ring, i, BUFFER, 1, 0, 0);
        ring_offer(&ring, i);
        assert_int_equal(vq_pop(&vq, &chain), VQ_GOT);
        elements[i] = (struct vring_used_elem){.id = 2u - i, .len = i};
    }
    vq_push_all(&vq, elements, 3);
    assert_int_equal(ring.used[1], 3);
    assert_int_equal(ring.elements[0].id, 2);
    assert_int_equal(ring.elements[2].len, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_guest_at_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chain_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_indices_wrap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_indirect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_notifications_without_event_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_notifications_with_event_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_chains, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_indirect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_head_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_rings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_rings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resume, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resume_while_publishing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resume_while_popping, setup, teardown),
        cmocka_unit_test_setup_teardown(test_push_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
