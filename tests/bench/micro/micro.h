/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The micro-operation payload: what its files share. May include platform/types.h,
 * platform/sysreg.h, guests/abi.
 */
#ifndef MICRO_H
#define MICRO_H

#include "platform/sysreg.h"
#include "platform/types.h"
#include "tests/bench/micro/layout.h"

/* Where a hypervisor puts the devices of its guests; a word on the command line says which it is. */
struct machine {
    const char *word;
    uint64_t gicd, gicr, uart;
    bool console_hypercall;
};
extern struct machine machine;

/* Nanoseconds, nearly to an instruction (start.S). */
uint64_t begin_time(void);
uint64_t end_time(void);
extern volatile uint64_t irq_time, irq_intid; /* of the last interrupt */
extern char image_start[], image_end[];

/* machine.c: finds the machine (tree: the device tree), sets up its GICv3, prints on its UART. */
void machine_init(uint64_t tree);
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
__attribute__((noreturn)) void power_off(void);

/* SMCCC call by HVC; x1..x3 come back in result[1..3]. */
uint64_t hvc(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
void hvc_full(uint64_t x[8]);

static inline uint32_t read32(uint64_t address)
{
    uint32_t value;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void write32(uint64_t address, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "rZ"(value), "r"(address) : "memory");
}

#define GICD_CTLR       0x0000
#define GICD_TYPER      0x0004
#define GICD_ISENABLER  0x0100
#define GICD_ICENABLER  0x0180
#define GICR_TYPER      0x0008
#define GICR_WAKER      0x0014
#define GICR_SGI        0x10000
#define GICR_IGROUPR0   (GICR_SGI + 0x0080)
#define GICR_ISENABLER0 (GICR_SGI + 0x0100)
#define GICR_IPRIORITYR (GICR_SGI + 0x0400)
#define UART_DR         0x00
#define UART_FR         0x18

#define PSCI_VERSION    0x84000000
#define PSCI_SYSTEM_OFF 0x84000008
#define SMCCC_UNKNOWN   0x8600ff77
#define SMCCC_HYP_UID   0x8600ff01

/* host.c: as dom0 of Tarn, if an Image lies at GUEST_AT, makes a domU of it and repeats what it
 * prints. */
void host_run(void);

#endif
