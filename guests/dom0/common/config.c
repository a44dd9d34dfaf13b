/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files by libconfuse. It keeps no line per key, so a callback notes them as they are
 * read; the checks come when the whole file has been.
 */
#include "guests/dom0/common/config.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guests/abi/domu.h"
#include "guests/abi/hypercall.h"
#include "guests/dom0/common/config_text.h"
#include "guests/dom0/common/config_value.h"
#include "guests/dom0/common/report.h"

#define MAX_NOTES   256
#define NAME_LENGTH (TARN_NAME_SIZE - 1)
#define MAX_VCPUS   32
#define MAX_WEIGHT  65535
#define MAX_TAG     36   /* of a shared folder: virtio 1.2, 5.11.4 */
#define MAX_CMDLINE 2047 /* COMMAND_LINE_SIZE of arm64 Linux, less its NUL */

/* libconfuse's callbacks take no argument of ours: what they work on is here while a file is read.
 */
static struct {
    FILE *errors;
    struct config *config;
    unsigned count;
    struct {
        const cfg_t *section;
        const char *key;
        int line;
    } note[MAX_NOTES];
} reading;

static int parse_integer(cfg_t *section, cfg_opt_t *option, const char *text, void *value);
static int parse_bool(cfg_t *section, cfg_opt_t *option, const char *text, void *value);

static cfg_opt_t disk_options[] = {
    CFG_STR("path", NULL, CFGF_NONE),
    CFG_BOOL_CB("readonly", cfg_false, CFGF_NONE, parse_bool),
    CFG_STR("type", "raw", CFGF_NONE),
    CFG_END(),
};
static cfg_opt_t network_options[] = {
    CFG_STR("bridge", NULL, CFGF_NONE),
    CFG_STR("mac", NULL, CFGF_NONE),
    CFG_STR("backend", "vhost", CFGF_NONE),
    CFG_INT_CB("queues", 1, CFGF_NONE, parse_integer),
    CFG_END(),
};
static cfg_opt_t console_options[] = {
    CFG_STR("log", NULL, CFGF_NONE),
    CFG_END(),
};
static cfg_opt_t vsock_options[] = {
    CFG_INT_CB("cid", 0, CFGF_NONE, parse_integer),
    CFG_END(),
};
static cfg_opt_t share_options[] = {
    CFG_STR("path", NULL, CFGF_NONE),
    CFG_END(),
};
static cfg_opt_t port_options[] = {
    CFG_END(),
};
static cfg_opt_t region_options[] = {
    CFG_STR("size", NULL, CFGF_NONE),
    CFG_END(),
};
#define TITLED (CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES)
static cfg_opt_t options[] = {
    CFG_STR("name", NULL, CFGF_NONE),
    CFG_STR("kernel", NULL, CFGF_NONE),
    CFG_STR("initrd", NULL, CFGF_NONE),
    CFG_STR("cmdline", NULL, CFGF_NONE),
    CFG_STR("memory", NULL, CFGF_NONE),
    CFG_INT_CB("vcpus", 1, CFGF_NONE, parse_integer),
    CFG_INT_CB("weight", TARN_WEIGHT, CFGF_NONE, parse_integer),
    CFG_INT_CB("cap", 0, CFGF_NONE, parse_integer),
    CFG_STR("cpus", "all", CFGF_NONE),
    CFG_BOOL_CB("dedicated", cfg_false, CFGF_NONE, parse_bool),
    CFG_STR("on_crash", "destroy", CFGF_NONE),
    CFG_STR("on_reboot", "restart", CFGF_NONE),
    CFG_SEC("disk", disk_options, TITLED),
    CFG_SEC("network", network_options, TITLED),
    CFG_SEC("share", share_options, TITLED),
    CFG_SEC("port", port_options, TITLED),
    CFG_SEC("region", region_options, TITLED),
    CFG_SEC("vsock", vsock_options, CFGF_NONE),
    CFG_SEC("console", console_options, CFGF_NONE),
    CFG_END(),
};

