/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated PL011, driven the way Linux's driver does, and by hostile accesses. */
#include "unit.h"

#include <stdarg.h>

#include "guests/abi/domu.h"
#include "platform/log.h"
#include "virtio/vuart.h"

enum { DR = 0x00, FR = 0x18, IBRD = 0x24, FBRD = 0x28, LCR_H = 0x2c, CR = 0x30, IFLS = 0x34 };
enum { IMSC = 0x38, RIS = 0x3c, MIS = 0x40, ICR = 0x44 };
enum { RX = 0x10, TX = 0x20, RT = 0x40 };
enum { RXFE = 0x10, TXFF = 0x20, RXFF = 0x40, TXFE = 0x80 };

static struct tarn_notify_page notify;
static struct tarn_console_page console;
static struct vuart uart;

static char logged[256]; /* the last line */
static unsigned lines;

void log_print(enum log_level level, const char *format, ...)
{
    va_list args;

    assert_int_equal(level, LOG_CONSOLE);
    va_start(args, format);
    vsnprintf(logged, sizeof(logged), format, args);
    va_end(args);
    lines++;
}

static int setup(void **state)
{
    (void)state;
    memset(&notify, 0, sizeof(notify));
    memset(&console, 0, sizeof(console));
    lines = 0;
    vuart_init(&uart, &notify, &console);
    return 0;
}

static uint64_t get(uint64_t offset, unsigned size)
{
    struct mmio_access access = {.offset = offset, .size = (uint8_t)size};
    enum mmio_result result = vuart_access(&uart, &access);
    assert_int_equal(result, offset < 4 ? MMIO_KICK : MMIO_DONE); /* UARTDR */
    assert_true(access.value < 1ull << 8 * size);
    return access.value;
}

/* Registers that a write changes; FR, RIS, MIS and the upper bytes of all are not among them. */
static bool is_written(uint64_t offset)
{
    static const uint64_t offsets[] = {0, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38, 0x44};

    for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++)
        if (offset == offsets[i])
            return true;
    return false;
}

/* Returns whether dom0 is to be told. */
static bool put(uint64_t offset, unsigned size, uint64_t value)
{
    struct mmio_access access = {
        .offset = offset, .size = (uint8_t)size, .write = true, .value = value};
    enum mmio_result result = vuart_access(&uart, &access);
    assert_int_equal(result == MMIO_KICK || result == MMIO_UPCALL,
                     is_written(offset)); /* the line may follow */
    return result == MMIO_UPCALL;
}

static void test_identification(void **state)
{
    static const uint8_t id[8] = {0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(get(0xfe0 + 4 * i, 4), id[i]);
        assert_int_equal(get(0xfe0 + 4 * i, 1), id[i]);
    }
    put(0xfe0, 4, 0);
    assert_int_equal(get(0xfe0, 4), 0x11);
}

static void test_early_console(void **state)
{
    static const unsigned sizes[] = {1, 2, 4};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(get(FR, sizes[i]) & (TXFF | 0x08), 0);
        assert_int_equal(put(DR, sizes[i], 'a' + i), i == 0); /* then the event is known */
    }
    assert_int_equal(console.head, 3);
    assert_memory_equal(console.data, "abc", 3);
    assert_int_equal(notify.events, TARN_EVENT_CONSOLE);
    notify.events = 0;
    assert_true(put(DR, 1, 'd'));
}

static void test_full_page_drops(void **state)
{
    (void)state;
    uart.head = console.head = console.tail = 0xfffffff0; /* counters wrap */
    for (unsigned i = 0; i < TARN_CONSOLE_SIZE + 5; i++)
        put(DR, 1, i & 0xff);
    assert_int_equal(console.head, (uint32_t)(0xfffffff0 + TARN_CONSOLE_SIZE));
    assert_int_equal(console.dropped, 5);
    console.tail = 0xfffffff1;
    put(DR, 1, '!');
    assert_int_equal(console.data[0xfffffff0 % TARN_CONSOLE_SIZE], '!');
    assert_int_equal(console.dropped, 5);
}

