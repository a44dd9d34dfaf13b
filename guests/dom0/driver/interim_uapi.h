/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/tarn: what dom0's user space asks of the driver. An open file begins unbound; CREATE or OPEN
 * binds it to one domain for good. A file bound with TARN_OPEN_BACKEND can do only what a backend
 * needs, receives that domain's register requests, and is the only one of its kind at a time.
 * Domains outlive every file. Errors are errno values; -ENODEV: the domain is gone.
 */
#ifndef TARN_UAPI_H
#define TARN_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TARN_UAPI_NAME_SIZE 32

struct tarn_machine {
    __u32 abi; /* TARN_ABI_VERSION */
    __u32 cpus;
    __u64 pool_total, pool_free; /* bytes of memory for domUs */
    __u64 heap_total, heap_free; /* bytes of EL2's own */
};

struct tarn_create {
    char name[TARN_UAPI_NAME_SIZE]; /* NUL-padded */
    __u32 vcpus;
    __u32 id; /* out */
};

struct tarn_open {
    char name[TARN_UAPI_NAME_SIZE]; /* "" : by id */
    __u32 id;                       /* in (if name is empty), out */
    __u32 flags;
};
#define TARN_OPEN_BACKEND 1

struct tarn_info {
    __u32 id;    /* in: lowest id wanted; out: the domain's */
    __u32 state; /* TARN_STATE_* */
    __u32 reason;
    __u32 vcpus;
    __u64 memory; /* bytes */
    __u64 cpu_ns;
    char name[TARN_UAPI_NAME_SIZE];
};

struct tarn_region {
    __u64 ipa, size; /* multiples of 2 MiB */
};

struct tarn_entry {
    __u64 pc, x0;
};

struct tarn_vdev {
    __u32 index, device_id, queues, reserved;
};

struct tarn_ioeventfd {
    __u32 index, queue;
    __s32 fd; /* -1: remove */
    __u32 reserved;
};

struct tarn_irqfd {
    __u32 index;
    __s32 fd; /* signalled: a used-buffer interrupt of the device */
};

struct tarn_interrupt {
    __u32 index, bits; /* InterruptStatus bits */
};

struct tarn_reply {
    __u32 vcpu, reserved;
    __u64 value;
};

struct tarn_input {
    __u32 count; /* 1..8 */
    __u8 data[8];
    __u32 taken; /* out */
};

#define TARN_IOC            'T'
/* On any file. */
#define TARN_IOC_MACHINE    _IOR(TARN_IOC, 0, struct tarn_machine)
#define TARN_IOC_INFO       _IOWR(TARN_IOC, 1, struct tarn_info)
/* On an unbound file. */
#define TARN_IOC_CREATE     _IOWR(TARN_IOC, 2, struct tarn_create)
#define TARN_IOC_OPEN       _IOWR(TARN_IOC, 3, struct tarn_open)
/* On a file bound without TARN_OPEN_BACKEND. */
#define TARN_IOC_POPULATE   _IOW(TARN_IOC, 4, struct tarn_region)
#define TARN_IOC_ENTRY      _IOW(TARN_IOC, 5, struct tarn_entry)
#define TARN_IOC_START      _IO(TARN_IOC, 6)
#define TARN_IOC_PAUSE      _IO(TARN_IOC, 7)
#define TARN_IOC_UNPAUSE    _IO(TARN_IOC, 8)
#define TARN_IOC_DESTROY    _IO(TARN_IOC, 9)
#define TARN_IOC_VDEV       _IOW(TARN_IOC, 10, struct tarn_vdev)
/* On any bound file. */
#define TARN_IOC_IOEVENTFD  _IOW(TARN_IOC, 11, struct tarn_ioeventfd)
#define TARN_IOC_IRQFD      _IOW(TARN_IOC, 12, struct tarn_irqfd)
#define TARN_IOC_INTERRUPT  _IOW(TARN_IOC, 13, struct tarn_interrupt)
#define TARN_IOC_REPLY      _IOW(TARN_IOC, 14, struct tarn_reply)
#define TARN_IOC_INPUT      _IOWR(TARN_IOC, 15, struct tarn_input)

/*
 * read() gives whole events and blocks (or EAGAIN) while there is none; poll() says EPOLLIN when there
 * is one, EPOLLHUP when the domain is gone.
 */
struct tarn_event {
    __u32 type; /* TARN_EVENT_TYPE_* */
    __u32 vcpu; /* request: whom to REPLY to */
    __u32 device, offset;
    __u32 write, size;
    __u64 value;
};
#define TARN_EVENT_TYPE_REQUEST 1 /* backend only; unanswered ones come again to the next backend */
#define TARN_EVENT_TYPE_STATE   2 /* the domain's state changed: ask INFO */
#define TARN_EVENT_TYPE_CONSOLE 3 /* backend only: the console page has bytes */

/* mmap(): the domain's RAM at offset ipa - DOMU_RAM_BASE; its console page at this offset. */
#define TARN_MMAP_CONSOLE (1ull << 39)

#endif
