/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two domains and the time between them: a switch from one to the other on one CPU, and a request
 * and its completion between two CPUs. Both ends write down moments of the physical counter, which
 * they share, and print them as lines "BENCH span SIDE FROM TO"; tests/bench/bench.py puts them
 * together. May include tests/bench/micro, guests/abi.
 */
#include "guests/abi/domu.h"
#include "platform/types.h"
#include "tests/bench/micro/micro.h"

/* How long to spin against each other: 400 ms, or two rounds of slices if there are many. */
#define SWITCH_TICKS (MAX(25000000ul, (machine.domains + 1) * 1300000ul))
#define MAX_GAPS     512u
/* Side 1 waits so long with its lines, that side 0 has printed and nobody spins any more. */
#define PRINT_TICKS (30000000ul + machine.domains * 1300000ul)

#define QUEUE_NOTIFY  0x50
#define INTERRUPT_ACK 0x64

static uint64_t spans[MAX_GAPS][2];

static void print_spans(unsigned count)
{
    if (machine.side == 1)
        sleep_ticks(PRINT_TICKS);
    for (unsigned i = 0; i < count; i++)
        print("BENCH span %u %lu %lu\n", machine.side, spans[i][0], spans[i][1]);
}

/* Begins with the first switch: then the other runs too. */
void switch_run(void)
{
    unsigned count = 0;

    (void)next_gap(spans[0], ~0ul);
    uint64_t end = sysreg_read(cntpct_el0) + SWITCH_TICKS;
    mark();
    while (count < MAX_GAPS && next_gap(spans[count], end))
        count++;
    mark();
    print_spans(count);
}

static void wait_for_interrupt(void)
{
    while (irq_intid == IRQ_NONE)
        yield_cpu();
    machine.channel->taken();
}

/* What a request costs the one who makes it, with nothing in between but the request. */
static uint64_t time_send(void)
{
    irq_intid = IRQ_NONE;
    uint64_t begin = begin_time();
    machine.channel->send();
    uint64_t end = end_time();
    wait_for_interrupt();
    return end - begin;
}

static void ask(void)
{
    uint64_t round[ROUNDS];

    for (unsigned r = 0; r < ROUNDS; r++)
        round[r] = time_send();
    for (unsigned r = 0; r < ROUNDS; r++) {
        irq_intid = IRQ_NONE;
        mark();
        spans[r][0] = begin_time();
        machine.channel->send();
        wait_for_interrupt();
        spans[r][1] = irq_time - HANDLER_OWN;
    }
    mark();
    print_spans(ROUNDS);
    report("notify_self", median(round, ROUNDS) - clock_own(), 1);
}

static void answer(void)
{
    irq_intid = IRQ_NONE;
    for (unsigned r = 0; r < 2 * ROUNDS; r++) {
        wait_for_interrupt();
        spans[r][0] = irq_time - HANDLER_OWN;
        irq_intid = IRQ_NONE;
        spans[r][1] = begin_time();
        machine.channel->send();
    }
    print_spans(2 * ROUNDS);
}

void io_run(void)
{
    irq_intid = IRQ_NONE;
    irq_enable();
    if (!machine.channel->open()) {
        print("BENCH failed the peer does not answer\n");
        return;
    }
    if (machine.side == 1)
        ask();
    else
        answer();
    irq_disable();
}

/* A virtio-mmio device's doorbell and interrupt: of Tarn's domU, of a KVM guest. */
static bool device_open(void)
{
    uint64_t word = DOMU_VIRTIO_INTID / 32 * 4, bit = 1u << DOMU_VIRTIO_INTID % 32;

    write32(machine.gicd + GICD_IGROUPR + word, (uint32_t)bit);
    write32(machine.gicd + GICD_ICFGR + DOMU_VIRTIO_INTID / 16 * 4,
            2u << DOMU_VIRTIO_INTID % 16 * 2);
    write32(machine.gicd + GICD_ISENABLER + word, (uint32_t)bit);
    return true;
}

static void device_send(void)
{
    write32(DOMU_VIRTIO_BASE + QUEUE_NOTIFY, 0);
}

static void virtio_taken(void)
{
    write32(DOMU_VIRTIO_BASE + INTERRUPT_ACK, 1);
}

static void irqfd_taken(void)
{
}

const struct channel virtio_channel = {device_open, device_send, virtio_taken};
const struct channel irqfd_channel = {device_open, device_send, irqfd_taken};
