/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * Hypercalls: the register contract between Tarn and dom0 (and, for the few rows that say so, any
 * domain). Used by EL2, by dom0's Linux driver and by bare-metal payloads; plain constants, so that
 * assembly may include it too. It includes nothing.
 *
 * Convention: SMCCC 1.2 (Arm DEN 0028), HVC #0, 64-bit fast calls of the vendor-specific hypervisor
 * service. x0 = function, x1.. = arguments; on return x0 = status, x1.. = results. A status is 0 or
 * one of TARN_E*. A caller without the right to a function reads SMCCC's NOT_SUPPORTED (-1),
 * exactly as if it did not exist.
 */
#ifndef TARN_ABI_HYPERCALL_H
#define TARN_ABI_HYPERCALL_H

#define TARN_ABI_VERSION 1

/* Discovery (SMCCC, "Vendor Specific Hypervisor Service Call UID"): any domain. */
#define TARN_SMCCC_UID 0x8600ff01
#define TARN_UID_0     0x6e726174 /* "tarn" */
#define TARN_UID_1     0x70796800
#define TARN_UID_2     0x69767265
#define TARN_UID_3     0x00726f73

#define TARN_HC(n) (0xc6000000 | (n))

/* Any domain. Result: x1 = TARN_ABI_VERSION, x2 = the caller's domain id. */
#define TARN_HC_VERSION TARN_HC(0x00)

/*
 * dom0 only, from here on.
 *
 * CREATE: x1 = number of vCPUs, x2 = flags (0), x3..x6 = name, 32 bytes, NUL-padded.
 *   Result: x1 = domain id, x2 = address of its notify page, x3 = address of its console page
 *   (both readable and writable by dom0 until the domain is destroyed).
 *   ENOMEM: no memory for the domain's structures; EINVAL: vCPU count; ENOSPC: no free domain
 *   id, or too many vCPUs per CPU;
 *   EEXIST: the name is taken.
 */
#define TARN_HC_DOMAIN_CREATE TARN_HC(0x10)
/*
 * POPULATE: x1 = domain, x2 = ipa, x3 = 0, x4 = bytes of RAM that are to follow from there on.
 * Gives the domain one zeroed block of TARN_BLOCK_SIZE at ipa (aligned to it, inside the RAM window
 * of domu.h). Result: x1 = physical address of the block, which dom0 may access from now on until
 * the domain is destroyed. A GiB of RAM that is asked for from its first block to its last, with
 * the truth in x4, is one block of stage 2 if the pool has a free one. Below the RAM, from
 * DOMU_SHARED_BASE on, the block may be shared: x3 = 0 makes a new one; x3 = another domain, x4 =
 * an ipa of it where such a block is (ENOENT: is not) gives the domain that one, which stays until
 * the last one that has it is destroyed. dom0's CPUs cannot access it. EINVAL: ipa, or x3 is not 0
 * for RAM or with an ipa that is not below it; EEXIST: memory is there already; EBUSY: the domain
 * was started; ENOMEM: pool or heap is empty.
 */
#define TARN_HC_DOMAIN_POPULATE TARN_HC(0x11)
/* VCPU_INIT: x1 = domain, x2 = vCPU, x3 = pc (ipa), x4 = x0 (ipa of the device tree). Before START.
 */
#define TARN_HC_VCPU_INIT TARN_HC(0x12)
/* START: x1 = domain. vCPU 0 becomes runnable. From created only; EBUSY else. */
#define TARN_HC_DOMAIN_START TARN_HC(0x13)
/* PAUSE, UNPAUSE: x1 = domain. Return once no vCPU of it runs (EAGAIN: call again). */
#define TARN_HC_DOMAIN_PAUSE   TARN_HC(0x14)
#define TARN_HC_DOMAIN_UNPAUSE TARN_HC(0x15)
/*
 * DESTROY: x1 = domain. Stops it and gives its memory back to the pool in bounded steps:
 *   EAGAIN while there is more to do (call again). dom0 must not hold mappings of its memory any
 * more: they fault from the first call on.
 */
