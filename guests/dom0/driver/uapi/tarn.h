/* SPDX-License-Identifier: Apache-2.0 OR (GPL-2.0-only WITH Linux-syscall-note) */
/*
 * What dom0's programs say to the driver: /dev/tarn and one file descriptor per domain. All structs
 * are the same for 32- and 64-bit callers; every `reserved` must be 0. Errors are errno values.
 *
 * /dev/tarn (root only) creates and finds domains and gives out domain file descriptors of two
 * kinds:
 *
 *   control  from TARN_CREATE, TARN_OPEN: everything but what needs to be the backend.
 *   backend  from TARN_OPEN with TARN_OPEN_BACKEND: events, memory, notifications, interrupts of
 * this one domain and nothing else, so it may be handed to a process without privileges. A domain
 * has one at a time, from TARN_OPEN until the last copy of the descriptor is closed.
 *
 * Domains outlive the processes that made them: closing descriptors never stops a domain,
 * TARN_DESTROY does. All descriptors are close-on-exec. After TARN_DESTROY every ioctl on the
 * domain's remaining descriptors fails with ENODEV, read() returns 0, poll() says EPOLLHUP, and an
 * access to its mapped memory is a SIGBUS (EFAULT from inside a system call).
 */
#ifndef TARN_UAPI_H
#define TARN_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#ifndef __KERNEL__
#include <stdint.h> /* guests/abi/notify.h wants these */
#endif

#include "guests/abi/domu.h"      /* addresses and interrupts of a domU */
#include "guests/abi/hypercall.h" /* TARN_STATE_*, TARN_REASON_*, TARN_BLOCK_SIZE, ... */
#include "guests/abi/notify.h"    /* TARN_MAX_*, struct tarn_console_page */

#define TARN_UAPI_VERSION 1

#define TARN_IO 0xb7

/* ---- on /dev/tarn ---- */

struct tarn_version {
    __u32 uapi; /* TARN_UAPI_VERSION of the driver */
    __u32 abi;  /* TARN_ABI_VERSION of the hypervisor */
};
#define TARN_VERSION _IOR(TARN_IO, 0x00, struct tarn_version)

struct tarn_machine_info {
    __u64 cpus;       /* physical CPUs */
    __u64 pool_total; /* bytes for domains' memory */
    __u64 pool_free;
    __u64 heap_total; /* bytes of the hypervisor's own heap */
    __u64 heap_free;
};
#define TARN_MACHINE_INFO _IOR(TARN_IO, 0x01, struct tarn_machine_info)

/*
 * Makes a domain without memory. EINVAL: number of vCPUs, name (1 to 31 characters, all of them
 * printable and not blank); EEXIST: name in use; ENOMEM, ENOSPC: hypervisor out of memory, of ids.
 */
struct tarn_create {
    char name[TARN_NAME_SIZE]; /* ends with a NUL */
    __u32 vcpus;
    __u32 flags; /* 0 */
    __u32 id;    /* result */
    __s32 fd;    /* result: control descriptor */
};
#define TARN_CREATE _IOWR(TARN_IO, 0x02, struct tarn_create)

#define TARN_OPEN_BY_NAME 1 /* look for `name`; else for `id` */
#define TARN_OPEN_BACKEND 2 /* attach as the backend */

/*
 * A descriptor of an existing domain. ENOENT: no such domain; EBUSY: TARN_OPEN_BACKEND while
 * another backend is attached. A backend that attaches is given every request that its predecessor
 * did not answer, read or not.
 */
struct tarn_open {
    char name[TARN_NAME_SIZE];
    __u32 flags; /* TARN_OPEN_* */
    __u32 id;    /* result with TARN_OPEN_BY_NAME */
    __s32 fd;    /* result */
    __u32 reserved;
};
#define TARN_OPEN _IOWR(TARN_IO, 0x03, struct tarn_open)

/*
 * On /dev/tarn: the domain with the lowest number >= id (a loop with id + 1 lists all; dom0 is 0);
 * ENOENT: none left. On a domain descriptor of either kind: this domain, `id` is a result only.
 */
struct tarn_info {
    __u32 id;
    __u8 state;  /* TARN_STATE_* */
    __u8 reason; /* TARN_REASON_* */
    __u16 vcpus;
    __u64 memory;  /* bytes */
    __u64 cpu_ns;  /* CPU time of all vCPUs */
    __u32 backend; /* 1: one is attached */
    __u32 reserved;
    char name[TARN_NAME_SIZE];
    __u64 fault[3];    /* ESR_EL2, FAR_EL2, pc, with TARN_REASON_FAULT */
    __u64 requests;    /* register accesses that went to its backend; these two since the driver */
    __u64 completions; /* was loaded: interrupts that its backend raised */
};
#define TARN_INFO _IOWR(TARN_IO, 0x04, struct tarn_info)

