/* SPDX-License-Identifier: Apache-2.0 */
/* The unit-test platform itself: panics are caught, registers remember. */
#include "unit.h"

#include "platform/cpu.h"
#include "platform/log.h"
#include "platform/mmio.h"
#include "platform/panic.h"
#include "platform/spinlock.h"
#include "platform/string.h"
#include "platform/sysreg.h"

static void fail_if_odd(unsigned value)
{
    assert(value % 2 == 0);
}

static void test_assert_is_caught(void **state)
{
    (void)state;
    fail_if_odd(2);
    expect_assert_failure(fail_if_odd(3));
    expect_assert_failure(panic("%s", "on purpose"));
}

static void test_sysreg_remembers(void **state)
{
    (void)state;
    host_sysreg_reset();
    assert_int_equal(sysreg_read(vttbr_el2), 0);
    sysreg_write(vttbr_el2, 42);
    assert_int_equal(sysreg_read(VTTBR_EL2), 42);
    assert_int_equal(sysreg_read(vtcr_el2), 0);
}

static void test_spinlock(void **state)
{
    spinlock_t lock = {0};

    (void)state;
    spin_lock(&lock);
    assert_true(spin_is_locked(&lock));
    spin_unlock(&lock);
    assert_false(spin_is_locked(&lock));
}

static void test_mmio_is_memory(void **state)
{
    uint64_t word = 0;

    (void)state;
    mmio_write32(&word, 7);
    mmio_write8(&word, 8);
    assert_int_equal(mmio_read64(&word), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_assert_is_caught),
        cmocka_unit_test(test_sysreg_remembers),
        cmocka_unit_test(test_spinlock),
        cmocka_unit_test(test_mmio_is_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
