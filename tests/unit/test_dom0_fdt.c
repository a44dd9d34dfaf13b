/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dom0's device tree, made from trees of QEMU's virt, of real boards and of an odd machine: what
 * must be gone, what must be there, and that everything else stays as it was.
 */
#include "unit.h"

#include <libfdt.h>

#include "boot/dom0_fdt.h"
#include "boot/ranges.h"
#include "dt_machine.h"
#include "guests/abi/domu.h"
#include "stop_machine.h"

#define ROOM (64 * KIB)

static const struct ranges ram = {1, {{0x80000000, 0x10000000}}};
static const struct ranges pool = {2, {{0x90000000, 0x8000000}, {0x880000000, 0x40000000}}};

static struct dom0_fdt_config make_config(unsigned nr_vcpus)
{
    struct dom0_fdt_config config = {
        .ram = &ram,
        .pool = &pool,
        .bootargs = "root=/dev/vda quiet",
        .initrd = {0x84000000, 0x123456},
        .nr_vcpus = nr_vcpus,
        .upcall_page = 0x98001000,
    };

    return config;
}

/* NULL, or the sentence that ended the boot. */
static const char *try_build(const struct dom0_fdt_config *config, const void *machine, void *out,
                             size_t size)
{
    return stops(dom0_fdt_build(config, machine, out, size));
}

/* The tree that is made, in memory of its exact size. */
static void *build(const struct dom0_fdt_config *config, const void *machine)
{
    size_t room = fdt_totalsize(machine) + ROOM;
    void *out = malloc(room);
    const char *error = try_build(config, machine, out, room);

    if (error)
        fail_msg("%s", error);
    assert_int_equal(fdt_check_full(out, room), 0);
    return realloc(out, fdt_totalsize(out));
}

static unsigned count_compatible(const void *fdt, const char *compatible)
{
    unsigned count = 0;
    int node = -1;

    while ((node = fdt_node_offset_by_compatible(fdt, node, compatible)) >= 0)
        count++;
    return count;
}

static const void *property(const void *fdt, int node, const char *name, int length)
{
    int found = 0;
    const void *value = fdt_getprop(fdt, node, name, &found);

    assert_non_null(value);
    assert_int_equal(found, length);
    return value;
}

static uint32_t cell(const void *fdt, int node, const char *name)
{
    return fdt32_ld(property(fdt, node, name, 4));
}

static void assert_string(const void *fdt, int node, const char *name, const char *value)
{
    assert_string_equal(property(fdt, node, name, (int)strlen(value) + 1), value);
}

static void check_memory(const void *fdt)
{
    char path[64];
    struct pa_range range;

    for (unsigned i = 0; i < ram.count + pool.count; i++) {
        const struct pa_range *wanted = i < ram.count ? &ram.range[i] : &pool.range[i - ram.count];
        snprintf(path, sizeof(path), "/memory@%lx", wanted->base);
        int node = fdt_path_offset(fdt, path);
        assert_string(fdt, node, "device_type", "memory");
        assert_true(dt_reg(fdt, node, 0, &range));
        assert_int_equal(range.base, wanted->base);
        assert_int_equal(range.size, wanted->size);
        assert_false(dt_reg(fdt, node, 1, &range));
    }
    unsigned banks = 0;
    for (int node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL)) {
        const char *type = fdt_getprop(fdt, node, "device_type", NULL);
        banks += type && strcmp(type, "memory") == 0;
    }
    assert_int_equal(banks, ram.count + pool.count);
}

static void check_pool(const void *fdt)
{
    int parent = fdt_path_offset(fdt, "/reserved-memory");
    char name[64];
    struct pa_range range;

    assert_non_null(fdt_getprop(fdt, parent, "#size-cells", NULL));
    for (unsigned i = 0; i < pool.count; i++) {
        snprintf(name, sizeof(name), "tarn-pool@%lx", pool.range[i].base);
        int node = fdt_subnode_offset(fdt, parent, name);
        assert_true(dt_reg_raw(fdt, node, parent, 0, &range));
        assert_int_equal(range.base, pool.range[i].base);
        assert_int_equal(range.size, pool.range[i].size);
        assert_null(fdt_getprop(fdt, node, "no-map", NULL));
    }
}

