/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations of domains: what is read, what is refused and how; Images; device trees. */
#include "unit.h"

#include <libfdt.h>
#include <unistd.h>

#include "guests/abi/domu.h"
#include "guests/dom0/cli/fdt.h"
#include "guests/dom0/cli/image.h"
#include "guests/dom0/cli/restart.h"
#include "guests/dom0/common/config.h"
#include "guests/dom0/common/config_value.h"
#include "guests/dom0/common/devices.h"

#define GOOD "name = \"web\"\nkernel = \"/boot/Image\"\nmemory = \"511M\"\nvcpus = 2\n"

static char path[] = "/tmp/tarn-config-XXXXXX";
static char errors[4096];
static struct config config;

/* Reads text as a configuration; what is said about it is in errors, without the file's name. */
static bool read_text(const char *text)
{
    FILE *file = fopen(path, "w");
    FILE *sink = fmemopen(errors, sizeof(errors), "w");

    memset(errors, 0, sizeof(errors));
    fputs(text, file);
    fclose(file);
    bool good = config_read(&config, path, sink);
    fclose(sink);
    for (char *at = errors; (at = strstr(at, path)) != NULL;)
        memmove(at, at + strlen(path), strlen(at + strlen(path)) + 1);
    return good;
}

static void refuse(const char *text, const char *expected)
{
    assert_false(read_text(text));
    if (strstr(errors, expected) == NULL)
        fail_msg("expected: %s\n   found: %s", expected, errors);
    assert_int_equal(errors[strlen(errors) - 1], '\n');
    config_free(&config);
}

static unsigned lines(void)
{
    unsigned count = 0;

    for (const char *at = errors; *at; at++)
        count += *at == '\n';
    return count;
}

static void test_good(void **state)
{
    (void)state;
    assert_true(read_text("# a \"comment\n" GOOD "initrd = /boot/initrd\ncmdline = \"a=b 'c'\"\n"
                          "disk \"root\" { path = \"/a b\" }\n"
                          "disk \"data\" { path = \"/c\"\n readonly = true }\n"
                          "network \"lan\" { bridge = \"br0\" mac = \"52:54:00:12:34:56\" }\n"
                          "network \"wan\" { bridge = \"br#/*1\" } // \" {\n"
                          "console { log = \"/var/log/x\" }\n"));
    assert_string_equal(errors, "");
    assert_string_equal(config.name, "web");
    assert_string_equal(config.initrd, "/boot/initrd");
    assert_string_equal(config.cmdline, "a=b 'c'");
    assert_int_equal(config.memory, 512ull << 20);
    assert_int_equal(config.vcpus, 2);
    assert_int_equal(config.disks, 2);
    assert_string_equal(config.disk[0].path, "/a b");
    assert_false(config.disk[0].readonly);
    assert_true(config.disk[1].readonly);
    assert_int_equal(config.disk[1].line, 9);
    assert_int_equal(config.networks, 2);
    assert_int_equal(config.network[0].mac[5], 0x56);
    assert_string_equal(config.network[1].bridge, "br#/*1");
    assert_int_equal(config.network[1].mac[0], 2);
    assert_string_equal(config.console_log, "/var/log/x");
    assert_int_equal(config.line_memory, 4);
    config_free(&config);
}

static void test_defaults(void **state)
{
    (void)state;
    assert_true(read_text("name = a\nkernel = k\nmemory = 64M\n"));
    assert_int_equal(config.vcpus, 1);
    assert_null(config.initrd);
    assert_null(config.console_log);
    assert_string_equal(config.cmdline, "");
    assert_int_equal(config.weight, TARN_WEIGHT);
    assert_int_equal(config.cap, 0);
    assert_true(config.cpus == UINT64_MAX && !config.dedicated);
    config_free(&config);
}

static void test_schedule(void **state)
{
    (void)state;
    assert_true(read_text(GOOD "weight = 65535\ncap = 150\ncpus = \"0-2,5\"\ndedicated = true\n"));
    assert_int_equal(config.weight, 65535);
    assert_int_equal(config.cap, 150);
    assert_true(config.cpus == 0x27 && config.dedicated);
    config_free(&config);
    refuse(GOOD "weight = 0\n", ":5: key 'weight': 0 is out of range; use 1 to 65535");
    refuse(GOOD "weight = 65536\n", ":5: key 'weight'");
    refuse(GOOD "cap = -1\n", ":5: key 'cap': -1 is out of range");
    refuse(GOOD "cpus = \"1-\"\n", ":5: key 'cpus': '1-' are no CPUs");
}

