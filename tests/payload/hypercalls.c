/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypercalls of guests/abi/hypercall.h, called by dom0: what they promise, every error,
 * garbage, and from all CPUs at once. What was free before a test is free after it.
 */
#include "platform/types.h"

#include "guests/abi/domu.h"
#include "guests/abi/hypercall.h"
#include "guests/abi/notify.h"
#include "guests/lib/payload.h"
#include "guests/lib/timer.h"
#include "platform/string.h"

#define RAM    DOMU_RAM_BASE
#define NOBODY 0x1234ul /* a domain id that is none */

struct machine {
    uint64_t cpus, pool, pool_free, heap, heap_free;
};

static int64_t call(struct smccc *smccc, uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    *smccc = (struct smccc){.x = {function, a1, a2, a3}};
    hvc_call(smccc);
    return (int64_t)smccc->x[0];
}

static int64_t status_of(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    struct smccc smccc;
    return call(&smccc, function, a1, a2, a3);
}

static struct machine machine_info(void)
{
    struct smccc smccc;
    check_equal(call(&smccc, TARN_HC_MACHINE_INFO, 0, 0, 0), TARN_OK);
    return (struct machine){smccc.x[1], smccc.x[2], smccc.x[3], smccc.x[4], smccc.x[5]};
}

static void check_nothing_lost(const struct machine *before)
{
    struct machine now = machine_info();
    check_equal(now.pool_free, before->pool_free);
    check_equal(now.heap_free, before->heap_free);
}

/* Name as registers x3..x6 carry it. */
static struct smccc create_call(const char *name, uint64_t vcpus, uint64_t flags)
{
    struct smccc smccc = {.x = {TARN_HC_DOMAIN_CREATE, vcpus, flags}};
    memcpy(&smccc.x[3], name, MIN(strlen(name), TARN_NAME_SIZE));
    return smccc;
}

static int64_t create(const char *name, uint64_t vcpus, uint64_t *domain)
{
    struct smccc smccc = create_call(name, vcpus, 0);
    hvc_call(&smccc);
    *domain = smccc.x[1];
    return (int64_t)smccc.x[0];
}

static int64_t destroy(uint64_t domain)
{
    int64_t status;
    for (unsigned i = 0; i < 100000; i++) {
        status = status_of(TARN_HC_DOMAIN_DESTROY, domain, 0, 0);
        if (status != TARN_EAGAIN)
            break;
    }
    return status;
}

static void test_version_and_uid(void)
{
    struct smccc smccc;
    check_equal(call(&smccc, TARN_HC_VERSION, 0, 0, 0), TARN_OK);
    check_equal(smccc.x[1], TARN_ABI_VERSION);
    check_equal(smccc.x[2], 0);
    call(&smccc, TARN_SMCCC_UID, 0, 0, 0);
    check_equal(smccc.x[0], TARN_UID_0);
    check_equal(smccc.x[3], TARN_UID_3);
}

static bool is_known(uint64_t number)
{
    return number == 0 || (number >= 0x10 && number <= 0x19) ||
           (number >= 0x20 && number <= 0x23) || number == 0x30 || number == 0x31 ||
           (number >= 0x40 && number <= 0x43);
}

static void test_unknown_functions(void)
{
    for (uint64_t number = 0; number < 0x400; number++)
        if (!is_known(number) &&
            (int32_t)status_of(TARN_HC(number), ~0ul, ~0ul, ~0ul) != TARN_ENOTSUPP)
            fail_at(__FILE__, __LINE__, "function 0x%lx exists", number);
    for (uint64_t number = 0; number < 0x40; number++) {
        check_equal((int32_t)status_of(0x86000000 | number, 0, 0, 0), TARN_ENOTSUPP);
        check_equal((int32_t)status_of(0x46000000 | number, 0, 0, 0), TARN_ENOTSUPP);
    }
}

