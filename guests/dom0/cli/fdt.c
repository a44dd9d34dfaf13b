/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device tree of a domU, written from front to back by libfdt.
 */
#include "guests/dom0/cli/fdt.h"

#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "guests/abi/domu.h"
#include "guests/dom0/common/devices.h"

/* phandles */
#define PHANDLE_GIC   1
#define PHANDLE_CLOCK 2

/* Interrupt specifiers of arm,gic: kind, number in it, flags. */
#define SPI(intid)  0, (uint32_t)(intid)-32
#define PPI(intid)  1, (uint32_t)(intid)-16
#define EDGE_RISING 1
#define LEVEL_HIGH  4

/* One tree at a time: the first error stays, what follows it does nothing. */
static void *tree;
static int error;

static void check(int result)
{
    if (!error && result < 0)
        error = result;
}

static void begin(const char *format, ...)
{
    char name[64];
    va_list args;

    va_start(args, format);
    vsnprintf(name, sizeof(name), format, args);
    va_end(args);
    check(fdt_begin_node(tree, name));
}

static void end(void)
{
    check(fdt_end_node(tree));
}

static void cell(const char *name, uint32_t value)
{
    check(fdt_property_u32(tree, name, value));
}

static void text(const char *name, const char *value)
{
    check(fdt_property(tree, name, value, (int)strlen(value) + 1));
}

static void flag(const char *name)
{
    check(fdt_property(tree, name, NULL, 0));
}

static void cells(const char *name, const uint32_t *value, unsigned count)
{
    fdt32_t raw[32];

    for (unsigned i = 0; i < count; i++)
        raw[i] = cpu_to_fdt32(value[i]);
    check(fdt_property(tree, name, raw, (int)(count * sizeof(raw[0]))));
}

