// SPDX-License-Identifier: Apache-2.0
/*
 * Gives the kernel's entropy pool a constant seed, so that every run, in every environment, finds it
 * ready: without, the kernel spends instructions on waiting and on early random numbers.
 */
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

int main(void)
{
    struct {
        struct rand_pool_info info;
        unsigned char bytes[64];
    } seed = {{.entropy_count = 512, .buf_size = 64}, {0}};
    int random = open("/dev/urandom", O_RDWR);

    memset(seed.bytes, 0x5a, sizeof(seed.bytes));
    if (random < 0 || ioctl(random, RNDADDENTROPY, &seed) != 0) {
        perror("seed: /dev/urandom");
        return 1;
    }
    return 0;
}
