/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of JSON: whatever bytes they are made of. */
#include "unit.h"

#include <stdlib.h>

#include "guests/dom0/cli/json.h"

static void expect(void (*print)(FILE *, const char *), const char *text, const char *expected)
{
    char *written;
    size_t size;
    FILE *out = open_memstream(&written, &size);

    print(out, text);
    fclose(out);
    assert_string_equal(written, expected);
    free(written);
}

static void test_strings(void **state)
{
    (void)state;
    expect(json_string, NULL, "null");
    expect(json_string, "", "\"\"");
    expect(json_string, "a \"b\" \\c\n\x1b\x7f", "\"a \\\"b\\\" \\\\c\\u000a\\u001b\\u007f\"");
    expect(json_string, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
           "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

/* Cut off, out of place, overlong, a surrogate, beyond Unicode: each byte by itself. */
static void test_not_utf8(void **state)
{
    (void)state;
    expect(json_string, "\xc3", "\"\\udcc3\"");
    expect(json_string, "\xe2\x82z", "\"\\udce2\\udc82z\"");
    expect(json_string, "\x80\xff", "\"\\udc80\\udcff\"");
    expect(json_string, "\xc0\xaf", "\"\\udcc0\\udcaf\"");
    expect(json_string, "\xed\xa0\x80", "\"\\udced\\udca0\\udc80\"");
    expect(json_string, "\xf4\x90\x80\x80", "\"\\udcf4\\udc90\\udc80\\udc80\"");
}

static void test_lines(void **state)
{
    (void)state;
    expect(json_lines, "", "[]");
    expect(json_lines, "one\n", "[\"one\"]");
    expect(json_lines, "a\xc3\n\xa9\n\"", "[\"a\\udcc3\", \"\\udca9\", \"\\\"\"]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_not_utf8),
        cmocka_unit_test(test_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