#define TARN_HC_DOMAIN_DESTROY TARN_HC(0x16)
/*
 * INFO: x1 = domain id. Describes the domain with the lowest id >= x1, so that a loop lists all:
 *   x1 = its id, x2 = state (TARN_STATE_*) | reason << 8 (TARN_REASON_*) | vCPUs << 16,
 *   x3 = bytes of memory, x4 = ns of CPU time of all vCPUs, x5 = physical address of its notify
 * page, x6 = physical address of its console page, x7..x10 = name, x11..x13 = ESR_EL2, FAR_EL2 and
 * pc of a crash for TARN_REASON_FAULT. ENOENT: none left.
 */
#define TARN_HC_DOMAIN_INFO TARN_HC(0x17)
/* BLOCK: x1 = domain, x2 = ipa. Result: x1 = physical address of the block there; ENOENT: none. */
#define TARN_HC_DOMAIN_BLOCK TARN_HC(0x18)
/* MACHINE_INFO: x1 = physical CPUs, x2 = bytes of the domain pool, x3 = bytes free in it,
 *   x4 = bytes of EL2's heap, x5 = bytes free in it. */
#define TARN_HC_MACHINE_INFO TARN_HC(0x19)

/*
 * VDEV_CREATE: x1 = domain, x2 = index, x3 = virtio device id, x4 = number of queues. Before START.
 *   A device with the id TARN_PLAIN_ID is none of virtio: every access to its page is a request.
 */
#define TARN_HC_VDEV_CREATE TARN_HC(0x20)
/*
 * VDEV_INTERRUPT: x1 = domain, x2 = index, x3 = bits to set in InterruptStatus (virtio 1.2, 4.2.2:
 *   1 = used buffer, 2 = configuration change). Raises the device's interrupt. Hot.
 */
#define TARN_HC_VDEV_INTERRUPT TARN_HC(0x21)
/* REPLY: x1 = domain, x2 = vCPU, x3 = value read (ignored for writes). Answers its request. */
#define TARN_HC_REQUEST_REPLY TARN_HC(0x22)
/* CONSOLE_INPUT: x1 = domain, x2 = count (1..8), x3 = the bytes, first in the lowest 8 bits.
 *   Result: x1 = how many were taken by the emulated PL011's receive FIFO. */
#define TARN_HC_CONSOLE_INPUT TARN_HC(0x23)

/*
 * VCPU_AFFINITY: x1 = domain (dom0, too), x2 = vCPU, x3 = physical CPUs that it may run on, a bit
 *   each (0: changes nothing), x4 = 1: one of them is to be its own, where no other vCPU runs.
 *   Result: x3, x4 as they are now; x3 without those that are dedicated to others. EINVAL: there is
 *   no such CPU; EBUSY: they are dedicated to others, or cannot be to this one, because somebody
 * may run nowhere else.
 */
#define TARN_HC_VCPU_AFFINITY TARN_HC(0x30)
/*
 * SHARE: x1 = domain (dom0, too), x2 = weight of each of its vCPUs among those of a CPU, 1..65535
 *   (0: leaves it; TARN_WEIGHT at first), x3 = cap, in percent of a CPU, of all of its vCPUs
 *   together, each of which has the same part of it; 0: none; more than 100 times their number is
 *   the same (~0: leaves it). Result: x2, x3 as they are now. EINVAL: weight.
 */
#define TARN_HC_DOMAIN_SHARE TARN_HC(0x31)
#define TARN_WEIGHT          256