/* Lists that are none, and every list comes back as it was. */
static void test_cpu_lists(void **state)
{
    static const char *const bad[] = {"", ",", "1,", "-1", "2-1", "64", "0-64", "a", "1 2", "1--2"};
    char text[CONFIG_CPUS_TEXT];
    uint64_t cpus, again;

    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(config_parse_cpus(bad[i], &cpus));
    assert_true(config_parse_cpus("63,0-1,1", &cpus));
    assert_true(cpus == (UINT64_C(1) << 63 | 3));
    config_print_cpus(cpus, text);
    assert_string_equal(text, "0-1,63");
    for (unsigned i = 0; i < 1000; i++) {
        cpus = i == 0 ? UINT64_MAX : i == 1 ? 0x5555555555555555 : unit_random() & unit_random();
        config_print_cpus(cpus, text);
        assert_true(strlen(text) < sizeof(text));
        assert_true(cpus == 0 || (config_parse_cpus(text, &again) && again == cpus));
    }
}

static void test_network_block_devices(void **state)
{
    static const char *const bad[] = {"",
                                      "nbd:",
                                      "nbd://",
                                      "nbd:///x",
                                      "nbd://h:/x",
                                      "nbd://h:1x",
                                      "nbd://h:123456",
                                      "nbd://h/a b",
                                      "nbd://h/\"",
                                      "nbd+unix:///x",
                                      "nbd+unix:///x?socket=rel",
                                      "nbd://[::1"};
    struct config_nbd nbd;

    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(config_parse_nbd(bad[i], &nbd));
    assert_true(config_parse_nbd("nbd://host.lan", &nbd));
    assert_string_equal(nbd.host, "host.lan");
    assert_string_equal(nbd.port, "10809");
    assert_string_equal(nbd.name, "");
    assert_true(config_parse_nbd("nbd://[fe80::1]:9/a/b", &nbd));
    assert_string_equal(nbd.host, "fe80::1");
    assert_string_equal(nbd.port, "9");
    assert_string_equal(nbd.name, "a/b");
    assert_true(config_parse_nbd("nbd+unix:///a?socket=/run/s", &nbd));
    assert_string_equal(nbd.name, "a");
    assert_string_equal(nbd.socket, "/run/s");
}

