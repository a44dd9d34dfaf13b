/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a domain was configured with, from the copy of its file in its folder; of its part of the
 * CPUs what holds now, for tarn sched and tarn vcpu-pin change that.
 */
#include "guests/dom0/cli/details.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guests/dom0/cli/disk.h"
#include "guests/dom0/cli/json.h"
#include "guests/dom0/cli/kept.h"
#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/common/config.h"
#include "guests/dom0/common/config_value.h"
#include "guests/dom0/common/report.h"

static const char *const actions[] = {
    [ACTION_RESTART] = "restart",
    [ACTION_DESTROY] = "destroy",
    [ACTION_PRESERVE] = "preserve",
};

struct schedule {
    uint32_t weight;
    uint64_t cap;
    bool alike; /* its vCPUs may run on the same CPUs: */
    char cpus[CONFIG_CPUS_TEXT];
    bool dedicated;
};

static struct schedule schedule_of(const struct tarn_info *info)
{
    struct schedule s = {.cap = UINT64_MAX, .alike = true};
    uint64_t first = 0;

    hyper_share(info->id, &s.weight, &s.cap);
    for (unsigned i = 0; i < info->vcpus; i++) {
        uint64_t cpus = 0;
        bool dedicated = false;
        if (hyper_affinity(info->id, i, &cpus, &dedicated) != 0)
            continue;
        first = first ? first : cpus;
        s.dedicated = s.dedicated || dedicated;
        s.alike = s.alike && (cpus == first || s.dedicated);
    }
    config_print_cpus(first, s.cpus);
    return s;
}

/* What is in a drive that the configuration leaves empty. */
static const char *medium(const struct config *c, unsigned disk)
{
    static char path[PATH_MAX];

    run_read(drive_medium(c->name, disk).text, path, sizeof(path));
    return c->disk[disk].path[0] ? c->disk[disk].path : path;
}

static void mac_text(const uint8_t mac[6], char text[18])
{
    snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
             mac[5]);
}

/* ---- text ---- */

__attribute__((format(printf, 2, 3))) static void line(const char *key, const char *format, ...)
{
    va_list args;
    char *text = NULL;

    va_start(args, format);
    if (vasprintf(&text, format, args) >= 0) {
        make_plain(text);
        printf("%-9s %s\n", key, text);
        free(text);
    }
    va_end(args);
}

static void print_devices(const struct config *c)
{
    char mac[18];

    for (unsigned i = 0; i < c->disks; i++) {
        const char *path = medium(c, i);
        line("disk", "%s: %s, %s%s", c->disk[i].title, *path ? path : "empty", c->disk[i].type,
             c->disk[i].readonly ? ", readonly" : "");
    }
    for (unsigned i = 0; i < c->networks; i++) {
        mac_text(c->network[i].mac, mac);
        line("network", "%s: bridge %s, mac %s, backend %s", c->network[i].title,
             c->network[i].bridge, mac, c->network[i].vhost ? "vhost" : "user");
    }
    if (c->cid)
        line("vsock", "cid %u", c->cid);
    for (unsigned i = 0; i < c->shares; i++)
        line("share", "%s: %s", c->share[i].tag, c->share[i].path);
    for (unsigned i = 0; i < c->ports; i++) {
        if (c->port[i].memory)
            line("region", "%s: size %lluM", c->port[i].name,
                 (unsigned long long)c->port[i].memory >> 20);
        else
            line("port", "%s: %s", c->port[i].name, run_port(c->name, c->port[i].name).text);
    }
    if (c->console_log)
        line("console", "log %s", c->console_log);
}