static void put_text(const char *text)
{
    while (*text)
        put(DR, 1, (uint8_t)*text++);
}

/* Of a domain that Tarn has started, until dom0 reads. */
static void test_lines_go_to_the_log(void **state)
{
    (void)state;
    put_text("nobody asked\n");
    assert_int_equal(lines, 0);
    uart.log_name = "web";
    uart.log_lines = VUART_LOG_LINES;
    put_text("hello\r\n\x1b[2Jhalf");
    assert_int_equal(lines, 1);
    assert_string_equal(logged, "web: hello");
    put_text(" a line\n");
    assert_string_equal(logged, "web: .[2Jhalf a line");
    for (unsigned i = 0; i < 1000; i++)
        put(DR, 1, 'a');
    assert_int_equal(lines, 2 + 1000 / (sizeof(uart.line) - 1));
    for (unsigned i = 0; i < VUART_LOG_LINES; i++)
        put(DR, 1, '\n');
    assert_int_equal(lines, VUART_LOG_LINES);
    assert_string_equal(logged, "web: (no more lines of it here)");
}

static void test_oldest_is_overwritten_until_dom0_reads(void **state)
{
    (void)state;
    uart.log_name = "web";
    uart.log_lines = VUART_LOG_LINES;
    for (unsigned i = 0; i < TARN_CONSOLE_SIZE + 5; i++)
        put(DR, 1, i < 5 ? 'a' : 'b');
    assert_int_equal(console.head, TARN_CONSOLE_SIZE + 5);
    assert_int_equal(console.dropped, 0);
    assert_null(memchr(console.data, 'a', TARN_CONSOLE_SIZE));
    unsigned before = lines;
    console.tail = 5; /* it has read to the oldest there is */
    put_text("drop\n");
    assert_int_equal(console.head, TARN_CONSOLE_SIZE + 5);
    assert_int_equal(console.dropped, 5);
    console.tail = 0; /* and cannot go back */
    put_text("drop\n");
    assert_int_equal(console.dropped, 10);
    assert_int_equal(lines, before);
}

/* dom0's half of the page is not to be trusted either. */
static void test_garbage_in_the_page(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        console.tail = (uint32_t)unit_random();
        console.head = (uint32_t)unit_random();
        put(DR, 1, i & 0xff);
    }
    assert_true(uart.head <= 10000);
}

/* pl011_startup, input, pl011_int, pl011_shutdown of Linux 6.1 */
static void test_linux_flow(void **state)
{
    (void)state;
    put(ICR, 2, 0x7ff);
    assert_int_equal(get(IMSC, 2), 0);
    put(IFLS, 2, 0x12);
    put(IBRD, 2, 13), put(FBRD, 2, 1), put(LCR_H, 2, 0x70);
    put(CR, 2, 0x301);
    assert_int_equal(get(CR, 2), 0x301);
    put(ICR, 2, RT | RX);
    assert_true(get(FR, 2) & RXFE);
    put(IMSC, 2, RT | RX);
    assert_false(vuart_line(&uart));

    assert_int_equal(vuart_input(&uart, 2, 0x6b6f), 2);
    assert_true(vuart_line(&uart));
    assert_int_equal(get(RIS, 2) & get(IMSC, 2), RT);
    put(ICR, 2, 0);
    assert_int_equal(get(DR, 2), 'o');
    assert_true(vuart_line(&uart));
    assert_int_equal(get(DR, 2), 'k');
    assert_false(vuart_line(&uart));
    assert_true(get(FR, 2) & RXFE);

    put(DR, 2, 'x');
    assert_false(vuart_line(&uart)); /* TX is masked */
    put(IMSC, 2, RT | RX | TX);
    assert_int_equal(get(MIS, 2), TX);
    assert_true(vuart_line(&uart));
    put(IMSC, 2, RT | RX);
    assert_false(vuart_line(&uart));
    put(ICR, 2, 0xffff);
    assert_int_equal(get(RIS, 2), 0);
    put(IMSC, 2, TX | RT | RX); /* unmasked while empty: there is room, says the line */
    assert_true(vuart_line(&uart));
    put(IMSC, 2, 0);
    assert_false(vuart_line(&uart));
}