/* A group of counters of a vCPU (of dom0, too), as TARN_HC_VCPU_STATS says: x1 is counter[0]. */
struct tarn_vcpu_stats {
    __u32 id; /* of the domain; ENOENT: it, or the vCPU */
    __u32 vcpu;
    __u32 group; /* TARN_STATS_* */
    __u32 reserved;
    __u64 counter[16];
};
#define TARN_VCPU_STATS _IOWR(TARN_IO, 0x05, struct tarn_vcpu_stats)

/* A part of Tarn's log, and the level of what is logged, as TARN_HC_LOG says. */
struct tarn_log {
    __u64 position; /* asked for; result: of data[0] */
    __u32 level;    /* to set; result: the one before */
    __u32 count;    /* result: bytes of data, 0 at the end */
    __u8 data[TARN_LOG_CHUNK];
};
#define TARN_LOG _IOWR(TARN_IO, 0x06, struct tarn_log)

/*
 * Where a vCPU (of dom0, too) may run, and a domain's part of the CPUs, as TARN_HC_VCPU_AFFINITY
 * and TARN_HC_DOMAIN_SHARE say. Results: as they are now.
 */
struct tarn_affinity {
    __u32 id; /* of the domain; ENOENT: it, or the vCPU */
    __u32 vcpu;
    __u64 cpus;      /* a bit a CPU; 0 asks only */
    __u32 dedicated; /* 0, 1 */
    __u32 reserved;
};
#define TARN_AFFINITY _IOWR(TARN_IO, 0x07, struct tarn_affinity)

struct tarn_share {
    __u32 id;
    __u32 weight; /* 0 leaves it */
    __u64 cap;    /* percent of a CPU, 0 for none; ~0 leaves it */
};
#define TARN_SHARE _IOWR(TARN_IO, 0x08, struct tarn_share)

/*
 * Tracing is on until the descriptor `fd` is closed for the last time. It takes mmap() alone,
 * PROT_READ, from offset 0: struct tarn_trace_page and behind it the rings, as notify.h says.
 * EBUSY: somebody records already, and `recorder` says who; EINVAL: pages; ENOMEM: Tarn's heap.
 */
struct tarn_trace {
    __u32 pages;    /* of a ring, 1..TARN_TRACE_PAGES; result: as it was made at the first call */
    __u32 cpus;     /* result: physical CPUs, a ring each */
    __s32 fd;       /* result */
    __u32 recorder; /* 0; result with EBUSY: process id */
};
#define TARN_TRACE _IOWR(TARN_IO, 0x09, struct tarn_trace)

/* ---- on a control descriptor ---- */

/*
 * Gives the domain zeroed memory at [ipa, ipa + size), both multiples of TARN_BLOCK_SIZE, within
 * DOMU_RAM_BASE and DOMU_RAM_MAX. Before TARN_START (EBUSY). ENOMEM: pool exhausted; EEXIST: there
 * is some. On any error, EINTR included, ipa and size say what is still missing, so calling again
 * goes on.
 */
struct tarn_populate {
    __u64 ipa;
    __u64 size;
};
#define TARN_POPULATE _IOWR(TARN_IO, 0x10, struct tarn_populate)

/*
 * Memory shared with other domains at [ipa, ipa + size), within DOMU_SHARED_BASE and DOMU_RAM_BASE:
 * new and zeroed, or (from is not 0) what the domain `from` has of it at from_ipa. It stays until
 * the last domain that has it is destroyed; dom0 cannot access it. Otherwise as TARN_POPULATE;
 * ENOENT: `from` has none there.
 */
struct tarn_share_memory {
    __u64 ipa;
    __u64 size;
    __u64 from_ipa;
    __u32 from;
    __u32 reserved; /* 0 */
};
#define TARN_SHARE_MEMORY _IOWR(TARN_IO, 0x17, struct tarn_share_memory)

/* Where a vCPU starts. Only vcpu 0, the others start by PSCI CPU_ON. Before TARN_START (EBUSY). */
struct tarn_vcpu_init {
    __u32 vcpu;
    __u32 reserved;
    __u64 pc; /* ipa */
    __u64 x0; /* ipa of the device tree */
};
#define TARN_VCPU_INIT _IOW(TARN_IO, 0x11, struct tarn_vcpu_init)

/* EBUSY when the state does not allow it. PAUSE returns when no vCPU runs any more. */
#define TARN_START   _IO(TARN_IO, 0x12)
#define TARN_PAUSE   _IO(TARN_IO, 0x13)
#define TARN_UNPAUSE _IO(TARN_IO, 0x14)

/*
 * Stops the domain for good, takes its memory away from everybody who mapped it, and gives it back
 * to the pool once no I/O of dom0 is on its way into it. EBUSY: such I/O did not end within ten
 * seconds; EINTR; after both the domain is stopped, and calling again goes on.
 */
