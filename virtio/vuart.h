/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated PL011 UART (Arm DDI 0183) of a domU: early console, working both ways. Output goes
 * to the domain's console page; input comes by hypercall. Never blocks the guest. Has its own lock
 * (leaf). May include guests/abi, platform, mm.
 */
#ifndef VIRTIO_VUART_H
#define VIRTIO_VUART_H

#include "platform/types.h"

#include "guests/abi/notify.h"
#include "mm/trap_mmio.h"
#include "platform/spinlock.h"

#define VUART_FIFO      32
#define VUART_LOG_LINES 1000

struct vuart {
    spinlock_t lock;
    struct tarn_notify_page *notify;   /* TARN_EVENT_CONSOLE is set there */
    struct tarn_console_page *console; /* its head is kept here, never read back */
    uint32_t head;
    uint8_t fifo[VUART_FIFO]; /* received, not read yet */
    uint8_t fifo_first, fifo_count;
    uint32_t ibrd, fbrd, lcr_h, cr, ifls, imsc, ris;
    /*
     * Until dom0 takes its first byte out of the console page, output goes to Tarn's log, too, by
     * lines, with this name in front; meanwhile new bytes overwrite the oldest in the page. NULL:
     * that is not so.
     */
    const char *log_name;
    uint16_t log_lines; /* that it may still put there */
    uint8_t line_length;
    char line[200];
};

void vuart_init(struct vuart *uart, struct tarn_notify_page *notify,
                struct tarn_console_page *console);

/*
 * Trapped access: a handler for mmio_table_add. After MMIO_UPCALL, MMIO_KICK and vuart_input,
 * the caller sets the UART's interrupt line to vuart_line(). Two CPUs may be at that at once: each
 * sets the line, compares vuart_line() again and repeats if it differs, so that the last one leaves
 * the truth.
 */
enum mmio_result vuart_access(void *uart, struct mmio_access *access);

/* Puts up to count (at most 8) bytes, first in the lowest 8 bits, in the receive FIFO. Returns how
 * many fitted. Any CPU. */
unsigned vuart_input(struct vuart *uart, unsigned count, uint64_t bytes);

/* Level of the interrupt line: (RIS & IMSC) != 0. Takes no lock. */
bool vuart_line(const struct vuart *uart);

#endif
