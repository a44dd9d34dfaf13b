/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watchdog. It runs out two offsets after the last refresh: the first would be an interrupt
 * that is not there, the second is the end. A new backend begins as if the guest had just refreshed
 * it: what the former one took long over is not the guest's fault.
 */
#include "guests/dom0/backend/watchdog.h"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "guests/dom0/common/devices.h"

/* Control frame */
#define WCS    0x0 /* control and status */
#define WOR    0x8 /* offset */
#define WCS_EN 1u

/* Refresh frame */
#define WRR WATCHDOG_REFRESH

#define SECOND 1000000000ull

static struct watchdog_state *state;
static uint64_t hz; /* of the counter in which the guest gives the offset */
static int timer = -1;
static bool running;       /* the guest's time goes on */
static uint64_t deadline;  /* ns, while it runs */
static uint64_t remaining; /* ns, while it does not */

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* The timer follows. A deadline of 0 would disarm it. */
static void arm(void)
{
    struct itimerspec when = {.it_value = {0}};

    if (state->enabled && running) {
        when.it_value.tv_sec = (time_t)(deadline / SECOND);
        when.it_value.tv_nsec = (long)(deadline % SECOND) | 1;
    }
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void begin_anew(void)
{
    uint64_t ticks = 2ull * state->offset;
    uint64_t whole = ticks / hz * SECOND + ticks % hz * SECOND / hz;

    remaining = whole;
    deadline = now_ns() + whole;
    arm();
}

int watchdog_open(struct watchdog_state *kept, uint64_t frequency)
{
    state = kept;
    hz = frequency ? frequency : 1;
    running = false;
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer >= 0)
        begin_anew();
    return timer;
}

static void write_register(uint32_t offset, uint32_t value)
{
    switch (offset) {
    case WCS:
        state->enabled = value & WCS_EN;
        break;
    case WOR:
        state->offset = value;
        break;
    case WRR: /* any value */
        break;
    default:
        return;
    }
    begin_anew();
}

uint64_t watchdog_access(bool write, uint32_t offset, unsigned size, uint64_t value)
{
    if (size != 4)
        return 0;
    if (write)
        write_register(offset, (uint32_t)value);
    else if (offset == WCS)
        return state->enabled;
    else if (offset == WOR)
        return state->offset;
    return 0;
}

void watchdog_run(bool runs)
{
    uint64_t now = now_ns();

    if (runs == running)
        return;
    running = runs;
    if (runs)
        deadline = now + remaining;
    else
        remaining = deadline > now ? deadline - now : 0;
    arm();
}

bool watchdog_expired(void)
{
    uint64_t count;

    if (read(timer, &count, sizeof(count)) < 0)
        return false;
    return state->enabled && running && now_ns() >= deadline;
}
