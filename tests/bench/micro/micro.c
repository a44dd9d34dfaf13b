/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operation costs a guest, in instructions: under QEMU's -icount shift=0 one instruction
 * takes one nanosecond, so the guest's own counter counts what was executed between an instruction
 * and its return, wherever. Each operation is repeated in rounds; the result is the median of the
 * rounds, less what an empty operation costs. May include tests/bench/micro.
 */
#include "tests/bench/micro/micro.h"

#define REPEAT 64

void micro_main(uint64_t tree, uint64_t physical, uint64_t virtual);
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

/* Median of the rounds' sums: nanoseconds of REPEAT operations. */
static uint64_t time_of(operation_t operation, uint64_t argument, uint64_t stride)
{
    uint64_t round[ROUNDS];

    for (unsigned r = 0; r < ROUNDS; r++) {
        mark();
        uint64_t begin = begin_time();
        for (unsigned i = 0; i < REPEAT; i++, argument += stride)
            operation(argument);
        round[r] = end_time() - begin;
    }
    mark();
    return median(round, ROUNDS);
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

static void one_vcpu(void)
{
    measure_operations();
    irq_enable();
    measure_latencies();
    irq_disable();
}

static void timer_run(void)
{
    irq_enable();
    measure_timers();
    irq_disable();
}

/* The counters at the payload's first instruction. */
static uint64_t first_physical, first_virtual;

static void boot_run(void)
{
    print("BENCH moment first %lu\n", first_physical << TICK_SHIFT);
    print("BENCH moment first_virtual %lu\n", first_virtual << TICK_SHIFT);
    tarn_print_memory();
}

/* By machine.mode. */
static void (*const modes[NR_MODES])(void) = {
    [MODE_ONE] = one_vcpu,         [MODE_SMP] = smp_run,     [MODE_IO] = io_run,
    [MODE_SWITCH] = switch_run,    [MODE_TIMER] = timer_run, [MODE_BOOT] = boot_run,
    [MODE_SLEEP] = sleep_for_good,
};

void micro_main(uint64_t tree, uint64_t physical, uint64_t virtual)
{
    first_physical = physical;
    first_virtual = virtual;
    machine_init(tree);
    if (!tarn_host_run(tree))
        modes[machine.mode]();
    bool is_pair = machine.mode == MODE_IO || machine.mode == MODE_SWITCH;
    if (!is_pair || machine.side == 1)
        print("BENCH done\n");
    while (machine.console_hypercall && is_pair)
        wfi(); /* Xen halts the machine when its dom0 goes, whatever the domU is at */
    power_off();
}
