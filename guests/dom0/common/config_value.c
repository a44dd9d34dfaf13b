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

/* Copies `size` bytes if they fit. */
static bool copy_part(char *to, size_t room, const char *from, size_t size)
{
    if (size >= room)
        return false;
    memcpy(to, from, size);
    to[size] = '\0';
    return true;
}

static bool parse_nbd_socket(const char *rest, struct config_nbd *nbd)
{
    static const char socket[] = "?socket=";
    const char *query = strstr(rest, socket);

    return query && copy_part(nbd->name, sizeof(nbd->name), rest, (size_t)(query - rest)) &&
           copy_part(nbd->socket, sizeof(nbd->socket), query + strlen(socket),
                     strlen(query + strlen(socket))) &&
           nbd->socket[0] == '/';
}

static bool parse_nbd_host(const char *rest, struct config_nbd *nbd)
{
    bool brackets = rest[0] == '[';
    size_t host = brackets ? strcspn(++rest, "]") : strcspn(rest, ":/");

    if (host == 0 || (brackets && !rest[host]) ||
        !copy_part(nbd->host, sizeof(nbd->host), rest, host))
        return false;
    rest += host + (rest[host] == ']');
    strcpy(nbd->port, "10809"); /* of the protocol */
    if (*rest == ':') {
        size_t digits = strspn(++rest, "0123456789");
        if (digits == 0 || !copy_part(nbd->port, sizeof(nbd->port), rest, digits))
            return false;
        rest += digits;
    }
    if (*rest == '\0')
        return true;
    return *rest == '/' && copy_part(nbd->name, sizeof(nbd->name), rest + 1, strlen(rest + 1));
}

bool config_parse_nbd(const char *uri, struct config_nbd *nbd)
{
    static const char host[] = "nbd://", unix_socket[] = "nbd+unix:///";

    memset(nbd, 0, sizeof(*nbd));
    for (const char *at = uri; *at; at++)
        if (*at <= ' ' || *at > '~' || *at == '"' || *at == '\\')
            return false;
    if (strncmp(uri, unix_socket, strlen(unix_socket)) == 0)
        return parse_nbd_socket(uri + strlen(unix_socket), nbd);
    return strncmp(uri, host, strlen(host)) == 0 && parse_nbd_host(uri + strlen(host), nbd);
}
