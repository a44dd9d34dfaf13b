/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload as dom0 of Tarn: makes a domU of the Image in its initrd, is the peer that the domU
 * measures itself with, and repeats what it prints, asleep in between. May include
 * tests/bench/micro, guests/abi.
 */
#include "platform/types.h"

#include "guests/abi/domu.h"
#include "guests/abi/hypercall.h"
#include "guests/abi/notify.h"
#include "tests/bench/micro/micro.h"

#define GUEST_AT    0x48400000ul /* tests/bench/environments.py puts it there */
#define IMAGE_SIZE  16           /* offset in the Image header (Documentation/arm64/booting) */
#define IMAGE_MAGIC 56
#define ENTRY       (DOMU_RAM_BASE + TARN_BLOCK_SIZE)
#define RAM_BLOCKS  8u
#define NAP_TICKS   1000000u       /* 16 ms between two looks at the console */
#define MICRO_NAME  0x6f7263696dul /* "micro" */
#define VIRTIO_BLK  2

static uint64_t domain;
static volatile struct tarn_console_page *console;
static struct tarn_notify_page *notify;
static struct tarn_upcall_page *upcall;

static void copy(uint64_t to, uint64_t from, uint64_t size)
{
    for (uint64_t i = 0; i < size; i += 8)
        *(volatile uint64_t *)(uintptr_t)(to + i) = *(volatile uint64_t *)(uintptr_t)(from + i);
}

static bool create(void)
{
    uint64_t x[8] = {TARN_HC_DOMAIN_CREATE, machine.mode == MODE_SMP ? 2 : 1, 0, MICRO_NAME};
    uint64_t device[8] = {TARN_HC_VDEV_CREATE, 0, 0, VIRTIO_BLK, 1};

    hvc_full(x);
    device[1] = domain = x[1];
    notify = (void *)(uintptr_t)x[2];
    console = (void *)(uintptr_t)x[3];
    hvc_full(device);
    return x[0] == TARN_OK && device[0] == TARN_OK;
}

/* One block of memory at a place; from the second block on with its part of the Image. */
static bool populate(unsigned block)
{
    uint64_t size = *(uint64_t *)(GUEST_AT + IMAGE_SIZE);
    uint64_t done = (block - 1) * (uint64_t)TARN_BLOCK_SIZE;
    uint64_t x[8] = {TARN_HC_DOMAIN_POPULATE, domain,
                     DOMU_RAM_BASE + block * (uint64_t)TARN_BLOCK_SIZE};

    hvc_full(x);
    if (x[0] != TARN_OK)
        return false;
    if (block > 0 && done < size)
        copy(x[1], GUEST_AT + done, MIN(size - done, (uint64_t)TARN_BLOCK_SIZE));
    return true;
}

/* The domU finds the mode in its x0. */
static bool start(void)
{
    uint64_t x[8] = {TARN_HC_VCPU_INIT, 0, 0, ENTRY, machine.mode};

    if (!create())
        return false;
    for (unsigned block = 0; block < RAM_BLOCKS; block++)
        if (!populate(block))
            return false;
    x[1] = domain;
    hvc_full(x);
    return x[0] == TARN_OK && hvc(TARN_HC_DOMAIN_START, domain, 0, 0) == TARN_OK;
}

static bool host_open(void)
{
    return upcall != NULL;
}

static void host_send(void)
{
    (void)hvc(TARN_HC_VDEV_INTERRUPT, domain, 0, 1);
}

static void host_taken(void)
{
    (void)__atomic_exchange_n(&upcall->vcpu[0].domains[domain / 64], 0, __ATOMIC_ACQUIRE);
    (void)__atomic_exchange_n(&notify->devices, 0, __ATOMIC_ACQUIRE);
    (void)__atomic_exchange_n(&notify->queues[0], 0, __ATOMIC_ACQUIRE);
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

static void repeat_output(void)
{
    while (console->tail != __atomic_load_n(&console->head, __ATOMIC_ACQUIRE)) {
        print("%c", console->data[console->tail % TARN_CONSOLE_SIZE]);
        console->tail++;
    }
}

static bool is_running(void)
{
    uint64_t x[8] = {TARN_HC_DOMAIN_INFO, domain};

    hvc_full(x);
    return (x[2] & 0xff) == TARN_STATE_RUNNING;
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
    if (!start()) {
        print("BENCH failed the domU cannot be made\n");
        return true;
    }
    if (machine.mode == MODE_IO)
        io_run();
    if (machine.mode == MODE_SWITCH)
        switch_run();
    irq_enable();
    while (is_running()) {
        sleep_ticks(NAP_TICKS);
        repeat_output();
    }
    repeat_output();
    return true;
}
