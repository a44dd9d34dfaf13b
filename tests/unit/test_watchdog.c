/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's watchdog, with a clock of our own (unit.mk gives clock_gettime and timerfd_settime
 * these names): the way of Linux's sbsa_gwdt, pauses, new backends, nonsense.
 */
#include "unit.h"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "guests/dom0/backend/watchdog.h"

#define WCS    0x000
#define WOR    0x008
#define WCV    0x010
#define IIDR   0xfcc
#define WRR    0xfe0
#define SECOND 1000000000ull
#define HZ     62500000u

static uint64_t now = 1000 * SECOND, armed; /* ns; 0: disarmed */
static int timer = -1;
static struct watchdog_state kept;

int test_clock(clockid_t clock, struct timespec *time);
int test_arm(int fd, int flags, const struct itimerspec *when, struct itimerspec *old);

int test_clock(clockid_t clock, struct timespec *time)
{
    assert_int_equal(clock, CLOCK_MONOTONIC);
    *time = (struct timespec){.tv_sec = (time_t)(now / SECOND), .tv_nsec = (long)(now % SECOND)};
    return 0;
}

int test_arm(int fd, int flags, const struct itimerspec *when, struct itimerspec *old)
{
    assert_true(fd >= 0);
    assert_int_equal(flags, TFD_TIMER_ABSTIME);
    assert_null(old);
    armed = (uint64_t)when->it_value.tv_sec * SECOND + (uint64_t)when->it_value.tv_nsec;
    return 0;
}

/* A backend begins; the domain's state is told to it afterwards. */
static void begin(void)
{
    if (timer >= 0)
        close(timer);
    timer = -1;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0); /* the timer: always readable */
    assert_int_equal(write(pipes[1], "12345678", 8), 8);
    close(pipes[1]);
    timer = watchdog_open(&kept, HZ);
    assert_int_equal(dup2(pipes[0], timer), timer);
    close(pipes[0]);
}

static int setup(void **state)
{
    (void)state;
    memset(&kept, 0, sizeof(kept));
    begin();
    watchdog_run(true);
    return 0;
}

/* The timer's descriptor is readable: true if that is the end. Readable again for the next time. */
static bool look(void)
{
    bool expired = watchdog_expired();
    int pipes[2];

    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(write(pipes[1], "12345678", 8), 8);
    close(pipes[1]);
    assert_int_equal(dup2(pipes[0], timer), timer);
    close(pipes[0]);
    return expired;
}

/* As Linux starts it for 10 s: the offset is half of that, then the enable bit. */
static void start(void)
{
    watchdog_access(true, WOR, 4, 5 * HZ);
    watchdog_access(true, WCS, 4, 1);
}

static void test_runs_out(void **state)
{
    (void)state;
    assert_int_equal(watchdog_access(false, WCS, 4, 0), 0);
    assert_int_equal(armed, 0);
    now += 1000 * SECOND;
    assert_false(look()); /* nobody enabled it */
    start();
    assert_int_equal(watchdog_access(false, WCS, 4, 0), 1);
    assert_int_equal(watchdog_access(false, WOR, 4, 0), 5 * HZ);
    assert_int_equal(watchdog_access(false, IIDR, 4, 0), 0); /* revision 0, as WOR has 32 bits */
    assert_int_equal(watchdog_access(false, WCV, 4, 0), 0);
    assert_in_range(armed, now + 10 * SECOND, now + 10 * SECOND + 1);
    now += 10 * SECOND - 1;
    assert_false(look());
    now += 1;
    assert_true(look());
}

static void test_refreshed(void **state)
{
    (void)state;
    start();
    for (unsigned i = 0; i < 100; i++) {
        now += 9 * SECOND;
        watchdog_access(true, WRR, 4, 0);
        assert_false(look());
    }
    watchdog_access(true, WCS, 4, 0);
    assert_int_equal(armed, 0);
    now += 1000 * SECOND;
    assert_false(look());
}

/* The guest stands still, so does its watchdog. */
static void test_paused(void **state)
{
    (void)state;
    start();
    now += 9 * SECOND;
    watchdog_run(false);
    assert_int_equal(armed, 0);
    now += 1000 * SECOND;
    assert_false(look());
    watchdog_run(true);
    assert_false(look());
    assert_in_range(armed, now + SECOND, now + SECOND + 1);
    now += SECOND;
    assert_true(look());
}

/* A backend's successor knows that it is enabled, and gives the guest its whole time. */
static void test_new_backend(void **state)
{
    (void)state;
    start();
    now += 500 * SECOND;
    begin();
    assert_int_equal(watchdog_access(false, WCS, 4, 0), 1);
    assert_false(look());
    watchdog_run(true);
    assert_false(look());
    now += 10 * SECOND;
    assert_true(look());
}

static void test_nonsense(void **state)
{
    (void)state;
    for (uint32_t offset = 0; offset < 0x1000; offset++)
        for (unsigned size = 1; size <= 8; size *= 2)
            if ((offset != WCS && offset != WOR) || size != 4) {
                watchdog_access(true, offset, size, UINT64_MAX);
                assert_int_equal(watchdog_access(false, offset, size, 0), 0);
            }
    assert_int_equal(kept.enabled, 0);
    assert_int_equal(kept.offset, 0);
    watchdog_access(true, WOR, 4, UINT32_MAX);
    watchdog_access(true, WCS, 4, UINT32_MAX);
    assert_int_equal(watchdog_access(false, WCS, 4, 0), 1);
    assert_true(armed > now + 137 * SECOND && armed < now + 138 * SECOND);
    watchdog_access(true, WOR, 4, 0); /* at once */
    assert_true(look());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_runs_out, setup),
        cmocka_unit_test_setup(test_refreshed, setup),
        cmocka_unit_test_setup(test_paused, setup),
        cmocka_unit_test_setup(test_new_backend, setup),
        cmocka_unit_test_setup(test_nonsense, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