static void test_refused(void **state)
{
    (void)state;
    refuse("name = \"web\"\nmemory = \"1G\"\n", ":1: key 'kernel': missing; add kernel");
    refuse("kernel = k\nmemory = \"1G\"\n", "key 'name': missing");
    refuse("name = a\nkernel = k\n", "key 'memory': missing");
    refuse(GOOD "memry = \"1G\"\n", ":5: key 'memry': there is no such key; see tarn.conf(5)");
    refuse("name = \"a b\"\nkernel = k\nmemory = 1G\n", ":1: key 'name': 'a b' is no name");
    refuse("name = \"last\"\nkernel = k\nmemory = 1G\n", ":1: key 'name'");
    refuse("name = a\nkernel = k\nmemory = lots\n", ":3: key 'memory': 'lots' is no amount");
    refuse("name = a\nkernel = k\nmemory = 512\n", ":3: key 'memory': '512'");
    refuse("name = a\nkernel = k\nmemory = 0M\n", ":3: key 'memory'");
    refuse("name = a\nkernel = k\nmemory = 9000G\n", ":3: key 'memory'");
    refuse("name = a\nkernel = k\nmemory = 99999999999T\n", ":3: key 'memory'");
    refuse("name = a\nkernel = k\nmemory = 1G\nvcpus = 99\n",
           ":4: key 'vcpus': 99 is out of range");
    refuse("name = a\nkernel = k\nmemory = 1G\nvcpus = 0\n", ":4: key 'vcpus'");
    refuse("name = a\nkernel = k\nmemory = 1G\nvcpus = two\n",
           ":4: key 'vcpus': 'two' is no whole number; write it like vcpus = 2\n");
    refuse(GOOD "cap = 99999999999999999999\n", ":5: key 'cap': '99999999999999999999' is no");
    refuse(GOOD "disk \"x\" {\n readonly = true\n}\n", "key 'path': missing in disk \"x\"");
    refuse(GOOD "disk \"x\" { path = a }\ndisk \"x\" { path = b }\n",
           ":6: 'x' is the title of two sections; give each its own\n");
    refuse(GOOD "disk \"x\" { path = a readonly = perhaps }\n",
           ":5: key 'readonly': 'perhaps' is neither true nor false; write readonly = true\n");
    refuse(GOOD "network \"n\" { }\n", "key 'bridge': missing in network \"n\"");
    refuse(GOOD "network \"n\" {\nbridge = b\nmac = \"1:2\"\n}\n", ":7: key 'mac': '1:2'");
    refuse(GOOD "network \"n\" {\nbridge = b\nmac = \"01:00:00:00:00:01\"\n}\n", ":7: key 'mac'");
    refuse(GOOD "disk \"x\" {\npath = a\ntype = \"vmdk\"\n}\n",
           ":7: key 'type': 'vmdk' is not known; use \"raw\", \"qcow2\" or \"nbd\"");
    refuse(GOOD "disk \"x\" {\npath = \"http://a\"\ntype = nbd\n}\n",
           ":6: key 'path': 'http://a' is no network block device");
    refuse(GOOD "disk \"x\" {\npath = \"\"\ntype = qcow2\n}\n",
           "key 'path': \"\", a drive without a");
    refuse(GOOD "vsock {\ncid = 2\n}\n", ":6: key 'cid': 2 is no address of a guest");
    refuse(GOOD "vsock {\ncid = 4294967299\n}\n", "key 'cid': 4294967299 is no address");
    refuse(GOOD "port \"a/b\" { }\n", "key 'port': 'a/b' is no name of a port");
    refuse(GOOD "port \"a\" { }\nregion \"a\" { size = 2M }\n",
           "'a' is the name of a port as well");
    refuse(GOOD "region \"a\" {\nsize = much\n}\n",
           ":6: key 'size': 'much' is no size of region \"a\"");
    refuse(GOOD "region \"a\" { }\n", "key 'size': '' is no size");
    refuse(GOOD "region \"a\" { size = 512M }\nregion \"b\" { size = 512M }\n"
                "region \"c\" { size = 512M }\n",
           "more than 512M together");
    refuse(GOOD "share \"a b\" {\npath = c\n}\n", ":6: key 'share': 'a b' is no tag");
    refuse(GOOD "share \"a\" { }\n", "key 'path': missing in share \"a\"");
    refuse(GOOD "network \"n\" {\nbridge = b\nqueues = 5\n}\n", ":7: key 'queues': 5 is out of");
    refuse(GOOD "network \"n\" { bridge = b backend = user queues = 2 }\n",
           "key 'queues': 2 is out of");
    refuse(GOOD "network \"n\" {\nbridge = b\nbackend = \"fast\"\n}\n",
           ":7: key 'backend': 'fast' is not known; use \"vhost\" or \"user\"");
    refuse(GOOD "# {\ndisk \"x\" { path = a\n", ":6: a section has no end; add a '}'\n");
    refuse(GOOD "disk \"x\" { path = \"a\n", ":5: a text has no end; add its quote\n");
    refuse(GOOD "/* for ever", ":5: a comment has no end; add a '*/'\n");
    refuse(GOOD "}\n", ":5: there is a '}' too many; remove it\n");
    refuse(GOOD "initrd\ncap = 5\n", ": key 'initrd': '=' is missing after it; write KEY");
    refuse(GOOD "cap += 5\n", ":5: key 'cap': it has one value; write = instead of +=\n");
    refuse(GOOD "disk { }\n", ":5: key 'disk': its title is missing; write it like");
    refuse(GOOD "disk \"x\"\npath = a\n", "key 'disk': '{' is missing; write it like");
    refuse(GOOD "= 5\n", ":5: '=' is out of place; write KEY = VALUE");
    refuse(GOOD "initrd =", "the file ends in the middle of something; write the rest\n");
    /* Whatever a value holds, an error is a line. */
    refuse(GOOD "on_crash = \"a\\nb\\033[2J\"\n", ":5: key 'on_crash': 'a?b?[2J' is nothing");
}

static void test_every_error_is_a_line(void **state)
{
    (void)state;
    assert_false(read_text("name = \"-\"\nkernel = k\nmemory = x\nvcpus = 77\ndisk \"d\" { }\n"));
    assert_int_equal(lines(), 4);
    config_free(&config);
}

static void test_missing_file(void **state)
{
    (void)state;
    FILE *sink = fmemopen(errors, sizeof(errors), "w");
    assert_false(config_read(&config, "/no/such/file", sink));
    fclose(sink);
    assert_non_null(strstr(errors, "/no/such/file: cannot be read: No such file"));
    config_free(&config);
}

