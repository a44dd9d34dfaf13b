/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domain behind a backend descriptor of /dev/tarn.
 */
#include "guests/dom0/backend/domain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int domain_fd = -1;
static struct tarn_console_page *console;

int domain_open(int fd, uint64_t size, struct guest_memory *memory)
{
    int flags = fcntl(fd, F_GETFL);

    domain_fd = fd;
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return errno;
    memory->ipa = DOMU_RAM_BASE;
    memory->size = size;
    memory->base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory->base == MAP_FAILED)
        return errno;
    console = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, TARN_MMAP_CONSOLE);
    return console == MAP_FAILED ? errno : 0;
}

int domain_next_event(struct tarn_event *event)
{
    ssize_t size = read(domain_fd, event, sizeof(*event));

    if (size == (ssize_t)sizeof(*event))
        return 0;
    return size < 0 && (errno == EAGAIN || errno == EINTR) ? EAGAIN : ENODEV;
}

/* Fails only when the domain is gone, which the event loop learns anyway. */
void domain_reply(uint32_t vcpu, uint64_t value)
{
    struct tarn_reply reply = {.vcpu = vcpu, .value = value};
    ioctl(domain_fd, TARN_REPLY, &reply);
}

int domain_ioeventfd(unsigned index, unsigned queue)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct tarn_ioeventfd arg = {.index = index, .queue = queue, .fd = fd};

    return fd >= 0 && ioctl(domain_fd, TARN_IOEVENTFD, &arg) == 0 ? fd : -1;
}

int domain_irqfd(unsigned index)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct tarn_irqfd arg = {.index = index, .fd = fd};

    return fd >= 0 && ioctl(domain_fd, TARN_IRQFD, &arg) == 0 ? fd : -1;
}

int domain_memory_fd(void)
{
    return ioctl(domain_fd, TARN_MEMORY);
}

void domain_interrupt(unsigned index, unsigned bits)
{
    struct tarn_interrupt arg = {.index = index, .bits = bits};
    ioctl(domain_fd, TARN_INTERRUPT, &arg);
}

void domain_watchdog(void)
{
    ioctl(domain_fd, TARN_WATCHDOG);
}

uint64_t domain_counter_hz(void)
{
    uint64_t hz;

    __asm__("mrs %0, cntfrq_el0" : "=r"(hz));
    return hz;
}

size_t domain_console_read(uint8_t *data, size_t size)
{
    uint32_t head = __atomic_load_n(&console->head, __ATOMIC_ACQUIRE);
    uint32_t tail = console->tail;
    size_t n = 0;

    /* Until we come, Tarn overwrites the oldest. */
    if (head - tail > TARN_CONSOLE_SIZE)
        tail = head - TARN_CONSOLE_SIZE;
    while (n < size && tail != head)
        data[n++] = console->data[tail++ % TARN_CONSOLE_SIZE];
    __atomic_store_n(&console->tail, tail, __ATOMIC_RELEASE);
    return n;
}

size_t domain_console_write(const uint8_t *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        struct tarn_console_input input = {.count = TARN_CONSOLE_INPUT_MAX};
        if (input.count > size - done)
            input.count = (uint32_t)(size - done);
        uint32_t asked = input.count;
        memcpy(input.data, data + done, asked);
        if (ioctl(domain_fd, TARN_CONSOLE_INPUT, &input) != 0)
            break;
        done += input.count;
        if (input.count < asked)
            break;
    }
    return done;
}
