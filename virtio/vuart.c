/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated PL011, revision r1p5 (Arm DDI 0183G, chapter 3): a row per register. What is written
 * is sent at once, so the transmit FIFO is always empty. Output is taken whatever CR says: a
 * kernel's early console expects firmware to have enabled the UART, and here is none. May include
 * guests/abi, platform, mm, virtio.
 */
#include "virtio/vuart.h"

#include "platform/log.h"

#define UART_FR_MODEM   0x07u /* CTS, DSR, DCD: somebody is there */
#define UART_FR_RXFE    0x10u
#define UART_FR_RXFF    0x40u
#define UART_FR_TXFE    0x80u
#define UART_LCR_H_FEN  0x10u
#define UART_INT_RX     0x10u
#define UART_INT_TX     0x20u
#define UART_INT_RT     0x40u
#define UART_INT_ALL    0x7ffu
#define UART_CR_RESET   0x300u /* RXE, TXE */
#define UART_IFLS_RESET 0x12u  /* both FIFOs at one half */
#define UART_ID_OFFSET  0xfe0u

/*
 * A register is a field of struct vuart, or what its functions make of it. Without field and
 * function it reads as zero and ignores writes.
 */
struct vuart_row {
    uint32_t (*read)(struct vuart *uart); /* instead of the field. Called without the lock. */
    /* Before the field. Returns true when dom0 has news. Called with the lock. */
    bool (*write)(struct vuart *uart, uint32_t value);
    uint8_t field;              /* offset in struct vuart, or 0 */
    uint16_t writable;          /* bits of the field */
} __attribute__((aligned(32))); /* cheap to index */

/* vuart_line reads these two without the lock. */
static void set_ris(struct vuart *uart, uint32_t ris)
{
    __atomic_store_n(&uart->ris, ris, __ATOMIC_SEQ_CST);
}

static unsigned fifo_size(const struct vuart *uart)
{
    return uart->lcr_h & UART_LCR_H_FEN ? VUART_FIFO : 1;
}

/* Bytes in the receive FIFO that assert RXRIS (3.3.9: 1/8, 1/4, 1/2, 3/4, 7/8; reserved values:
 * 1/2). */
static unsigned rx_trigger(const struct vuart *uart)
{
    static const uint8_t levels[8] = {4, 8, 16, 24, 28, 16, 16, 16};
    return uart->lcr_h & UART_LCR_H_FEN ? levels[FIELD(uart->ifls, 5, 3)] : 1;
}

static uint32_t take_byte(struct vuart *uart)
{
    if (uart->fifo_count == 0)
        return 0;
    uint8_t byte = uart->fifo[uart->fifo_first];
    uart->fifo_first = (uint8_t)((uart->fifo_first + 1) % VUART_FIFO);
    uart->fifo_count--;
    uint32_t gone = uart->fifo_count < rx_trigger(uart) ? UART_INT_RX : 0;
    if (uart->fifo_count == 0)
        gone |= UART_INT_RT;
    set_ris(uart, uart->ris & ~gone);
    return byte;
}

static uint32_t read_dr(struct vuart *uart)
{
    spin_lock(&uart->lock);
    uint32_t byte = take_byte(uart);
    spin_unlock(&uart->lock);
    return byte;
}

/* No control character of a guest reaches the terminal that shows the log. */
static void log_byte(struct vuart *uart, char byte)
{
    if (uart->log_lines == 0 || byte == '\r')
        return;
    if (byte != '\n')
        uart->line[uart->line_length++] = byte >= ' ' && byte <= '~' ? byte : '.';
    if (byte == '\n' || uart->line_length == sizeof(uart->line) - 1) {
        uart->line[uart->line_length] = '\0';
        log_print(LOG_CONSOLE, "%s: %s", uart->log_name,
                  --uart->log_lines ? uart->line : "(no more lines of it here)");
        uart->line_length = 0;
    }
}