/* Bytes thrown at the parser: an answer, and no crash. */
static void test_random_text(void **state)
{
    static const char pieces[][16] = {
        "name", "=",  "\"",      "disk",   "{",   "}",   "\n",      "memory",
        "+=",   "'",  "512M",    "path",   "#",   "/*",  "*/",      "${HOME}",
        "\\",   "\t", "vcpus",   "12",     ",",   "(",   ")",       "readonly",
        "true", " ",  "network", "bridge", "mac", "log", "console", "x"};
    char text[1024];

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        text[0] = '\0';
        while (strlen(text) < sizeof(text) - 64 && unit_random_below(40))
            strcat(text, pieces[unit_random_below(sizeof(pieces) / sizeof(pieces[0]))]);
        read_text(text);
        config_free(&config);
    }
}

static void test_sizes_and_addresses(void **state)
{
    uint64_t bytes;
    uint8_t mac[6], other[6];

    (void)state;
    assert_true(config_parse_size("1k", &bytes));
    assert_int_equal(bytes, 1024);
    assert_true(config_parse_size("3T", &bytes));
    assert_int_equal(bytes, 3ull << 40);
    assert_false(config_parse_size("", &bytes));
    assert_false(config_parse_size("-1M", &bytes));
    assert_false(config_parse_size("1MB", &bytes));
    assert_false(config_parse_size("18446744073709551615K", &bytes));
    assert_false(config_parse_mac("00:00:00:00:00:00", mac));
    assert_false(config_parse_mac("52:54:00:12:34:5g", mac));
    assert_false(config_parse_mac("52:54:00:12:34:567", mac));
    config_make_mac("web", 0, mac);
    config_make_mac("web", 0, other);
    assert_memory_equal(mac, other, 6);
    config_make_mac("web", 1, other);
    assert_memory_not_equal(mac, other, 6);
}

/* ---- Images ---- */

static const char *check_image(const void *header, size_t size, struct kernel_image *image)
{
    FILE *file = fopen(path, "w+");

    fwrite(header, 1, size, file);
    fflush(file);
    const char *wrong = image_check(fileno(file), image);
    fclose(file);
    return wrong;
}

static void test_image(void **state)
{
    struct kernel_image image;
    uint64_t header[8] = {0, 0x80000, 0x200000, 2, 0, 0, 0, 0x644d5241};

    (void)state;
    assert_null(check_image(header, sizeof(header), &image));
    assert_int_equal(image.text_offset, 0x80000);
    assert_int_equal(image.size, 0x200000);
    assert_int_equal(image.file_size, 64);
    struct layout layout = image_layout(&image, 1000);
    assert_int_equal(layout.kernel, DOMU_RAM_BASE + 0x80000);
    assert_int_equal(layout.device_tree, DOMU_RAM_BASE + 0x400000);
    assert_int_equal(layout.initrd, DOMU_RAM_BASE + 0x600000);
    assert_int_equal(layout.initrd_end, DOMU_RAM_BASE + 0x600000 + 1000);
    assert_int_equal(layout.end, DOMU_RAM_BASE + 0x800000);
    header[3] |= 1;
    assert_non_null(strstr(check_image(header, sizeof(header), &image), "big-endian"));
    header[3] = 0;
    header[2] = UINT64_MAX;
    assert_non_null(check_image(header, sizeof(header), &image));
    header[2] = 0x200000;
    header[1] = UINT64_MAX;
    assert_non_null(check_image(header, sizeof(header), &image));
    header[2] = 0; /* an old image */
    assert_null(check_image(header, sizeof(header), &image));
    assert_non_null(check_image(header, 63, &image));
    assert_non_null(strstr(check_image("\x1f\x8b", 2, &image), "gunzip"));
    assert_non_null(strstr(check_image("\177ELF", 4, &image), "ELF"));
    assert_non_null(check_image("", 0, &image));
}

/* ---- device trees ---- */

static const struct fdt_seeds seeds = {.kaslr = 0x0123456789abcdef};

static uint64_t number(const void *tree, const char *node, const char *name, unsigned index)
{
    int length;
    const fdt32_t *value = fdt_getprop(tree, fdt_path_offset(tree, node), name, &length);

    assert_non_null(value);
    assert_true(length >= (int)(4 * (index + 1)));
    return fdt32_to_cpu(value[index]);
}

