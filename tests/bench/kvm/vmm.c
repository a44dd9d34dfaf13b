// SPDX-License-Identifier: Apache-2.0
/*
 * The smallest user of KVM that runs the guests of the bench: vCPUs, KVM's own GICv3, timers and PSCI,
 * and a PL011 that prints. Laid out as QEMU's virt board. Ends when the guest powers off. With the word
 * mode=io on the guest's command line it is the peer the guest measures itself with: a thread that waits
 * on the doorbell's ioeventfd and answers by irqfd.
 *
 * usage: vmm VCPUS MEGABYTES DTB IMAGE CMDLINE [INITRD]
 */
#include <err.h>
#include <fcntl.h>
#include <libfdt.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guests/abi/domu.h"
#include "tests/bench/micro/clock.h"

#define GICD_BASE  0x08000000ull
#define GICR_BASE  0x080a0000ull
#define UART_BASE  0x09000000ull
#define UART_DR    0x00
#define UART_FR    0x18
#define UART_READY 0x90 /* TXFE, RXFE */
#define RAM_BASE   0x40000000ull
#define IMAGE_AT   0x00200000ull /* offsets in RAM */
#define INITRD_AT  0x04000000ull
#define DTB_AT     0x0f000000ull
#define DTB_SIZE   0x10000
#define MAX_VCPUS  2
#define QUEUE_NOTIFY 0x50

static int vm;
static unsigned char *ram;

struct vcpu {
    int fd;
    struct kvm_run *run;
    pthread_t thread;
};
static struct vcpu vcpus[MAX_VCPUS];

static int call(int fd, unsigned long request, void *argument, const char *name)
{
    int result = ioctl(fd, request, argument);

    if (result < 0)
        err(1, "%s", name);
    return result;
}

static uint64_t load_file(const char *path, uint64_t offset, uint64_t limit)
{
    struct stat status;
    int fd = open(path, O_RDONLY);

    if (fd < 0 || fstat(fd, &status) != 0)
        err(1, "%s", path);
    if ((uint64_t)status.st_size > limit - offset)
        errx(1, "%s: too large", path);
    for (uint64_t done = 0; done < (uint64_t)status.st_size;) {
        ssize_t got = read(fd, ram + offset + done, (size_t)status.st_size - done);
        if (got <= 0)
            err(1, "%s", path);
        done += (uint64_t)got;
    }
    close(fd);
    return (uint64_t)status.st_size;
}

static void set_tree(const char *cmdline, uint64_t ram_size, uint64_t initrd_size, int count)
{
    void *tree = ram + DTB_AT;
    int chosen, bad = fdt_open_into(tree, tree, DTB_SIZE);
    fdt64_t memory[2] = {cpu_to_fdt64(RAM_BASE), cpu_to_fdt64(ram_size)};

    if (count == 1)
        bad |= fdt_del_node(tree, fdt_path_offset(tree, "/cpus/cpu@1"));
    bad |= fdt_setprop(tree, fdt_path_offset(tree, "/memory@40000000"), "reg", memory,
                       sizeof(memory));
    chosen = fdt_path_offset(tree, "/chosen");
    bad |= fdt_setprop(tree, chosen, "bootargs", cmdline, (int)strlen(cmdline) + 1);
    if (initrd_size > 0) {
        bad |= fdt_setprop_u64(tree, chosen, "linux,initrd-start", RAM_BASE + INITRD_AT);
        bad |= fdt_setprop_u64(tree, chosen, "linux,initrd-end",
                               RAM_BASE + INITRD_AT + initrd_size);
    }
    if (bad)
        errx(1, "device tree: %s", fdt_strerror(bad));
}

static void set_attribute(int device, uint32_t group, uint64_t attribute, void *value)
{
    struct kvm_device_attr attr = {.group = group, .attr = attribute, .addr = (uintptr_t)value};

    call(device, KVM_SET_DEVICE_ATTR, &attr, "KVM_SET_DEVICE_ATTR");
}

