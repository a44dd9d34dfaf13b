# SPDX-License-Identifier: Apache-2.0
#
# Unit tests: every tests/unit/test_NAME.c becomes one program of the build machine, with cmocka, ASan
# and UBSan, and is run by `make unit` (`make unit UNIT=NAME` for one). Headers in tests/unit/host shadow
# the arm64-only ones of the tree. Included by the top Makefile; works alone, too:
#   make -f tests/unit/unit.mk unit
#
# One row per test, by name: the sources it is linked with besides itself and tests/unit/host/host.c.
# UNIT_FLAGS_NAME (compiler flags) and UNIT_LIBS_NAME (libraries) are for the few that need them.

VGIC_SOURCES := $(wildcard gic/vgic*.c) gic/gic.c gic/lr.c tests/unit/vgic_machine.c

SCHED_SOURCES := $(addprefix core/,affinity.c balance.c grace.c sched.c share.c switch.c timers.c vcpu.c) \
                 $(wildcard timer/*.c) tests/unit/sched_machine.c

UNIT_SOURCES_host      :=
UNIT_SOURCES_libc      :=
UNIT_SOURCES_printf    := platform/printf.c
UNIT_SOURCES_bootargs  := boot/bootargs.c
UNIT_SOURCES_modules   := boot/modules.c boot/ranges.c platform/fdt.c tests/unit/stop_machine.c
UNIT_SOURCES_fdt       := platform/fdt.c platform/uart.c platform/log.c platform/printf.c \
                          tests/unit/dt_machine.c
UNIT_SOURCES_log       := platform/log.c platform/printf.c platform/fdt.c platform/uart.c
UNIT_SOURCES_ranges    := boot/ranges.c
UNIT_SOURCES_dom0_fdt  := boot/dom0_fdt.c boot/dom0_devices.c boot/fdt_edit.c boot/ranges.c platform/fdt.c \
                          platform/printf.c \
                          tests/unit/dt_machine.c tests/unit/stop_machine.c
UNIT_SOURCES_heap      := mm/heap.c
UNIT_SOURCES_pool      := mm/pool.c mm/heap.c
UNIT_SOURCES_pt        := mm/pt.c tests/unit/pt_machine.c
UNIT_SOURCES_stage2    := mm/stage2.c mm/pt.c mm/heap.c
UNIT_SOURCES_trap_mmio := mm/trap_mmio.c
UNIT_SOURCES_timer     := timer/timer.c timer/queue.c
UNIT_SOURCES_vtimer    := timer/vtimer.c
UNIT_SOURCES_lr        := gic/lr.c
UNIT_SOURCES_vgic      := $(VGIC_SOURCES) tests/unit/vgic_naive.c
UNIT_SOURCES_vgic_regs := $(VGIC_SOURCES)
UNIT_SOURCES_vgic_again := $(VGIC_SOURCES)
UNIT_SOURCES_vdev      :=
UNIT_SOURCES_vuart     := virtio/vuart.c
UNIT_SOURCES_psci      := core/psci.c core/vcpu.c
UNIT_SOURCES_sched     := $(SCHED_SOURCES)
UNIT_SOURCES_balance   := $(SCHED_SOURCES)
# The C library, and with it the sanitizers, has a sched_yield, too.
UNIT_FLAGS_sched       := -Dsched_yield=tarn_sched_yield
UNIT_FLAGS_balance     := $(UNIT_FLAGS_sched)
UNIT_SOURCES_abort     := core/abort.c mm/trap_mmio.c
UNIT_SOURCES_trace     := core/trace.c guests/dom0/cli/trace_ring.c guests/dom0/cli/trace_json.c \
                          guests/dom0/cli/trace_names.c guests/dom0/cli/sample.c
UNIT_LIBS_trace        := -pthread

$(foreach name,bootargs modules fdt log dom0_fdt,$(eval UNIT_LIBS_$(name) := -lfdt))

BACKEND_SOURCES := $(addprefix guests/dom0/backend/,aio.c device.c virtqueue.c block.c console.c entropy.c \
                     input.c log_file.c net.c net_vhost.c vhost.c terminal.c workers.c loop.c)

UNIT_SOURCES_config      := $(addprefix guests/dom0/,common/config.c common/config_text.c common/config_value.c \
                              common/report.c \
                              common/devices.c common/reason.c cli/fdt.c cli/image.c cli/restart.c)
UNIT_LIBS_config         := -lconfuse -lfdt
UNIT_SOURCES_json        := guests/dom0/cli/json.c
UNIT_SOURCES_virtqueue   := guests/dom0/backend/virtqueue.c
UNIT_SOURCES_virtio_mmio := $(BACKEND_SOURCES)
UNIT_SOURCES_block       := $(addprefix guests/dom0/backend/,device.c virtqueue.c block.c)
UNIT_FLAGS_block         := -Dfcntl=test_fcntl
UNIT_SOURCES_aio         := $(addprefix guests/dom0/backend/,aio.c workers.c loop.c)
UNIT_FLAGS_aio           := -Dio_uring_submit=test_submit -Dio_uring_submit_and_wait=test_submit_and_wait
UNIT_LIBS_aio            := -l:liburing.a -pthread
UNIT_SOURCES_proxy       := $(addprefix guests/dom0/backend/,device.c virtqueue.c proxy.c vhost_user.c loop.c)
UNIT_LIBS_proxy          := -pthread
UNIT_SOURCES_log_file    := guests/dom0/backend/log_file.c
UNIT_SOURCES_ports       := $(addprefix guests/dom0/backend/,device.c virtqueue.c ports.c loop.c)
UNIT_SOURCES_watchdog    := guests/dom0/backend/watchdog.c
UNIT_FLAGS_watchdog      := -Dclock_gettime=test_clock -Dtimerfd_settime=test_arm
UNIT_LIBS_virtio_mmio    := -l:liburing.a -pthread

, := ,
UNIT_CC      ?= gcc
UNIT_BUILD   := build/unit
UNIT_TIMEOUT := 300
UNIT_CFLAGS  := -std=c11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Wshadow -Werror \
                -fsanitize=address,undefined -fno-sanitize-recover=all -Itests/unit/host -I.
UNIT_ALL     := $(sort $(patsubst tests/unit/test_%.c,%,$(wildcard tests/unit/test_*.c)))
UNIT         ?= $(UNIT_ALL)

# $(1): name of the test. Sources are compiled anew for each test: they are few and small.
define unit_rule
$(UNIT_BUILD)/test_$(1): tests/unit/test_$(1).c $(UNIT_SOURCES_$(1)) tests/unit/host/host.c tests/unit/unit.mk
	@mkdir -p $$(@D)
	@$(UNIT_CC) $(UNIT_CFLAGS) $(UNIT_FLAGS_$(1)) -MM -MT $$@ tests/unit/test_$(1).c $(UNIT_SOURCES_$(1)) tests/unit/host/host.c >$$@.d
	@$(UNIT_CC) $(UNIT_CFLAGS) $(UNIT_FLAGS_$(1)) -o $$@ tests/unit/test_$(1).c $(UNIT_SOURCES_$(1)) tests/unit/host/host.c -lcmocka $(UNIT_LIBS_$(1))
endef
$(foreach name,$(UNIT_ALL),$(eval $(call unit_rule,$(name))))
-include $(wildcard $(UNIT_BUILD)/*.d)

# Device trees: written by hand, by QEMU (virt-gicN-smpN), and those in Debian's kernel package.
UNIT_DTB  := $(UNIT_BUILD)/dtb
UNIT_DTBS := $(foreach name,odd virt-gic2-smp1 virt-gic2-smp4 virt-gic2-smp8 virt-gic3-smp1 \
             virt-gic3-smp4 virt-gic3-smp8 virt-smmu,$(UNIT_DTB)/$(name).dtb)
virt_dtb   = mkdir -p $(@D) && qemu-system-aarch64 -M virt,virtualization=on,$(1),dumpdtb=$@ -m 2G \
             -cpu cortex-a57 -display none -nic none 2>/dev/null
$(UNIT_DTB)/virt-gic2-smp%.dtb:
	@$(call virt_dtb,gic-version=2) -smp $*
$(UNIT_DTB)/virt-gic3-smp%.dtb:
	@$(call virt_dtb,gic-version=3) -smp $*
$(UNIT_DTB)/virt-smmu.dtb:
	@$(call virt_dtb,gic-version=3$(,)iommu=smmuv3) -smp 2
$(UNIT_DTB)/%.dtb: tests/unit/dts/%.dts
	@mkdir -p $(@D) && dtc -q -I dts -O dtb -o $@ $<
$(UNIT_BUILD)/test_fdt $(UNIT_BUILD)/test_dom0_fdt: $(UNIT_DTBS) | $(KIMAGE)

.PHONY: unit
unit: $(foreach name,$(UNIT),$(UNIT_BUILD)/test_$(name)) ## tests of the logic, on this machine (UNIT=NAME for one)
	@UNIT_TIMEOUT=$(UNIT_TIMEOUT) tests/unit/run.sh $^