static void test_machine_info(void)
{
    struct machine info = machine_info();
    check(info.cpus >= cpu_total);
    check(info.pool_free <= info.pool && info.pool_free > 0);
    check(info.heap_free <= info.heap && info.heap_free > 0);
}

static void test_log(void)
{
    struct smccc smccc;
    check_equal(call(&smccc, TARN_HC_LOG, 0, ~0ul, 0), TARN_OK);
    check_equal(smccc.x[1], 0);
    check_equal(smccc.x[2], TARN_LOG_CHUNK);
    check_equal(smccc.x[4] & 0xffffff, 0x3e323c); /* "<2>": the first line says what this is */
    uint64_t level = smccc.x[3];
    check_equal(call(&smccc, TARN_HC_LOG, ~0ul, 1, 0), TARN_OK);
    check_equal(smccc.x[3], level);
    check_equal(smccc.x[2], 0);
    uint64_t end = smccc.x[1];
    check(end > TARN_LOG_CHUNK);
    check_equal(call(&smccc, TARN_HC_LOG, end - 1, level, 0), TARN_OK);
    check_equal(smccc.x[3], 1);
    check_equal(smccc.x[1], end - 1);
    check_equal(smccc.x[2], 1);
    check_equal(smccc.x[4] & 0xff, '\n');
}

static void test_create_bounds(void)
{
    static const uint64_t bad_vcpus[] = {0, TARN_MAX_VCPUS + 1, 1ul << 32, (1ul << 32) + 1, ~0ul};
    struct machine before = machine_info();
    uint64_t domain;
    for (unsigned i = 0; i < ARRAY_SIZE(bad_vcpus); i++)
        check_equal(create("bad", bad_vcpus[i], &domain), TARN_EINVAL);
    struct smccc flags = create_call("bad", 1, 1);
    hvc_call(&flags);
    check_equal(flags.x[0], TARN_EINVAL);
    check_nothing_lost(&before);
}

static void test_create_and_destroy(void)
{
    struct machine before = machine_info();
    uint64_t domain, other;
    for (unsigned i = 0; i < 5; i++) {
        check_equal(create("web", 2, &domain), TARN_OK);
        check(domain > 0 && domain < TARN_MAX_DOMAINS);
        check_equal(create("web", 1, &other), TARN_EEXIST);
        check(machine_info().heap_free < before.heap_free);
        check_equal(destroy(domain), TARN_OK);
        check_equal(destroy(domain), TARN_ENOENT);
        check_nothing_lost(&before);
    }
}

/* Half destroyed, a domain is still listed, so that whoever comes next can finish. */
static void test_dying_is_listed(void)
{
    struct smccc smccc;
    uint64_t domain;
    check_equal(create("dying", 1, &domain), TARN_OK);
    check_equal(status_of(TARN_HC_DOMAIN_DESTROY, domain, 0, 0), TARN_EAGAIN);
    check_equal(call(&smccc, TARN_HC_DOMAIN_INFO, domain, 0, 0), TARN_OK);
    check_equal(smccc.x[1], domain);
    check_equal(smccc.x[2] & 0xff, TARN_STATE_DYING);
    check_equal(status_of(TARN_HC_DOMAIN_START, domain, 0, 0), TARN_ENOENT);
    check_equal(destroy(domain), TARN_OK);
    check_equal(call(&smccc, TARN_HC_DOMAIN_INFO, domain, 0, 0), TARN_ENOENT);
}

