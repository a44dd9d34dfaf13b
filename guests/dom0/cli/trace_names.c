/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of exits: exception classes, calls by number, registers of a domU's devices by address.
 */
#include "guests/dom0/cli/trace_names.h"

#include <stdio.h>

#include "guests/abi/domu.h"
#include "guests/abi/hypercall.h"
#include "guests/dom0/cli/sample.h"

#define EC_HVC         0x16
#define EC_SMC         0x17
#define EC_SYSREG      0x18
#define EC_FETCH_ABORT 0x20
#define EC_DATA_ABORT  0x24

#define ISS_ISV      (1u << 24)
#define ISS_WNR      (1u << 6)
#define QUEUE_NOTIFY 0x050 /* virtio 1.2, 4.2.2 */
#define PLACE(a, b)  ((a) < DOMU_##b##_BASE + DOMU_##b##_SIZE && (a) >= DOMU_##b##_BASE)
#define SYSREG_MASK  0x3ffc1eu /* of the syndrome: op0, op2, op1, CRn, CRm */
#define SGI1R        0x3a3016u /* ICC_SGI1R_EL1: S3_0_C12_C11_5 */

static unsigned class_of(const struct tarn_trace_record *exit)
{
    return exit->what == TARN_TRACE_ASYNCHRONOUS ? 64 : exit->what >> 26;
}

static uint64_t address_of(const struct tarn_trace_record *exit)
{
    return exit->value[1] & ((1ull << 40) - 1);
}

static const char *call_name(uint32_t function)
{
    static const struct {
        uint32_t function;
        const char *name;
    } names[] = {
        {TARN_HC_VERSION, "VERSION"},
        {TARN_HC_DOMAIN_CREATE, "DOMAIN_CREATE"},
        {TARN_HC_DOMAIN_POPULATE, "DOMAIN_POPULATE"},
        {TARN_HC_VCPU_INIT, "VCPU_INIT"},
        {TARN_HC_DOMAIN_START, "DOMAIN_START"},
        {TARN_HC_DOMAIN_PAUSE, "DOMAIN_PAUSE"},
        {TARN_HC_DOMAIN_UNPAUSE, "DOMAIN_UNPAUSE"},
        {TARN_HC_DOMAIN_DESTROY, "DOMAIN_DESTROY"},
        {TARN_HC_DOMAIN_INFO, "DOMAIN_INFO"},
        {TARN_HC_DOMAIN_BLOCK, "DOMAIN_BLOCK"},
        {TARN_HC_MACHINE_INFO, "MACHINE_INFO"},
        {TARN_HC_VDEV_CREATE, "VDEV_CREATE"},
        {TARN_HC_VDEV_INTERRUPT, "VDEV_INTERRUPT"},
        {TARN_HC_REQUEST_REPLY, "REQUEST_REPLY"},
        {TARN_HC_CONSOLE_INPUT, "CONSOLE_INPUT"},
        {TARN_HC_VCPU_AFFINITY, "VCPU_AFFINITY"},
        {TARN_HC_DOMAIN_SHARE, "DOMAIN_SHARE"},
        {TARN_HC_VCPU_STATS, "VCPU_STATS"},
        {TARN_HC_LOG, "LOG"},
        {TARN_HC_DOMAIN_WATCHDOG, "DOMAIN_WATCHDOG"},
        {TARN_HC_TRACE, "TRACE"},
        {0x84000000, "PSCI_VERSION"},
        {0xc4000001, "PSCI_CPU_SUSPEND"},
        {0x84000001, "PSCI_CPU_SUSPEND"},
        {0x84000002, "PSCI_CPU_OFF"},
        {0xc4000003, "PSCI_CPU_ON"},
        {0x84000003, "PSCI_CPU_ON"},
        {0xc4000004, "PSCI_AFFINITY_INFO"},
        {0x84000004, "PSCI_AFFINITY_INFO"},
        {0x84000008, "PSCI_SYSTEM_OFF"},
        {0x84000009, "PSCI_SYSTEM_RESET"},
        {0x8400000a, "PSCI_FEATURES"},
        {0x80008000, "ARCH_WORKAROUND_1"},
        {0x80003fff, "ARCH_WORKAROUND_3"},
    };

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].function == function)
            return names[i].name;
    return NULL;
}

static void name_call(const char *kind, uint32_t function, char *to, size_t size)
{
    if (call_name(function))
        snprintf(to, size, "%s: %s", kind, call_name(function));
    else
        snprintf(to, size, "%s: 0x%08x", kind, function);
}

