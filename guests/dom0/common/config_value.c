/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of configuration files.
 */
#include "guests/dom0/common/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool config_parse_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || end[0] == '\0' || end[1] != '\0')
        return false;
    const char *unit = strchr(units, toupper((unsigned char)end[0]));
    if (!unit)
        return false;
    unsigned shift = 10 * (unsigned)(unit - units + 1);
    if (value > UINT64_MAX >> (shift + 1)) /* leaves room for rounding up */
        return false;
    *bytes = (uint64_t)value << shift;
    return true;
}

bool config_parse_mac(const char *text, uint8_t mac[6])
{
    static const uint8_t zero[6];
    char end;

    if (strlen(text) != 17 || sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &mac[0],
                                     &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &end) != 6)
        return false;
    return !(mac[0] & 1) && memcmp(mac, zero, 6) != 0;
}

void config_make_mac(const char *name, unsigned number, uint8_t mac[6])
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    hash = (hash ^ number) * 16777619u;
    mac[0] = 0x02; /* locally administered */
    mac[1] = 't';
    mac[2] = 'a';
    mac[3] = (uint8_t)(hash >> 16 ^ hash >> 24);
    mac[4] = (uint8_t)(hash >> 8);
    mac[5] = (uint8_t)hash;
}

/* A number below 64. Returns what follows it, or NULL. */
static const char *parse_cpu(const char *text, unsigned *cpu)
{
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return NULL;
    unsigned long value = strtoul(text, &end, 10);
    *cpu = (unsigned)value;
    return value < 64 ? end : NULL;
}

bool config_parse_cpus(const char *text, uint64_t *cpus)
{
    unsigned first, last;

    *cpus = UINT64_MAX;
    if (strcmp(text, "all") == 0)
        return true;
    *cpus = 0;
    for (;;) {
        text = parse_cpu(text, &first);
        last = first;
        if (text && *text == '-')
            text = parse_cpu(text + 1, &last);
        if (!text || last < first)
            return false;
        *cpus |= UINT64_MAX >> (63 - last) & UINT64_MAX << first;
        if (*text == '\0')
            return true;
        if (*text++ != ',')
            return false;
    }
}

void config_print_cpus(uint64_t cpus, char text[CONFIG_CPUS_TEXT])
{
    char *at = text;

    *at = '\0';
    while (cpus) {
        int first = __builtin_ctzll(cpus);
        uint64_t from_there = cpus >> first;
        int count = ~from_there ? __builtin_ctzll(~from_there) : 64;

        at += sprintf(at, count > 1 ? "%s%d-%d" : "%s%d", at == text ? "" : ",", first,
                      first + count - 1);
        cpus &= first + count > 63 ? 0 : UINT64_MAX << (first + count);
    }
}