/*
 * VCPU_STATS: x1 = domain (dom0, too), x2 = vCPU, x3 = group of counters, which all begin at 0 with
 *   the domain. Groups 0..3: x1..x16 = exits of exception class (ESR_EL2.EC) 16 * group and up.
 *   TARN_STATS_GENERAL: x1 = TARN_VCPU_* | 1 << 8 if it is held (paused, stopped) | CPU << 16,
 *   x2..x6 = ns in each TARN_VCPU_*, x7 = ns held, x8 = exits by an interrupt, x9 = interrupts
 *   given to it, x10 = notifications of devices. ENOENT: domain, vCPU.
 */
#define TARN_HC_VCPU_STATS TARN_HC(0x40)
#define TARN_STATS_GENERAL 4
#define TARN_VCPU_OFF      0 /* PSCI */
#define TARN_VCPU_READY    1 /* waits for its CPU, which runs another one: stolen time */
#define TARN_VCPU_RUNNING  2
#define TARN_VCPU_IDLE     3 /* WFI */
#define TARN_VCPU_REQUEST  4 /* its backend is to answer a register access */
/*
 * LOG: x1 = position in all that Tarn has ever logged, in bytes; x2 = level up to which lines are
 *   logged from now on: 0 error, 1 warn, 2 info, 3 guest, 4 debug, any other leaves it. Result:
 *   x1 = position of what follows (greater than asked for: that is overwritten), x2 = number of
 *   bytes, 0 at the end, TARN_LOG_CHUNK at most; x3 = the former level; x4.. = the bytes, first in
 *   the lowest 8 bits. Lines are "<level>[seconds.microseconds] text\n".
 */
#define TARN_HC_LOG    TARN_HC(0x41)
#define TARN_LOG_CHUNK 104

/* WATCHDOG: x1 = domain. Its watchdog ran out: it has crashed. EBUSY: it did not run. */
#define TARN_HC_DOMAIN_WATCHDOG TARN_HC(0x42)

/*
 * TRACE: x1 = pages of each physical CPU's ring, 1..TARN_TRACE_PAGES: tracing goes on; 0: it is
 * off. Result: x1 = physical address of a struct tarn_trace_page (notify.h), which dom0 may read,
 * x2 = records of a ring. Both are settled by the first call that succeeds, until the next boot.
 *   EINVAL: so many pages; ENOMEM: Tarn's heap has not so much, or none was ever asked for.
 */
#define TARN_HC_TRACE TARN_HC(0x43)

/* Status values: negated Linux errno numbers; -1 is SMCCC's NOT_SUPPORTED. */
#define TARN_OK       0
#define TARN_ENOTSUPP (-1)
#define TARN_ENOENT   (-2)
#define TARN_EAGAIN   (-11)
#define TARN_ENOMEM   (-12)
#define TARN_EBUSY    (-16)
#define TARN_EEXIST   (-17)
#define TARN_EINVAL   (-22)
#define TARN_ENOSPC   (-28)

/* Lifecycle states of a domain; docs/lifecycle.md says what leads from one to another. */
#define TARN_STATE_CREATED  0
#define TARN_STATE_RUNNING  1
#define TARN_STATE_PAUSED   2
#define TARN_STATE_SHUTDOWN 3 /* stopped by itself: see the reason; memory still there */
#define TARN_STATE_CRASHED  4 /* stopped by Tarn: see the reason */
#define TARN_STATE_DYING    5 /* DESTROY under way */

/* Why it left running. */
#define TARN_REASON_NONE     0
#define TARN_REASON_POWEROFF 1 /* PSCI SYSTEM_OFF */
#define TARN_REASON_REBOOT   2 /* PSCI SYSTEM_RESET, SYSTEM_RESET2 */
#define TARN_REASON_ALL_OFF  3 /* its last running vCPU called PSCI CPU_OFF */
#define TARN_REASON_FAULT    4 /* a fault nobody in the guest could take; crashed, from here on */
#define TARN_REASON_WATCHDOG 5 /* its watchdog ran out */

#define TARN_MAX_DOMAINS 128
#define TARN_NAME_SIZE   32
#define TARN_BLOCK_SIZE  0x200000 /* 2 MiB: unit of a domain's memory */

#endif