static void test_info(void)
{
    struct smccc smccc;
    uint64_t a, b, seen = 0;
    char name[TARN_NAME_SIZE];
    check_equal(create("alpha", 1, &a), TARN_OK);
    check_equal(create("beta", 3, &b), TARN_OK);
    for (uint64_t id = 0; call(&smccc, TARN_HC_DOMAIN_INFO, id, 0, 0) == TARN_OK;
         id = smccc.x[1] + 1) {
        check(smccc.x[1] >= id);
        memcpy(name, &smccc.x[7], sizeof(name));
        if (smccc.x[1] == b) {
            check_equal(smccc.x[2], TARN_STATE_CREATED | 3 << 16);
            check(strcmp(name, "beta") == 0);
        } else if (smccc.x[1] == 0) {
            check_equal(smccc.x[2] & 0xff, TARN_STATE_RUNNING);
            check_equal(smccc.x[2] >> 16, cpu_total);
        }
        if (++seen > TARN_MAX_DOMAINS)
            break;
    }
    check_equal(smccc.x[0], TARN_ENOENT);
    check_equal(seen, 3);
    check_equal(status_of(TARN_HC_DOMAIN_INFO, ~0ul, 0, 0), TARN_ENOENT);
    check_equal(destroy(a), TARN_OK);
    check_equal(destroy(b), TARN_OK);
}

static bool is_zero(const uint64_t *words, uint64_t size)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < size / 8; i++)
        sum |= words[i];
    return sum == 0;
}

static void test_populate(void)
{
    static const uint64_t bad[] = {0,
                                   1,
                                   RAM + 4096,
                                   DOMU_SHARED_BASE - TARN_BLOCK_SIZE,
                                   DOMU_RAM_MAX + RAM,
                                   1ul << 47,
                                   ~0ul & ~(TARN_BLOCK_SIZE - 1ul)};
    struct machine before = machine_info();
    struct smccc smccc;
    uint64_t domain;
    check_equal(create("memory", 1, &domain), TARN_OK);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        check_equal(status_of(TARN_HC_DOMAIN_POPULATE, domain, bad[i], 0), TARN_EINVAL);
    check_equal(status_of(TARN_HC_DOMAIN_BLOCK, domain, RAM, 0), TARN_ENOENT);
    check_equal(call(&smccc, TARN_HC_DOMAIN_POPULATE, domain, RAM, 0), TARN_OK);
    uint64_t block = smccc.x[1];
    check_equal(block % TARN_BLOCK_SIZE, 0);
    check(is_zero((uint64_t *)block, TARN_BLOCK_SIZE));
    *(uint64_t *)block = 0x1234;
    check(status_of(TARN_HC_DOMAIN_POPULATE, domain, RAM, 0) != TARN_OK);
    check_equal(call(&smccc, TARN_HC_DOMAIN_BLOCK, domain, RAM, 0), TARN_OK);
    check_equal(smccc.x[1], block);
    check_equal(status_of(TARN_HC_DOMAIN_BLOCK, domain, RAM + TARN_BLOCK_SIZE, 0), TARN_ENOENT);
    check_equal(status_of(TARN_HC_DOMAIN_BLOCK, domain, RAM + 1, 0), TARN_ENOENT);
    check_equal(machine_info().pool_free, before.pool_free - TARN_BLOCK_SIZE);
    check_equal(destroy(domain), TARN_OK);
    check_nothing_lost(&before);
    struct caught caught = CATCH((void)*(volatile uint64_t *)block);
    check_equal(caught.count, 1); /* the block is not dom0's to see any more */
    check_equal(FSC(caught), FSC_EXTERNAL);
}

/* All of the pool to one domain and back; what it wrote is gone. */
static void test_whole_pool(void)
{
    struct machine before = machine_info();
    struct smccc smccc;
    uint64_t domain, blocks = 0;
    check_equal(create("large", 1, &domain), TARN_OK);
    while (call(&smccc, TARN_HC_DOMAIN_POPULATE, domain, RAM + blocks * TARN_BLOCK_SIZE, 0) ==
           TARN_OK) {
        *(uint64_t *)smccc.x[1] = 0x5ec3e7;
        blocks++;
    }
    check_equal(smccc.x[0], TARN_ENOMEM);
    check_equal(blocks * TARN_BLOCK_SIZE, before.pool_free);
    check_equal(machine_info().pool_free, 0);
    check_equal(destroy(domain), TARN_OK);
    check_nothing_lost(&before);
    check_equal(create("next", 1, &domain), TARN_OK);
    for (uint64_t i = 0; i < 8; i++) {
        check_equal(call(&smccc, TARN_HC_DOMAIN_POPULATE, domain, RAM + i * TARN_BLOCK_SIZE, 0),
                    TARN_OK);
        check(is_zero((uint64_t *)smccc.x[1], TARN_BLOCK_SIZE));
    }
    check_equal(destroy(domain), TARN_OK);
    check_nothing_lost(&before);
}

