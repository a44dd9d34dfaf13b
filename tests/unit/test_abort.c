/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding of stage-2 data aborts: random syndromes against a reading of the architecture's table
 * (Arm ARM D19.2.37) bit by bit, answers that come later, and everything that is no plain access.
 */
#include "unit.h"

#include "core/domain.h"
#include "core/sched.h"
#include "core/trap.h"

#define DEVICE_AT   0x9000000ul
#define DEVICE_SIZE 0x1000ul
#define HERE        0x40001000ul /* the guest's PC */

static struct domain domain;
static struct vcpu vcpu;
static struct mmio_access seen; /* by the device */
static unsigned calls, aborts, posts, upcalls, fetches, losses;
static vcpu_mask_t kicked;
static enum mmio_result result;
static uint64_t answer; /* of reads */
static bool is_mapped;  /* stage2_lookup finds a page */
static bool is_lost;    /* the fetch was at the vector it would be taken to */

void inject_abort(struct vcpu *of, bool instruction)
{
    assert_ptr_equal(of, &vcpu);
    if (instruction)
        fetches++;
    else
        aborts++;
}

bool inject_is_lost(void)
{
    return is_lost;
}

void domain_vcpu_lost(struct vcpu *of, uint64_t esr)
{
    assert_ptr_equal(of, &vcpu);
    assert_int_equal(esr, ESR_EC(EC_IABT_LOW) | ESR_IL | 7);
    losses++;
}

void sched_block(struct vcpu *of, enum vcpu_state state)
{
    assert_int_equal(state, VCPU_WAIT_REQUEST);
    assert_int_equal(posts, 0); /* nobody answers before it waits */
    of->state = state;
}

void vdev_post(struct vdev *vdev, unsigned id)
{
    assert_ptr_equal(vdev, &domain.vdev[0]);
    assert_int_equal(id, 3);
    assert_int_equal(vcpu.state, VCPU_WAIT_REQUEST);
    posts++;
}

void upcall_raise(struct domain *of)
{
    assert_ptr_equal(of, &domain);
    upcalls++;
}

void domain_kick_slow(struct domain *of, vcpu_mask_t mask)
{
    assert_ptr_equal(of, &domain);
    kicked |= mask;
}

bool stage2_lookup(struct stage2 *stage2, ipa_t ipa, pa_t *pa)
{
    (void)ipa;
    (void)pa;
    assert_ptr_equal(stage2, &domain.stage2);
    return is_mapped;
}

static enum mmio_result device(void *of, struct mmio_access *access)
{
    assert_ptr_equal(of, &domain.vdev[0]);
    seen = *access;
    calls++;
    if (!access->write)
        access->value = access->size == 8 ? answer : answer & ((1ul << 8 * access->size) - 1);
    if (result == MMIO_KICK)
        access->kick = 5;
    return result;
}

static int setup(void **state)
{
    (void)state;
    memset(&domain, 0, sizeof(domain));
    memset(&vcpu, 0, sizeof(vcpu));
    static const struct mmio_range nowhere;
    vcpu.domain = &domain;
    vcpu.id = 3;
    vcpu.last_range = &nowhere;
    vcpu.state = VCPU_RUNNING;
    assert_true(mmio_table_add(&domain.mmio, DEVICE_AT, DEVICE_SIZE, device, &domain.vdev[0]));
    calls = aborts = posts = upcalls = fetches = losses = 0;
    kicked = 0;
    result = MMIO_DONE;
    is_mapped = false;
    host_sysreg_reset();
    return 0;
}

/* The syndrome of a plain access. */
static uint64_t plain(unsigned log2_size, unsigned rt, bool write)
{
    return ESR_EC(EC_DABT_LOW) | ESR_IL | BIT(24) | (uint64_t)log2_size << 22 | (uint64_t)rt << 16 |
           BIT(15) | (uint64_t)write << 6 | 7;
}

static void take(uint64_t esr, uint64_t where)
{
    vcpu.x[31] = 0; /* as the vectors do */
    host_sysreg_write("elr_el2", HERE);
    host_sysreg_write("hpfar_el2", where >> 12 << 4);
    host_sysreg_write("far_el2",
                      0xffff800000000000 | (unit_random() << 12 & 0xfffffff000) | where % 4096);
    trap_dabt(&vcpu, esr);
}

static uint64_t pc(void)
{
    return host_sysreg_read("elr_el2");
}

/* What register rt holds after a load with this syndrome of this value. */
static uint64_t loaded(uint64_t esr, uint64_t value)
{
    unsigned bits = 8u << (esr >> 22 & 3);

    if (bits < 64)
        value &= (1ul << bits) - 1;
    if (esr >> 21 & 1 && value >> (bits - 1) & 1 && bits < 64) {
        value |= ~0ul << bits;
        if (!(esr >> 15 & 1))
            value &= 0xffffffff;
    }
    return value;
}

