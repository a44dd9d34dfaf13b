/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What records of a trace mean, in words. May include guests/abi.
 */
#ifndef CLI_TRACE_NAMES_H
#define CLI_TRACE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guests/abi/notify.h"

/* The exit's kind, as tarn stats names them, and what it was about: "hvc: VDEV_INTERRUPT". */
void trace_exit_name(const struct tarn_trace_record *exit, char *to, size_t size);

/* A QueueNotify of a domU: true, with device and queue. */
bool trace_is_notify(const struct tarn_trace_record *exit, unsigned *device, unsigned *queue);

/* dom0 raises a device's interrupt: true, with the domain and the device. */
bool trace_is_completion(const struct tarn_trace_record *exit, unsigned *domain, unsigned *device);

/* "interrupt 27 (virtual timer)"; of a domain, or of the machine. */
void trace_intid_name(unsigned intid, bool physical, unsigned domain, char *to, size_t size);

#endif
