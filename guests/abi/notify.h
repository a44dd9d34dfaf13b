/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The pages that Tarn shares with dom0: what happened, to whom. EL2 sets bits with atomic OR and
 * then raises dom0's upcall interrupt; dom0 takes them with atomic exchange. Everything here is a
 * hint: Tarn never reads back a value on which its own safety depends. Needs the fixed-width types
 * of <stdint.h> (EL2, user space) or <linux/types.h> (kernel) to be included before it.
 */
#ifndef TARN_ABI_NOTIFY_H
#define TARN_ABI_NOTIFY_H

#define TARN_MAX_VDEVS      40 /* virtio-mmio devices of a domain */
#define TARN_PLAIN_ID       63 /* VDEV_CREATE: not a virtio device */
#define TARN_MAX_QUEUES     64 /* queues of a device */
#define TARN_MAX_VCPUS      32 /* vCPUs of a domU */
#define TARN_MAX_DOM0_VCPUS 64

/*
 * A register access of a domU that its backend has to answer. Valid while the vCPU's bit is or was
 * set in `requests` and until REQUEST_REPLY; the vCPU is blocked all that time.
 */
struct tarn_request {
    uint64_t value;  /* written; 0 for a read */
    uint32_t offset; /* in the device's virtio-mmio page */
    uint8_t device;  /* index */
    uint8_t write;   /* 1 = write, 0 = read */
    uint8_t size;    /* 1, 2, 4 or 8 bytes */
    uint8_t vcpu;
};

/* One per domU. */
struct tarn_notify_page {
    uint64_t devices;  /* bit d: queues[d] is not 0 */
    uint64_t requests; /* bit v: request[v] was posted */
    uint64_t events;   /* TARN_EVENT_* */
    uint64_t reserved[5];
    uint64_t queues[TARN_MAX_VDEVS]; /* bit q: QueueNotify was written with q */
    struct tarn_request request[TARN_MAX_VCPUS];
};

#define TARN_EVENT_STATE   1 /* the domain's state changed: ask DOMAIN_INFO */
#define TARN_EVENT_CONSOLE 2 /* bytes in the console page */

/*
 * Output of the emulated PL011. `head` and `tail` count bytes and wrap at 2^32. In a domain that
 * Tarn has started itself the last TARN_CONSOLE_SIZE bytes are kept while `tail` is 0.
 */
#define TARN_CONSOLE_SIZE 2048
struct tarn_console_page {
    uint32_t head; /* written by Tarn: bytes ever put in */
    uint32_t tail; /* written by dom0: bytes ever taken out; when full, Tarn drops new bytes */
    uint32_t dropped;
    uint32_t reserved[13];
    uint8_t data[TARN_CONSOLE_SIZE];
};

/*
 * One page per machine, named by `reg` of dom0's device-tree node "tarn,hypervisor": for each vCPU
 * of dom0 the domains that have something in their notify page.
 */
struct tarn_upcall {
    uint64_t domains[2]; /* bit id % 64 of word id / 64 */
    uint64_t reserved[6];
};
struct tarn_upcall_page {
    struct tarn_upcall vcpu[TARN_MAX_DOM0_VCPUS];
};

/*
 * Trace (TARN_HC_TRACE): this page, and behind it a ring for each physical CPU, which that CPU
 * alone writes, overwriting the oldest. Record number n of a ring of s is at n % s. A reader copies
 * records up to the head, issues a load barrier and reads the head again, as h: those below h + 1 -
 * s may have been overwritten meanwhile. Of a record without a vCPU, domain and vcpu are 0.
 *
 *   EXIT: the vCPU has left the guest. what: ESR_EL2, or ASYNCHRONOUS for an interrupt; value[0]:
 * pc; value[1] of an abort: IPA | register Rt << 40 (40, 24 bits); of other synchronous ones x0 |
 * x1 << 32 | x2 << 48 (32, 16, 16 bits), with which calls are made.
 *
 *   ENTER: it goes back. what: interrupts given to it, ever; value[0]: four of those that are
 * pending in list registers, at most, each of them 16 bits: TARN_TRACE_INTID | INTID, or 0.
 *
 *   STATE: its state changes. what: to TARN_VCPU_* | from << 8 | 1 << 16 if it is held. By any CPU;
 *   to RUNNING, by its own.
 *
 *   IRQ: the CPU has acknowledged the physical interrupt `what`. No vCPU.
 */
#define TARN_TRACE_ASYNCHRONOUS 0xffffffff
#define TARN_TRACE_INTID        0x8000u
#define TARN_TRACE_PAGES        256 /* of a ring, at most */
enum tarn_trace_type { TARN_TRACE_EXIT, TARN_TRACE_ENTER, TARN_TRACE_STATE, TARN_TRACE_IRQ };
struct tarn_trace_record {
    uint64_t time; /* CNTPCT_EL0 */
    uint32_t what;
    uint16_t domain;
    uint8_t vcpu, type;
    uint64_t value[2];
};
struct tarn_trace_page {
    struct {
        uint64_t head, reserved[7]; /* records ever written */
    } cpu[64];
};

_Static_assert(sizeof(struct tarn_trace_record) == 32, "abi");
_Static_assert(sizeof(struct tarn_request) == 16, "abi");
_Static_assert(sizeof(struct tarn_notify_page) == 64 + 8 * TARN_MAX_VDEVS + 16 * TARN_MAX_VCPUS,
               "abi");
_Static_assert(sizeof(struct tarn_console_page) == 64 + TARN_CONSOLE_SIZE, "abi");
_Static_assert(sizeof(struct tarn_upcall_page) == 4096, "abi");

#endif
