/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload as dom0 of Tarn: makes domUs of the Image in its initrd, is the peer that the first
 * of them measures itself with, and repeats what they print, asleep in between. May include
 * tests/bench/micro, guests/abi.
 */
#include "platform/types.h"

#include "guests/abi/domu.h"
#include "guests/abi/hypercall.h"
#include "guests/abi/notify.h"
#include "tests/bench/micro/micro.h"

#define GUEST_AT      0x48400000ul /* tests/bench/environments.py puts it there */
#define IMAGE_SIZE    16           /* offset in the Image header (Documentation/arm64/booting) */
#define IMAGE_MAGIC   56
#define ENTRY         (DOMU_RAM_BASE + TARN_BLOCK_SIZE)
#define RAM_BLOCKS    8u
#define SMALL_BLOCKS  1u             /* of a domU that sleeps or spins */
#define MEMORY_BLOCKS 128u           /* 256 MiB */
#define NAP_TICKS     1000000u       /* 16 ms between two looks at the console */
#define MICRO_NAME    0x6f7263696dul /* "micro" */
#define VIRTIO_BLK    2

struct domu {
    uint64_t id;
    unsigned mode;
    volatile struct tarn_console_page *console;
    struct tarn_notify_page *notify;
};
static struct domu domus[MAX_DOMAINS]; /* the first is the one that measures */
static struct tarn_upcall_page *upcall;

static void copy(uint64_t to, uint64_t from, uint64_t size)
{
    for (uint64_t i = 0; i < size; i += 8)
        *(volatile uint64_t *)(uintptr_t)(to + i) = *(volatile uint64_t *)(uintptr_t)(from + i);
}

static bool create(struct domu *domu, unsigned vcpus)
{
    uint64_t number =
        '0' + (uint64_t)(domu - domus); /* one more character, all of them printable */
    uint64_t x[8] = {TARN_HC_DOMAIN_CREATE, vcpus, 0, MICRO_NAME | number << 40};
    uint64_t device[8] = {TARN_HC_VDEV_CREATE, 0, 0, VIRTIO_BLK, 1};

    hvc_full(x);
    device[1] = domu->id = x[1];
    domu->notify = (void *)(uintptr_t)x[2];
    domu->console = (void *)(uintptr_t)x[3];
    hvc_full(device);
    return x[0] == TARN_OK && device[0] == TARN_OK;
}

/* One block of memory at a place (block 1 is at ENTRY), with its part of the Image. */
static bool populate(const struct domu *domu, unsigned block)
{
    uint64_t size = *(uint64_t *)(GUEST_AT + IMAGE_SIZE);
    uint64_t done = (block - 1) * (uint64_t)TARN_BLOCK_SIZE;
    uint64_t x[8] = {TARN_HC_DOMAIN_POPULATE, domu->id,
                     DOMU_RAM_BASE + block * (uint64_t)TARN_BLOCK_SIZE};

    hvc_full(x);
    if (x[0] != TARN_OK)
        return false;
    if (done < size)
        copy(x[1], GUEST_AT + done, MIN(size - done, (uint64_t)TARN_BLOCK_SIZE));
    return true;
}

/* The vCPU that measures has its CPU for itself, the other one is elsewhere. */
static bool dedicate(const struct domu *domu)
{
    uint64_t x[8] = {TARN_HC_VCPU_AFFINITY, domu->id, 0, ~0ul, 1};

    hvc_full(x);
    return x[0] == TARN_OK;
}

/* The domU finds the mode and the number of domains in its x0. */
static bool make(struct domu *domu, unsigned mode, unsigned blocks)
{
    uint64_t x[8] = {TARN_HC_VCPU_INIT, 0, 0, ENTRY, mode | machine.domains << MODE_BITS};

    domu->mode = mode;
    if (!create(domu, mode == MODE_SMP ? 2 : 1))
        return false;
    if (mode == MODE_SMP && !dedicate(domu))
        return false;
    for (unsigned block = 1; block <= blocks; block++)
        if (!populate(domu, block))
            return false;
    x[1] = domu->id;
    hvc_full(x);
    return x[0] == TARN_OK;
}

/* The first is made first, so that it is at home on a CPU that is not dom0's, and started last,
 * when the others sleep; in mode switch all of them spin. */