static void check_cpus(const void *fdt, const struct dom0_fdt_config *config)
{
    int parent = fdt_path_offset(fdt, "/cpus");
    unsigned count = 0;
    int node;

    fdt_for_each_subnode(node, fdt, parent) {
        assert_string(fdt, node, "device_type", "cpu");
        assert_string(fdt, node, "enable-method", "psci");
        assert_non_null(fdt_getprop(fdt, node, "compatible", NULL));
        assert_int_equal(fdt64_ld(property(fdt, node, "reg", 8)), (count / 16) << 8 | count % 16);
        count++;
    }
    assert_int_equal(count, config->nr_vcpus);
}

static void check_firmware(const void *fdt)
{
    int node = fdt_path_offset(fdt, "/psci");

    assert_int_equal(count_compatible(fdt, "arm,psci-0.2"), 1);
    assert_int_equal(count_compatible(fdt, "arm,psci-1.0"), 1);
    assert_string(fdt, node, "method", "hvc");
    assert_null(fdt_getprop(fdt, node, "cpu_on", NULL));
}

static void check_gic(const void *fdt, unsigned version)
{
    int gic = dt_gic(fdt, NULL);
    struct pa_range range;

    assert_true(gic >= 0);
    assert_null(fdt_getprop(fdt, gic, "interrupts", NULL));
    assert_null(fdt_getprop(fdt, gic, "mbi-ranges", NULL));
    assert_non_null(fdt_getprop(fdt, gic, "interrupt-controller", NULL));
    const uint32_t *regions = fdt_getprop(fdt, gic, "#redistributor-regions", NULL);
    unsigned kept = version == 2 ? 2 : 1 + (regions ? fdt32_ld(regions) : 1);
    assert_true(dt_reg(fdt, gic, kept - 1, &range));
    assert_false(dt_reg(fdt, gic, kept, &range));
    assert_int_equal(count_compatible(fdt, "arm,gic-v3-its"), 0);
}

static void check_hypervisor(const void *fdt)
{
    int node = fdt_path_offset(fdt, "/hypervisor");
    struct pa_range range;
    uint32_t intid;

    assert_string(fdt, node, "compatible", TARN_HYP_COMPATIBLE);
    assert_true(dt_reg(fdt, node, 0, &range));
    assert_int_equal(range.base, 0x98001000);
    assert_int_equal(range.size, PAGE_SIZE);
    assert_true(dt_interrupt(fdt, node, 0, &intid));
    assert_false(dt_interrupt(fdt, node, 1, &intid));
    assert_int_equal(intid, TARN_UPCALL_INTID);
    assert_int_equal(cell(fdt, node, "interrupt-parent"), fdt_get_phandle(fdt, dt_gic(fdt, NULL)));
    int length = 0;
    (void)fdt_getprop(fdt, node, "interrupts", &length);
    assert_int_equal(length, 4 * (int)cell(fdt, dt_gic(fdt, NULL), "#interrupt-cells"));
}

static void check_chosen(const void *fdt, const void *machine)
{
    static const char *const same[] = {"stdout-path", "rng-seed", "kaslr-seed"};
    int node = fdt_path_offset(fdt, "/chosen");
    int old = fdt_path_offset(machine, "/chosen");

    assert_string(fdt, node, "bootargs", "root=/dev/vda quiet");
    assert_int_equal(fdt64_ld(property(fdt, node, "linux,initrd-start", 8)), 0x84000000);
    assert_int_equal(fdt64_ld(property(fdt, node, "linux,initrd-end", 8)), 0x84000000 + 0x123456);
    for (unsigned i = 0; i < ARRAY_SIZE(same); i++) {
        int length = 0;
        const void *value = fdt_getprop(machine, old, same[i], &length);
        if (value)
            assert_memory_equal(property(fdt, node, same[i], length), value, (size_t)length);
    }
    assert_int_equal(count_compatible(fdt, "multiboot,module"), 0);
    assert_int_equal(count_compatible(fdt, "tarn,domain"), 0);
}

static void check_references(const void *fdt)
{
    for (int node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL)) {
        static const char *const first[] = {"interrupt-parent", "msi-parent", "iommus"};
        for (unsigned i = 0; i < ARRAY_SIZE(first); i++) {
            const uint32_t *phandle = fdt_getprop(fdt, node, first[i], NULL);
            if (phandle)
                assert_true(fdt_node_offset_by_phandle(fdt, fdt32_ld(phandle)) >= 0);
        }
        assert_null(fdt_getprop(fdt, node, "iommu-map", NULL));
        assert_null(fdt_getprop(fdt, node, "numa-node-id", NULL));
    }
}

