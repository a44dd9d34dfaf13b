/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings of JSON (RFC 8259).
 */
#include "guests/dom0/cli/json.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the character that begins here, if it is well-formed UTF-8 (RFC 3629); else 0. */
static unsigned length_of(const uint8_t *at)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned length = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : 4;
    uint32_t value = length == 1 ? at[0] : at[0] & (0x7fu >> length);

    if (length == 4 && at[0] >> 3 != 30)
        return 0;
    for (unsigned i = 1; i < length; i++) {
        if (at[i] >> 6 != 2)
            return 0;
        value = value << 6 | (at[i] & 0x3f);
    }
    return value >= least[length] && value <= 0x10ffff && value >> 11 != 0x1b ? length : 0;
}

/* Prints the text up to `end`. */
static void print(FILE *out, const char *text, const char *end)
{
    fputc('"', out);
    while (text < end) {
        uint8_t byte = (uint8_t)*text;
        unsigned length = length_of((const uint8_t *)text);
        if (length == 0)
            fprintf(out, "\\udc%02x", byte);
        else if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (byte < ' ' || byte == 0x7f)
            fprintf(out, "\\u%04x", byte);
        else
            fwrite(text, 1, length, out);
        text += length ? length : 1;
    }
    fputc('"', out);
}

void json_string(FILE *out, const char *text)
{
    if (text)
        print(out, text, text + strlen(text));
    else
        fputs("null", out);
}

void json_member(FILE *out, const char *key, const char *text)
{
    fprintf(out, ", \"%s\": ", key);
    json_string(out, text);
}

void json_lines(FILE *out, const char *text)
{
    fputc('[', out);
    for (const char *at = text; *at;) {
        const char *end = at + strcspn(at, "\n");
        fputs(at == text ? "" : ", ", out);
        print(out, at, end);
        at = *end ? end + 1 : end;
    }
    fputc(']', out);
}
