/* SPDX-License-Identifier: Apache-2.0 */
/* Tarn's command line; see bootargs.h. May call libfdt, platform. */
#include "boot/bootargs.h"

#include <libfdt.h>

#include "platform/log.h"
#include "platform/string.h"

struct bootargs bootargs;

/* One option: `set` returns false if the value makes no sense. */
struct option {
    const char *name;
    bool (*set)(const char *value);
    const char *expects;
};

static bool parse_size(const char *text, uint64_t *bytes)
{
    static const struct {
        char letter;
        uint64_t factor;
    } units[] = {{'\0', 1}, {'K', KIB}, {'k', KIB}, {'M', MIB}, {'m', MIB}, {'G', GIB}, {'g', GIB}};
    char *end;
    uint64_t value = strtoul(text, &end, 0);

    if (end == text || value == 0 || (end[0] && end[1]))
        return false;
    for (unsigned i = 0; i < ARRAY_SIZE(units); i++) {
        if (*end == units[i].letter && value <= (1ul << 52) / units[i].factor) {
            *bytes = value * units[i].factor;
            return true;
        }
    }
    return false;
}

static bool parse_number(const char *text, uint64_t most, uint64_t *number)
{
    char *end;

    *number = strtoul(text, &end, 10);
    return end != text && *end == '\0' && *number <= most;
}

static bool set_dom0_mem(const char *value)
{
    return parse_size(value, &bootargs.dom0_mem);
}

static bool set_heap(const char *value)
{
    return parse_size(value, &bootargs.heap);
}

static bool set_dom0_vcpus(const char *value)
{
    uint64_t number;

    if (!parse_number(value, MAX_CPUS, &number) || number == 0)
        return false;
    bootargs.dom0_vcpus = (unsigned)number;
    return true;
}

static bool set_console(const char *value)
{
    size_t length = strlen(value);

    if (length == 0 || length >= sizeof(bootargs.console))
        return false;
    memcpy(bootargs.console, value, length + 1);
    return true;
}

static bool set_loglevel(const char *value)
{
    static const char *const names[] = {"error", "warn", "info", "guest", "debug"};

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            (void)log_set_level(i);
            return true;
        }
    }
    return false;
}

static bool set_panic_test(const char *value)
{
    uint64_t number;

    if (!parse_number(value, 1, &number))
        return false;
    bootargs.panic_test = number != 0;
    return true;
}

static const struct option options[] = {
    {"dom0_mem", set_dom0_mem, "a size such as 1536M"},
    {"dom0_vcpus", set_dom0_vcpus, "a number from 1 to 64"},
    {"heap", set_heap, "a size such as 32M"},
    {"console", set_console, "a UART's device-tree path or alias"},
    {"loglevel", set_loglevel, "error, warn, info, guest or debug"},
    {"panic_test", set_panic_test, "0 or 1"},
};

static void parse_one(char *word)
{
    char *value = strchr(word, '=');

    if (value)
        *value++ = '\0';
    for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
        if (strcmp(word, options[i].name) != 0)
            continue;
        if (!value || !options[i].set(value))
            log_warn("option %s= wants %s, got \"%s\"; ignored", word, options[i].expects,
                     value ? value : "");
        return;
    }
    log_warn("option \"%s\" is not known (known: dom0_mem dom0_vcpus heap console loglevel "
             "panic_test); ignored",
             word);
}

void bootargs_parse_line(const char *line)
{
    char word[128];

    while (line && *line) {
        size_t length = 0;
        for (; *line && *line != ' ' && *line != '\t'; line++)
            if (length < sizeof(word) - 1)
                word[length++] = *line;
        word[length] = '\0';
        if (length)
            parse_one(word);
        while (*line == ' ' || *line == '\t')
            line++;
    }
}

void bootargs_parse(const void *fdt)
{
    int length = 0;
    int chosen = fdt ? fdt_path_offset(fdt, "/chosen") : -1;
    const char *line = chosen < 0 ? NULL : fdt_getprop(fdt, chosen, "bootargs", &length);

    if (!line || length == 0)
        return;
    if (line[length - 1] == '\0')
        bootargs_parse_line(line);
    else
        log_warn("/chosen/bootargs is not a string; ignored");
}