static void make_tree(void *tree, const char *text, unsigned gic)
{
    struct layout layout = {.initrd = 0x48000000, .initrd_end = 0x48001000};

    assert_true(read_text(text));
    assert_int_equal(fdt_make(tree, FDT_ROOM, &config, &layout, gic, &seeds), 0);
    assert_int_equal(fdt_check_full(tree, FDT_ROOM), 0);
}

/* A domain of the boot: Tarn places the initrd, and it meets the devices it asked for alone. */
static void test_device_tree_for_the_boot(void **state)
{
    static uint8_t tree[FDT_ROOM];

    (void)state;
    assert_true(read_text(GOOD "disk \"d\" { path = x }\n"));
    assert_int_equal(fdt_make(tree, FDT_ROOM, &config, NULL, 3, NULL), 0);
    int chosen = fdt_path_offset(tree, "/chosen");
    assert_null(fdt_getprop(tree, chosen, "linux,initrd-start", NULL));
    assert_null(fdt_getprop(tree, chosen, "rng-seed", NULL));
    assert_int_equal(number(tree, "/virtio_mmio@a003000", "tarn,device", 0), 2); /* virtio-blk */
    assert_int_equal(number(tree, "/virtio_mmio@a003000", "tarn,device", 1),
                     2); /* a queue a vCPU */
    assert_true(fdt_path_offset(tree, "/virtio_mmio@a000000") < 0);
    assert_true(fdt_path_offset(tree, "/watchdog@a004000") < 0);
    config_free(&config);
}

static void test_device_tree(void **state)
{
    static uint8_t tree[FDT_ROOM];

    (void)state;
    make_tree(tree, GOOD "cmdline = \"root=/dev/vda\"\ndisk \"d\" { path = x }\n", 3);
    assert_string_equal(fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "bootargs", NULL),
                        "root=/dev/vda");
    assert_int_equal(number(tree, "/chosen", "linux,initrd-start", 1), 0x48000000);
    assert_int_equal(number(tree, "/memory@40000000", "reg", 3), 512u << 20);
    assert_int_equal(number(tree, "/cpus/cpu@1", "reg", 0), 1);
    assert_true(fdt_path_offset(tree, "/cpus/cpu@2") < 0);
    assert_int_equal(number(tree, "/interrupt-controller@8000000", "reg", 7), 2 * DOMU_GICR_STRIDE);
    assert_int_equal(number(tree, "/virtio_mmio@a003000", "interrupts", 1), 48 + 3 - 32);
    assert_int_equal(number(tree, "/virtio_mmio@a003000", "interrupts", 2), 1);
    assert_true(fdt_path_offset(tree, "/virtio_mmio@a004000") < 0);
    assert_int_equal(number(tree, "/watchdog@a004000", "reg", 1), 0xa004000); /* control */
    assert_int_equal(number(tree, "/watchdog@a004000", "reg", 3), 0xfe0);
    assert_int_equal(number(tree, "/watchdog@a004000", "reg", 5), 0xa004fe0); /* refresh */
    assert_int_equal(number(tree, "/timer", "interrupts", 7), 11);
    assert_int_equal(fdt_node_check_compatible(tree, fdt_path_offset(tree, "serial0"), "arm,pl011"),
                     0);
    config_free(&config);
    make_tree(tree, GOOD, 2);
    assert_int_equal(number(tree, "/interrupt-controller@8000000", "reg", 5), DOMU_GICC_BASE);
    config_free(&config);
}

/* The largest domain fits, and its vCPUs have the numbers that Tarn gives them. */
static void test_largest_device_tree(void **state)
{
    static uint8_t tree[FDT_ROOM];
    static char text[8192];
    struct slot slot[MAX_SLOTS];

    (void)state;
    strcpy(text, "name = a\nkernel = k\nmemory = 256G\nvcpus = 32\ncmdline = \"");
    memset(text + strlen(text), 'x', 2047);
    strcat(text, "\"\n");
    for (unsigned i = 0; i < CONFIG_MAX_DISKS; i++)
        sprintf(text + strlen(text), "disk \"d%u\" { path = x }\n", i);
    for (unsigned i = 0; i < CONFIG_MAX_NETWORKS; i++)
        sprintf(text + strlen(text), "network \"n%u\" { bridge = x }\n", i);
    for (unsigned i = 0; i < CONFIG_MAX_SHARES; i++)
        sprintf(text + strlen(text), "share \"s%u\" { path = x }\n", i);
    strcat(text, "vsock { cid = 3 }\nport \"p\" { }\n");
    make_tree(tree, text, 3);
    assert_int_equal(number(tree, "/cpus/cpu@10f", "reg", 0), 0x10f);
    assert_int_equal(number(tree, "/memory@40000000", "reg", 2), 64);
    assert_int_equal(devices_of(&config, slot), MAX_SLOTS);
    config_free(&config);
    strcat(text, "disk \"more\" { path = x }\n");
    refuse(text, "too many");
}

