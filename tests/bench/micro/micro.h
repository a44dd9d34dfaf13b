/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The micro-operation payload: what its files share. May include platform/types.h,
 * platform/sysreg.h, guests/abi.
 */
#ifndef MICRO_H
#define MICRO_H

#include "platform/sysreg.h"
#include "platform/types.h"
#include "tests/bench/micro/clock.h"
#include "tests/bench/micro/layout.h"

/* Where a hypervisor puts the devices of its guests; a word on the command line says which it is.
 */
struct machine {
    const char *word;
    uint64_t gicd, gicr, uart;
    bool console_hypercall;
    const struct channel *channel;
    unsigned side; /* of a pair of domains: 0 answers, 1 asks */
    unsigned mode;
    unsigned domains; /* domUs that Tarn's dom0 makes: "domains=..." */
};
extern struct machine machine;

/* What is measured: "mode=..." on the command line; Tarn's domU finds it in x0, and above it, from
 * bit MODE_BITS on, the number of domains. */
enum { MODE_ONE, MODE_SMP, MODE_IO, MODE_SWITCH, MODE_TIMER, MODE_BOOT, MODE_SLEEP, NR_MODES };
#define MODE_BITS   8
#define MAX_DOMAINS 64

/* How a domain interrupts its peer in another: a row per hypervisor. */
struct channel {
    bool (*open)(void);
    void (*send)(void);  /* what is measured */
    void (*taken)(void); /* after an interrupt, so that the next will come */
};
extern const struct channel virtio_channel, irqfd_channel, xen_channel;

/* start.S. irq_time, irq_intid: of the last interrupt. */
#define IRQ_NONE 1 /* an INTID that never comes */
extern volatile uint64_t irq_time, irq_intid;
extern char image_start[], image_end[], secondary_start[];
bool next_gap(uint64_t gap[2], uint64_t end);
void mark(void);
void secondary_main(void);

/* The vector's branch and irq_handler's four instructions before it asks for the time. */
#define HANDLER_OWN 5

/* latency.c; clock_own: what begin_time and end_time with nothing in between measure. */
uint64_t median(uint64_t *value, unsigned count);
void report(const char *name, uint64_t sum, uint64_t count);
uint64_t clock_own(void);
void measure_latencies(void);
void measure_timers(void);
void sleep_for_good(void);
void sleep_ticks(uint64_t ticks);
void smp_run(void);

/* pairs.c */
void io_run(void);
void switch_run(void);

/*
 * Under QEMU's -icount CPUs run in turn, and YIELD hands over: so the instructions between two
 * moments on two CPUs are those of both, without what the first would have spun. No hypervisor
 * traps it.
 */
static inline void yield_cpu(void)
{
    __asm__ volatile("yield" : : : "memory");
}

/* machine.c: finds the machine (tree: the device tree), sets up its GICv3, prints on its UART. */
void machine_init(uint64_t tree);
void gic_init_cpu(unsigned cpu);
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
#define GICD_IGROUPR    0x0080
#define GICD_ICFGR      0x0c00
#define GICR_TYPER      0x0008
#define GICR_WAKER      0x0014
#define GICR_STRIDE     0x20000
#define GICR_SGI        0x10000
#define GICR_IGROUPR0   (GICR_SGI + 0x0080)
#define GICR_ISENABLER0 (GICR_SGI + 0x0100)
#define GICR_IPRIORITYR (GICR_SGI + 0x0400)
#define UART_DR         0x00
#define UART_FR         0x18

#define PSCI_VERSION    0x84000000
#define PSCI_CPU_ON     0xc4000003
#define PSCI_SYSTEM_OFF 0x84000008
#define SMCCC_UNKNOWN   0x8600ff77
#define SMCCC_HYP_UID   0x8600ff01

/* tarn.c: as dom0 of Tarn, if an Image lies at GUEST_AT, makes a domU of it, is its peer and
 * repeats what it prints; false: there is nothing to do. */
bool tarn_host_run(uint64_t tree);

/* tarn.c: as dom0 of Tarn, prints what EL2's heap gives for a domain of a vCPU and 256 MiB. */
void tarn_print_memory(void);

/* machine.c: where in the device tree a word stands; NULL. */
const char *tree_find(uint64_t tree, const char *word);

#endif