static const char *const noted[] = {
    "name",          "kernel",          "initrd",      "cmdline",
    "memory",        "vcpus",           "disk|path",   "disk",
    "disk|readonly", "network|bridge",  "network|mac", "network",
    "console|log",   "network|backend", "on_crash",    "on_reboot",
    "disk|type",     "vsock|cid",       "share|path",  "share",
    "port",          "weight",          "cap",         "cpus",
    "dedicated",     "region|size",     "region",      "network|queues",
};

void config_error(const struct config *config, FILE *errors, int line, const char *key,
                  const char *format, ...)
{
    va_list args;
    char *said = NULL, *whole = NULL;

    va_start(args, format);
    if (vasprintf(&said, format, args) >= 0 &&
        asprintf(&whole, "%s:%d: key '%s': %s", config->file, line, key, said) >= 0)
        report_line(errors, whole);
    va_end(args);
    free(whole);
    free(said);
}

/* Values that libconfuse would refuse in words of its own. */
static int parse_integer(cfg_t *section, cfg_opt_t *option, const char *text, void *value)
{
    char *end;

    errno = 0;
    long number = strtol(text, &end, 0);
    if (end == text || *end || errno) {
        config_error(reading.config, reading.errors, section->line, option->name,
                     "'%s' is no whole number%s; write it like %s = %d", text,
                     errno == ERANGE ? " of any use" : "", option->name,
                     strcmp(option->name, "cid") == 0 ? 3 : 2);
        return -1;
    }
    *(long *)value = number;
    return 0;
}

static int parse_bool(cfg_t *section, cfg_opt_t *option, const char *text, void *value)
{
    int truth = cfg_parse_boolean(text);

    if (truth < 0) {
        config_error(reading.config, reading.errors, section->line, option->name,
                     "'%s' is neither true nor false; write %s = true", text, option->name);
        return -1;
    }
    *(cfg_bool_t *)value = truth ? cfg_true : cfg_false;
    return 0;
}

static int note_line(cfg_t *section, cfg_opt_t *option)
{
    const cfg_t *where = section;

    if (option->type == CFGT_SEC) /* at its end: noted for itself, its line is the brace's */
        where = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);
    if (reading.count < MAX_NOTES) {
        reading.note[reading.count].section = where;
        reading.note[reading.count].key = option->name;
        reading.note[reading.count++].line = section->line;
    }
    return 0;
}

/* Line of a key, or of the whole section's end, or 1. */
static int line_of(const cfg_t *section, const char *key)
{
    int line = 1;

    for (unsigned i = 0; i < reading.count; i++) {
        if (reading.note[i].section != section)
            continue;
        if (strcmp(reading.note[i].key, key) == 0)
            return reading.note[i].line;
        if (strcmp(reading.note[i].key, "disk") == 0 ||
            strcmp(reading.note[i].key, "network") == 0 ||
            strcmp(reading.note[i].key, "share") == 0 || strcmp(reading.note[i].key, "port") == 0 ||
            strcmp(reading.note[i].key, "region") == 0)
            line = reading.note[i].line;
    }
    return line;
}

/* Mistakes of the text that are no key's. */
static void text_error(int line, const char *what)
{
    char *whole = NULL;

    if (asprintf(&whole, "%s:%d: %s", reading.config->file, line, what) >= 0)
        report_line(reading.errors, whole);
    free(whole);
}

static void parse_error(cfg_t *cfg, const char *format, va_list args)
{
    char message[256], said[512];

    vsnprintf(message, sizeof(message), format, args);
    config_text_reword(message, said, sizeof(said));
    text_error(cfg->line, said);
}

uint64_t config_region(const struct config *config, unsigned number)
{
    uint64_t ipa = DOMU_RAM_BASE;

    for (unsigned i = 0; i <= number; i++)
        ipa -= config->port[i].memory;
    return ipa;
}