static void make_gic(void)
{
    struct kvm_create_device device = {.type = KVM_DEV_TYPE_ARM_VGIC_V3};
    uint64_t gicd = GICD_BASE, gicr = GICR_BASE;

    call(vm, KVM_CREATE_DEVICE, &device, "KVM_CREATE_DEVICE");
    set_attribute((int)device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &gicd);
    set_attribute((int)device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &gicr);
    set_attribute((int)device.fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
}

static void set_register(int fd, uint64_t offset, uint64_t value)
{
    struct kvm_one_reg reg = {
        .id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | (offset / sizeof(uint32_t)),
        .addr = (uintptr_t)&value,
    };

    call(fd, KVM_SET_ONE_REG, &reg, "KVM_SET_ONE_REG");
}

static void make_vcpu(int kvm, int index)
{
    struct kvm_vcpu_init init;
    int size = call(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE");
    struct vcpu *vcpu = &vcpus[index];

    vcpu->fd = call(vm, KVM_CREATE_VCPU, (void *)(uintptr_t)index, "KVM_CREATE_VCPU");
    call(vm, KVM_ARM_PREFERRED_TARGET, &init, "KVM_ARM_PREFERRED_TARGET");
    init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
    if (index > 0)
        init.features[0] |= 1u << KVM_ARM_VCPU_POWER_OFF;
    call(vcpu->fd, KVM_ARM_VCPU_INIT, &init, "KVM_ARM_VCPU_INIT");
    vcpu->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
    if (vcpu->run == MAP_FAILED)
        err(1, "vCPU's page");
}

static void mmio(struct kvm_run *run)
{
    uint64_t value = 0;

    if (run->mmio.phys_addr == UART_BASE + UART_DR && run->mmio.is_write)
        (void)!write(1, run->mmio.data, 1);
    else if (run->mmio.phys_addr == UART_BASE + UART_FR)
        value = UART_READY;
    if (!run->mmio.is_write)
        memcpy(run->mmio.data, &value, run->mmio.len);
}

static void *run_vcpu(void *argument)
{
    struct vcpu *vcpu = argument;

    for (;;) {
        call(vcpu->fd, KVM_RUN, NULL, "KVM_RUN");
        switch (vcpu->run->exit_reason) {
        case KVM_EXIT_MMIO:
            mmio(vcpu->run);
            break;
        case KVM_EXIT_SYSTEM_EVENT:
            exit(0);
        default:
            errx(1, "exit reason %u", vcpu->run->exit_reason);
        }
    }
}

static int make_eventfd(void)
{
    int fd = eventfd(0, 0);

    if (fd < 0)
        err(1, "eventfd");
    return fd;
}

/* As the payload's side 0 (tests/bench/micro/pairs.c): when the request came, when the answer went. */
static void *answer(void *doorbell)
{
    static uint64_t spans[2 * ROUNDS][2];
    int in = *(int *)doorbell, out = make_eventfd();
    struct kvm_irqfd irqfd = {.fd = (uint32_t)out, .gsi = DOMU_VIRTIO_INTID - 32};
    uint64_t word;

    call(vm, KVM_IRQFD, &irqfd, "KVM_IRQFD");
    for (int i = 0; i < 2 * ROUNDS; i++) {
        if (read(in, &word, sizeof(word)) < 0)
            err(1, "doorbell");
        spans[i][0] = end_time();
        word = 1;
        spans[i][1] = begin_time();
        if (write(out, &word, sizeof(word)) < 0)
            err(1, "interrupt");
    }
    for (int i = 0; i < 2 * ROUNDS; i++)
        printf("BENCH span 0 %lu %lu\n", spans[i][0], spans[i][1]);
    fflush(stdout);
    return NULL;
}

static void make_peer(void)
{
    static int doorbell;
    struct kvm_ioeventfd ioeventfd = {.addr = DOMU_VIRTIO_BASE + QUEUE_NOTIFY, .len = 4};
    pthread_t thread;

    doorbell = make_eventfd();
    ioeventfd.fd = doorbell;
    call(vm, KVM_IOEVENTFD, &ioeventfd, "KVM_IOEVENTFD");
    if (pthread_create(&thread, NULL, answer, &doorbell) != 0)
        errx(1, "no thread for the peer");
}

int main(int argc, char **argv)
{
    if (argc < 6)
        errx(2, "usage: vmm VCPUS MEGABYTES DTB IMAGE CMDLINE [INITRD]");
    int count = atoi(argv[1]) > 1 ? MAX_VCPUS : 1;
    uint64_t ram_size = strtoull(argv[2], NULL, 0) << 20;
    int kvm = open("/dev/kvm", O_RDWR);

    if (kvm < 0)
        err(1, "/dev/kvm");
    vm = call(kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");
    ram = mmap(NULL, ram_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ram == MAP_FAILED || ram_size < DTB_AT + DTB_SIZE)
        errx(1, "no memory for the guest");
    struct kvm_userspace_memory_region region = {
        .guest_phys_addr = RAM_BASE, .memory_size = ram_size, .userspace_addr = (uintptr_t)ram};
    call(vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
    for (int i = 0; i < count; i++)
        make_vcpu(kvm, i);
    make_gic();

    load_file(argv[3], DTB_AT, ram_size);
    load_file(argv[4], IMAGE_AT, INITRD_AT);
    set_tree(argv[5], ram_size, argc > 6 ? load_file(argv[6], INITRD_AT, DTB_AT) : 0, count);
    set_register(vcpus[0].fd, offsetof(struct kvm_regs, regs.pc), RAM_BASE + IMAGE_AT);
    set_register(vcpus[0].fd, offsetof(struct kvm_regs, regs.regs[0]), RAM_BASE + DTB_AT);
    if (strstr(argv[5], "mode=io"))
        make_peer();
    for (int i = 1; i < count; i++)
        if (pthread_create(&vcpus[i].thread, NULL, run_vcpu, &vcpus[i]) != 0)
            errx(1, "no thread for vCPU %d", i);
    run_vcpu(&vcpus[0]);
}