/*
 * Puts a byte in the console page. dom0 owns tail; whatever it holds, the index stays inside the
 * page. The event bit is set after head (release): dom0 clears it, then reads head. An upcall is
 * due when it was clear; when it was set, dom0 has yet to take it.
 */
static bool write_dr(struct vuart *uart, uint32_t value)
{
    struct tarn_console_page *console = uart->console;
    uint32_t tail = __atomic_load_n(&console->tail, __ATOMIC_ACQUIRE);
    if (tail != 0)
        uart->log_name = NULL;
    else if (uart->log_name)
        log_byte(uart, (char)value);
    set_ris(uart, uart->ris | UART_INT_TX); /* the FIFO has run empty again */
    if (uart->head - tail >= TARN_CONSOLE_SIZE && !uart->log_name) {
        console->dropped++;
    } else {
        console->data[uart->head % TARN_CONSOLE_SIZE] = (uint8_t)value;
        __atomic_store_n(&console->head, ++uart->head, __ATOMIC_RELEASE);
    }
    uint64_t old = __atomic_fetch_or(&uart->notify->events, TARN_EVENT_CONSOLE, __ATOMIC_RELEASE);
    return !(old & TARN_EVENT_CONSOLE);
}

static uint32_t read_fr(struct vuart *uart)
{
    uint32_t fr = UART_FR_MODEM | UART_FR_TXFE;
    if (uart->fifo_count == 0)
        fr |= UART_FR_RXFE;
    if (uart->fifo_count >= fifo_size(uart))
        fr |= UART_FR_RXFF;
    return fr;
}

/* Switching the FIFOs on or off empties them. */
static bool write_lcr_h(struct vuart *uart, uint32_t value)
{
    if ((uart->lcr_h ^ value) & UART_LCR_H_FEN) {
        uart->fifo_count = 0;
        set_ris(uart, uart->ris & ~(UART_INT_RX | UART_INT_RT));
    }
    return false;
}

/*
 * Unmasking TX also asserts it: hardware would when its FIFO drains next, but here that has
 * happened already, and a driver that cleared it in between would wait for ever.
 */
static bool write_imsc(struct vuart *uart, uint32_t value)
{
    if (value & ~uart->imsc & UART_INT_TX)
        set_ris(uart, uart->ris | UART_INT_TX);
    return false;
}

static uint32_t read_mis(struct vuart *uart)
{
    return uart->ris & uart->imsc;
}

static bool write_icr(struct vuart *uart, uint32_t value)
{
    set_ris(uart, uart->ris & ~value);
    return false;
}

#define ROW(offset)       [(offset) / 4]
#define FIELD_ROW(member) .field = offsetof(struct vuart, member)

static const struct vuart_row rows[] = {
    ROW(0x000) = {.read = read_dr, .write = write_dr},                             /* UARTDR */
    ROW(0x018) = {.read = read_fr},                                                /* UARTFR */
    ROW(0x024) = {FIELD_ROW(ibrd), .writable = 0xffff},                            /* UARTIBRD */
    ROW(0x028) = {FIELD_ROW(fbrd), .writable = 0x3f},                              /* UARTFBRD */
    ROW(0x02c) = {FIELD_ROW(lcr_h), .writable = 0xff, .write = write_lcr_h},       /* UARTLCR_H */
    ROW(0x030) = {FIELD_ROW(cr), .writable = 0xff87},                              /* UARTCR */
    ROW(0x034) = {FIELD_ROW(ifls), .writable = 0x3f},                              /* UARTIFLS */
    ROW(0x038) = {FIELD_ROW(imsc), .writable = UART_INT_ALL, .write = write_imsc}, /* UARTIMSC */
    ROW(0x03c) = {FIELD_ROW(ris)},                                                 /* UARTRIS */
    ROW(0x040) = {.read = read_mis},                                               /* UARTMIS */
    ROW(0x044) = {.write = write_icr},                                             /* UARTICR */
};