bool config_name_is_good(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > NAME_LENGTH || !isalpha((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i]))
            return false;
    /* Names of folders beside those of domains, and of dom0. */
    return strcmp(name, "last") != 0 && strcmp(name, "lock") != 0 && strcmp(name, "dom0") != 0;
}

static bool missing(struct config *config, FILE *errors, const char *key, const char *example)
{
    config_error(config, errors, 1, key, "missing; add %s = %s", key, example);
    return false;
}

static bool check_name(struct config *c, FILE *errors)
{
    if (!c->name)
        return missing(c, errors, "name", "\"web\"");
    if (config_name_is_good(c->name))
        return true;
    config_error(c, errors, c->line_name, "name",
                 "'%s' is no name for a domain; use 1 to %d letters, digits, '_', '.', '-', a "
                 "letter first (dom0, last and lock are taken)",
                 c->name, NAME_LENGTH);
    return false;
}

static bool check_memory(struct config *c, FILE *errors, const char *text)
{
    if (!text)
        return missing(c, errors, "memory", "\"512M\"");
    if (!config_parse_size(text, &c->memory) || c->memory == 0) {
        config_error(c, errors, c->line_memory, "memory",
                     "'%s' is no amount of memory; write it like \"512M\" or \"4G\"", text);
        return false;
    }
    c->memory = (c->memory + TARN_BLOCK_SIZE - 1) / TARN_BLOCK_SIZE * TARN_BLOCK_SIZE;
    if (c->memory <= DOMU_RAM_MAX)
        return true;
    config_error(c, errors, c->line_memory, "memory",
                 "'%s' is more than a domain can have; use at "
                 "most %lluG",
                 text, (unsigned long long)DOMU_RAM_MAX >> 30);
    return false;
}

static bool check_scalars(struct config *c, FILE *errors, cfg_t *parsed)
{
    bool good = check_name(c, errors);
    long vcpus = cfg_getint(parsed, "vcpus");

    if (!c->kernel)
        good = missing(c, errors, "kernel", "\"/path/of/Image\"");
    if (!check_memory(c, errors, cfg_getstr(parsed, "memory")))
        good = false;
    if (vcpus < 1 || vcpus > MAX_VCPUS) {
        config_error(c, errors, c->line_vcpus, "vcpus", "%ld is out of range; use 1 to %d", vcpus,
                     MAX_VCPUS);
        good = false;
    }
    c->vcpus = (unsigned)vcpus;
    if (strlen(c->cmdline) > MAX_CMDLINE) {
        config_error(c, errors, c->line_cmdline, "cmdline",
                     "it has %zu characters; a kernel takes at most %d", strlen(c->cmdline),
                     MAX_CMDLINE);
        good = false;
    }
    return good;
}

static bool read_disk(struct config *c, FILE *errors, cfg_t *section)
{
    if (c->disks == CONFIG_MAX_DISKS) {
        config_error(c, errors, line_of(section, "path"), "disk",
                     "too many; a domain has at most %d disks", CONFIG_MAX_DISKS);
        return false;
    }
    struct config_disk *disk = &c->disk[c->disks++];
    *disk = (struct config_disk){
        .title = cfg_title(section),
        .path = cfg_getstr(section, "path"),
        .type = cfg_getstr(section, "type"),
        .readonly = cfg_getbool(section, "readonly"),
        .line = line_of(section, "path"),
    };
    struct config_nbd nbd;
    disk->remote = strcmp(disk->type, "nbd") == 0;
    if (strcmp(disk->type, "raw") != 0 && strcmp(disk->type, "qcow2") != 0 && !disk->remote) {
        config_error(c, errors, line_of(section, "type"), "type",
                     "'%s' is not known; use \"raw\", \"qcow2\" or \"nbd\"", disk->type);
        return false;
    }
    if (disk->remote && disk->path && !config_parse_nbd(disk->path, &nbd)) {
        config_error(c, errors, disk->line, "path",
                     "'%s' is no network block device; write it like \"nbd://HOST:PORT/NAME\" or "
                     "\"nbd+unix:///NAME?socket=PATH\"",
                     disk->path);
        return false;
    }
    if (disk->path && disk->path[0] == '\0' && strcmp(disk->type, "raw") != 0) {
        config_error(c, errors, disk->line, "path",
                     "\"\", a drive without a disk, has type \"raw\"");
        return false;
    }
    if (disk->path)
        return true;
    config_error(c, errors, disk->line, "path",
                 "missing in disk \"%s\"; add path = \"/path/of/disk.img\"", disk->title);
    return false;
}