/* As many domains as fit, then all gone. */
static void test_as_many_as_fit(void)
{
    static uint64_t domains[TARN_MAX_DOMAINS];
    struct machine before = machine_info();
    unsigned count = 0;
    int64_t status;
    char name[] = "d000";
    for (;; count++) {
        name[1] = (char)('0' + count / 100);
        name[2] = (char)('0' + count / 10 % 10);
        name[3] = (char)('0' + count % 10);
        if (count == TARN_MAX_DOMAINS)
            break;
        status = create(name, 1, &domains[count]);
        if (status != TARN_OK)
            break;
    }
    check(status == TARN_ENOSPC || status == TARN_ENOMEM);
    note("%u domains fit (status %d)", count, (int)status);
    check(count >= 8);
    for (unsigned i = 0; i < count; i++)
        check_equal(destroy(domains[i]), TARN_OK);
    check_nothing_lost(&before);
}

static void test_lifecycle_errors(void)
{
    struct machine before = machine_info();
    uint64_t domain;
    check_equal(create("life", 2, &domain), TARN_OK);
    check_equal(status_of(TARN_HC_DOMAIN_PAUSE, domain, 0, 0), TARN_EBUSY);
    check_equal(status_of(TARN_HC_DOMAIN_UNPAUSE, domain, 0, 0), TARN_EBUSY);
    check_equal(status_of(TARN_HC_VCPU_INIT, domain, 2, RAM), TARN_EINVAL);
    check_equal(status_of(TARN_HC_VCPU_INIT, domain, ~0ul, RAM), TARN_EINVAL);
    check_equal(status_of(TARN_HC_VCPU_INIT, domain, 0, RAM + 1), TARN_EINVAL);
    check_equal(status_of(TARN_HC_VCPU_INIT, domain, 0, RAM), TARN_OK);
    /* no memory at its entry: it runs, faults, and hurts nobody */
    check_equal(status_of(TARN_HC_DOMAIN_START, domain, 0, 0), TARN_OK);
    check_equal(status_of(TARN_HC_DOMAIN_START, domain, 0, 0), TARN_EBUSY);
    check_equal(status_of(TARN_HC_VDEV_CREATE, domain, 0, 2), TARN_EBUSY);
    check_equal(status_of(TARN_HC_VCPU_INIT, domain, 0, RAM), TARN_EBUSY);
    delay_us(5000);
    check_equal(destroy(domain), TARN_OK);
    check_nothing_lost(&before);
}

static void test_nobody(void)
{
    static const uint64_t functions[] = {
        TARN_HC_DOMAIN_POPULATE, TARN_HC_VCPU_INIT,      TARN_HC_DOMAIN_START,
        TARN_HC_DOMAIN_PAUSE,    TARN_HC_DOMAIN_UNPAUSE, TARN_HC_DOMAIN_DESTROY,
        TARN_HC_DOMAIN_BLOCK,    TARN_HC_VDEV_CREATE,    TARN_HC_VDEV_INTERRUPT,
        TARN_HC_REQUEST_REPLY,   TARN_HC_CONSOLE_INPUT,
    };
    static const uint64_t nobodies[] = {0, 1, NOBODY, TARN_MAX_DOMAINS, 1ul << 32, ~0ul};
    for (unsigned i = 0; i < ARRAY_SIZE(functions); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(nobodies); j++) {
            int64_t status = status_of(functions[i], nobodies[j], 0, 0);
            if (status != TARN_ENOENT && status != TARN_EINVAL)
                fail_at(__FILE__, __LINE__, "0x%lx on domain 0x%lx: %ld", functions[i], nobodies[j],
                        status);
        }
    }
}

