/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of /dev/tarn.
 */
#include "guests/dom0/common/hyper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "guests/dom0/common/report.h"

#define DEVICE "/dev/tarn"

static int device = -1;

static int call(int fd, unsigned long request, void *argument)
{
    int status;

    do {
        status = ioctl(fd, request, argument);
    } while (status < 0 && errno == EINTR);
    return status < 0 ? errno : 0;
}

bool hyper_open(void)
{
    struct tarn_version version;

    if (device >= 0)
        return true;
    device = open(DEVICE, O_RDWR | O_CLOEXEC);
    if (device < 0 && errno == EACCES) {
        report(0, "%s may be opened by root only; use sudo", DEVICE);
        return false;
    }
    if (device < 0) {
        report(0, "%s: %s; run tarn in dom0 of Tarn, and load its driver: modprobe tarn", DEVICE,
               strerror(errno));
        return false;
    }
    int error = call(device, TARN_VERSION, &version);
    if (!error && version.uapi == TARN_UAPI_VERSION)
        return true;
    report(0, "the driver speaks version %u, this command %u; install the two that came together",
           error ? 0 : version.uapi, TARN_UAPI_VERSION);
    close(device);
    device = -1;
    return false;
}

int hyper_machine(struct tarn_machine_info *info)
{
    memset(info, 0, sizeof(*info));
    return call(device, TARN_MACHINE_INFO, info);
}

int hyper_info(uint32_t id, struct tarn_info *info)
{
    *info = (struct tarn_info){.id = id};
    return call(device, TARN_INFO, info);
}

int hyper_find(const char *name_or_id, struct tarn_info *info)
{
    char *end;
    unsigned long id = strtoul(name_or_id, &end, 10);
    bool by_id = *name_or_id && !*end && id < TARN_MAX_DOMAINS;
    int error = hyper_info(by_id ? (uint32_t)id : 0, info);

    while (!error) {
        if (by_id)
            return info->id == id ? 0 : ENOENT;
        if (strncmp(info->name, name_or_id, TARN_NAME_SIZE) == 0)
            return 0;
        error = hyper_info(info->id + 1, info);
    }
    return error;
}

int hyper_create(const char *name, unsigned vcpus, uint32_t *id, int *fd)
{
    struct tarn_create create = {.vcpus = vcpus, .fd = -1};

    strncpy(create.name, name, sizeof(create.name) - 1);
    int error = call(device, TARN_CREATE, &create);
    *id = create.id;
    *fd = create.fd;
    return error;
}

int hyper_attach(const char *name, bool backend, int *fd)
{
    struct tarn_open arg = {.flags = TARN_OPEN_BY_NAME, .fd = -1};

    if (backend)
        arg.flags |= TARN_OPEN_BACKEND;
    strncpy(arg.name, name, sizeof(arg.name) - 1);
    int error = call(device, TARN_OPEN, &arg);
    *fd = arg.fd;
    return error;
}

int hyper_populate(int fd, uint64_t ipa, uint64_t size)
{
    struct tarn_populate arg = {.ipa = ipa, .size = size};
    return call(fd, TARN_POPULATE, &arg); /* EINTR goes on where it was */
}

int hyper_share_memory(int fd, uint64_t ipa, uint64_t size, uint32_t from, uint64_t from_ipa)
{
    struct tarn_share_memory arg = {.ipa = ipa, .size = size, .from = from, .from_ipa = from_ipa};
    return call(fd, TARN_SHARE_MEMORY, &arg); /* EINTR goes on where it was */
}

int hyper_destroy(int fd)
{
    return call(fd, TARN_DESTROY, NULL);
}

int hyper_state(int fd, struct tarn_info *info)
{
    memset(info, 0, sizeof(*info));
    return call(fd, TARN_INFO, info);
}

int hyper_vcpu_stats(uint32_t id, unsigned vcpu, struct vcpu_stats *stats)
{
    struct tarn_vcpu_stats arg = {.id = id, .vcpu = vcpu};
    int error = 0;

    for (; !error && arg.group < TARN_STATS_GENERAL; arg.group++) {
        error = call(device, TARN_VCPU_STATS, &arg);
        memcpy(&stats->exits[16 * arg.group], arg.counter, sizeof(arg.counter));
    }
    if (!error)
        error = call(device, TARN_VCPU_STATS, &arg);
    stats->state = arg.counter[0] & 0xff;
    stats->held = arg.counter[0] >> 8 & 1;
    stats->cpu = (unsigned)(arg.counter[0] >> 16);
    memcpy(stats->ns, &arg.counter[1], sizeof(stats->ns));
    stats->held_ns = arg.counter[6];
    stats->irq_exits = arg.counter[7];
    stats->injected = arg.counter[8];
    stats->notifies = arg.counter[9];
    return error;
}

int hyper_share(uint32_t id, uint32_t *weight, uint64_t *cap)
{
    struct tarn_share share = {.id = id, .weight = *weight, .cap = *cap};
    int error = call(device, TARN_SHARE, &share);

    *weight = share.weight;
    *cap = share.cap;
    return error;
}

int hyper_affinity(uint32_t id, unsigned vcpu, uint64_t *cpus, bool *dedicated)
{
    struct tarn_affinity affinity = {
        .id = id, .vcpu = vcpu, .cpus = *cpus, .dedicated = *dedicated};
    int error = call(device, TARN_AFFINITY, &affinity);

    *cpus = affinity.cpus;
    *dedicated = affinity.dedicated;
    return error;
}

int hyper_log(struct tarn_log *log)
{
    return call(device, TARN_LOG, log);
}

const char *hyper_state_name(unsigned state)
{
    static const char *const names[] = {
        [TARN_STATE_CREATED] = "created", [TARN_STATE_RUNNING] = "running",
        [TARN_STATE_PAUSED] = "paused",   [TARN_STATE_SHUTDOWN] = "shutdown",
        [TARN_STATE_CRASHED] = "crashed", [TARN_STATE_DYING] = "dying",
    };
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

const char *hyper_reason_name(unsigned reason)
{
    static const char *const names[] = {
        [TARN_REASON_NONE] = "",         [TARN_REASON_POWEROFF] = "poweroff",
        [TARN_REASON_REBOOT] = "reboot", [TARN_REASON_ALL_OFF] = "all vCPUs off",
        [TARN_REASON_FAULT] = "fault",   [TARN_REASON_WATCHDOG] = "watchdog",
    };
    return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "unknown";
}

int hyper_trace(struct tarn_trace *trace)
{
    return call(device, TARN_TRACE, trace);
}