static bool read_network(struct config *c, FILE *errors, cfg_t *section)
{
    if (c->networks == CONFIG_MAX_NETWORKS) {
        config_error(c, errors, line_of(section, "bridge"), "network",
                     "too many; a domain has at most %d networks", CONFIG_MAX_NETWORKS);
        return false;
    }
    struct config_network *network = &c->network[c->networks];
    const char *mac = cfg_getstr(section, "mac");
    const char *backend = cfg_getstr(section, "backend");
    *network = (struct config_network){
        .title = cfg_title(section),
        .bridge = cfg_getstr(section, "bridge"),
        .vhost = strcmp(backend, "vhost") == 0,
        .line = line_of(section, "bridge"),
    };
    if (!network->vhost && strcmp(backend, "user") != 0) {
        config_error(c, errors, line_of(section, "backend"), "backend",
                     "'%s' is not known; use \"vhost\" or \"user\"", backend);
        return false;
    }
    long queues = cfg_getint(section, "queues");
    if (queues < 1 || queues > CONFIG_MAX_PAIRS || (queues > 1 && !network->vhost)) {
        config_error(c, errors, line_of(section, "queues"), "queues",
                     "%ld is out of range; use 1 to %d, more than 1 with backend = \"vhost\"",
                     queues, CONFIG_MAX_PAIRS);
        return false;
    }
    network->queues = (unsigned)queues;
    if (!mac)
        config_make_mac(c->name ? c->name : "", c->networks, network->mac);
    c->networks++;
    if (mac && !config_parse_mac(mac, network->mac)) {
        config_error(c, errors, line_of(section, "mac"), "mac",
                     "'%s' is no address of a network card; write it like \"52:54:00:12:34:56\" "
                     "(the first number even)",
                     mac);
        return false;
    }
    if (network->bridge)
        return true;
    config_error(c, errors, network->line, "bridge",
                 "missing in network \"%s\"; add bridge = \"tarnbr0\"", network->title);
    return false;
}

static bool read_action(struct config *c, FILE *errors, cfg_t *parsed, const char *key,
                        enum config_action *action)
{
    static const char *const words[] = {"restart", "destroy", "preserve"};
    const char *text = cfg_getstr(parsed, key);

    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i]) == 0) {
            *action = (enum config_action)i;
            return true;
        }
    }
    config_error(c, errors, line_of(parsed, key), key,
                 "'%s' is nothing that can be done; use restart, destroy or preserve", text);
    return false;
}

static bool is_tag(const char *text)
{
    size_t plain =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

    return plain >= 1 && plain <= MAX_TAG && !text[plain];
}

/* `kind` is port or region: both are ports. Returns NULL after an error. */
static struct config_port *read_port(struct config *c, FILE *errors, cfg_t *section,
                                     const char *kind)
{
    const char *name = cfg_title(section);
    int line = line_of(section, kind);
    bool taken = false;

    for (unsigned i = 0; i < c->ports; i++)
        taken = taken || strcmp(c->port[i].name, name) == 0;
    if (c->ports == CONFIG_MAX_PORTS || !is_tag(name) || taken) {
        config_error(c, errors, line, kind,
                     taken ? "'%s' is the name of a port as well; give each its own"
                     : c->ports == CONFIG_MAX_PORTS
                         ? "'%s' is one too many; a domain has at most 4 ports and regions"
                         : "'%s' is no name of a port; use up to 36 letters, digits, '_', '.', '-'",
                     name);
        return NULL;
    }
    struct config_port *port = &c->port[c->ports++];
    *port = (struct config_port){.name = name, .line = line};
    return port;
}

