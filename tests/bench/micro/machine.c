/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices the payload has, its GICv3 and its console. May include guests/abi, platform's
 * printf.
 */
#include "guests/abi/domu.h"
#include "guests/abi/hypercall.h"
#include "platform/printf.h"
#include "platform/string.h"
#include "tests/bench/micro/micro.h"

/*
 * Where devices lie and, for the console, the hypercall that prints. QEMU's virt board, whose
 * layout Tarn's domUs and the KVM guest share; Xen's domU (xen/include/public/arch-arm.h); Xen's
 * dom0, which has the board's layout and prints by hypercall.
 */
static const struct machine machines[] = {
    {"machine=xen-domu", 0x03001000, 0x03020000, 0x22000000, false, &xen_channel, 1, 0, 1},
    {"machine=xen-dom0", DOMU_GICD_BASE, DOMU_GICR_BASE, DOMU_UART_BASE, true, &xen_channel, 0, 0,
     1},
    {"machine=kvm", DOMU_GICD_BASE, DOMU_GICR_BASE, DOMU_UART_BASE, false, &irqfd_channel, 1, 0, 1},
    {"", DOMU_GICD_BASE, DOMU_GICR_BASE, DOMU_UART_BASE, false, &virtio_channel, 1, 0, 1},
};

struct machine machine;

void hvc_full(uint64_t x[8])
{
    register uint64_t x0 __asm__("x0") = x[0];
    register uint64_t x1 __asm__("x1") = x[1];
    register uint64_t x2 __asm__("x2") = x[2];
    register uint64_t x3 __asm__("x3") = x[3];
    register uint64_t x4 __asm__("x4") = x[4];
    register uint64_t x5 __asm__("x5") = x[5];
    register uint64_t x6 __asm__("x6") = x[6];
    register uint64_t x7 __asm__("x7") = x[7];
    __asm__ volatile(
        "hvc #0"
        : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x7)
        :
        : "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
    x[0] = x0;
    x[1] = x1;
    x[2] = x2;
    x[3] = x3;
    x[4] = x4;
    x[5] = x5;
}

uint64_t hvc(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t x[8] = {function, a, b, c};
    hvc_full(x);
    return x[0];
}

/* HYPERVISOR_console_io(CONSOLEIO_write, 1, &c), xen/include/public/xen.h */
static void put_by_hypercall(char c)
{
    register uint64_t x0 __asm__("x0") = 0;
    register uint64_t x1 __asm__("x1") = 1;
    register uint64_t x2 __asm__("x2") = (uint64_t)&c;
    register uint64_t x16 __asm__("x16") = 18;
    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x16) : : "memory");
}

static void put(char c)
{
    if (machine.console_hypercall) {
        put_by_hypercall(c);
        return;
    }
    while (read32(machine.uart + UART_FR) & 0x20) /* TXFF */
        ;
    write32(machine.uart + UART_DR, (uint8_t)c);
}

void print(const char *format, ...)
{
    char line[200];
    va_list args;

    va_start(args, format);
    (void)format_string(line, sizeof(line), format, args);
    va_end(args);
    for (const char *c = line; *c; c++) {
        if (*c == '\n')
            put('\r');
        put(*c);
    }
}

void power_off(void)
{
    (void)hvc(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;)
        wfi();
}

/* platform/spinlock.h and friends may call it. */
void panic(const char *format, ...)
{
    print("%s\n", format);
    power_off();
}

void gic_init_cpu(unsigned cpu)
{
    uint64_t gicr = machine.gicr + cpu * GICR_STRIDE;

    write32(gicr + GICR_WAKER, 0);
    while (read32(gicr + GICR_WAKER) & 4) /* ChildrenAsleep */
        ;
    write32(gicr + GICR_IGROUPR0, 0xffffffff);
    for (unsigned i = 0; i < 32; i += 4)
        write32(gicr + GICR_IPRIORITYR + i, 0xa0a0a0a0);
    /* A peer may interrupt by any PPI: Xen picks one. */
    write32(gicr + GICR_ISENABLER0, machine.mode == MODE_IO ? 0xffff0001 : 1u | 1u << VTIMER_INTID);
    sysreg_write(S3_0_C12_C12_5, 7); /* ICC_SRE_EL1 */
    isb();
    sysreg_write(S3_0_C4_C6_0, 0xff); /* ICC_PMR_EL1 */
    sysreg_write(S3_0_C12_C12_7, 1);  /* ICC_IGRPEN1_EL1 */
    isb();
}

const char *tree_find(uint64_t tree, const char *word)
{
    const char *blob = (const char *)tree;
    size_t size = tree >> (2 * MODE_BITS) ? __builtin_bswap32(((const uint32_t *)tree)[1]) : 0;

    for (size_t i = 0; i + strlen(word) <= size; i++)
        if (memcmp(blob + i, word, strlen(word)) == 0)
            return blob + i;
    return NULL;
}

static unsigned mode_of(uint64_t tree)
{
    static const char *const words[] = {"mode=one",    "mode=smp",   "mode=io",
                                        "mode=switch", "mode=timer", "mode=boot"};

    if (tree >> (2 * MODE_BITS) == 0)
        return tree & ((1u << MODE_BITS) - 1);
    for (unsigned mode = 0; mode < ARRAY_SIZE(words); mode++)
        if (tree_find(tree, words[mode]))
            return mode;
    return MODE_ONE;
}

static unsigned domains_of(uint64_t tree)
{
    const char *word = tree_find(tree, "domains=");
    unsigned domains = (unsigned)(tree >> MODE_BITS);

    if (tree >> (2 * MODE_BITS) != 0)
        for (domains = 0; word && word[8] >= '0' && word[8] <= '9'; word++)
            domains = 10 * domains + (unsigned)(word[8] - '0');
    return domains >= 1 && domains <= MAX_DOMAINS ? domains : 1;
}

void machine_init(uint64_t tree)
{
    const struct machine *found = machines;

    while (*found->word && !tree_find(tree, found->word))
        found++;
    machine = *found;
    machine.mode = mode_of(tree);
    machine.domains = domains_of(tree);
    if (tree_find(tree, "side=0"))
        machine.side = 0;
    write32(machine.gicd + GICD_CTLR, 0x12); /* ARE, group 1 */
    gic_init_cpu(0);
}