static int64_t affinity(uint64_t domain, uint64_t vcpu, uint64_t cpus, uint64_t dedicated,
                        struct smccc *result)
{
    *result = (struct smccc){.x = {TARN_HC_VCPU_AFFINITY, domain, vcpu, cpus, dedicated}};
    hvc_call(result);
    return (int64_t)result->x[0];
}

/* Where its vCPU 0 may run, and how many have it for themselves. */
static void check_affinity(uint64_t domain, uint64_t cpus, uint64_t dedicated)
{
    struct smccc got;
    check_equal(affinity(domain, 0, 0, 0, &got), TARN_OK);
    check_equal(got.x[3], cpus);
    check_equal(got.x[4], dedicated);
}

/* The last CPU can be one domain's own if dom0's vCPUs are elsewhere, and comes back at its end. */
static void test_affinity(void)
{
    struct machine before = machine_info();
    uint64_t all = BIT(before.cpus) - 1, last = BIT(before.cpus - 1), one, two;
    struct smccc got;
    check_equal(create("one", 2, &one), TARN_OK);
    check_equal(create("two", 1, &two), TARN_OK);
    check_affinity(0, 1, 0);
    check_affinity(one, all, 0);
    check_equal(affinity(one, 2, all, 0, &got), TARN_ENOENT);
    check_equal(affinity(NOBODY, 0, all, 0, &got), TARN_ENOENT);
    check_equal(affinity(one, 0, ~all, 0, &got), TARN_EINVAL);
    check_equal(affinity(one, 0, last, 0, &got), TARN_OK);
    check_affinity(one, last, 0);
    check_equal(affinity(one, 0, 1, 1, &got), TARN_EBUSY);    /* dom0 is there */
    check_equal(affinity(two, 0, last, 1, &got), TARN_EBUSY); /* and `one` here */
    check_affinity(one, last, 0);
    check_equal(affinity(one, 0, ~0ul, 0, &got), TARN_OK);
    check_equal(affinity(two, 0, last, 1, &got), TARN_EBUSY); /* a vCPU of dom0 for each CPU */
    check_equal(destroy(one), TARN_OK);
    check_equal(destroy(two), TARN_OK);
    check_nothing_lost(&before);
}

static void test_share(void)
{
    struct machine before = machine_info();
    struct smccc got;
    uint64_t domain;
    check_equal(create("share", 2, &domain), TARN_OK);
    check_equal(call(&got, TARN_HC_DOMAIN_SHARE, domain, 0, ~0ul), TARN_OK);
    check(got.x[2] == TARN_WEIGHT && got.x[3] == 0);
    check_equal(call(&got, TARN_HC_DOMAIN_SHARE, domain, 65535, 150), TARN_OK);
    check(got.x[2] == 65535 && got.x[3] == 150);
    check_equal(call(&got, TARN_HC_DOMAIN_SHARE, domain, 65536, 10), TARN_EINVAL);
    check_equal(call(&got, TARN_HC_DOMAIN_SHARE, domain, 1, 200), TARN_OK);
    check(got.x[2] == 1 && got.x[3] == 0); /* all of two CPUs is no cap */
    check_equal(call(&got, TARN_HC_DOMAIN_SHARE, NOBODY, 1, 1), TARN_ENOENT);
    check_equal(destroy(domain), TARN_OK);
    check_nothing_lost(&before);
}