/* A register of a domU's machine; dom0 has those of the real one. */
static void name_register(const char *kind, const struct tarn_trace_record *exit, char *to,
                          size_t size)
{
    uint64_t address = address_of(exit);
    unsigned device, queue;

    if (trace_is_notify(exit, &device, &queue))
        snprintf(to, size, "notify: device %u queue %u", device, queue);
    else if (exit->domain == 0)
        snprintf(to, size, "%s: 0x%llx", kind, (unsigned long long)address);
    else if (PLACE(address, GICD))
        snprintf(to, size, "%s: GICD+0x%03x", kind, (unsigned)(address - DOMU_GICD_BASE));
    else if (address >= DOMU_GICR_BASE && address < DOMU_UART_BASE)
        snprintf(to, size, "%s: GICR", kind);
    else if (PLACE(address, UART))
        snprintf(to, size, "%s: UART+0x%03x", kind, (unsigned)(address - DOMU_UART_BASE));
    else if (address >= DOMU_VIRTIO_BASE && address < DOMU_STOLEN_BASE)
        snprintf(to, size, "%s: device %u+0x%03x", kind,
                 (unsigned)((address - DOMU_VIRTIO_BASE) / DOMU_VIRTIO_STRIDE),
                 (unsigned)(address % DOMU_VIRTIO_STRIDE));
    else
        snprintf(to, size, "%s: 0x%llx", kind, (unsigned long long)address);
}

/* op0, op1, CRn, CRm, op2, as assemblers write a register that they do not know. */
static void name_sysreg(const char *kind, uint32_t iss, char *to, size_t size)
{
    if ((iss & SYSREG_MASK) == SGI1R)
        snprintf(to, size, "%s: ICC_SGI1R_EL1", kind);
    else
        snprintf(to, size, "%s: S%u_%u_C%u_C%u_%u", kind, iss >> 20 & 3, iss >> 14 & 7,
                 iss >> 10 & 15, iss >> 1 & 15, iss >> 17 & 7);
}

void trace_exit_name(const struct tarn_trace_record *exit, char *to, size_t size)
{
    unsigned class = class_of(exit);
    const char *kind = stats_exit_name(class);

    if (class == 64)
        snprintf(to, size, "interrupt");
    else if (class == EC_HVC || class == EC_SMC)
        name_call(kind, (uint32_t)exit->value[1], to, size);
    else if (class == EC_SYSREG)
        name_sysreg(kind, exit->what, to, size);
    else if (class == EC_DATA_ABORT || class == EC_FETCH_ABORT)
        name_register(kind, exit, to, size);
    else if (kind)
        snprintf(to, size, "%s", kind);
    else
        snprintf(to, size, "class 0x%02x", class);
}

bool trace_is_notify(const struct tarn_trace_record *exit, unsigned *device, unsigned *queue)
{
    uint64_t offset = address_of(exit) - DOMU_VIRTIO_BASE;

    *device = (unsigned)(offset / DOMU_VIRTIO_STRIDE);
    *queue = (unsigned)(exit->value[1] >> 40);
    return class_of(exit) == EC_DATA_ABORT && exit->domain != 0 && (exit->what & ISS_ISV) &&
           (exit->what & ISS_WNR) && offset / DOMU_VIRTIO_STRIDE < TARN_MAX_VDEVS &&
           offset % DOMU_VIRTIO_STRIDE == QUEUE_NOTIFY;
}

bool trace_is_completion(const struct tarn_trace_record *exit, unsigned *domain, unsigned *device)
{
    *domain = (unsigned)(exit->value[1] >> 32) & 0xffff;
    *device = (unsigned)(exit->value[1] >> 48);
    return class_of(exit) == EC_HVC && exit->domain == 0 &&
           (uint32_t)exit->value[1] == TARN_HC_VDEV_INTERRUPT && *domain < TARN_MAX_DOMAINS &&
           *device < TARN_MAX_VDEVS;
}

void trace_intid_name(unsigned intid, bool physical, unsigned domain, char *to, size_t size)
{
    static const char *const own[] = {" (kick)", " (panic)", " (post)", " (upcall)"}; /* SGIs */
    const char *what = "";

    if (physical && intid < sizeof(own) / sizeof(own[0]))
        what = own[intid];
    else if (physical && intid == 26)
        what = " (Tarn's timer)";
    else if (intid == DOMU_VTIMER_INTID)
        what = " (virtual timer)";
    else if (intid == DOMU_PTIMER_INTID)
        what = " (physical timer)";
    else if (!physical && domain == 0 && intid == TARN_UPCALL_INTID)
        what = " (upcall)";
    else if (!physical && domain != 0 && intid == DOMU_UART_INTID)
        what = " (UART)";
    if (!physical && domain != 0 && intid >= DOMU_VIRTIO_INTID &&
        intid < DOMU_VIRTIO_INTID + TARN_MAX_VDEVS)
        snprintf(to, size, "interrupt %u (device %u)", intid, intid - DOMU_VIRTIO_INTID);
    else if (intid < 16 && !physical)
        snprintf(to, size, "SGI %u", intid);
    else
        snprintf(to, size, "interrupt %u%s", intid, what);
}
