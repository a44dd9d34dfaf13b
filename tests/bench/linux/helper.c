// SPDX-License-Identifier: Apache-2.0
/*
 * What the bench's Linux guests and hosts need beside busybox:
 * helper seed       gives the kernel's entropy pool a constant seed, so that every run, in every
 *                   environment, finds it ready: without, the kernel spends instructions on waiting
 * and on early random numbers helper now        prints the virtual counter in nanoseconds helper
 * await PID  waits until a process has ended, without looking at it now and then: each look would
 * take time from the guest that is measured
 */
#include <err.h>
#include <fcntl.h>
#include <linux/random.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void seed(void)
{
    struct {
        struct rand_pool_info info;
        unsigned char bytes[64];
    } entropy = {{.entropy_count = 512, .buf_size = 64}, {0}};
    int random = open("/dev/urandom", O_RDWR);

    memset(entropy.bytes, 0x5a, sizeof(entropy.bytes));
    if (random < 0 || ioctl(random, RNDADDENTROPY, &entropy) != 0)
        err(1, "/dev/urandom");
}

static void now(void)
{
    uint64_t ticks, frequency;

    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    printf("%lu\n", ticks * (1000000000 / frequency));
}

static void await(const char *pid)
{
    struct pollfd end = {.events = POLLIN};

    end.fd = (int)syscall(SYS_pidfd_open, atoi(pid), 0);
    if (end.fd >= 0) /* else it has ended already */
        (void)poll(&end, 1, -1);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "seed") == 0)
        seed();
    else if (argc == 2 && strcmp(argv[1], "now") == 0)
        now();
    else if (argc == 3 && strcmp(argv[1], "await") == 0)
        await(argv[2]);
    else
        errx(2, "usage: helper seed | now | await PID");
    return 0;
}
