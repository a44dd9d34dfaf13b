/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Panic: what happened, in words, with registers and a backtrace that names functions.
 * Takes no lock: the owner may be the CPU that died. May call platform.
 */
#include "platform/panic.h"

#include <stdarg.h>

#include "platform/cpu.h"
#include "platform/log.h"
#include "platform/printf.h"
#include "platform/sysreg.h"

#define BACKTRACE_DEPTH 24
#define STACK_MOST      0x4000 /* no frame record is further above SP than this */

extern char __image_start[], __text_end[];

/*
 * The table that platform/mksymbols.py wrote: sorted offsets of functions from the image's start,
 * and where each name begins in a string of names.
 */
extern const uint32_t tarn_symbol_count;
extern const uint32_t tarn_symbol_offset[];
extern const uint32_t tarn_symbol_name[];
extern const char tarn_symbol_names[];

void (*panic_stop_others)(void);

/* Checked by code built with -fstack-protector; head.S gives it a value nobody can know. */
uintptr_t __stack_chk_guard;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[160];
    va_list args;

    va_start(args, format);
    (void)format_string(line, sizeof(line), format, args);
    va_end(args);
    console_write(line);
}

/* Index of the last function that begins at or before an offset. */
static unsigned symbol_at(uint64_t offset)
{
    unsigned low = 0, high = tarn_symbol_count;

    while (high - low > 1) {
        unsigned middle = (low + high) / 2;
        if (tarn_symbol_offset[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void say_address(unsigned depth, uint64_t address)
{
    uint64_t offset = address - (uintptr_t)__image_start;
    unsigned symbol = symbol_at(offset);

    if (tarn_symbol_count == 0 || address < (uintptr_t)__image_start)
        say("  #%-2u %016lx ?\n", depth, address);
    else
        say("  #%-2u %016lx %s+0x%lx\n", depth, address,
            tarn_symbol_names + tarn_symbol_name[symbol], offset - tarn_symbol_offset[symbol]);
}

/*
 * Frame records (AAPCS64, 6.4.6): {previous x29, x30}, ever upward on one stack, which begins at
 * sp. What is not there is not read: a fault in here would be the last word.
 */
static void backtrace(uint64_t pc, uint64_t fp, uint64_t sp)
{
    uint64_t low = sp;

    say("backtrace:\n");
    if (pc)
        say_address(0, pc);
    for (unsigned depth = 1; depth < BACKTRACE_DEPTH; depth++) {
        const uint64_t *record = (const uint64_t *)(uintptr_t)fp;
        if (fp < low || fp - sp > STACK_MOST || (fp & 0xf) != 0)
            break;
        if (record[1] < (uintptr_t)__image_start || record[1] >= (uintptr_t)__text_end)
            break;
        say_address(depth, record[1] - 4); /* the call, not the next function after a last one */
        low = fp + 1;
        fp = record[0];
    }
}

static const char *class_name(uint64_t esr)
{
    static const char *const names[64] = {
        [0x00] = "unknown reason (undefined instruction)",
        [0x07] = "FP/SIMD access trapped",
        [0x0e] = "illegal execution state",
        [0x21] = "instruction abort",
        [0x22] = "PC alignment fault",
        [0x25] = "data abort",
        [0x26] = "SP alignment fault",
        [0x2f] = "SError",
        [0x3c] = "BRK instruction",
    };
    const char *name = names[FIELD(esr, 31, 26)];

    return name ? name : "another class";
}

static const char *fault_name(uint64_t esr)
{
    static const char *const kinds[] = {"address size fault", "translation fault",
                                        "access flag fault", "permission fault"};

    if (FIELD(esr, 5, 0) == 0x10)
        return "external abort";
    if (FIELD(esr, 5, 0) == 0x21)
        return "alignment fault";
    return FIELD(esr, 5, 4) == 0 ? kinds[FIELD(esr, 3, 2)] : "other fault";
}

static void say_syndrome(const struct el2_frame *frame)
{
    uint64_t class = FIELD(frame->esr, 31, 26);

    say("syndrome: %s", class_name(frame->esr));
    if (class == 0x25 || class == 0x21)
        say(", %s at level %lu, %s address %016lx", fault_name(frame->esr), FIELD(frame->esr, 1, 0),
            class == 0x21         ? "executing"
            : frame->esr & BIT(6) ? "writing"
                                  : "reading",
            frame->far);
    say("\nESR_EL2 %016lx  FAR_EL2 %016lx\n", frame->esr, frame->far);
}

static void say_registers(const struct el2_frame *frame)
{
    for (unsigned i = 0; i < 30; i += 3)
        say("x%-2u %016lx  x%-2u %016lx  x%-2u %016lx\n", i, frame->x[i], i + 1, frame->x[i + 1],
            i + 2, frame->x[i + 2]);
    say("x30 %016lx  sp  %016lx\npc  %016lx  pstate %08lx\n", frame->x[30], frame->sp, frame->elr,
        frame->spsr);
}

/* The first CPU to come speaks, others are silent; its own second fault ends the story. */
static void begin(void)
{
    static unsigned speaker; /* CPU number + 1 */
    unsigned expected = 0;

    irq_disable();
    if (!__atomic_compare_exchange_n(&speaker, &expected, cpu_id() + 1, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
        if (expected == cpu_id() + 1)
            say("\ntarn: another fault while reporting this one; halted.\n");
        for (;;)
            wfi();
    }
    if (panic_stop_others)
        panic_stop_others();
    say("\n\ntarn: PANIC on CPU %u: ", cpu_id());
}

__attribute__((noreturn)) static void park(void)
{
    say("tarn: halted. This is a bug in Tarn: please report the lines above.\n");
    for (;;)
        wfi();
}

void panic_frame(const char *name, const struct el2_frame *frame)
{
    begin();
    say("%s\n", name);
    say_syndrome(frame);
    say_registers(frame);
    backtrace(frame->elr, frame->x[29], frame->sp);
    park();
}

void panic(const char *format, ...)
{
    char line[200];
    struct el2_frame frame = {0};
    va_list args;

    va_start(args, format);
    (void)format_string(line, sizeof(line), format, args);
    va_end(args);
    __asm__ volatile("stp x0, x1, [%0, #0]\n\tstp x2, x3, [%0, #16]\n\t"
                     "stp x4, x5, [%0, #32]\n\tstp x6, x7, [%0, #48]\n\t"
                     "stp x8, x9, [%0, #64]\n\tstp x10, x11, [%0, #80]\n\t"
                     "stp x12, x13, [%0, #96]\n\tstp x14, x15, [%0, #112]\n\t"
                     "stp x16, x17, [%0, #128]\n\tstp x18, x19, [%0, #144]\n\t"
                     "stp x20, x21, [%0, #160]\n\tstp x22, x23, [%0, #176]\n\t"
                     "stp x24, x25, [%0, #192]\n\tstp x26, x27, [%0, #208]\n\t"
                     "stp x28, x29, [%0, #224]\n\tstr x30, [%0, #240]"
                     :
                     : "r"(frame.x)
                     : "memory");
    frame.elr = (uintptr_t)__builtin_return_address(0);
    frame.sp = (uintptr_t)__builtin_frame_address(0);
    frame.esr = sysreg_read(esr_el2); /* of the last exit */
    frame.far = sysreg_read(far_el2);
    frame.spsr = sysreg_read(spsr_el2);
    begin();
    say("%s\n", line);
    say("last exit's syndrome: ESR_EL2 %016lx (%s)  FAR_EL2 %016lx\n", frame.esr,
        class_name(frame.esr), frame.far);
    say_registers(&frame);
    backtrace(0, (uintptr_t)__builtin_frame_address(0), frame.sp);
    park();
}

__attribute__((noreturn)) void __stack_chk_fail(void)
{
    panic("stack overwritten in a function below");
}