/* Nodes that are edited, or in a subtree that is made anew. */
static bool is_edited(const void *fdt, int node)
{
    char path[256];

    if (node == dt_gic(fdt, NULL))
        return true;
    assert_int_equal(fdt_get_path(fdt, node, path, sizeof(path)), 0);
    if (strncmp(path, "/cpus", 5) == 0 || strncmp(path, "/chosen", 7) == 0)
        return true;
    for (; node > 0; node = fdt_parent_offset(fdt, node))
        if (dom0_fdt_keeps_back(fdt, node))
            return true;
    return false;
}

static bool may_go(const char *name)
{
    static const char *const names[] = {"iommus", "iommu-map", "msi-parent", "msi-map",
                                        "numa-node-id"};

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Every other node is there with the same properties, and its children in the same place. */
static unsigned check_rest(const void *fdt, const void *machine)
{
    unsigned same = 0;

    for (int node = fdt_next_node(machine, 0, NULL); node >= 0;
         node = fdt_next_node(machine, node, NULL)) {
        char path[256];
        int at;
        if (is_edited(machine, node))
            continue;
        assert_int_equal(fdt_get_path(machine, node, path, sizeof(path)), 0);
        int twin = fdt_path_offset(fdt, path);
        if (twin < 0)
            fail_msg("%s is gone", path);
        fdt_for_each_property_offset(at, machine, node)
        {
            const char *name;
            int length = 0, found = 0;
            const void *value = fdt_getprop_by_offset(machine, at, &name, &length);
            const void *now = fdt_getprop(fdt, twin, name, &found);
            if (may_go(name) && !now)
                continue;
            assert_int_equal(found, length);
            assert_memory_equal(now, value, (size_t)length);
        }
        same++;
    }
    return same;
}

static void check_all(const void *machine, unsigned version, unsigned nr_vcpus)
{
    struct dom0_fdt_config config = make_config(nr_vcpus);
    void *fdt = build(&config, machine);

    check_memory(fdt);
    check_pool(fdt);
    check_cpus(fdt, &config);
    check_firmware(fdt);
    check_gic(fdt, version);
    check_hypervisor(fdt);
    check_chosen(fdt, machine);
    check_references(fdt);
    assert_true(check_rest(fdt, machine) > 5);
    assert_int_equal(count_compatible(fdt, "arm,armv8-timer"), 1);
    assert_int_equal(count_compatible(fdt, "arm,armv8-pmuv3"), 0);
    free(fdt);
}

static void test_virt(void **state)
{
    static const unsigned cpus[] = {1, 4, 8};

    (void)state;
    for (unsigned version = 2; version <= 3; version++) {
        for (unsigned i = 0; i < ARRAY_SIZE(cpus); i++) {
            char name[32];
            snprintf(name, sizeof(name), "virt-gic%u-smp%u", version, cpus[i]);
            void *machine = dt_machine(name);
            for (unsigned vcpus = 1; vcpus <= 8; vcpus++)
                check_all(machine, version, vcpus);
            check_all(machine, version, version == 3 ? MAX_CPUS : 8);
            free(machine);
        }
    }
}

static void test_smmu_goes(void **state)
{
    void *machine = dt_machine("virt-smmu");
    struct dom0_fdt_config config = make_config(2);

    (void)state;
    assert_int_equal(count_compatible(machine, "arm,smmu-v3"), 1);
    check_all(machine, 3, 2);
    void *fdt = build(&config, machine);
    assert_int_equal(count_compatible(fdt, "arm,smmu-v3"), 0);
    free(fdt);
    free(machine);
}

/* GICv2: the frame by which PCI devices send MSIs stays, and PCI goes on naming it. */
static void test_v2m_stays(void **state)
{
    void *machine = dt_machine("virt-gic2-smp4");
    struct dom0_fdt_config config = make_config(4);
    void *fdt = build(&config, machine);

    (void)state;
    assert_int_equal(count_compatible(fdt, "arm,gic-v2m-frame"), 1);
    int pci = fdt_node_offset_by_compatible(fdt, -1, "pci-host-ecam-generic");
    assert_non_null(fdt_getprop(fdt, pci, "msi-map", NULL));
    free(fdt);
    free(machine);
}

/* All devices of a board fit in one set of ranges, in whole pages. */
static void add_pages(uint64_t base, uint64_t size, void *context)
{
    uint64_t first = align_down(base, PAGE_SIZE);

    assert_true(ranges_add(context, first, align_up(base + size, PAGE_SIZE) - first));
}

static void test_boards(void **state)
{
    static const struct {
        const char *name;
        unsigned version;
    } rows[] = {
        {"xilinx/zynqmp-zcu102-rev1.0", 2},
        {"broadcom/bcm2711-rpi-4-b", 2},
        {"apm/apm-mustang", 2},
        {"freescale/fsl-ls1043a-rdb", 2},
        {"rockchip/rk3399-rockpro64", 3},
        {"qcom/sdm845-db845c", 3},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        void *board = dt_board(rows[i].name);
        if (!board)
            skip();
        check_all(board, rows[i].version, 4);
        struct ranges devices = {0};
        dom0_fdt_for_each_device(board, add_pages, &devices);
        free(board);
    }
}

static void test_odd(void **state)
{
    void *machine = dt_machine("odd");
    struct dom0_fdt_config config = make_config(3);
    int cpu0 = fdt_path_offset(machine, "/cpus/cpu@0");

    (void)state;
    /* 1 GiB at 0x880000000: addresses of two cells, sizes of one */
    void *fdt = build(&config, machine);
    check_memory(fdt);
    check_pool(fdt);
    check_cpus(fdt, &config);
    check_firmware(fdt);
    check_gic(fdt, 3);
    check_hypervisor(fdt);
    check_references(fdt);
    (void)check_rest(fdt, machine);
    assert_true(fdt_path_offset(fdt, "/pmu") < 0);
    assert_true(fdt_path_offset(fdt, "/soc/iommu@2200000") < 0);
    assert_true(fdt_path_offset(fdt, "/reserved-memory/firmware@9f000000") >= 0);
    int first = fdt_path_offset(fdt, "/cpus/cpu@0");
    assert_string(fdt, first, "compatible", "arm,cortex-a53");
    assert_int_equal(fdt_get_phandle(fdt, first), fdt_get_phandle(machine, cpu0));
    free(fdt);
    free(machine);
}

static void test_no_initrd(void **state)
{
    void *machine = dt_machine("odd");
    struct dom0_fdt_config config = make_config(1);

    (void)state;
    config.initrd.size = 0;
    void *fdt = build(&config, machine);
    int chosen = fdt_path_offset(fdt, "/chosen");
    assert_null(fdt_getprop(fdt, chosen, "linux,initrd-start", NULL));
    assert_null(fdt_getprop(fdt, chosen, "linux,initrd-end", NULL));
    free(fdt);
    free(machine);
}

/* Too little room, at every step on the way: a sentence, and not a byte beyond. */
static void test_too_little_room(void **state)
{
    void *machine = dt_machine("virt-gic3-smp4");
    struct dom0_fdt_config config = make_config(8);
    void *whole = build(&config, machine);
    size_t enough = fdt_totalsize(machine) + 4096;

    (void)state;
    for (size_t size = 16; size < enough; size += 97) {
        uint8_t *out = malloc(size);
        const char *error = try_build(&config, machine, out, size);
        if (error)
            assert_non_null(strstr(error, "dom0's device tree cannot be made"));
        else
            assert_true(fdt_totalsize(out) <= size);
        free(out);
    }
    free(whole);
    free(machine);
}

static void test_address_too_large(void **state)
{
    static const struct ranges large = {1, {{0x80000000, 0x100000000}}};
    void *machine = dt_machine("odd"); /* sizes of one cell */
    struct dom0_fdt_config config = make_config(1);
    char out[32768];

    (void)state;
    config.ram = &large;
    assert_non_null(strstr(try_build(&config, machine, out, sizeof(out)), "#address-cells allows"));
    free(machine);
}

struct list {
    unsigned count;
    struct pa_range range[512];
};

static void collect(uint64_t base, uint64_t size, void *context)
{
    struct list *list = context;

    assert_true(list->count < ARRAY_SIZE(list->range));
    assert_true(size > 0 && size <= UINT64_MAX - base);
    list->range[list->count++] = (struct pa_range){base, size};
}

static unsigned touching(const struct list *list, uint64_t base, uint64_t size)
{
    unsigned count = 0;

    for (unsigned i = 0; i < list->count; i++)
        count +=
            list->range[i].base < base + size && base < list->range[i].base + list->range[i].size;
    return count;
}

static void test_devices_of_virt(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 3; version++) {
        void *machine = dt_machine(version == 2 ? "virt-gic2-smp4" : "virt-gic3-smp4");
        struct list list = {0};
        struct pa_range range;
        dom0_fdt_for_each_device(machine, collect, &list);
        unsigned virtio = 0;
        for (int node = -1;
             (node = fdt_node_offset_by_compatible(machine, node, "virtio,mmio")) >= 0;) {
            assert_true(dt_reg(machine, node, 0, &range));
            assert_int_equal(touching(&list, range.base, range.size), 1);
            virtio++;
        }
        assert_int_equal(virtio, 32);
        int gic = dt_gic(machine, NULL);
        for (unsigned i = 0; dt_reg(machine, gic, i, &range); i++)
            assert_int_equal(touching(&list, range.base, range.size), 0);
        for (int node = 0; node >= 0; node = fdt_next_node(machine, node, NULL))
            if (dom0_fdt_keeps_back(machine, node) && dt_reg(machine, node, 0, &range))
                assert_int_equal(touching(&list, range.base, range.size), 0);
        int v2m = fdt_node_offset_by_compatible(machine, -1, "arm,gic-v2m-frame");
        assert_int_equal(v2m >= 0, version == 2);
        if (v2m >= 0) {
            assert_true(dt_reg(machine, v2m, 0, &range));
            assert_int_equal(touching(&list, range.base, range.size), 1);
        }
        int uart = fdt_node_offset_by_compatible(machine, -1, "arm,pl011");
        assert_true(dt_reg(machine, uart, 0, &range));
        assert_int_equal(touching(&list, range.base, range.size), 1);
        assert_true(touching(&list, 0x8000000000, 0x8000000000) > 0); /* high PCI window */
        free(machine);
    }
}

