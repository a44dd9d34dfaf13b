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
    bool (*set)(const struct option *option, const char *value);
    const char *expects;
    /* set_number's: where it goes, its range, and which of the letters K, M, G may follow. */
    uint64_t *number, least, most;
    const char *units;
};

/* A number in decimal, or in hexadecimal after 0x. Leaves *text behind it; false if there is none.
 */
static bool parse_digits(const char **text, uint64_t *value)
{
    bool hex = (*text)[0] == '0' && (*text)[1] == 'x';
    const char *digits = hex ? "0123456789abcdef" : "0123456789";
    const char *first = hex ? *text + 2 : *text, *at = first, *digit;

    *value = 0;
    for (; *at && (digit = strchr(digits, *at)) != NULL; at++)
        if (__builtin_mul_overflow(*value, strlen(digits), value) ||
            __builtin_add_overflow(*value, (uint64_t)(digit - digits), value))
            return false;
    *text = at;
    return at != first;
}

static bool set_number(const struct option *option, const char *value)
{
    uint64_t number;
    unsigned shift = 0;

    if (!parse_digits(&value, &number))
        return false;
    if (*value) {
        const char *unit = strchr(option->units, *value & ~0x20);
        if (!unit || value[1])
            return false;
        shift = 10 * (unsigned)(unit + 1 - option->units);
    }
    if (number < option->least || number > option->most >> shift)
        return false;
    *option->number = number << shift;
    return true;
}

static bool set_console(UNUSED const struct option *option, const char *value)
{
    size_t length = strlen(value);

    if (length == 0 || length >= sizeof(bootargs.console))
        return false;
    memcpy(bootargs.console, value, length + 1);
    return true;
}

static bool set_loglevel(UNUSED const struct option *option, const char *value)
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

#define SIZE_UNITS "KMG"
#define SIZE_MOST  (1ul << 52)

static const struct option options[] = {
    {"dom0_mem", set_number, "a size such as 1536M", &bootargs.dom0_mem, 1, SIZE_MOST, SIZE_UNITS},
    {"dom0_vcpus", set_number, "a number from 1 to 64", &bootargs.dom0_vcpus, 1, MAX_CPUS, ""},
    {"heap", set_number, "a size such as 32M", &bootargs.heap, 1, SIZE_MOST, SIZE_UNITS},
    {"console", set_console, "a UART's device-tree path or alias", NULL, 0, 0, NULL},
    {"loglevel", set_loglevel, "error, warn, info, guest or debug", NULL, 0, 0, NULL},
    {"panic_test", set_number, "0 or 1", &bootargs.panic_test, 0, 1, ""},
};

static void parse_one(char *word)
{
    char *value = strchr(word, '=');

    if (value)
        *value++ = '\0';
    for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
        if (strcmp(word, options[i].name) != 0)
            continue;
        if (!value || !options[i].set(&options[i], value))
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