static void test_devices(void)
{
    struct machine before = machine_info();
    struct smccc smccc = {.x = {TARN_HC_VDEV_CREATE}};
    uint64_t domain;
    check_equal(create("devices", 1, &domain), TARN_OK);
    static const uint64_t bad[][3] = {
        {TARN_MAX_VDEVS, 2, 1},      {~0ul, 2, 1},     {0, 0, 1}, {0, 64, 1}, {0, 2, 0},
        {0, 2, TARN_MAX_QUEUES + 1}, {1ul << 32, 2, 1}};
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        smccc = (struct smccc){.x = {TARN_HC_VDEV_CREATE, domain, bad[i][0], bad[i][1], bad[i][2]}};
        hvc_call(&smccc);
        check_equal(smccc.x[0], TARN_EINVAL);
    }
    smccc = (struct smccc){.x = {TARN_HC_VDEV_CREATE, domain, 3, 2, 1}};
    hvc_call(&smccc);
    check_equal(smccc.x[0], TARN_OK);
    smccc = (struct smccc){.x = {TARN_HC_VDEV_CREATE, domain, 3, 2, 1}};
    hvc_call(&smccc);
    check((int64_t)smccc.x[0] < 0);
    check_equal(status_of(TARN_HC_VDEV_INTERRUPT, domain, 3, 1), TARN_OK);
    check_equal(status_of(TARN_HC_VDEV_INTERRUPT, domain, 3, 0), TARN_EINVAL);
    check_equal(status_of(TARN_HC_VDEV_INTERRUPT, domain, 3, 4), TARN_EINVAL);
    check_equal(status_of(TARN_HC_VDEV_INTERRUPT, domain, 4, 1), TARN_ENOENT);
    check_equal(status_of(TARN_HC_VDEV_INTERRUPT, domain, ~0ul, 1), TARN_ENOENT);
    check((int64_t)status_of(TARN_HC_REQUEST_REPLY, domain, 0, 1) < 0);
    check((int64_t)status_of(TARN_HC_REQUEST_REPLY, domain, 1, 1) < 0);
    check((int64_t)status_of(TARN_HC_REQUEST_REPLY, domain, ~0ul, 1) < 0);
    check_equal(status_of(TARN_HC_CONSOLE_INPUT, domain, 0, 0), TARN_EINVAL);
    check_equal(status_of(TARN_HC_CONSOLE_INPUT, domain, 9, 0), TARN_EINVAL);
    check_equal(status_of(TARN_HC_CONSOLE_INPUT, domain, ~0ul, 0), TARN_EINVAL);
    check_equal(call(&smccc, TARN_HC_CONSOLE_INPUT, domain, 3, 0x636261), TARN_OK);
    check(smccc.x[1] <= 3);
    check_equal(destroy(domain), TARN_OK);
    check_nothing_lost(&before);
}

/* Garbage. */

struct random {
    uint64_t state;
};

static uint64_t next(struct random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * 0x2545f4914f6cdd1d;
}

/* Numbers that come near what a check might forget. */
static uint64_t nasty(struct random *random)
{
    static const uint64_t edges[] = {0, 1, 2, 3, 31, 32, 33, 63, 64, 127, 128, 0xffff, 0x10000};
    uint64_t value = next(random);
    switch (value % 6) {
    case 0:
        return edges[(value >> 8) % ARRAY_SIZE(edges)];
    case 1:
        return 0 - edges[(value >> 8) % ARRAY_SIZE(edges)];
    case 2:
        return RAM + (value >> 8) % 16 * TARN_BLOCK_SIZE;
    case 3:
        return 1ul << ((value >> 8) & 63);
    case 4:
        return (value >> 8) % 8;
    default:
        return value;
    }
}

static bool is_status(int64_t status)
{
    switch (status) {
    case TARN_OK:
    case TARN_ENOTSUPP:
    case TARN_ENOENT:
    case TARN_EAGAIN:
    case TARN_ENOMEM:
    case TARN_EBUSY:
    case TARN_EEXIST:
    case TARN_EINVAL:
    case TARN_ENOSPC:
        return true;
    default:
        return false;
    }
}

