/* SPDX-License-Identifier: Apache-2.0 */
/* Tarn's options: what is understood, what is warned of by name, and that boot goes on. */
#include "unit.h"

#include <libfdt.h>

#include "boot/bootargs.h"
#include "platform/log.h"

static char warnings[2048];
static int level;

void log_print(enum log_level severity, const char *format, ...)
{
    size_t at = strlen(warnings);
    va_list args;

    assert_int_equal(severity, LOG_WARN);
    va_start(args, format);
    vsnprintf(warnings + at, sizeof(warnings) - at, format, args);
    va_end(args);
    strncat(warnings, "\n", sizeof(warnings) - strlen(warnings) - 1);
}

uint64_t log_set_level(uint64_t to)
{
    level = (int)to;
    return 0;
}

static void parse(const char *line)
{
    memset(&bootargs, 0, sizeof(bootargs));
    warnings[0] = '\0';
    level = -1;
    bootargs_parse_line(line);
}

static void test_all_options(void **state)
{
    (void)state;
    parse("  dom0_mem=1536M dom0_vcpus=4\theap=32m console=/soc/serial@0 loglevel=debug  "
          "panic_test=1 ");
    assert_string_equal(warnings, "");
    assert_int_equal(bootargs.dom0_mem, 1536 * MIB);
    assert_int_equal(bootargs.dom0_vcpus, 4);
    assert_int_equal(bootargs.heap, 32 * MIB);
    assert_string_equal(bootargs.console, "/soc/serial@0");
    assert_int_equal(level, LOG_DEBUG);
    assert_true(bootargs.panic_test);
}

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes; /* 0: refused */
    } rows[] = {
        {"2G", 2 * GIB},
        {"2g", 2 * GIB},
        {"64K", 64 * KIB},
        {"4096", 4096},
        {"0x100000", MIB},
        {"0", 0},
        {"", 0},
        {"M", 0},
        {"12MB", 0},
        {"1.5G", 0},
        {"-1", 0},
        {"99999999999999999999", 0},
        {"16777216G", 0},
        {"1T", 0},
        {"0x", 0},
        {"0x10m", 16 * MIB},
        {"-18446744073709551615M", 0},
        {"18446744073709551617", 0},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        char line[64];
        snprintf(line, sizeof(line), "dom0_mem=%s", rows[i].text);
        parse(line);
        assert_int_equal(bootargs.dom0_mem, rows[i].bytes);
        assert_int_equal(strstr(warnings, "dom0_mem=") != NULL, rows[i].bytes == 0);
    }
}

static void test_malformed_and_unknown_are_named(void **state)
{
    (void)state;
    parse("dom0_vcpus=4K dom0_vcpus=65 panic_test=2 dom0_vcpus=0 frobnicate loglevel=loud dom0_mem "
          "heap=1G");
    assert_non_null(strstr(warnings, "dom0_vcpus= wants a number from 1 to 64, got \"0\""));
    assert_non_null(strstr(warnings, "\"frobnicate\" is not known"));
    assert_non_null(strstr(warnings, "loglevel= wants"));
    assert_non_null(strstr(warnings, "dom0_mem= wants"));
    assert_int_equal(bootargs.heap, GIB); /* what follows is still read */
    assert_int_equal(level, -1);
}

static void test_words_of_any_length(void **state)
{
    char line[600] = "console=/";

    (void)state;
    memset(line + 9, 'a', 500);
    strcat(line, " heap=2M");
    parse(line);
    assert_non_null(strstr(warnings, "console= wants"));
    assert_string_equal(bootargs.console, "");
    assert_int_equal(bootargs.heap, 2 * MIB);
    parse(NULL);
    parse("");
    parse(" \t ");
    assert_string_equal(warnings, "");
}

static void test_from_tree(void **state)
{
    char fdt[1024];

    (void)state;
    parse("");
    bootargs_parse(NULL);
    assert_int_equal(fdt_create_empty_tree(fdt, sizeof(fdt)), 0);
    bootargs_parse(fdt);
    int chosen = fdt_add_subnode(fdt, 0, "chosen");
    bootargs_parse(fdt);
    assert_string_equal(warnings, "");
    fdt_setprop_string(fdt, chosen, "bootargs", "dom0_vcpus=3");
    bootargs_parse(fdt);
    assert_int_equal(bootargs.dom0_vcpus, 3);
    fdt_setprop(fdt, chosen, "bootargs", "heap", 4); /* no NUL */
    bootargs_parse(fdt);
    assert_non_null(strstr(warnings, "bootargs is not a string"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_options),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_malformed_and_unknown_are_named),
        cmocka_unit_test(test_words_of_any_length),
        cmocka_unit_test(test_from_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
