/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to device trees: QEMU's, real boards', an odd one, and broken ones. */
#include "unit.h"

#include <libfdt.h>

#include "dt_machine.h"
#include "platform/fdt.h"
#include "platform/log.h"
#include "platform/uart.h"

struct list {
    unsigned count;
    struct pa_range range[64];
};

static void collect(uint64_t base, uint64_t size, void *context)
{
    struct list *list = context;

    if (list->count < ARRAY_SIZE(list->range))
        list->range[list->count++] = (struct pa_range){base, size};
}

static void assert_range(const struct pa_range *range, uint64_t base, uint64_t size)
{
    assert_int_equal(range->base, base);
    assert_int_equal(range->size, size);
}

static void test_odd_addresses(void **state)
{
    void *fdt = dt_machine("odd");
    struct pa_range range;

    (void)state;
    int uart = fdt_path_offset(fdt, "serial0");
    assert_true(dt_reg(fdt, uart, 0, &range));
    assert_range(&range, 0x402000100, 0x100);
    assert_false(dt_reg(fdt, uart, 1, &range));
    int far = fdt_path_offset(fdt, "/soc/far@30001000");
    assert_true(dt_reg(fdt, far, 0, &range));
    assert_range(&range, 0x500001000, 0x1000);
    assert_true(dt_reg(fdt, far, 1, &range));
    assert_range(&range, 0x402000000, 0x10);
    assert_false(dt_reg(fdt, fdt_path_offset(fdt, "/soc/bridge@2000000/outside@20000"), 0, &range));
    assert_false(dt_reg(fdt, fdt_path_offset(fdt, "/soc/i2c@2300000/sensor@48"), 0, &range));
    assert_false(dt_reg(fdt, fdt_path_offset(fdt, "/island/uart@1000"), 0, &range));
    assert_false(dt_reg(fdt, 0, 0, &range));
    assert_false(dt_reg(fdt, fdt_path_offset(fdt, "/timer"), 0, &range));
    free(fdt);
}

static void test_odd_interrupts(void **state)
{
    void *fdt = dt_machine("odd");
    int uart = fdt_path_offset(fdt, "serial0");
    int gic = fdt_path_offset(fdt, "/soc/interrupt-controller@1000000");
    uint32_t intid;

    (void)state;
    assert_int_equal(dt_interrupt_cells(fdt, uart), 4);
    assert_true(dt_interrupt(fdt, uart, 0, &intid));
    assert_int_equal(intid, 65);
    assert_true(dt_interrupt(fdt, uart, 1, &intid));
    assert_int_equal(intid, 66);
    assert_false(dt_interrupt(fdt, uart, 2, &intid));
    assert_true(dt_interrupt(fdt, gic, 0, &intid));
    assert_int_equal(intid, 25);
    assert_true(dt_interrupt(fdt, fdt_path_offset(fdt, "/timer"), 3, &intid));
    assert_int_equal(intid, 26);
    assert_false(dt_interrupt(fdt, fdt_path_offset(fdt, "/soc"), 0, &intid));
    free(fdt);
}

static void test_odd_memory_and_cpus(void **state)
{
    void *fdt = dt_machine("odd");
    struct list memory = {0}, reserved = {0};
    uint64_t mpidr[8];

    (void)state;
    dt_for_each_memory(fdt, collect, &memory);
    assert_int_equal(memory.count, 2);
    assert_range(&memory.range[0], 0x80000000, 0x20000000);
    assert_range(&memory.range[1], 0x880000000, 0x40000000);
    dt_for_each_reserved(fdt, collect, &reserved);
    assert_int_equal(reserved.count, 3);
    assert_range(&reserved.range[0], 0x80000000, 0x10000);
    assert_range(&reserved.range[1], 0x9f000000, 0x100000);
    assert_range(&reserved.range[2], 0x880000000, 0x1000);
    assert_int_equal(dt_cpus(fdt, mpidr, 8), 2);
    assert_int_equal(mpidr[0], 0);
    assert_int_equal(mpidr[1], 0x100);
    assert_int_equal(dt_cpus(fdt, mpidr, 1), 1);
    free(fdt);
}

static void test_virt(void **state)
{
    static const unsigned cpus[] = {1, 4, 8};

    (void)state;
    for (unsigned gic = 2; gic <= 3; gic++) {
        for (unsigned i = 0; i < ARRAY_SIZE(cpus); i++) {
            char name[32];
            struct list memory = {0};
            struct pa_range range;
            const struct uart_ops *ops = NULL;
            uint64_t mpidr[MAX_CPUS];
            snprintf(name, sizeof(name), "virt-gic%u-smp%u", gic, cpus[i]);
            void *fdt = dt_machine(name);
            assert_null(dt_check(fdt, MIB));
            assert_int_equal(dt_cpus(fdt, mpidr, MAX_CPUS), cpus[i]);
            for (unsigned cpu = 0; cpu < cpus[i]; cpu++)
                assert_int_equal(mpidr[cpu], cpu);
            dt_for_each_memory(fdt, collect, &memory);
            assert_int_equal(memory.count, 1);
            assert_int_equal(memory.range[0].size, 2 * GIB);
            assert_true(console_find(fdt, NULL, &range, &ops));
            assert_string_equal(ops->compatible, "arm,pl011");
            free(fdt);
        }
    }
}

