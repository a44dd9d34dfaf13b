/* SPDX-License-Identifier: Apache-2.0 */
/* The timers of a vCPU: what the Arm ARM says of CompareValue, TimerValue and the control register.
 */
#include "unit.h"

#include "platform/sysreg.h"
#include "timer/vtimer.h"

static struct vtimer timer;

static int setup(void **state)
{
    (void)state;
    host_sysreg_reset();
    vtimer_init(&timer, 1000);
    return 0;
}

static void test_tval_is_signed(void **state)
{
    (void)state;
    vtimer_write_tval(&timer, 5000, 10);
    assert_int_equal(timer.cntp_cval, 5010);
    vtimer_write_tval(&timer, 5000, 0xffffffff);
    assert_int_equal(timer.cntp_cval, 4999);
    vtimer_write_tval(&timer, 5000, 0x80000000);
    assert_int_equal(timer.cntp_cval, 5000 - 0x80000000ull);
    vtimer_write_tval(&timer, 5000, 0xdeadbeef00000001); /* the upper half does not count */
    assert_int_equal(timer.cntp_cval, 5001);
}

static void test_tval_reads_32_bits_of_the_difference(void **state)
{
    (void)state;
    timer.cntp_cval = 5000;
    assert_int_equal(vtimer_read_tval(&timer, 4990), 10);
    assert_int_equal(vtimer_read_tval(&timer, 5001), 0xffffffff);
    timer.cntp_cval = 0x500000000;
    assert_int_equal(vtimer_read_tval(&timer, 1), 0xffffffff);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t now = unit_random(), value = unit_random();
        vtimer_write_tval(&timer, now, value);
        assert_int_equal(vtimer_read_tval(&timer, now), value & UINT32_MAX);
    }
}

static void test_tval_wraps(void **state)
{
    (void)state;
    vtimer_write_tval(&timer, UINT64_MAX - 4, 10);
    assert_int_equal(timer.cntp_cval, 5);
    vtimer_write_tval(&timer, 2, 0xfffffff0);
    assert_int_equal(timer.cntp_cval, UINT64_MAX - 13);
    vtimer_write_ctl(&timer, CNT_CTL_ENABLE);
    assert_false(vtimer_physical_line(&timer, 2)); /* unsigned: that is far ahead */
}

static void test_control(void **state)
{
    (void)state;
    timer.cntp_cval = 100;
    assert_int_equal(vtimer_read_ctl(&timer, 200), 0);
    vtimer_write_ctl(&timer, UINT64_MAX);
    assert_int_equal(vtimer_read_ctl(&timer, 99), CNT_CTL_ENABLE | CNT_CTL_IMASK);
    assert_int_equal(vtimer_read_ctl(&timer, 100), 7);
    assert_false(vtimer_physical_line(&timer, 100));
    assert_int_equal(vtimer_physical_deadline(&timer), TIMER_NEVER);
    vtimer_write_ctl(&timer, CNT_CTL_ENABLE);
    assert_false(vtimer_physical_line(&timer, 99));
    assert_true(vtimer_physical_line(&timer, 100));
    assert_int_equal(vtimer_physical_deadline(&timer), 100);
    vtimer_write_ctl(&timer, 0);
    assert_false(vtimer_physical_line(&timer, 100));
    assert_int_equal(vtimer_physical_deadline(&timer), TIMER_NEVER);
}

static void test_virtual_deadline(void **state)
{
    (void)state;
    assert_int_equal(vtimer_virtual_deadline(&timer), TIMER_NEVER);
    timer.cntv_cval = 500;
    timer.cntv_ctl = CNT_CTL_ENABLE;
    assert_int_equal(vtimer_virtual_deadline(&timer), 1500);
    timer.cntv_ctl = CNT_CTL_ENABLE | CNT_CTL_ISTATUS;
    assert_int_equal(vtimer_virtual_deadline(&timer), 0);
    timer.cntv_ctl = CNT_CTL_ENABLE | CNT_CTL_IMASK | CNT_CTL_ISTATUS;
    assert_int_equal(vtimer_virtual_deadline(&timer), TIMER_NEVER);
    timer.cntv_ctl = CNT_CTL_ENABLE;
    timer.cntv_cval = UINT64_MAX - 10; /* cannot come before the counter wraps */
    assert_int_equal(vtimer_virtual_deadline(&timer), TIMER_NEVER);
}

static void test_save_and_load(void **state)
{
    (void)state;
    host_sysreg_write("cntv_ctl_el0", CNT_CTL_ENABLE | CNT_CTL_ISTATUS);
    host_sysreg_write("cntv_cval_el0", 77);
    vtimer_save(&timer);
    assert_int_equal(host_sysreg_read("cntv_ctl_el0"), 0);
    host_sysreg_write("cntv_cval_el0", 0);
    vtimer_load(&timer);
    assert_int_equal(host_sysreg_read("cntvoff_el2"), 1000);
    assert_int_equal(host_sysreg_read("cntv_cval_el0"), 77);
    assert_true(host_sysreg_read("cntv_ctl_el0") & CNT_CTL_ENABLE);
    timer.cntv_ctl = CNT_CTL_IMASK;
    vtimer_load(&timer);
    assert_int_equal(host_sysreg_read("cntv_ctl_el0"), CNT_CTL_IMASK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_tval_is_signed, setup),
        cmocka_unit_test_setup(test_tval_reads_32_bits_of_the_difference, setup),
        cmocka_unit_test_setup(test_tval_wraps, setup),
        cmocka_unit_test_setup(test_control, setup),
        cmocka_unit_test_setup(test_virtual_deadline, setup),
        cmocka_unit_test_setup(test_save_and_load, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
