/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domain as its backend holds it: a backend descriptor of /dev/tarn.
 * May include the driver's uapi, guest_memory.h.
 */
#ifndef BACKEND_DOMAIN_H
#define BACKEND_DOMAIN_H

#include <stdint.h>

#include "guests/dom0/backend/guest_memory.h"
#include "guests/dom0/driver/uapi/tarn.h"

/* Maps `size` bytes of its RAM and its console page. Returns 0 or an errno value. */
int domain_open(int fd, uint64_t size, struct guest_memory *memory);

/* Next event. Returns 0, EAGAIN if there is none, ENODEV if the domain is gone. */
int domain_next_event(struct tarn_event *event);

/* Answers the request of a vCPU. */
void domain_reply(uint32_t vcpu, uint64_t value);

/* eventfds for a queue's notifications and for a device's used-buffer interrupt. -1 with errno set.
 */
int domain_ioeventfd(unsigned index, unsigned queue);
int domain_irqfd(unsigned index);

/* A descriptor that maps the domain's RAM, from its beginning, and does nothing else. -1 with errno
 * set. */
int domain_memory_fd(void);

/* Sets InterruptStatus bits of a device. */
void domain_interrupt(unsigned index, unsigned bits);

/* The guest's watchdog has run out: the domain has crashed. */
void domain_watchdog(void);

/* Frequency of the system counter, the guest's, too. */
uint64_t domain_counter_hz(void);

/* Takes what the emulated PL011 has put out; returns bytes. */
size_t domain_console_read(uint8_t *data, size_t size);

/* Puts bytes into its receive FIFO; returns how many it took. */
size_t domain_console_write(const uint8_t *data, size_t size);

#endif