static void test_fifo_limits_and_trigger(void **state)
{
    unsigned taken = 0, got;
    (void)state;
    put(LCR_H, 4, 0x10);
    put(IFLS, 4, 2 << 3); /* one half */
    while ((got = vuart_input(&uart, 5, 0x0504030201)) > 0) {
        taken += got;
        assert_int_equal(!!(get(RIS, 4) & RX), taken >= 16);
    }
    assert_int_equal(taken, VUART_FIFO);
    assert_true(get(FR, 4) & RXFF);
    for (unsigned i = 0; i < VUART_FIFO; i++) {
        assert_int_equal(!!(get(RIS, 4) & RX), VUART_FIFO - i >= 16);
        assert_int_equal(get(DR, 4), i % 5 + 1);
    }
    assert_int_equal(get(RIS, 4) & (RX | RT), 0);
    assert_int_equal(get(DR, 4), 0);
    assert_int_equal(vuart_input(&uart, 200, 0), 8); /* never more than the word holds */
}

static void test_without_fifo(void **state)
{
    (void)state;
    assert_int_equal(vuart_input(&uart, 2, 0x4241), 1);
    assert_true(get(FR, 4) & RXFF);
    assert_int_equal(get(RIS, 4) & RX, RX);
    put(LCR_H, 4, 0x10); /* switching flushes */
    assert_true(get(FR, 4) & RXFE);
    assert_int_equal(get(RIS, 4) & (RX | RT), 0);
}

static void test_hostile_accesses(void **state)
{
    static const unsigned sizes[] = {1, 2, 4, 8};
    (void)state;
    for (uint64_t offset = 0; offset < DOMU_UART_SIZE + 64; offset++) {
        for (unsigned i = 0; i < 8; i++) {
            struct mmio_access access = {.offset = offset,
                                         .size = (uint8_t)sizes[i / 2],
                                         .write = i % 2,
                                         .value = unit_random()};
            enum mmio_result result = vuart_access(&uart, &access);
            bool effect = access.write ? is_written(offset) : offset < 4;
            if (sizes[i / 2] == 8)
                assert_int_equal(result, MMIO_FAULT);
            else
                assert_int_equal(result == MMIO_KICK || result == MMIO_UPCALL, effect);
            vuart_input(&uart, (unsigned)unit_random_below(20), unit_random());
            assert_false(spin_is_locked(&uart.lock));
        }
    }
    assert_int_equal(get(0x25, 1), uart.ibrd >> 8);
    uart.ibrd = 0x1234;
    put(0x25, 1, 0xff);
    assert_int_equal(uart.ibrd, 0x1234);
    assert_int_equal(get(IBRD, 4), 0x1234);
    assert_int_equal(get(0x25, 1), 0x12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_identification, setup),
        cmocka_unit_test_setup(test_early_console, setup),
        cmocka_unit_test_setup(test_full_page_drops, setup),
        cmocka_unit_test_setup(test_lines_go_to_the_log, setup),
        cmocka_unit_test_setup(test_oldest_is_overwritten_until_dom0_reads, setup),
        cmocka_unit_test_setup(test_garbage_in_the_page, setup),
        cmocka_unit_test_setup(test_linux_flow, setup),
        cmocka_unit_test_setup(test_fifo_limits_and_trigger, setup),
        cmocka_unit_test_setup(test_without_fifo, setup),
        cmocka_unit_test_setup(test_hostile_accesses, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