/* UARTPeriphID0..3 (part 0x011, designer Arm, revision 3 = r1p5), UARTPCellID0..3 */
static const uint8_t id_registers[8] = {0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

static enum mmio_result read_id(struct mmio_access *access)
{
    uint64_t index = (access->offset - UART_ID_OFFSET) / 4;
    access->value = index < ARRAY_SIZE(id_registers) ? id_registers[index] : 0;
    return MMIO_DONE;
}

/* A narrow read of an upper byte of a register (offset % 4 != 0) gets that byte, which is how a
 * wide bus behaves. */
static RARE uint32_t narrow(uint32_t value, const struct mmio_access *access)
{
    return value >> access->offset % 4 * 8 & ~0u >> (32 - 8 * access->size);
}

static uint32_t *field_of(struct vuart *uart, const struct vuart_row *row)
{
    return (uint32_t *)(void *)((char *)uart + row->field);
}

/*
 * A write to an upper byte is no access to the register, and is ignored. The line may have changed
 * after a write: vuart_line reads IMSC without the lock.
 */
static __attribute__((noinline)) enum mmio_result
write_row(struct vuart *uart, const struct vuart_row *row, struct mmio_access *access)
{
    uint32_t value = (uint32_t)mmio_data(access);

    if ((row->write == NULL && row->writable == 0) || access->offset % 4 != 0)
        return MMIO_DONE;
    spin_lock(&uart->lock);
    bool upcall = row->write && row->write(uart, value);
    if (row->writable)
        __atomic_store_n(field_of(uart, row), value & row->writable, __ATOMIC_SEQ_CST);
    spin_unlock(&uart->lock);
    return upcall ? MMIO_UPCALL : MMIO_KICK;
}

/* The line may have changed after a read of UARTDR. */
static inline enum mmio_result read_row(struct vuart *uart, const struct vuart_row *row,
                                        struct mmio_access *access)
{
    uint32_t value = row->read ? row->read(uart) : row->field ? *field_of(uart, row) : 0;

    access->value = access->size == 4 ? value : narrow(value, access);
    return access->offset < 4 ? MMIO_KICK : MMIO_DONE;
}

static RARE enum mmio_result access_other(struct mmio_access *access)
{
    access->value = 0;
    if (!access->write && access->offset >= UART_ID_OFFSET && access->offset % 4 == 0)
        return read_id(access);
    return MMIO_DONE;
}

enum mmio_result vuart_access(void *device, struct mmio_access *access)
{
    uint64_t index = access->offset / 4;

    if (access->size > 4)
        return MMIO_FAULT;
    if (index >= ARRAY_SIZE(rows))
        return access_other(access);
    return access->write ? write_row(device, &rows[index], access)
                         : read_row(device, &rows[index], access);
}

void vuart_init(struct vuart *uart, struct tarn_notify_page *notify,
                struct tarn_console_page *console)
{
    *uart = (struct vuart){
        .notify = notify,
        .console = console,
        .cr = UART_CR_RESET,
        .ifls = UART_IFLS_RESET,
    };
}

/* RT stands for "the line has been idle since": every input is followed by idleness. */
unsigned vuart_input(struct vuart *uart, unsigned count, uint64_t bytes)
{
    unsigned taken = 0;
    spin_lock(&uart->lock);
    while (taken < MIN(count, 8u) && uart->fifo_count < fifo_size(uart)) {
        uart->fifo[(uart->fifo_first + uart->fifo_count) % VUART_FIFO] =
            (uint8_t)(bytes >> (8 * taken));
        uart->fifo_count++;
        taken++;
    }
    if (taken > 0)
        set_ris(uart,
                uart->ris | UART_INT_RT | (uart->fifo_count >= rx_trigger(uart) ? UART_INT_RX : 0));
    spin_unlock(&uart->lock);
    return taken;
}

bool vuart_line(const struct vuart *uart)
{
    uint32_t ris = __atomic_load_n(&uart->ris, __ATOMIC_SEQ_CST);
    return (ris & __atomic_load_n(&uart->imsc, __ATOMIC_SEQ_CST)) != 0;
}
