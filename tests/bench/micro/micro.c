/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operation costs a guest, in instructions: under QEMU's -icount shift=0 one instruction
 * takes one nanosecond, so the guest's own counter counts what was executed between an instruction
 * and its return, wherever. Each operation is repeated in rounds; the result is the median of the
 * rounds, less what an empty operation costs. Results are printed as lines "BENCH micro OP VALUE
 * instructions". May include tests/bench/micro, guests/abi.
 */
#include "tests/bench/micro/micro.h"

#define ROUNDS 33
#define REPEAT 64

void micro_main(uint64_t tree);
void micro_unexpected(uint64_t esr, uint64_t elr, uint64_t far);

void micro_unexpected(uint64_t esr, uint64_t elr, uint64_t far)
{
    print("BENCH failed exception esr=%lx elr=%lx far=%lx\n", esr,
          elr - (uint64_t)(uintptr_t)image_start, far);
    power_off();
}

/* An operation has its address or function in x0 already, so that it is one instruction. */
typedef void (*operation_t)(uint64_t argument);

static void op_empty(uint64_t argument)
{
    (void)argument;
}

static void op_hvc(uint64_t function)
{
    register uint64_t x0 __asm__("x0") = function;
    __asm__ volatile("hvc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
}

static void op_read(uint64_t address)
{
    (void)read32(address);
}

static void op_write(uint64_t address)
{
    write32(address, 1u << 8);
}

static void op_toggle(uint64_t address)
{
    write32(address + GICD_ICENABLER - GICD_ISENABLER, 1u << 8);
    write32(address, 1u << 8);
}

static void op_idreg(uint64_t argument)
{
    (void)argument;
    (void)sysreg_read(id_aa64pfr0_el1);
}

static void op_cntp_read(uint64_t argument)
{
    (void)argument;
    (void)sysreg_read(cntp_ctl_el0);
}

static void op_counter_read(uint64_t argument)
{
    (void)argument;
    (void)sysreg_read(cntvct_el0);
}

static void op_priority_mask(uint64_t argument)
{
    sysreg_write(S3_0_C4_C6_0, argument);
}

static void op_tlbi(uint64_t argument)
{
    (void)argument;
    __asm__ volatile("tlbi vmalle1" : : : "memory");
}

static uint64_t median(uint64_t *value, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        for (unsigned j = i; j > 0 && value[j - 1] > value[j]; j--) {
            uint64_t swap = value[j];
            value[j] = value[j - 1];
            value[j - 1] = swap;
        }
    return value[count / 2];
}

/* Median of the rounds' sums: nanoseconds of REPEAT operations. */
static uint64_t time_of(operation_t operation, uint64_t argument, uint64_t stride)
{
    uint64_t round[ROUNDS];

    for (unsigned r = 0; r < ROUNDS; r++) {
        uint64_t begin = begin_time();
        for (unsigned i = 0; i < REPEAT; i++, argument += stride)
            operation(argument);
        round[r] = end_time() - begin;
    }
    return median(round, ROUNDS);
}

static void report(const char *name, uint64_t sum, uint64_t count)
{
    uint64_t tenths = (10 * sum + count / 2) / count;

    print("BENCH micro %s %lu.%lu instructions\n", name, tenths / 10, tenths % 10);
}

static void measure(const char *name, operation_t operation, uint64_t argument, uint64_t stride)
{
    uint64_t empty = time_of(op_empty, argument, stride);
    uint64_t sum = time_of(operation, argument, stride);

    report(name, sum > empty ? sum - empty : 0, REPEAT);
}

static void measure_operations(void)
{
    uint64_t untouched = ((uint64_t)(uintptr_t)image_end + 0x1fffff) & ~0x1ffffful;

    measure("hypercall", op_hvc, PSCI_VERSION, 0);
    measure("smccc_unknown", op_hvc, SMCCC_UNKNOWN, 0);
    measure("idreg_read", op_idreg, 0, 0);
    measure("gicd_read", op_read, machine.gicd + GICD_TYPER, 0);
    measure("gicd_write", op_write, machine.gicd + GICD_ISENABLER + 4, 0);
    measure("gicd_toggle", op_toggle, machine.gicd + GICD_ISENABLER + 4, 0);
    measure("gicr_read", op_read, machine.gicr + GICR_TYPER, 0);
    measure("uart_read", op_read, machine.uart + UART_FR, 0);
    measure("cntp_read", op_cntp_read, 0, 0);
    measure("counter_read", op_counter_read, 0, 0);
    measure("priority_mask", op_priority_mask, 0xff, 0);
    measure("tlbi", op_tlbi, 0, 0);
    measure("first_touch", op_write, untouched, 4096);
}

/* Nanoseconds until an interrupt's handler asked for the time. */
typedef uint64_t (*latency_t)(void);

static uint64_t latency_sgi_self(void)
{
    uint64_t begin = begin_time();

    sysreg_write(S3_0_C12_C11_5, 1); /* ICC_SGI1R_EL1: SGI 0 to affinity 0.0.0.0 */
    isb();
    while (irq_intid != 0)
        ;
    return irq_time - begin;
}

/* Far enough for Xen, which makes a timer at least 50 us long (TIMER_SLOP in xen/common/timer.c). */
#define TIMER_TICKS 8000

static uint64_t arm_timer(void)
{
    uint64_t deadline = sysreg_read(cntvct_el0) + TIMER_TICKS;

    irq_intid = 1;
    sysreg_write(cntv_cval_el0, deadline);
    sysreg_write(cntv_ctl_el0, 1);
    isb();
    return deadline;
}

static uint64_t latency_running(void)
{
    uint64_t deadline = arm_timer();

    while (irq_intid != VTIMER_INTID)
        ;
    return irq_time - (deadline << TICK_SHIFT);
}

static uint64_t latency_wfi(void)
{
    uint64_t deadline = arm_timer();

    while (irq_intid != VTIMER_INTID)
        wfi();
    return irq_time - (deadline << TICK_SHIFT);
}

/* The end of interrupt alone, of an SGI acknowledged by hand. */
static uint64_t latency_eoi(void)
{
    irq_disable();
    sysreg_write(S3_0_C12_C11_5, 1);
    isb();
    uint64_t intid = sysreg_read(S3_0_C12_C12_0);
    uint64_t begin = begin_time();
    sysreg_write(S3_0_C12_C12_1, intid);
    uint64_t end = end_time();
    irq_enable();
    return end - begin;
}

static uint64_t latency_none(void)
{
    uint64_t begin = begin_time();

    return end_time() - begin;
}

static void measure_latency(const char *name, latency_t latency, uint64_t own)
{
    uint64_t round[ROUNDS];

    for (unsigned r = 0; r < ROUNDS; r++) {
        irq_intid = 1;
        round[r] = latency();
    }
    uint64_t ns = median(round, ROUNDS);
    report(name, ns > own ? ns - own : 0, 1);
}

/* The vector's branch and irq_handler's four instructions before it asks for the time. */
#define HANDLER_OWN 5

void micro_main(uint64_t tree)
{
    machine_init(tree);
    measure_operations();
    irq_enable();
    measure_latency("sgi_self", latency_sgi_self, HANDLER_OWN);
    measure_latency("vtimer_running", latency_running, HANDLER_OWN);
    measure_latency("vtimer_wfi", latency_wfi, HANDLER_OWN);
    measure_latency("eoi", latency_eoi, latency_none() - 1);
    irq_disable();
    host_run();
    print("BENCH done\n");
    power_off();
}
