/* SPDX-License-Identifier: Apache-2.0 */
/* Values of configuration files: text to number and back. Includes nothing. */
#ifndef DOM0_CONFIG_VALUE_H
#define DOM0_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* "512M", "4G", "1T": digits and one unit (powers of 1024). */
bool config_parse_size(const char *text, uint64_t *bytes);

/* "52:54:00:12:34:56"; not a group address, not all zero. */
bool config_parse_mac(const char *text, uint8_t mac[6]);

/* A locally administered address that is always the same for a domain's network of that number. */
void config_make_mac(const char *name, unsigned number, uint8_t mac[6]);

/* A network block device. */
struct config_nbd {
    char host[256], port[6]; /* empty with a socket */
    char socket[104];        /* a Unix one's path, or empty */
    char name[256];          /* of the export */
};

/*
 * "nbd://HOST[:PORT][/NAME]", an IPv6 address in brackets, or "nbd+unix:///[NAME]?socket=PATH"; no
 * quotation marks, backslashes or blanks in it.
 */
bool config_parse_nbd(const char *uri, struct config_nbd *nbd);

/* "0-2,5": CPUs as bits; "all": every bit. */
bool config_parse_cpus(const char *text, uint64_t *cpus);

/* The other way round. */
#define CONFIG_CPUS_TEXT 192
void config_print_cpus(uint64_t cpus, char text[CONFIG_CPUS_TEXT]);

#endif
