/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload as dom0 of Tarn: makes a domU of the Image in its initrd, runs it beside itself and
 * repeats what it prints, asleep in between. May include tests/bench/micro, guests/abi.
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
#define NAP_TICKS   1000000u /* 16 ms between two looks at the console */

static uint64_t domain;
static volatile struct tarn_console_page *console;

static void copy(uint64_t to, uint64_t from, uint64_t size)
{
    for (uint64_t i = 0; i < size; i += 8)
        *(volatile uint64_t *)(uintptr_t)(to + i) = *(volatile uint64_t *)(uintptr_t)(from + i);
}

static bool create(void)
{
    uint64_t x[8] = {TARN_HC_DOMAIN_CREATE, 1, 0, 0x6f7263696d /* "micro" */};

    hvc_full(x);
    domain = x[1];
    console = (void *)(uintptr_t)x[3];
    return x[0] == TARN_OK;
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

static bool start(void)
{
    uint64_t x[8] = {TARN_HC_VCPU_INIT, 0, 0, ENTRY, 0};

    if (!create())
        return false;
    for (unsigned block = 0; block < RAM_BLOCKS; block++)
        if (!populate(block))
            return false;
    x[1] = domain;
    hvc_full(x);
    return x[0] == TARN_OK && hvc(TARN_HC_DOMAIN_START, domain, 0, 0) == TARN_OK;
}

static void nap(void)
{
    irq_intid = 0;
    sysreg_write(cntv_cval_el0, sysreg_read(cntvct_el0) + NAP_TICKS);
    sysreg_write(cntv_ctl_el0, 1);
    isb();
    while (irq_intid != VTIMER_INTID)
        wfi();
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

void host_run(void)
{
    if (!is_dom0() || read32(GUEST_AT + IMAGE_MAGIC) != 0x644d5241) /* "ARM\x64" */
        return;
    print("BENCH environment tarn-domu\n");
    if (!start()) {
        print("BENCH failed the domU cannot be made\n");
        return;
    }
    irq_enable();
    while (is_running()) {
        nap();
        repeat_output();
    }
    repeat_output();
}