static void test_consoles(void **state)
{
    void *fdt = dt_machine("odd");
    const struct uart_ops *ops = NULL;
    struct pa_range range = {1, 2};

    (void)state;
    assert_true(console_find(fdt, NULL, &range, &ops));
    assert_string_equal(ops->compatible, "ns16550a");
    assert_range(&range, 0x402000100, 0x100);
    range = (struct pa_range){1, 2};
    ops = NULL;
    assert_false(console_find(fdt, "/timer", &range, &ops));
    assert_false(console_find(fdt, "/nowhere", &range, &ops));
    assert_false(console_find(fdt, "serial7:9600", &range, &ops));
    assert_false(console_find(fdt, ":", &range, &ops));
    assert_false(console_find(fdt, "/island/uart@1000", &range, &ops));
    assert_null(ops);
    assert_range(&range, 1, 2);
    assert_non_null(uart_of("arm,pl011"));
    assert_null(uart_of("arm,pl012"));
    free(fdt);
}

static void test_boards(void **state)
{
    static const struct {
        const char *name, *uart;
        uint64_t base;
        unsigned cpus;
    } rows[] = {
        {"xilinx/zynqmp-zcu102-rev1.0", "cdns,uart-r1p12", 0xff000000, 4},
        {"broadcom/bcm2711-rpi-4-b", "brcm,bcm2835-aux-uart", 0xfe215040, 4},
        {"rockchip/rk3399-rockpro64", "snps,dw-apb-uart", 0xff1a0000, 6},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        void *fdt = dt_board(rows[i].name);
        struct pa_range range = {0};
        const struct uart_ops *ops = NULL;
        uint64_t mpidr[MAX_CPUS];
        if (!fdt)
            skip();
        assert_int_equal(dt_cpus(fdt, mpidr, MAX_CPUS), rows[i].cpus);
        assert_true(console_find(fdt, NULL, &range, &ops));
        assert_string_equal(ops->compatible, rows[i].uart);
        assert_int_equal(range.base, rows[i].base);
        free(fdt);
    }
}

static void test_check_says_what_is_wrong(void **state)
{
    uint8_t *fdt = dt_machine("virt-gic3-smp4");
    size_t size = fdt_totalsize(fdt);
    uint8_t *cut = calloc(1, size);

    (void)state;
    assert_non_null(strstr(dt_check(NULL, MIB), "no device tree"));
    assert_non_null(strstr(dt_check(cut, MIB), "no device tree"));
    assert_null(dt_check(fdt, MIB));
    assert_non_null(strstr(dt_check(fdt, size - 1), "larger"));
    memcpy(cut, fdt, size / 2); /* truncated: the rest reads as zeroes */
    assert_non_null(strstr(dt_check(cut, MIB), "truncated or corrupt"));
    memcpy(cut, fdt, size);
    memset(cut + fdt_off_dt_struct(fdt) + 16, 0xff, 16);
    assert_non_null(strstr(dt_check(cut, MIB), "truncated or corrupt"));
    free(cut);
    free(fdt);
}

/* Asks everything there is to ask. */
static void ask(const void *fdt)
{
    struct list list = {0};
    struct pa_range range;
    const struct uart_ops *ops;
    uint64_t mpidr[4];
    uint32_t intid;

    for (int node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL)) {
        for (unsigned i = 0; i < 8; i++) {
            (void)dt_reg(fdt, node, i, &range);
            (void)dt_interrupt(fdt, node, i, &intid);
        }
        (void)dt_enabled(fdt, node);
        (void)uart_find(fdt, node);
    }
    dt_for_each_memory(fdt, collect, &list);
    dt_for_each_reserved(fdt, collect, &list);
    (void)dt_cpus(fdt, mpidr, 4);
    (void)console_find(fdt, NULL, &range, &ops);
}

/* Random damage is either found by dt_check, or does no harm: nothing is read beyond the tree. */
static void test_damaged(void **state)
{
    uint8_t *good = dt_machine("odd");
    size_t size = fdt_totalsize(good);
    unsigned passed = 0;

    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        uint8_t *bad = malloc(size);
        memcpy(bad, good, size);
        for (unsigned flips = 1 + (unsigned)unit_random_below(4); flips; flips--)
            bad[unit_random_below(size)] = (uint8_t)unit_random();
        if (!dt_check(bad, size)) {
            passed++;
            ask(bad);
        }
        free(bad);
    }
    assert_true(passed > 100);
    free(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_odd_addresses),
        cmocka_unit_test(test_odd_interrupts),
        cmocka_unit_test(test_odd_memory_and_cpus),
        cmocka_unit_test(test_virt),
        cmocka_unit_test(test_consoles),
        cmocka_unit_test(test_boards),
        cmocka_unit_test(test_check_says_what_is_wrong),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
