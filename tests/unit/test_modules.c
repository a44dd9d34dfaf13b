/* SPDX-License-Identifier: Apache-2.0 */
/* Boot modules as U-Boot scripts and QEMU's guest-loader write them, and what is wrong with some.
 */
#include "unit.h"

#include <libfdt.h>

#include "boot/modules.h"
#include "platform/log.h"
#include "stop_machine.h"

static char fdt[4096];
static unsigned warnings;

void log_print(enum log_level level, const char *format, ...)
{
    (void)level;
    (void)format;
    warnings++;
}

/* NULL, or the sentence that ended the boot. */
static const char *find(void)
{
    return stops(modules_find(fdt));
}

/* A tree with two-cell addresses and /chosen; cells: those of /chosen, 0 = not given. */
static int make_tree(unsigned cells)
{
    memset(&modules, 0, sizeof(modules));
    warnings = 0;
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

static int add_module(const char *name, const char *kind, const uint32_t *reg, unsigned cells)
{
    char compatible[64];
    int length =
        snprintf(compatible, sizeof(compatible), "multiboot,module%cmultiboot,%s", 0, kind);
    int node = fdt_add_subnode(fdt, fdt_path_offset(fdt, "/chosen"), name);
    uint32_t cell[4];

    for (unsigned i = 0; i < cells; i++)
        cell[i] = cpu_to_fdt32(reg[i]);
    assert_int_equal(fdt_setprop(fdt, node, "compatible", compatible, length + 1), 0);
    assert_int_equal(fdt_setprop(fdt, node, "reg", cell, (int)cells * 4), 0);
    return fdt_subnode_offset(fdt, fdt_path_offset(fdt, "/chosen"), name);
}

static const uint32_t four[] = {1, 0x40000000, 0, 0x2000000};
static const uint32_t two[] = {0x48000000, 0x100000};

static void test_kernel_and_ramdisk(void **state)
{
    (void)state;
    make_tree(2);
    int node = add_module("module@140000000", "kernel", four, 4);
    fdt_setprop_string(fdt, node, "bootargs", "root=/dev/vda");
    (void)add_module("module@2", "ramdisk", four, 4);
    assert_null(find());
    assert_int_equal(modules.count, 2);
    const struct module *kernel = module_of_kind(MODULE_KERNEL);
    assert_int_equal(kernel->base, 0x140000000);
    assert_int_equal(kernel->size, 0x2000000);
    assert_string_equal(kernel->bootargs, "root=/dev/vda");
    assert_string_equal(module_of_kind(MODULE_RAMDISK)->bootargs, "");
    assert_int_equal(warnings, 0);
}

static void test_cells_of_chosen_or_root(void **state)
{
    (void)state;
    make_tree(1);
    (void)add_module("module@48000000", "kernel", two, 2);
    assert_null(find());
    assert_int_equal(modules.module[0].base, 0x48000000);
    assert_int_equal(modules.module[0].size, 0x100000);
    make_tree(0);
    (void)add_module("module@140000000", "kernel", four, 4);
    assert_null(find());
    assert_int_equal(modules.module[0].base, 0x140000000);
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
    assert_string_equal(modules.module[0].bootargs, "");
}

static void test_others_are_passed_over(void **state)
{
    (void)state;
    assert_int_equal(fdt_create_empty_tree(fdt, sizeof(fdt)), 0);
    assert_null(find()); /* no /chosen */
    int chosen = make_tree(2);
    (void)fdt_add_subnode(fdt, chosen, "framebuffer");
    (void)add_module("module@x", "xsm", four, 4);
    for (unsigned i = 0; i < MODULES_MAX + 2; i++) {
        char name[16];
        snprintf(name, sizeof(name), "module@%u", i);
        (void)add_module(name, "ramdisk", four, 4);
    }
    assert_null(find());
    assert_int_equal(modules.count, MODULES_MAX);
    assert_int_equal(warnings, 3);
    assert_null(module_of_kind(MODULE_KERNEL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_and_ramdisk),
        cmocka_unit_test(test_cells_of_chosen_or_root),
        cmocka_unit_test(test_wrong_reg_is_named),
        cmocka_unit_test(test_bootargs_without_end),
        cmocka_unit_test(test_others_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
