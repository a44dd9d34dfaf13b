/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Xen's event channel between dom0 and its first domU, by the hypercalls of xen/include/public
 * (event_channel.h, memory.h, xen.h, arch-arm.h). The domU makes the first port it has for dom0;
 * dom0 tries until it can bind it. May include tests/bench/micro.
 */
#include "platform/types.h"
#include "tests/bench/micro/micro.h"

#define HYPERVISOR_MEMORY_OP        12
#define HYPERVISOR_EVENT_CHANNEL_OP 32
#define XENMEM_ADD_TO_PHYSMAP       7
#define XENMAPSPACE_SHARED_INFO     0
#define EVTCHNOP_BIND_INTERDOMAIN   0
#define EVTCHNOP_SEND               4
#define EVTCHNOP_ALLOC_UNBOUND      6
#define DOMID_SELF                  0x7ff0
#define FIRST_DOMU                  1
#define MAX_PORT                    8
#define PATIENCE                    1000000u

/* struct shared_info: the words an event sets. */
struct shared_info {
    volatile uint8_t upcall_pending;
    uint8_t reserved0[7];
    volatile uint64_t pending_sel;
    uint64_t time[4];
    volatile uint64_t pending[64];
    uint8_t reserved1[4096 - 48 - 512];
};
_Static_assert(sizeof(struct shared_info) == 4096, "a page");

static struct shared_info shared __attribute__((aligned(4096)));
static uint32_t port;

static uint64_t hypercall(uint64_t number, uint64_t operation, const void *argument)
{
    register uint64_t x0 __asm__("x0") = operation;
    register uint64_t x1 __asm__("x1") = (uint64_t)(uintptr_t)argument;
    register uint64_t x16 __asm__("x16") = number;
    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x16) : : "memory");
    return x0;
}

static bool map_shared_info(void)
{
    struct {
        uint16_t domain, size;
        uint32_t space;
        uint64_t index, frame;
    } map = {DOMID_SELF, 0, XENMAPSPACE_SHARED_INFO, 0, (uint64_t)(uintptr_t)&shared >> 12};

    return hypercall(HYPERVISOR_MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, &map) == 0;
}

static bool offer_port(void)
{
    struct {
        uint16_t domain, remote;
        uint32_t port;
    } unbound = {DOMID_SELF, 0, 0};
    bool good = hypercall(HYPERVISOR_EVENT_CHANNEL_OP, EVTCHNOP_ALLOC_UNBOUND, &unbound) == 0;

    port = unbound.port;
    return good;
}

static bool bind_port(void)
{
    struct {
        uint16_t domain, reserved;
        uint32_t remote, port;
    } bind = {FIRST_DOMU, 0, 0, 0};

    for (unsigned i = 0; i < PATIENCE; i++, yield_cpu()) {
        bind.remote = 1 + i % MAX_PORT;
        if (hypercall(HYPERVISOR_EVENT_CHANNEL_OP, EVTCHNOP_BIND_INTERDOMAIN, &bind) == 0) {
            port = bind.port;
            return true;
        }
    }
    return false;
}

static void xen_taken(void)
{
    shared.upcall_pending = 0;
    shared.pending_sel = 0;
    shared.pending[0] = 0;
}

static void xen_send(void)
{
    (void)hypercall(HYPERVISOR_EVENT_CHANNEL_OP, EVTCHNOP_SEND, &port);
}

/* dom0's first event tells the domU that its port is bound. */
static bool xen_open(void)
{
    if (!map_shared_info() || !(machine.side == 1 ? offer_port() : bind_port()))
        return false;
    if (machine.side == 0)
        xen_send();
    while (machine.side == 1 && irq_intid == IRQ_NONE)
        yield_cpu();
    xen_taken();
    return true;
}

const struct channel xen_channel = {xen_open, xen_send, xen_taken};