#define TARN_DESTROY _IO(TARN_IO, 0x15)

/* A virtio-mmio device: virtio device id 1..63, queues 1..TARN_MAX_QUEUES. Before TARN_START. */
struct tarn_vdev_create {
    __u32 index; /* 0..TARN_MAX_VDEVS - 1 */
    __u32 device_id;
    __u32 queues;
    __u32 reserved;
};
#define TARN_VDEV_CREATE _IOW(TARN_IO, 0x16, struct tarn_vdev_create)

/* ---- on a backend descriptor ---- */

#define TARN_EVENTFD_DEASSIGN 1

/*
 * The eventfd is signalled when the guest writes `queue` to QueueNotify of device `index`, at once
 * if it did so before. EEXIST: one is assigned already. DEASSIGN: fd is ignored; ENOENT: none. All
 * end with the descriptor.
 */
struct tarn_ioeventfd {
    __u32 index;
    __u32 queue;
    __s32 fd;
    __u32 flags; /* TARN_EVENTFD_* */
};
#define TARN_IOEVENTFD _IOW(TARN_IO, 0x20, struct tarn_ioeventfd)

/*
 * Each signal of the eventfd sets bit 0 (used buffer) of the device's InterruptStatus and raises
 * its interrupt. A device may have several eventfds, each at most once (EEXIST; ENOSPC: 256 in
 * all). DEASSIGN wants the same eventfd; ENOENT: not assigned. All end with the descriptor.
 */
struct tarn_irqfd {
    __u32 index;
    __s32 fd;
    __u32 flags; /* TARN_EVENTFD_* */
    __u32 reserved;
};
#define TARN_IRQFD _IOW(TARN_IO, 0x21, struct tarn_irqfd)

/*
 * Answers a request taken by read(); value is ignored if that was a write. EINVAL: the vCPU waits
 * for no answer.
 */
struct tarn_reply {
    __u32 vcpu;
    __u32 reserved;
    __u64 value;
};
#define TARN_REPLY _IOW(TARN_IO, 0x22, struct tarn_reply)

/* ---- on both ---- */

/* Sets bits (1 = used buffer, 2 = configuration change) in InterruptStatus, raises the interrupt.
 */
struct tarn_interrupt {
    __u32 index;
    __u32 bits;
};
#define TARN_INTERRUPT _IOW(TARN_IO, 0x23, struct tarn_interrupt)

/* Types on the emulated PL011. Result: count = bytes taken, less than asked when its FIFO is full.
 */
#define TARN_CONSOLE_INPUT_MAX 64
struct tarn_console_input {
    __u32 count; /* 1..TARN_CONSOLE_INPUT_MAX */
    __u32 reserved;
    __u8 data[TARN_CONSOLE_INPUT_MAX];
};
#define TARN_CONSOLE_INPUT _IOWR(TARN_IO, 0x24, struct tarn_console_input)

/* The guest's watchdog ran out: it has crashed, reason watchdog. EBUSY: it did not run. */
#define TARN_WATCHDOG _IO(TARN_IO, 0x26)

/*
 * A new descriptor, the ioctl's result, for a process that is to have the domain's memory and
 * nothing else, such as a vhost-user device: it takes mmap() alone, RAM from offset 0 on as below.
 */
#define TARN_MEMORY _IO(TARN_IO, 0x25)

/*
 * mmap(): MAP_SHARED only, never PROT_EXEC. Offset ipa - DOMU_RAM_BASE is the domain's memory: real
 * pages, so O_DIRECT, io_uring and vhost work on them; where none was populated, SIGBUS. Offset
 * TARN_MMAP_CONSOLE, one page (4096 bytes): struct tarn_console_page.
 */
#define TARN_MMAP_CONSOLE 0x10000000000ULL

/*
 * read(): as many whole struct tarn_event as there are and fit; blocks without O_NONBLOCK (EAGAIN).
 * EINVAL: no room for one. poll(): EPOLLIN when there is one. Every descriptor begins with a STATE
 * event and gets one per change (several changes may be one); REQUEST and CONSOLE go to the
 * backend.
 */
#define TARN_EV_STATE   1 /* state, reason */
#define TARN_EV_REQUEST 2 /* value, offset, vcpu, device, write, size: answer by TARN_REPLY */
#define TARN_EV_CONSOLE 3 /* there are bytes in the console page */

struct tarn_event {
    __u32 type;   /* TARN_EV_* */
    __u32 offset; /* in the device's virtio-mmio page */
    __u64 value;  /* written; 0 for a read */
    __u8 vcpu;
    __u8 device; /* index */
    __u8 write;  /* 1 = write, 0 = read */
    __u8 size;   /* bytes: 1, 2, 4, 8 */
    __u8 state;  /* TARN_STATE_* */
    __u8 reason; /* TARN_REASON_* */
    __u8 reserved[2];
};

#endif