static enum config_action action(unsigned state, unsigned reason, bool asked)
{
    struct tarn_info info = {.state = (uint8_t)state, .reason = (uint8_t)reason};
    return restart_action(&config, &info, asked);
}

static void test_restart_actions(void **state)
{
    (void)state;
    assert_true(read_text(GOOD));
    assert_int_equal(action(TARN_STATE_SHUTDOWN, TARN_REASON_REBOOT, false), ACTION_RESTART);
    assert_int_equal(action(TARN_STATE_SHUTDOWN, TARN_REASON_POWEROFF, false), ACTION_DESTROY);
    assert_int_equal(action(TARN_STATE_SHUTDOWN, TARN_REASON_POWEROFF, true), ACTION_RESTART);
    assert_int_equal(action(TARN_STATE_CRASHED, TARN_REASON_FAULT, false), ACTION_DESTROY);
    config_free(&config);
    assert_true(read_text(GOOD "on_crash = restart\non_reboot = preserve\n"));
    assert_int_equal(action(TARN_STATE_SHUTDOWN, TARN_REASON_REBOOT, false), ACTION_PRESERVE);
    assert_int_equal(action(TARN_STATE_SHUTDOWN, TARN_REASON_REBOOT, true), ACTION_RESTART);
    assert_int_equal(action(TARN_STATE_SHUTDOWN, TARN_REASON_ALL_OFF, false), ACTION_DESTROY);
    assert_int_equal(action(TARN_STATE_CRASHED, TARN_REASON_WATCHDOG, false), ACTION_RESTART);
    config_free(&config);
    refuse(GOOD "on_crash = panic\n", ":5: key 'on_crash': 'panic'");
    refuse(GOOD "on_reboot = \"\"\n", ":5: key 'on_reboot'");
}

static void test_restart_delays(void **state)
{
    unsigned delay = 0;

    (void)state;
    assert_int_equal(restart_delay(0, RESTART_STEADY, false), 0);
    assert_int_equal(restart_delay(RESTART_MOST, RESTART_STEADY, false), 0);
    assert_int_equal(restart_delay(RESTART_MOST, RESTART_STEADY, true), 1);
    for (unsigned i = 0, expected = 1; i < 10; i++) {
        delay = restart_delay(delay, 0.5, true);
        assert_int_equal(delay, expected);
        expected = expected * 2 > RESTART_MOST ? RESTART_MOST : expected * 2;
    }
}

static void test_reason_words(void **state)
{
    struct tarn_info info = {.reason = TARN_REASON_FAULT, .fault = {0x82000005, 0, 0x200}};

    (void)state;
    assert_non_null(strstr(hyper_reason_words(&info).text, "crashed: a fault"));
    assert_non_null(strstr(hyper_reason_words(&info).text, "translation fault"));
    assert_non_null(strstr(hyper_reason_words(&info).text, "pc 0x200"));
    for (unsigned reason = 0; reason < 256; reason++) {
        info.reason = (uint8_t)reason;
        assert_true(strlen(hyper_reason_words(&info).text) < sizeof(struct hyper_words));
    }
}

static int setup(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    close(fd);
    return fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void test_death_words(void **state)
{
    (void)state; /* wait(2)'s status: the signal, or the exit code << 8 */
    assert_string_equal(hyper_death_words(9).text, "killed by SIGKILL");
    assert_string_equal(hyper_death_words(11 | 0x80).text, "killed by SIGSEGV");
    assert_non_null(strstr(hyper_death_words(31).text, "SIGSYS (a system call"));
    assert_string_equal(hyper_death_words(3 << 8).text, "exit code 3");
    assert_string_equal(hyper_death_words(0).text, "exit code 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network_block_devices),
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_cpu_lists),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_error_is_a_line),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_random_text),
        cmocka_unit_test(test_sizes_and_addresses),
        cmocka_unit_test(test_image),
        cmocka_unit_test(test_device_tree),
        cmocka_unit_test(test_device_tree_for_the_boot),
        cmocka_unit_test(test_largest_device_tree),
        cmocka_unit_test(test_restart_actions),
        cmocka_unit_test(test_restart_delays),
        cmocka_unit_test(test_reason_words),
        cmocka_unit_test(test_death_words),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