static bool read_region(struct config *c, FILE *errors, cfg_t *section)
{
    const uint64_t room = DOMU_RAM_BASE - DOMU_SHARED_BASE;
    struct config_port *port = read_port(c, errors, section, "region");
    const char *size = cfg_getstr(section, "size");
    uint64_t bytes;

    if (!port)
        return false;
    port->line = line_of(section, "size");
    if (!size || !config_parse_size(size, &bytes) || bytes == 0 || bytes > room) {
        config_error(c, errors, port->line, "size",
                     "'%s' is no size of region \"%s\"; write it like \"16M\", up to \"512M\"",
                     size ? size : "", port->name);
        return false;
    }
    port->memory = (bytes + TARN_BLOCK_SIZE - 1) / TARN_BLOCK_SIZE * TARN_BLOCK_SIZE;
    if (DOMU_RAM_BASE - config_region(c, c->ports - 1) <= room)
        return true;
    config_error(c, errors, port->line, "size",
                 "the regions of a domain have more than 512M together; make them smaller");
    return false;
}

static bool read_share(struct config *c, FILE *errors, cfg_t *section)
{
    if (c->shares == CONFIG_MAX_SHARES) {
        config_error(c, errors, line_of(section, "path"), "share",
                     "too many; a domain has at most %d shares", CONFIG_MAX_SHARES);
        return false;
    }
    struct config_share *share = &c->share[c->shares++];
    *share = (struct config_share){
        .tag = cfg_title(section),
        .path = cfg_getstr(section, "path"),
        .line = line_of(section, "path"),
    };
    if (!is_tag(share->tag)) {
        config_error(c, errors, share->line, "share",
                     "'%s' is no tag to mount by; use 1 to %d letters, digits, '_', '.', '-'",
                     share->tag, MAX_TAG);
        return false;
    }
    if (share->path)
        return true;
    config_error(c, errors, share->line, "path",
                 "missing in share \"%s\"; add path = \"/path/of/folder\"", share->tag);
    return false;
}

static bool read_vsock(struct config *c, FILE *errors, cfg_t *section)
{
    long cid = cfg_getint(section, "cid");

    c->cid = (uint32_t)cid;
    c->line_cid = line_of(section, "cid");
    if (cid == 0 || (cid >= 3 && cid < UINT32_MAX))
        return true;
    config_error(c, errors, c->line_cid, "cid",
                 "%ld is no address of a guest; use 3 or more, another one for each domain", cid);
    return false;
}

/* Its part of the CPUs, and which. */
static bool read_schedule(struct config *c, FILE *errors, cfg_t *parsed)
{
    const char *cpus = cfg_getstr(parsed, "cpus");
    long weight = cfg_getint(parsed, "weight"), cap = cfg_getint(parsed, "cap");
    bool good = true;

    if (weight < 1 || weight > MAX_WEIGHT) {
        config_error(c, errors, line_of(parsed, "weight"), "weight",
                     "%ld is out of range; use 1 to %d (%d is the default)", weight, MAX_WEIGHT,
                     TARN_WEIGHT);
        good = false;
    }
    if (cap < 0) {
        config_error(c, errors, line_of(parsed, "cap"), "cap",
                     "%ld is out of range; use a percentage of one CPU, or 0 for no cap", cap);
        good = false;
    }
    c->weight = (uint32_t)weight;
    c->cap = (uint64_t)cap;
    c->dedicated = cfg_getbool(parsed, "dedicated");
    c->line_cpus = line_of(parsed, "cpus");
    c->line_dedicated = line_of(parsed, "dedicated");
    if (config_parse_cpus(cpus, &c->cpus))
        return good;
    config_error(c, errors, c->line_cpus, "cpus",
                 "'%s' are no CPUs; use numbers and ranges like \"0-2,5\", or \"all\"", cpus);
    return false;
}

