/* SPDX-License-Identifier: Apache-2.0 */
/* The printf subset of the log; see printf.h. Calls nothing but platform/string.h. */
#include "platform/printf.h"

#include "platform/string.h"
#include "platform/types.h"

struct output {
    char *at, *end; /* end: where the NUL goes at the latest */
};

struct spec {
    unsigned width;
    bool left, zero;
    unsigned longs;
};

static void put(struct output *out, char c)
{
    if (out->at < out->end)
        *out->at++ = c;
}

static void put_padded(struct output *out, const char *text, size_t length, const struct spec *spec)
{
    size_t pad = spec->width > length ? spec->width - length : 0;

    for (size_t i = 0; !spec->left && i < pad; i++)
        put(out, ' ');
    for (size_t i = 0; i < length; i++)
        put(out, text[i]);
    for (size_t i = 0; spec->left && i < pad; i++)
        put(out, ' ');
}

static void put_number(struct output *out, uint64_t value, unsigned base, bool negative,
                       const struct spec *spec)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (spec->zero && !spec->left && at > 1 && sizeof(digits) - at + negative < spec->width)
        digits[--at] = '0';
    if (negative)
        digits[--at] = '-';
    put_padded(out, &digits[at], sizeof(digits) - at, spec);
}

static struct spec parse_spec(const char **format)
{
    struct spec spec = {0};

    for (; **format == '-' || **format == '0'; (*format)++) {
        if (**format == '-')
            spec.left = true;
        else
            spec.zero = true;
    }
    for (; **format >= '0' && **format <= '9'; (*format)++)
        spec.width = spec.width * 10 + (unsigned)(**format - '0');
    for (; **format == 'l' || **format == 'z'; (*format)++)
        spec.longs++;
    return spec;
}

size_t format_string(char *text, size_t size, const char *format, va_list args)
{
    struct output out = {text, text + size - 1};
    va_list ap;

    va_copy(ap, args);
    while (*format) {
        if (*format != '%') {
            put(&out, *format++);
            continue;
        }
        format++;
        struct spec spec = parse_spec(&format);
        char kind = *format ? *format++ : '%';
        if (kind == 'd') {
            int64_t v = spec.longs ? va_arg(ap, long) : va_arg(ap, int);
            put_number(&out, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, v < 0, &spec);
        } else if (kind == 'u' || kind == 'x') {
            uint64_t v = spec.longs ? va_arg(ap, unsigned long) : va_arg(ap, unsigned);
            put_number(&out, v, kind == 'x' ? 16 : 10, false, &spec);
        } else if (kind == 's') {
            const char *string = va_arg(ap, const char *);
            put_padded(&out, string, strlen(string), &spec);
        } else if (kind == 'c') {
            char c = (char)va_arg(ap, int);
            put_padded(&out, &c, 1, &spec);
        } else {
            put(&out, kind);
        }
    }
    va_end(ap);
    *out.at = '\0';
    return (size_t)(out.at - text);
}

size_t format_text(char *out, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    size_t length = format_string(out, size, format, args);
    va_end(args);
    return length;
}