static bool make_all(void)
{
    unsigned other = machine.mode == MODE_SWITCH ? MODE_SWITCH : MODE_SLEEP;

    if (!make(&domus[0], machine.mode, RAM_BLOCKS))
        return false;
    for (unsigned i = 1; i < machine.domains; i++)
        if (!make(&domus[i], other, SMALL_BLOCKS) ||
            (other == MODE_SLEEP && hvc(TARN_HC_DOMAIN_START, domus[i].id, 0, 0) != TARN_OK))
            return false;
    irq_enable();
    sleep_ticks(NAP_TICKS);
    irq_disable();
    for (unsigned i = other == MODE_SLEEP ? 1 : machine.domains; i-- > 0;)
        if (hvc(TARN_HC_DOMAIN_START, domus[i].id, 0, 0) != TARN_OK)
            return false;
    return true;
}

static bool host_open(void)
{
    return upcall != NULL;
}

static void host_send(void)
{
    (void)hvc(TARN_HC_VDEV_INTERRUPT, domus[0].id, 0, 1);
}

static void host_taken(void)
{
    (void)__atomic_exchange_n(&upcall->vcpu[0].domains[domus[0].id / 64], 0, __ATOMIC_ACQUIRE);
    (void)__atomic_exchange_n(&domus[0].notify->devices, 0, __ATOMIC_ACQUIRE);
    (void)__atomic_exchange_n(&domus[0].notify->queues[0], 0, __ATOMIC_ACQUIRE);
}

static const struct channel host_channel = {host_open, host_send, host_taken};

/* `reg` of the hypervisor's node stands right before `compatible`, as libfdt adds properties. */
static void find_upcall_page(uint64_t tree)
{
    /* address, size; then FDT_PROP, length and name of `compatible` */
    const uint32_t *reg = (const uint32_t *)(const void *)tree_find(tree, TARN_HYP_COMPATIBLE) - 7;
    uint64_t page = (uint64_t)__builtin_bswap32(reg[0]) << 32 | __builtin_bswap32(reg[1]);

    upcall = (void *)(uintptr_t)page;
}

static void repeat_output(const struct domu *domu)
{
    volatile struct tarn_console_page *console = domu->console;

    while (console->tail != __atomic_load_n(&console->head, __ATOMIC_ACQUIRE)) {
        print("%c", console->data[console->tail % TARN_CONSOLE_SIZE]);
        console->tail++;
    }
}

static bool is_running(const struct domu *domu)
{
    uint64_t x[8] = {TARN_HC_DOMAIN_INFO, domu->id};

    hvc_full(x);
    return (x[2] & 0xff) == TARN_STATE_RUNNING;
}

static void repeat_until_end(const struct domu *domu)
{
    while (is_running(domu)) {
        sleep_ticks(NAP_TICKS);
        repeat_output(domu);
    }
    repeat_output(domu);
}

static bool is_dom0(void)
{
    uint64_t uid[8] = {SMCCC_HYP_UID}, version[8] = {TARN_HC_VERSION};

    hvc_full(uid);
    hvc_full(version);
    return (uint32_t)uid[0] == TARN_UID_0 && version[0] == TARN_OK && version[2] == 0;
}

bool tarn_host_run(uint64_t tree)
{
    if (!is_dom0() || read32(GUEST_AT + IMAGE_MAGIC) != 0x644d5241) /* "ARM\x64" */
        return false;
    find_upcall_page(tree);
    machine.channel = &host_channel;
    machine.side = 0;
    print("BENCH environment tarn-domu\n");
    if (!make_all()) {
        print("BENCH failed the domUs cannot be made\n");
        return true;
    }
    if (machine.mode == MODE_IO)
        io_run();
    if (machine.mode == MODE_SWITCH)
        switch_run();
    irq_enable();
    for (unsigned i = 0; i < machine.domains; i++)
        if (domus[i].mode != MODE_SLEEP)
            repeat_until_end(&domus[i]);
    return true;
}

static uint64_t heap_free(void)
{
    uint64_t x[8] = {TARN_HC_MACHINE_INFO};

    hvc_full(x);
    return x[5];
}

void tarn_print_memory(void)
{
    if (!is_dom0())
        return;
    uint64_t before = heap_free();
    bool good = create(&domus[0], 1);
    uint64_t created = heap_free();
    for (unsigned block = 1; block <= MEMORY_BLOCKS; block++)
        good = good && populate(&domus[0], block);
    if (!good)
        print("BENCH failed a domain cannot be made\n");
    print("BENCH moment heap_domain %lu\n", before - created);
    print("BENCH moment heap_tables %lu\n", created - heap_free());
}