static void test_devices_of_odd(void **state)
{
    static const struct pa_range wanted[] = {
        {0x402000100, 0x100},     /* uart */
        {0x500001000, 0x1000},    /* far, first range */
        {0x402000000, 0x10},      /* far, second */
        {0x410000000, 0x1000000}, /* ECAM */
        {0x411000000, 0x10000},   /* PCI ports */
        {0x412000000, 0x1000000}, /* PCI memory */
        {0x402300000, 0x100},     /* i2c */
    };
    void *machine = dt_machine("odd");
    struct list list = {0};

    (void)state;
    dom0_fdt_for_each_device(machine, collect, &list);
    assert_int_equal(list.count, ARRAY_SIZE(wanted));
    for (unsigned i = 0; i < list.count; i++) {
        assert_int_equal(list.range[i].base, wanted[i].base);
        assert_int_equal(list.range[i].size, wanted[i].size);
    }
    free(machine);
}

/* Damage that dt_check does not see does no harm here either. */
static void test_damaged(void **state)
{
    uint8_t *good = dt_machine("odd");
    size_t size = fdt_totalsize(good);
    struct dom0_fdt_config config = make_config(2);
    unsigned passed = 0;

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        uint8_t *bad = malloc(size);
        uint8_t *out = malloc(size + ROOM);
        memcpy(bad, good, size);
        for (unsigned flips = 1 + (unsigned)unit_random_below(4); flips; flips--)
            bad[unit_random_below(size)] = (uint8_t)unit_random();
        if (!dt_check(bad, size)) {
            struct list list = {0};
            passed++;
            dom0_fdt_for_each_device(bad, collect, &list);
            if (!try_build(&config, bad, out, size + ROOM))
                assert_int_equal(fdt_check_full(out, size + ROOM), 0);
        }
        free(out);
        free(bad);
    }
    assert_true(passed > 100);
    free(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_virt),
        cmocka_unit_test(test_smmu_goes),
        cmocka_unit_test(test_v2m_stays),
        cmocka_unit_test(test_boards),
        cmocka_unit_test(test_odd),
        cmocka_unit_test(test_no_initrd),
        cmocka_unit_test(test_too_little_room),
        cmocka_unit_test(test_address_too_large),
        cmocka_unit_test(test_devices_of_virt),
        cmocka_unit_test(test_devices_of_odd),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
