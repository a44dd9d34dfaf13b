/* SPDX-License-Identifier: Apache-2.0 */
/* Boot modules as U-Boot scripts and QEMU's guest-loader write them, and what is wrong with some.
 */
#include "unit.h"

#include <libfdt.h>

#include "boot/modules.h"
#include "platform/log.h"
#include "stop_machine.h"

static char fdt[8192];
static unsigned warnings, errors;
static struct ranges ram;

void log_print(enum log_level level, const char *format, ...)
{
    (void)format;
    warnings += level == LOG_WARN;
    errors += level == LOG_ERROR;
}

/* NULL, or the sentence that ended the boot. */
static const char *find(void)
{
    return stops(modules_find(fdt, &ram));
}

/* A tree with two-cell addresses and /chosen; cells: those of /chosen, 0 = not given. */
static int make_tree(unsigned cells)
{
    memset(boot_domains, 0, sizeof(boot_domains));
    memset(&ram, 0, sizeof(ram));
    assert_true(ranges_add(&ram, 0x140000000, 0x40000000));
    boot_domain_count = 1;
    warnings = errors = 0;
    assert_int_equal(fdt_create_empty_tree(fdt, sizeof(fdt)), 0);
    fdt_setprop_u32(fdt, 0, "#address-cells", 2);
    fdt_setprop_u32(fdt, 0, "#size-cells", 2);
    int chosen = fdt_add_subnode(fdt, 0, "chosen");
    if (cells) {
        fdt_setprop_u32(fdt, chosen, "#size-cells", cells);
        fdt_setprop_u32(fdt, chosen, "#address-cells", cells);
    }
    return chosen;
}

static int add_module_to(const char *parent, const char *name, const char *kind,
                         const uint32_t *reg, unsigned cells)
{
    char compatible[64];
    int length =
        snprintf(compatible, sizeof(compatible), "multiboot,module%cmultiboot,%s", 0, kind);
    int node = fdt_add_subnode(fdt, fdt_path_offset(fdt, parent), name);
    uint32_t cell[4];

    for (unsigned i = 0; i < cells; i++)
        cell[i] = cpu_to_fdt32(reg[i]);
    assert_int_equal(fdt_setprop(fdt, node, "compatible", compatible, length + 1), 0);
    assert_int_equal(fdt_setprop(fdt, node, "reg", cell, (int)cells * 4), 0);
    return fdt_subnode_offset(fdt, fdt_path_offset(fdt, parent), name);
}

static int add_module(const char *name, const char *kind, const uint32_t *reg, unsigned cells)
{
    return add_module_to("/chosen", name, kind, reg, cells);
}

static void add_domain(const char *name)
{
    int node = fdt_add_subnode(fdt, fdt_path_offset(fdt, "/chosen"), name);

    assert_int_equal(fdt_setprop_string(fdt, node, "compatible", "tarn,domain"), 0);
}

static const struct module *module_of_kind(enum module_kind kind)
{
    return boot_domains->module[kind].size ? &boot_domains->module[kind] : NULL;
}

static const uint32_t four[] = {1, 0x40000000, 0, 0x2000000};
static const uint32_t two_gib[] = {0, 0x80000000, 0, 0x1000};
static const uint32_t two[] = {0x48000000, 0x100000};

static void test_kernel_and_ramdisk(void **state)
{
    (void)state;
    make_tree(2);
    int node = add_module("module@140000000", "kernel", four, 4);
    fdt_setprop_string(fdt, node, "bootargs", "root=/dev/vda");
    (void)add_module("module@2", "ramdisk", four, 4);
    assert_null(find());
    const struct module *kernel = module_of_kind(MODULE_KERNEL);
    assert_int_equal(kernel->base, 0x140000000);
    assert_int_equal(kernel->size, 0x2000000);
    assert_string_equal(kernel->bootargs, "root=/dev/vda");
    assert_null(module_of_kind(MODULE_RAMDISK)->bootargs);
    assert_int_equal(warnings, 0);
    assert_int_equal(ranges_total(&ram), 0x3e000000);
}

static void test_cells_of_chosen_or_root(void **state)
{
    (void)state;
    make_tree(1);
    (void)add_module("module@48000000", "kernel", two, 2);
    assert_null(find());
    assert_int_equal(boot_domains->module[MODULE_KERNEL].base, 0x48000000);
    assert_int_equal(boot_domains->module[MODULE_KERNEL].size, 0x100000);
    make_tree(0);
    (void)add_module("module@140000000", "kernel", four, 4);
    assert_null(find());
    assert_int_equal(boot_domains->module[MODULE_KERNEL].base, 0x140000000);
}

static void test_wrong_reg_is_named(void **state)
{
    static const uint32_t wrong[][4] = {{0, 0, 0, 0}, {0xffffffff, 0xfffff000, 0, 0x2000}};

    (void)state;
    make_tree(2);
    (void)add_module("module@short", "kernel", four, 3);
    assert_non_null(strstr(find(), "/chosen/module@short"));
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        make_tree(2);
        (void)add_module("module@wrong", "kernel", wrong[i], 4);
        assert_non_null(strstr(find(), "/chosen/module@wrong"));
    }
}

