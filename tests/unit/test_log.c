/* SPDX-License-Identifier: Apache-2.0 */
/* The log: levels, lines before there is a console, the limit on what guests cause, the ring. */
#include "unit.h"

#include "platform/log.h"
#include "platform/sysreg.h"
#include "platform/uart.h"

static char printed[65536];
static size_t length;

static void put(volatile void *base, char c)
{
    assert_ptr_equal(base, printed);
    assert_true(length < sizeof(printed) - 1);
    printed[length++] = c;
    printed[length] = '\0';
}

static const struct uart_ops uart = {"test", 0, put};

static void forget(void)
{
    length = 0;
    printed[0] = '\0';
}

static unsigned count(const char *text)
{
    unsigned found = 0;

    for (const char *at = printed; (at = strstr(at, text)) != NULL; at++)
        found++;
    return found;
}

static void set_time(uint64_t ms)
{
    host_sysreg_write("cntfrq_el0", 1000);
    host_sysreg_write("cntpct_el0", ms);
}

/* First, as a console is for good: lines wait for it, and what does not fit is dropped. */
static void test_before_the_console(void **state)
{
    (void)state;
    set_time(0);
    log_info("first %d", 1);
    for (unsigned i = 0; i < 200; i++)
        log_warn("a line that is long enough to fill the room there is for early lines");
    assert_int_equal(length, 0);
    console_start(&uart, printed);
    assert_int_equal(count("tarn: first 1\r\n"), 1);
    assert_true(count("tarn: warning: a line") > 10 && count("tarn: warning: a line") < 200);
    forget();
    log_info("next");
    assert_string_equal(printed, "tarn: next\r\n");
}

static void test_levels(void **state)
{
    (void)state;
    forget();
    log_set_level(LOG_WARN);
    log_error("e");
    log_warn("w");
    log_info("i");
    log_debug("d");
    assert_string_equal(printed, "tarn: ERROR: e\r\ntarn: warning: w\r\n");
    log_set_level(LOG_DEBUG);
    log_debug("d");
    assert_int_equal(count("tarn: debug: d\r\n"), 1);
}

static void test_guests_are_limited(void **state)
{
    (void)state;
    forget();
    set_time(5000);
    for (unsigned i = 0; i < 1000; i++)
        log_guest("noise");
    assert_int_equal(count("guest: noise"), 10);
    log_print(LOG_CONSOLE, "%s: %s", "web", "its own limit");
    assert_int_equal(count("tarn: guest: web: its own limit"), 1);
    log_error("still heard");
    assert_int_equal(count("still heard"), 1);
    set_time(6000);
    log_guest("later");
    assert_int_equal(count("not shown"), 1);
    assert_int_equal(count("later"), 1);
    set_time(7000);
    log_guest("quiet");
    assert_int_equal(count("not shown"), 1);
}

static void test_long_lines_are_cut(void **state)
{
    char text[600];

    (void)state;
    forget();
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_error("%s", text);
    assert_true(length < 300);
    assert_string_equal(printed + length - 2, "\r\n");
}

/* All of the ring from *position on. */
static size_t read_ring(uint64_t *position, char *out, size_t size)
{
    size_t got, total = 0;

    while ((got = log_read(position, out + total, MIN(size - 1 - total, 104))) > 0) {
        *position += got;
        total += got;
    }
    out[total] = '\0';
    return total;
}

static void test_ring(void **state)
{
    static char text[32768];
    uint64_t position = UINT64_MAX;

    (void)state;
    assert_int_equal(log_read(&position, text, sizeof(text)), 0); /* the end */
    set_time(3661042);
    log_warn("one");
    log_set_level(LOG_ERROR);
    log_info("not logged");
    assert_int_equal(log_set_level(99), LOG_ERROR);
    assert_int_equal(log_set_level(LOG_DEBUG), LOG_ERROR);
    log_error("two");
    read_ring(&position, text, sizeof(text));
    assert_string_equal(text, "<1>[ 3661.042000] one\n<0>[ 3661.042000] two\n");
    assert_int_equal(log_read(&position, text, sizeof(text)), 0);
}

/* Who comes late reads the last lines whole but the first, and learns what position that is. */
static void test_ring_is_overwritten(void **state)
{
    static char text[32768];
    uint64_t position = UINT64_MAX, begin, late;

    (void)state;
    forget();
    (void)log_read(&position, text, 0);
    begin = late = position;
    for (unsigned i = 0; i < 2000; i++) {
        forget();
        log_info("line %u", i);
    }
    size_t size = read_ring(&late, text, sizeof(text));
    assert_true(size > 10000 && size < 20000);
    assert_true(late - size > begin);
    assert_non_null(strstr(text, "line 1999\n"));
    assert_null(strstr(text, "line 1\n"));
    char *second = strchr(text, '\n') + 1;
    assert_memory_equal(second, "<2>[", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_the_console),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_guests_are_limited),
        cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_ring_is_overwritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