#define CELLS(name, ...)                                                                           \
    cells(name, (const uint32_t[]){__VA_ARGS__},                                                   \
          sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
#define CELLS64(value) (uint32_t)((uint64_t)(value) >> 32), (uint32_t)(value)

/* Several strings in one property; the literal's own NUL ends the last. */
#define TEXTS(name, strings) check(fdt_property(tree, name, strings, sizeof(strings)))

static void add_cpus(const struct config *config)
{
    begin("cpus");
    cell("#address-cells", 1);
    cell("#size-cells", 0);
    for (unsigned i = 0; i < config->vcpus; i++) {
        uint32_t mpidr = i % 16 | i / 16 << 8;
        begin("cpu@%x", mpidr);
        text("device_type", "cpu");
        text("compatible", "arm,armv8");
        cell("reg", mpidr);
        text("enable-method", "psci");
        end();
    }
    end();
    begin("psci");
    TEXTS("compatible", "arm,psci-1.0\0arm,psci-0.2");
    text("method", "hvc");
    end();
}

static void add_gic(const struct config *config, unsigned version)
{
    begin("interrupt-controller@%x", DOMU_GICD_BASE);
    if (version == 3) {
        text("compatible", "arm,gic-v3");
        CELLS("reg", CELLS64(DOMU_GICD_BASE), CELLS64(DOMU_GICD_SIZE), CELLS64(DOMU_GICR_BASE),
              CELLS64((uint64_t)config->vcpus * DOMU_GICR_STRIDE));
    } else {
        TEXTS("compatible", "arm,gic-400\0arm,cortex-a15-gic");
        CELLS("reg", CELLS64(DOMU_GICD_BASE), CELLS64(DOMU_GICD_SIZE), CELLS64(DOMU_GICC_BASE),
              CELLS64(DOMU_GICC_SIZE));
    }
    flag("interrupt-controller");
    cell("#interrupt-cells", 3);
    cell("#address-cells", 0);
    cell("phandle", PHANDLE_GIC);
    end();
}

/* Secure and hypervisor timers (29, 26) are named only because the binding counts positions. */
static void add_timer(void)
{
    begin("timer");
    text("compatible", "arm,armv8-timer");
    CELLS("interrupts", PPI(29), LEVEL_HIGH, PPI(DOMU_PTIMER_INTID), LEVEL_HIGH,
          PPI(DOMU_VTIMER_INTID), LEVEL_HIGH, PPI(26), LEVEL_HIGH);
    flag("always-on");
    end();
}

static void add_uart(void)
{
    begin("clock");
    text("compatible", "fixed-clock");
    cell("#clock-cells", 0);
    cell("clock-frequency", DOMU_UART_CLOCK_HZ);
    cell("phandle", PHANDLE_CLOCK);
    end();
    begin("serial@%x", DOMU_UART_BASE);
    TEXTS("compatible", "arm,pl011\0arm,primecell");
    CELLS("reg", CELLS64(DOMU_UART_BASE), CELLS64(DOMU_UART_SIZE));
    CELLS("interrupts", SPI(DOMU_UART_INTID), LEVEL_HIGH);
    CELLS("clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
    TEXTS("clock-names", "uartclk\0apb_pclk");
    end();
}

/* Two frames in one page; Linux reads the control frame up to W_IIDR at 0xfcc. */
static void add_watchdog(unsigned index)
{
    uint64_t base = DOMU_VIRTIO_BASE + (uint64_t)index * DOMU_VIRTIO_STRIDE;

    begin("watchdog@%lx", (unsigned long)base);
    text("compatible", "arm,sbsa-gwdt");
    CELLS("reg", CELLS64(base), CELLS64(WATCHDOG_REFRESH), CELLS64(base + WATCHDOG_REFRESH),
          CELLS64(DOMU_VIRTIO_STRIDE - WATCHDOG_REFRESH));
    end();
}

/* Tarn makes the device of the last property, if it starts the domain itself. */
static void add_virtio(unsigned index, const struct slot *slot)
{
    uint64_t base = DOMU_VIRTIO_BASE + (uint64_t)index * DOMU_VIRTIO_STRIDE;

    begin("virtio_mmio@%lx", (unsigned long)base);
    text("compatible", "virtio,mmio");
    CELLS("reg", CELLS64(base), CELLS64(DOMU_VIRTIO_STRIDE));
    CELLS("interrupts", SPI(DOMU_VIRTIO_INTID + index), EDGE_RISING);
    flag("dma-coherent");
    CELLS("tarn,device", slot->device_id, slot->queues);
    end();
}

/* A domain that does not wait for dom0 must not meet a device that it did not ask for. */
static bool is_asked_for(const struct slot *slot)
{
    return slot->kind != SLOT_CONSOLE && slot->kind != SLOT_ENTROPY && slot->kind != SLOT_INPUT &&
           slot->kind != SLOT_WATCHDOG;
}

static void add_devices(const struct config *config, bool at_boot)
{
    struct slot slot[MAX_SLOTS];
    unsigned count = devices_of(config, slot);

    for (unsigned i = 0; i < count; i++) {
        if (at_boot && !is_asked_for(&slot[i]))
            continue;
        if (slot[i].kind == SLOT_WATCHDOG)
            add_watchdog(i);
        else
            add_virtio(i, &slot[i]);
    }
}

/* Of no driver: programs map it through /dev/mem, and the port of the same name is its doorbell. */
static void add_regions(const struct config *config)
{
    for (unsigned i = 0; i < config->ports; i++) {
        uint64_t base = config_region(config, i);
        if (config->port[i].memory == 0)
            continue;
        begin("shared-memory@%lx", (unsigned long)base);
        text("compatible", "tarn,shared-memory");
        text("label", config->port[i].name);
        CELLS("reg", CELLS64(base), CELLS64(config->port[i].memory));
        end();
    }
}

static void add_chosen(const struct config *config, const struct layout *layout,
                       const struct fdt_seeds *seeds)
{
    char path[32];

    snprintf(path, sizeof(path), "/serial@%x", DOMU_UART_BASE);
    begin("aliases");
    text("serial0", path);
    end();
    begin("chosen");
    text("bootargs", config->cmdline);
    text("stdout-path", path);
    if (layout && layout->initrd_end > layout->initrd) {
        CELLS("linux,initrd-start", CELLS64(layout->initrd));
        CELLS("linux,initrd-end", CELLS64(layout->initrd_end));
    }
    if (seeds) {
        CELLS("kaslr-seed", CELLS64(seeds->kaslr));
        check(fdt_property(tree, "rng-seed", seeds->rng, sizeof(seeds->rng)));
    }
    end();
}

int fdt_make(void *buffer, size_t size, const struct config *config, const struct layout *layout,
             unsigned gic_version, const struct fdt_seeds *seeds)
{
    tree = buffer;
    error = 0;
    check(fdt_create(tree, (int)size));
    check(fdt_finish_reservemap(tree));
    begin("%s", "");
    text("compatible", "tarn,domu");
    text("model", "Tarn domU");
    cell("#address-cells", 2);
    cell("#size-cells", 2);
    cell("interrupt-parent", PHANDLE_GIC);
    flag("dma-coherent");
    add_chosen(config, layout, seeds);
    begin("memory@%x", DOMU_RAM_BASE);
    text("device_type", "memory");
    CELLS("reg", CELLS64(DOMU_RAM_BASE), CELLS64(config->memory));
    end();
    add_cpus(config);
    add_timer();
    add_gic(config, gic_version);
    add_uart();
    add_devices(config, layout == NULL);
    add_regions(config);
    end();
    check(fdt_finish(tree));
    return error;
}
