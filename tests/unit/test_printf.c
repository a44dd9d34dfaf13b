/* SPDX-License-Identifier: Apache-2.0 */
/* The log's formatting against the build machine's vsnprintf. */
#include "unit.h"

#include "platform/printf.h"

__attribute__((format(printf, 2, 3))) static void check(size_t size, const char *format, ...)
{
    char mine[128], theirs[128];
    va_list args;

    memset(mine, 'x', sizeof(mine));
    va_start(args, format);
    size_t length = format_string(mine, size, format, args);
    va_end(args);
    va_start(args, format);
    vsnprintf(theirs, size, format, args);
    va_end(args);
    assert_string_equal(mine, theirs);
    assert_int_equal(length, strlen(theirs));
}

static void test_kinds(void **state)
{
    (void)state;
    check(128, "plain");
    check(128, "%d %u %x %%", -5, 4000000000u, 0xbeefu);
    check(128, "%ld %lu %lx %zu %lld %llx", INT64_MIN, UINT64_MAX, UINT64_MAX, (size_t)3, -1ll,
          1ull << 63);
    check(128, "[%5d] [%-5d] [%05d] [%05d] [%2d]", 42, 42, 42, -42, 12345);
    check(128, "[%016lx] [%-8lx] [%8x]", 0x1234ul, 0x1234ul, 0u);
    check(128, "[%s] [%8s] [%-8s] [%2s] [%s]", "text", "text", "text", "text", "");
    check(128, "%c%c [%3c]", 'a', '%', 'z');
}

static void test_truncation(void **state)
{
    (void)state;
    for (size_t size = 1; size < 30; size++)
        check(size, "%s and %016lx %-9d|", "a word", 0xabcdul, -17);
}

static void test_odd_formats(void **state)
{
    const char *odd = "%"; /* no literal: the compiler would warn, as it should */
    char text[16];
    va_list none;

    (void)state;
    memset(&none, 0, sizeof(none));
    assert_int_equal(format_string(text, sizeof(text), odd, none), 1);
    assert_string_equal(text, "%");
    assert_int_equal(format_string(text, 1, "abc", none), 0);
    assert_string_equal(text, "");
}

static void test_random_numbers(void **state)
{
    static const char *const formats[] = {"%lu", "%lx", "%20lu|", "%-20lx|", "%020lx", "%3lu"};

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t number = unit_random() >> unit_random_below(64);
        check(128, formats[unit_random_below(6)], number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_odd_formats),
        cmocka_unit_test(test_random_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