static bool read_values(struct config *c, FILE *errors, cfg_t *parsed)
{
    c->name = cfg_getstr(parsed, "name");
    c->kernel = cfg_getstr(parsed, "kernel");
    c->initrd = cfg_getstr(parsed, "initrd");
    c->cmdline = cfg_getstr(parsed, "cmdline") ? cfg_getstr(parsed, "cmdline") : "";
    c->line_name = line_of(parsed, "name");
    c->line_kernel = line_of(parsed, "kernel");
    c->line_initrd = line_of(parsed, "initrd");
    c->line_cmdline = line_of(parsed, "cmdline");
    c->line_memory = line_of(parsed, "memory");
    c->line_vcpus = line_of(parsed, "vcpus");
    bool good = check_scalars(c, errors, parsed);
    good = read_schedule(c, errors, parsed) && good;
    good = read_action(c, errors, parsed, "on_crash", &c->on_crash) && good;
    good = read_action(c, errors, parsed, "on_reboot", &c->on_reboot) && good;
    for (unsigned i = 0; i < cfg_size(parsed, "disk"); i++)
        good = read_disk(c, errors, cfg_getnsec(parsed, "disk", i)) && good;
    for (unsigned i = 0; i < cfg_size(parsed, "network"); i++)
        good = read_network(c, errors, cfg_getnsec(parsed, "network", i)) && good;
    for (unsigned i = 0; i < cfg_size(parsed, "share"); i++)
        good = read_share(c, errors, cfg_getnsec(parsed, "share", i)) && good;
    for (unsigned i = 0; i < cfg_size(parsed, "port"); i++)
        good = read_port(c, errors, cfg_getnsec(parsed, "port", i), "port") && good;
    for (unsigned i = 0; i < cfg_size(parsed, "region"); i++)
        good = read_region(c, errors, cfg_getnsec(parsed, "region", i)) && good;
    good = read_vsock(c, errors, cfg_getsec(parsed, "vsock")) && good;
    cfg_t *console = cfg_getsec(parsed, "console");
    c->console_log = console ? cfg_getstr(console, "log") : NULL;
    c->line_log = console ? line_of(console, "log") : 1;
    return good;
}

static bool parse(struct config *config, cfg_t *parsed)
{
    char *text = config_text_read(config->file);

    if (!text) {
        char *whole = NULL;
        if (asprintf(&whole, "%s: cannot be read: %s; give the path of a configuration",
                     config->file, strerror(errno)) >= 0)
            report_line(reading.errors, whole);
        free(whole);
        return false;
    }
    int line;
    const char *wrong = config_text_prepare(text, &line);
    if (wrong)
        text_error(line, wrong);
    bool good = !wrong && cfg_parse_buf(parsed, text) == CFG_SUCCESS;
    free(text);
    return good;
}

bool config_read(struct config *config, const char *file, FILE *errors)
{
    *config = (struct config){.file = file};
    cfg_t *parsed = cfg_init(options, CFGF_NONE);

    config->parsed = parsed;
    reading.errors = errors;
    reading.config = config;
    reading.count = 0;
    cfg_set_error_function(parsed, parse_error);
    for (unsigned i = 0; i < sizeof(noted) / sizeof(noted[0]); i++)
        cfg_set_validate_func(parsed, noted[i], note_line);
    return parse(config, parsed) && read_values(config, errors, parsed);
}

void config_free(struct config *config)
{
    if (config->parsed)
        cfg_free(config->parsed);
    config->parsed = NULL;
}