static void test_random(void **state)
{
    unsigned done = 0;

    (void)state;
    unit_random_seed(2);
    for (unsigned i = 0; i < 300000; i++) {
        uint64_t esr = ESR_EC(EC_DABT_LOW) | (unit_random() & 0x3ffffff);
        if (unit_random_below(4)) /* most of them plain, else few would be */
            esr = (esr & ~0x3cul) | BIT(24) | 4;
        if (esr & BIT(24)) /* valid: neither in a walk, nor of cache maintenance */
            esr &= ~(BIT(7) | BIT(8));
        if ((esr >> 22 & 3) == 3)
            esr &= ~BIT(21); /* there is no wider register to extend to */
        uint64_t where = DEVICE_AT - 64 + unit_random_below(DEVICE_SIZE + 128);
        unsigned size = 1u << (esr >> 22 & 3), rt = esr >> 16 & 31;
        bool good = esr & BIT(24) && (esr >> 2 & 15) == 1 && where % size == 0 &&
                    where >= DEVICE_AT && where < DEVICE_AT + DEVICE_SIZE;
        uint64_t before[31];
        for (unsigned r = 0; r < 31; r++)
            before[r] = vcpu.x[r] = unit_random();
        answer = unit_random();
        calls = aborts = 0;
        take(esr, where);
        assert_int_equal(calls, good);
        assert_int_equal(aborts, !good);
        assert_int_equal(pc(), HERE + (good ? esr & ESR_IL ? 4 : 2 : 0));
        if (good && !(esr & BIT(6)) && rt != 31)
            before[rt] = loaded(esr, answer);
        assert_memory_equal(vcpu.x, before, sizeof(before));
        if (!good)
            continue;
        done++;
        assert_int_equal(seen.offset, where - DEVICE_AT);
        assert_int_equal(seen.size, size);
        assert_int_equal(seen.write, esr >> 6 & 1);
        if (seen.write)
            assert_int_equal(mmio_data(&seen), loaded(esr & ~BIT(21), rt == 31 ? 0 : before[rt]));
    }
    assert_in_range(done, 50000, 250000);
}

static void test_effects(void **state)
{
    (void)state;
    result = MMIO_KICK;
    take(plain(2, 1, true), DEVICE_AT);
    assert_int_equal(pc(), HERE + 4);
    assert_int_equal(kicked, 5);
    assert_int_equal(upcalls, 0);
    assert_int_equal(vcpu.access.kick, 0);
    kicked = 0;
    result = MMIO_UPCALL;
    take(plain(2, 1, true), DEVICE_AT);
    assert_int_equal(pc(), HERE + 4);
    assert_int_equal(kicked, 0);
    assert_int_equal(upcalls, 1);
}

static void test_device_refuses(void **state)
{
    (void)state;
    result = MMIO_FAULT;
    vcpu.x[1] = 42;
    take(plain(2, 1, false), DEVICE_AT);
    assert_int_equal(aborts, 1);
    assert_int_equal(pc(), HERE);
    assert_int_equal(vcpu.x[1], 42);
}

static void test_answer_comes_later(void **state)
{
    (void)state;
    result = MMIO_WAIT;
    vcpu.x[9] = 42;
    uint64_t esr = plain(0, 9, false) | BIT(21);
    take(esr, DEVICE_AT + 0x101);
    assert_int_equal(pc(), HERE + 4);
    assert_int_equal(posts, 1);
    assert_int_equal(upcalls, 1);
    assert_int_equal(vcpu.x[9], 42);
    request_finish(&vcpu, 0xffffffffffffff80); /* a backend that answers too much */
    assert_int_equal(vcpu.x[9], 0xffffffffffffff80);
    vcpu.request = esr & ~BIT(21);
    request_finish(&vcpu, 0xffffffffffffff80);
    assert_int_equal(vcpu.x[9], 0x80);
    vcpu.request = esr | BIT(6); /* a write has no answer */
    request_finish(&vcpu, 1);
    assert_int_equal(vcpu.x[9], 0x80);
}

static void test_page_came_meanwhile(void **state)
{
    (void)state;
    is_mapped = true; /* mapped between the fault and now: the guest tries again */
    take(plain(2, 1, false), DEVICE_AT + DEVICE_SIZE);
    assert_int_equal(aborts, 0);
    assert_int_equal(pc(), HERE);
    take((plain(2, 1, false) & ~0x3ful) | 0xf,
         DEVICE_AT + DEVICE_SIZE); /* permission, not translation */
    assert_int_equal(aborts, 1);
}

/* The guest takes an aborted fetch itself, unless it came from where it would be taken to. */
static void test_fetches(void **state)
{
    const uint64_t esr = ESR_EC(EC_IABT_LOW) | ESR_IL | 7;

    (void)state;
    is_lost = false;
    trap_iabt(&vcpu, esr);
    assert_int_equal(fetches, 1);
    assert_int_equal(losses, 0);
    is_lost = true;
    trap_iabt(&vcpu, esr);
    assert_int_equal(fetches, 1);
    assert_int_equal(losses, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_random, setup),
        cmocka_unit_test_setup(test_effects, setup),
        cmocka_unit_test_setup(test_device_refuses, setup),
        cmocka_unit_test_setup(test_answer_comes_later, setup),
        cmocka_unit_test_setup(test_page_came_meanwhile, setup),
        cmocka_unit_test_setup(test_fetches, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
