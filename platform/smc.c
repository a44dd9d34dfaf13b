/* SPDX-License-Identifier: Apache-2.0 */
/* SMC calls to EL3; see smc.h. May call libfdt, platform. */
#include "platform/smc.h"

#include <libfdt.h>

#include "platform/fdt.h"
#include "platform/log.h"
#include "platform/string.h"
#include "platform/sysreg.h"

#define PSCI_VERSION        0x84000000
#define PSCI_SYSTEM_OFF     0x84000008
#define PSCI_SYSTEM_RESET   0x84000009
#define PSCI_FEATURES       0x8400000a
#define PSCI_CPU_ON         0xc4000003
#define SMCCC_VERSION       0x80000000
#define SMCCC_ARCH_FEATURES 0x80000001

static bool has_smccc; /* 1.1 or later */

/* x4-x17 may be changed by SMCCC 1.0 firmware. */
int64_t smc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    register uint64_t x3 __asm__("x3") = a3;

    __asm__ volatile("smc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
                     :
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
                       "x16", "x17", "memory");
    return (int64_t)x0;
}

const char *smc_init(const void *fdt)
{
    int node = fdt_node_offset_by_compatible(fdt, -1, "arm,psci-1.0");

    if (node < 0)
        node = fdt_node_offset_by_compatible(fdt, -1, "arm,psci-0.2");
    if (node < 0)
        return "the device tree has no PSCI 0.2 firmware (node compatible \"arm,psci-0.2\")";
    const char *method = dt_string(fdt, node, "method");
    if (!method || strcmp(method, "smc") != 0)
        return "PSCI is not called by SMC here: Tarn needs firmware at EL3 (QEMU: "
               "virtualization=on)";
    int64_t version = smc(PSCI_VERSION, 0, 0, 0);
    if (version < 2)
        return "the firmware's PSCI is older than 0.2";
    if (smc(PSCI_FEATURES, SMCCC_VERSION, 0, 0) >= 0)
        has_smccc = smc(SMCCC_VERSION, 0, 0, 0) >= 0x10001;
    log_info("firmware: PSCI %lu.%lu", (uint64_t)version >> 16, (uint64_t)version & 0xffff);
    return NULL;
}

int64_t smc_psci_cpu_on(uint64_t mpidr, uint64_t entry, uint64_t context)
{
    return (int32_t)smc(PSCI_CPU_ON, mpidr, entry, context);
}

void smc_psci_system(bool off)
{
    (void)smc(off ? PSCI_SYSTEM_OFF : PSCI_SYSTEM_RESET, 0, 0, 0);
    log_error("the firmware did not %s: do it by hand", off ? "power off" : "reset");
    for (;;)
        wfi();
}

int64_t smc_arch_feature(uint32_t function)
{
    return has_smccc ? (int32_t)smc(SMCCC_ARCH_FEATURES, function, 0, 0) : -1;
}
