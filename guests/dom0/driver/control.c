// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a domain descriptor that are hypercalls and little else. Tarn checks what it is
 * told; here is checked what it cannot see, and what must not be asked a million times.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/sched/signal.h>

#include "guests/dom0/driver/domain.h"
#include "guests/dom0/driver/hypercall.h"

/* Every descriptor gets a STATE event. */
static void state_changed(struct tarn_domain *domain)
{
    spin_lock_irq(&domain->lock);
    domain->changes++;
    spin_unlock_irq(&domain->lock);
    tarn_domain_wake(domain);
}

static bool is_within(u64 ipa, u64 size, u64 start, u64 length)
{
    return IS_ALIGNED(ipa | size, TARN_BLOCK_SIZE) && ipa >= start && size <= length &&
           ipa - start <= length - size;
}

/* Block by block; on any error *ipa, *size and *from_ipa are of what is still missing. */
static int populate(u32 id, u64 *ipa, u64 *size, u32 from, u64 *from_ipa)
{
    while (*size) {
        struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_DOMAIN_POPULATE,
                                          .a1 = id,
                                          .a2 = *ipa,
                                          .a3 = from,
                                          .a4 = from ? *from_ipa : *size};
        int error = tarn_hypercall(&regs);

        /* What Tarn calls no room may be memory that is there already. */
        if (error == -ENOMEM && !tarn_hypercall3(TARN_HC_DOMAIN_BLOCK, id, *ipa, 0))
            return -EEXIST;
        if (error)
            return error;
        *ipa += TARN_BLOCK_SIZE;
        *size -= TARN_BLOCK_SIZE;
        *from_ipa += TARN_BLOCK_SIZE;
        if (*size && signal_pending(current))
            return -ERESTARTSYS; /* the copied-back range is the rest: restarting goes on */
        cond_resched();
    }
    return 0;
}

int tarn_populate(struct tarn_file *tf, void *arg)
{
    struct tarn_populate *range = arg;
    u64 unused = 0;

    if (!is_within(range->ipa, range->size, DOMU_RAM_BASE, DOMU_RAM_MAX))
        return -EINVAL;
    return populate(tf->domain->id, &range->ipa, &range->size, 0, &unused);
}

int tarn_share_memory(struct tarn_file *tf, void *arg)
{
    struct tarn_share_memory *range = arg;
    u64 length = DOMU_RAM_BASE - DOMU_SHARED_BASE;

    if (range->reserved || !is_within(range->ipa, range->size, DOMU_SHARED_BASE, length) ||
        (range->from && !is_within(range->from_ipa, range->size, DOMU_SHARED_BASE, length)))
        return -EINVAL;
    return populate(tf->domain->id, &range->ipa, &range->size, range->from, &range->from_ipa);
}

int tarn_vcpu_init(struct tarn_file *tf, void *arg)
{
    const struct tarn_vcpu_init *init = arg;
    struct arm_smccc_1_2_regs regs = {
        .a0 = TARN_HC_VCPU_INIT,
        .a1 = tf->domain->id,
        .a2 = init->vcpu,
        .a3 = init->pc,
        .a4 = init->x0,
    };

    return init->reserved ? -EINVAL : tarn_hypercall(&regs);
}

int tarn_start(struct tarn_file *tf, void *arg)
{
    int error = tarn_hypercall3(TARN_HC_DOMAIN_START, tf->domain->id, 0, 0);

    if (!error)
        state_changed(tf->domain);
    return error;
}

int tarn_pause(struct tarn_file *tf, void *arg)
{
    int error;

    while ((error = tarn_hypercall3(TARN_HC_DOMAIN_PAUSE, tf->domain->id, 0, 0)) == -EAGAIN) {
        if (signal_pending(current))
            return -ERESTARTSYS;
        usleep_range(10, 50); /* a vCPU is on its way out of the guest */
    }
    if (!error)
        state_changed(tf->domain);
    return error;
}

int tarn_unpause(struct tarn_file *tf, void *arg)
{
    int error = tarn_hypercall3(TARN_HC_DOMAIN_UNPAUSE, tf->domain->id, 0, 0);

    if (!error)
        state_changed(tf->domain);
    return error;
}

int tarn_vdev_create(struct tarn_file *tf, void *arg)
{
    const struct tarn_vdev_create *vdev = arg;
    struct arm_smccc_1_2_regs regs = {
        .a0 = TARN_HC_VDEV_CREATE,
        .a1 = tf->domain->id,
        .a2 = vdev->index,
        .a3 = vdev->device_id,
        .a4 = vdev->queues,
    };

    return vdev->reserved ? -EINVAL : tarn_hypercall(&regs);
}

int tarn_reply(struct tarn_file *tf, void *arg)
{
    const struct tarn_reply *reply = arg;
    struct tarn_domain *domain = tf->domain;
    bool waits;

    if (reply->vcpu >= TARN_MAX_VCPUS || reply->reserved)
        return -EINVAL;
    /* Cleared before the call: right after it the vCPU may post its next request. */
    spin_lock_irq(&domain->lock);
    waits = domain->taken & BIT_ULL(reply->vcpu);
    domain->taken &= ~BIT_ULL(reply->vcpu);
    spin_unlock_irq(&domain->lock);
    if (!waits)
        return -EINVAL;
    return tarn_hypercall3(TARN_HC_REQUEST_REPLY, domain->id, reply->vcpu, reply->value);
}

int tarn_interrupt(struct tarn_file *tf, void *arg)
{
    const struct tarn_interrupt *interrupt = arg;

    return tarn_complete(tf->domain, interrupt->index, interrupt->bits);
}

int tarn_console_input(struct tarn_file *tf, void *arg)
{
    struct tarn_console_input *input = arg;
    u32 wanted = input->count;
    u32 taken = 0;
    int error = 0;

    if (wanted == 0 || wanted > TARN_CONSOLE_INPUT_MAX || input->reserved)
        return -EINVAL;
    while (taken < wanted) {
        struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_CONSOLE_INPUT, .a1 = tf->domain->id};
        u32 some = min_t(u32, wanted - taken, 8);
        u64 bytes = 0;

        memcpy(&bytes, &input->data[taken], some);
        regs.a2 = some;
        regs.a3 = bytes;
        error = tarn_hypercall(&regs);
        if (error)
            break;
        taken += min_t(u64, regs.a1, some);
        if (regs.a1 < some)
            break; /* its FIFO is full */
    }
    input->count = taken;
    return taken ? 0 : error;
}

/* The STATE event comes from Tarn. */
int tarn_watchdog(struct tarn_file *tf, void *arg)
{
    return tarn_hypercall3(TARN_HC_DOMAIN_WATCHDOG, tf->domain->id, 0, 0);
}
