/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The machine a domU sees: addresses (IPA) and interrupt numbers (INTID). Tarn emulates it, dom0's
 * command line describes it in the domU's device tree, payloads use it directly. Constants only.
 */
#ifndef TARN_ABI_DOMU_H
#define TARN_ABI_DOMU_H

#define DOMU_GICD_BASE     0x08000000
#define DOMU_GICD_SIZE     0x00010000
#define DOMU_GICC_BASE     0x08010000 /* GICv2 only: the hardware's GICV */
#define DOMU_GICC_SIZE     0x00002000
#define DOMU_GICR_BASE     0x080a0000 /* GICv3 only: one 128 KiB frame per vCPU */
#define DOMU_GICR_STRIDE   0x00020000
#define DOMU_UART_BASE     0x09000000
#define DOMU_UART_SIZE     0x00001000
#define DOMU_VIRTIO_BASE   0x0a000000
#define DOMU_VIRTIO_STRIDE 0x00001000
#define DOMU_STOLEN_BASE   0x0b000000 /* a page: stolen time, as DEN 0057A has it */
#define DOMU_SHARED_BASE   0x20000000 /* to the RAM: memory shared with other domains */
#define DOMU_RAM_BASE      0x40000000
#define DOMU_RAM_MAX       0x4000000000 /* 256 GiB */

#define DOMU_NR_IRQS      128 /* INTIDs 0..127 */
#define DOMU_UART_INTID   33  /* level */
#define DOMU_VIRTIO_INTID 48  /* + index; rising edge */
#define DOMU_VTIMER_INTID 27
#define DOMU_PTIMER_INTID 30
#define DOMU_MAX_VCPUS_V2 8

#define DOMU_UART_CLOCK_HZ 24000000

/* dom0: private interrupt that says "look into your upcall words" (rising edge). */
#define TARN_UPCALL_INTID   31
#define TARN_HYP_COMPATIBLE "tarn,hypervisor"

#endif