void details_print(const struct tarn_info *info)
{
    struct schedule s = schedule_of(info);
    struct config c;
    char source[PATH_MAX];

    line("weight", "%u", s.weight);
    if (s.cap)
        line("cap", "%llu%%", (unsigned long long)s.cap);
    else
        line("cap", "none");
    line("cpus", "%s%s", s.alike ? s.cpus : "several kinds, see tarn vcpu-list",
         s.dedicated ? " (dedicated)" : "");
    if (info->id == 0 || !kept_config(info->name, &c))
        return;
    run_read(run_path(info->name, "source").text, source, sizeof(source));
    line("config", "%s", source);
    line("kernel", "%s", c.kernel);
    if (c.initrd)
        line("initrd", "%s", c.initrd);
    line("cmdline", "%s", c.cmdline);
    line("on_reboot", "%s", actions[c.on_reboot]);
    line("on_crash", "%s", actions[c.on_crash]);
    print_devices(&c);
    config_free(&c);
}

/* ---- JSON ---- */

/* Opens the next object of an array. */
static void open_object(unsigned i, const char *title)
{
    fputs(i ? ", {\"title\": " : "{\"title\": ", stdout);
    json_string(stdout, title);
}

static void json_disks(const struct config *c)
{
    fputs(", \"disk\": [", stdout);
    for (unsigned i = 0; i < c->disks; i++) {
        const struct config_disk *disk = &c->disk[i];
        open_object(i, disk->title);
        json_member(stdout, "path", disk->path);
        json_member(stdout, "medium", medium(c, i));
        json_member(stdout, "type", disk->type);
        printf(", \"readonly\": %s}", disk->readonly ? "true" : "false");
    }
    fputs("], \"network\": [", stdout);
    for (unsigned i = 0; i < c->networks; i++) {
        char mac[18];
        mac_text(c->network[i].mac, mac);
        open_object(i, c->network[i].title);
        json_member(stdout, "bridge", c->network[i].bridge);
        json_member(stdout, "mac", mac);
        json_member(stdout, "backend", c->network[i].vhost ? "vhost" : "user");
        printf(", \"queues\": %u}", c->network[i].queues);
    }
    putchar(']');
}

/* Ports, and regions, which are ports with memory. */
static void json_ports(const struct config *c)
{
    unsigned ports = 0, regions = 0;

    fputs("], \"port\": [", stdout);
    for (unsigned i = 0; i < c->ports; i++) {
        if (c->port[i].memory)
            continue;
        open_object(ports++, c->port[i].name);
        json_member(stdout, "socket", run_port(c->name, c->port[i].name).text);
        putchar('}');
    }
    fputs("], \"region\": [", stdout);
    for (unsigned i = 0; i < c->ports; i++) {
        if (!c->port[i].memory)
            continue;
        open_object(regions++, c->port[i].name);
        printf(", \"size\": %llu}", (unsigned long long)c->port[i].memory);
    }
    putchar(']');
}

static void json_others(const struct config *c)
{
    fputs(", \"share\": [", stdout);
    for (unsigned i = 0; i < c->shares; i++) {
        open_object(i, c->share[i].tag);
        json_member(stdout, "path", c->share[i].path);
        putchar('}');
    }
    json_ports(c);
    fputs(", \"vsock\": ", stdout);
    if (c->cid)
        printf("{\"cid\": %u}", c->cid);
    else
        fputs("null", stdout);
    fputs(", \"console\": {\"log\": ", stdout);
    json_string(stdout, c->console_log);
    putchar('}');
}

void details_json(const struct tarn_info *info)
{
    struct schedule s = schedule_of(info);
    struct config c;
    char source[PATH_MAX];

    printf(", \"weight\": %u, \"cap\": %llu", s.weight, (unsigned long long)s.cap);
    json_member(stdout, "cpus", s.alike ? s.cpus : NULL);
    printf(", \"dedicated\": %s", s.dedicated ? "true" : "false");
    if (info->id == 0 || !kept_config(info->name, &c))
        return;
    run_read(run_path(info->name, "source").text, source, sizeof(source));
    json_member(stdout, "config", source);
    json_member(stdout, "kernel", c.kernel);
    json_member(stdout, "initrd", c.initrd);
    json_member(stdout, "cmdline", c.cmdline);
    json_member(stdout, "on_reboot", actions[c.on_reboot]);
    json_member(stdout, "on_crash", actions[c.on_crash]);
    json_disks(&c);
    json_others(&c);
    config_free(&c);
}