static void hammer(uint64_t seed)
{
    struct random random = {seed * 2 + 1};
    for (unsigned i = 0; i < 3000; i++) {
        struct smccc smccc = {.x = {TARN_HC(next(&random) % 0x44)}};
        for (unsigned x = 1; x < ARRAY_SIZE(smccc.x); x++)
            smccc.x[x] = nasty(&random);
        uint64_t function = smccc.x[0];
        hvc_call(&smccc);
        if (!is_status((int64_t)smccc.x[0]) && (uint32_t)smccc.x[0] != UINT32_MAX)
            fail_at(__FILE__, __LINE__, "function 0x%lx answered %ld", function,
                    (int64_t)smccc.x[0]);
        /* Our own part of the CPUs is not garbage's to take: the test would take its time. */
        if (function == TARN_HC_DOMAIN_SHARE)
            (void)status_of(TARN_HC_DOMAIN_SHARE, 0, TARN_WEIGHT, 0);
    }
}

/* Those whose destruction was begun, too. */
static void destroy_all(void)
{
    for (uint64_t domain = 1; domain < TARN_MAX_DOMAINS; domain++) {
        int64_t status = destroy(domain);
        check(status == TARN_OK || status == TARN_ENOENT);
    }
    check_equal(status_of(TARN_HC_DOMAIN_INFO, 1, 0, 0), TARN_ENOENT);
}

/* Its rings stay, whatever size is asked for later. What comes now is traced at times. */
static void test_trace(void)
{
    struct smccc first, second;
    struct machine before;
    check_equal(call(&first, TARN_HC_TRACE, 2, 0, 0), TARN_OK);
    before = machine_info();
    check_equal(call(&second, TARN_HC_TRACE, 9, 0, 0), TARN_OK);
    check_equal(second.x[1], first.x[1]);
    check_equal(second.x[2], first.x[2]);
    check_equal(status_of(TARN_HC_TRACE, 0, 0, 0), TARN_OK);
    check_nothing_lost(&before);
}

static void test_garbage(void)
{
    struct machine before = machine_info();
    for (uint64_t seed = 1; seed < 4; seed++)
        hammer(seed);
    destroy_all();
    check_nothing_lost(&before);
}

static void test_garbage_from_all_cpus(void)
{
    struct machine before = machine_info();
    cpus_start();
    for (unsigned cpu = 1; cpu < cpu_total; cpu++)
        cpu_run(cpu, hammer, 100 + cpu);
    hammer(100);
    for (unsigned cpu = 1; cpu < cpu_total; cpu++)
        check(WAIT(cpu_wait(cpu), 30000000));
    destroy_all();
    check_nothing_lost(&before);
}

const struct payload_test payload_tests[] = {
    {"VERSION and UID", test_version_and_uid, 0, true},
    {"unknown functions", test_unknown_functions, 0, true},
    {"MACHINE_INFO", test_machine_info, 0, true},
    {"LOG", test_log, 0, true},
    {"CREATE: bounds", test_create_bounds, 0, true},
    {"CREATE and DESTROY", test_create_and_destroy, 0, true},
    {"INFO lists a dying domain", test_dying_is_listed, 0, true},
    {"INFO lists all domains", test_info, 0, true},
    {"POPULATE and BLOCK", test_populate, 0, true},
    {"the whole pool to one domain", test_whole_pool, 0, true},
    {"as many domains as fit", test_as_many_as_fit, 0, true},
    {"errors of the lifecycle", test_lifecycle_errors, 0, true},
    {"domains that do not exist, and dom0 itself", test_nobody, 0, true},
    {"VCPU_AFFINITY", test_affinity, 0, true},
    {"SHARE", test_share, 0, true},
    {"devices, replies, console input", test_devices, 0, true},
    {"TRACE", test_trace, 0, true},
    {"garbage", test_garbage, 0, true},
    {"garbage from all CPUs at once", test_garbage_from_all_cpus, 2, true},
    {NULL, NULL, 0, false},
};