static void test_bootargs_without_end(void **state)
{
    (void)state;
    make_tree(2);
    int node = add_module("module@1", "kernel", four, 4);
    fdt_setprop(fdt, node, "bootargs", "abcd", 4);
    assert_non_null(strstr(find(), "/chosen/module@1"));
    make_tree(2);
    node = add_module("module@1", "kernel", four, 4);
    fdt_setprop(fdt, node, "bootargs", NULL, 0);
    assert_null(find());
    assert_null(module_of_kind(MODULE_KERNEL)->bootargs);
}

static void test_others_are_passed_over(void **state)
{
    (void)state;
    assert_int_equal(fdt_create_empty_tree(fdt, sizeof(fdt)), 0);
    assert_null(find()); /* no /chosen */
    int chosen = make_tree(2);
    (void)fdt_add_subnode(fdt, chosen, "framebuffer");
    (void)add_module("module@x", "xsm", four, 4);
    (void)add_module("module@1", "ramdisk", two_gib, 4);
    (void)add_module("module@2", "ramdisk", four, 4);
    assert_null(find());
    assert_int_equal(warnings, 2);
    assert_null(module_of_kind(MODULE_KERNEL));
}

/* Nested nodes without cells of their own are read by those of /chosen. */
static void test_domains_of_the_boot(void **state)
{
    static const uint32_t initrd[] = {1, 0x42000000, 0, 0x3000};

    (void)state;
    make_tree(2);
    (void)add_module("module@2", "ramdisk", (const uint32_t[]){1, 0x50000000, 0, 0x1000}, 4);
    add_domain("web");
    fdt_setprop_string(fdt, add_module_to("/chosen/web", "k", "kernel", four, 4), "bootargs",
                       "quiet");
    (void)add_module_to("/chosen/web", "r", "ramdisk", initrd, 4);
    assert_null(find());
    assert_int_equal(boot_domain_count, 2);
    const struct boot_domain *web = &boot_domains[1];
    assert_string_equal(web->name, "web");
    assert_false(web->refused);
    assert_int_equal(web->module[MODULE_KERNEL].base, 0x140000000);
    assert_string_equal(web->module[MODULE_KERNEL].bootargs, "quiet");
    assert_int_equal(web->module[MODULE_RAMDISK].size, 0x3000);
    assert_int_equal(web->module[MODULE_DEVICE_TREE].size, 0);
    assert_null(module_of_kind(MODULE_KERNEL));

    struct ranges set = {0};
    assert_true(ranges_add(&set, 0x140000000, 0x40000000));
    modules_take(&set, 1, 1);
    assert_int_equal(ranges_total(&set), 0x40000000 - 0x2000000 - 0x3000);
    modules_take(&set, 0, BLOCK_2M);
    assert_int_equal(ranges_total(&set), 0x40000000 - 0x2400000);
}

/* One that is wrong is refused, in one line; the others and dom0 are not. */
static void test_wrong_domains_are_refused(void **state)
{
    static const uint32_t nowhere[] = {0, 0x40000000, 0, 0x1000};

    (void)state;
    make_tree(2);
    add_domain("good"); /* a new node is the first */
    (void)add_module_to("/chosen/good", "k", "kernel", four, 4);
    add_domain("nowhere");
    (void)add_module_to("/chosen/nowhere", "k", "kernel", nowhere, 4);
    (void)add_module_to("/chosen/nowhere", "r", "ramdisk", nowhere, 4);
    add_domain("twice");
    (void)add_module_to("/chosen/twice", "k", "ramdisk", (const uint32_t[]){1, 0x60000000, 0, 1},
                        4);
    (void)add_module_to("/chosen/twice", "l", "ramdisk", (const uint32_t[]){1, 0x61000000, 0, 1},
                        4);
    add_domain("unknown");
    (void)add_module_to("/chosen/unknown", "k", "xsm", four, 4);
    add_domain("short");
    (void)add_module_to("/chosen/short", "k", "kernel", four, 3);
    add_domain("over");
    (void)add_module_to("/chosen/over", "k", "kernel", (const uint32_t[]){1, 0x70000000, 0, 2}, 4);
    (void)add_module_to("/chosen/over", "r", "ramdisk", (const uint32_t[]){1, 0x70000001, 0, 2}, 4);
    assert_null(find());
    assert_int_equal(boot_domain_count, 7);
    for (unsigned i = 1; i < boot_domain_count; i++)
        assert_int_equal(boot_domains[i].refused, strcmp(boot_domains[i].name, "good") != 0);
    assert_int_equal(errors, 5);
    assert_int_equal(warnings, 0);
}

static void test_too_many_domains(void **state)
{
    (void)state;
    make_tree(2);
    for (unsigned i = 0; i < BOOT_DOMAINS_MAX + 1; i++) {
        char name[16];
        snprintf(name, sizeof(name), "domain%u", i);
        add_domain(name);
    }
    assert_null(find());
    assert_int_equal(boot_domain_count, BOOT_DOMAINS_MAX);
    assert_int_equal(errors, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_and_ramdisk),
        cmocka_unit_test(test_cells_of_chosen_or_root),
        cmocka_unit_test(test_wrong_reg_is_named),
        cmocka_unit_test(test_bootargs_without_end),
        cmocka_unit_test(test_others_are_passed_over),
        cmocka_unit_test(test_domains_of_the_boot),
        cmocka_unit_test(test_wrong_domains_are_refused),
        cmocka_unit_test(test_too_many_domains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
