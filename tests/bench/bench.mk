# SPDX-License-Identifier: Apache-2.0
#
# The comparison with bare Linux, Xen and KVM. `make bench` measures what has changed since the last
# time, prints a table and writes build/bench/results.json and docs/benchmarks.md.

BENCH   := $(BUILD)/bench
PEERS   := $(BUILD)/peers
BUSYBOX := $(KERNEL)/root/bin/busybox
MICRO_O := $(patsubst %,$(BENCH)/%.o,$(wildcard tests/bench/micro/*.c tests/bench/micro/*.S) \
             platform/printf.c platform/libc.c)
MKCPIO  := tests/bench/linux/mkcpio.sh

# Xen; lmbench with the libraries it is linked to.
$(PEERS)/.done: tests/bench/peers.txt tests/bench/lmbench.txt | $(APT)/updated
	$(call say,FETCH,Xen and lmbench)
	$(Q)rm -rf $(PEERS) && mkdir -p $(PEERS)/lib
	$(Q)$(FETCH) $(APT) unpack $(PEERS)/root $$(sed 's/#.*//' tests/bench/peers.txt)
	$(Q)$(FETCH) $(APT) unpack $(PEERS)/lmbench $$(sed 's/#.*//' tests/bench/lmbench.txt)
	$(Q)find $(PEERS)/lmbench \( -path '*/lib/aarch64-linux-gnu/lib*.so.[0-9]*' -o \
		-name 'ld-linux-aarch64.so.1' \) -exec cp -L {} $(PEERS)/lib/ \;
	@touch $@

# Programs that run in the bench's Linux guests and hosts.
$(BENCH)/helper: tests/bench/linux/helper.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(USER_CFLAGS) -static -o $@ $<
$(BENCH)/vmm: tests/bench/kvm/vmm.c tests/bench/micro/clock.S tests/bench/micro/clock.h \
		tests/bench/micro/layout.h $(SYSROOT)/.done
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(USER_CFLAGS) -DCOUNTER=cntvct_el0 -I. -static -pthread -o $@ $(filter %.c %.S,$^) $(SYSROOT)/usr/lib/aarch64-linux-gnu/libfdt.a
$(BENCH)/virt.dtb: tests/bench/kvm/virt.dts
	$(Q)dtc -q -I dts -O dtb -o $@ $<

# The payload that measures micro-operations.
$(BENCH)/%.c.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$< (bench))
	$(Q)$(CC) $(PAYLOAD_CFLAGS) -c -o $@ $<
$(BENCH)/%.S.o: %.S
	@mkdir -p $(@D)
	$(call say,AS,$< (bench))
	$(Q)$(CC) -D__ASSEMBLER__ -I. -MMD -MP -g -c -o $@ $<
$(BENCH)/platform/libc.c.o: PAYLOAD_CFLAGS += -fno-tree-loop-distribute-patterns
$(BENCH)/micro.elf: $(MICRO_O) guests/lib/payload.ld
	$(Q)$(CC) -nostdlib -Wl,-pie -Wl,--no-dynamic-linker -Wl,-z,noexecstack -Wl,--build-id=none \
		-Wl,--no-warn-rwx-segments -T guests/lib/payload.ld -o $@ $(filter %.o,$^)
$(BENCH)/micro.bin: $(BENCH)/micro.elf
	$(Q)$(OBJCOPY) -O binary $< $@
# As large as a kernel, for who measures how long it takes to be loaded.
$(BENCH)/micro-large.bin: $(BENCH)/micro.bin $(KIMAGE)
	$(Q)cp $< $@ && truncate -r $(KIMAGE) $@

# The guest that runs lmbench, and the Linux beside which Tarn's and KVM's guests run.
$(BENCH)/lmbench.cpio: $(MKCPIO) tests/bench/linux/lmbench.sh $(BENCH)/helper $(KIMAGE) $(PEERS)/.done
	$(call say,INITRD,$@)
	$(Q)$< $@ $(BUSYBOX) tests/bench/linux/lmbench.sh bin/helper=$(BENCH)/helper lib=$(PEERS)/lib \
		$(foreach tool,hello lat_syscall lat_sig lat_pipe lat_ctx lat_pagefault lat_mmap lat_proc \
			lat_unix lat_tcp lat_mem_rd bw_mem bw_pipe,\
			lmbench/$(tool)=$(PEERS)/lmbench/usr/lib/lmbench/bin/$(tool))
$(BENCH)/host.cpio: $(MKCPIO) tests/bench/linux/host.sh tests/bench/linux/cmdline $(BENCH)/helper \
		$(BENCH)/vmm $(BENCH)/virt.dtb $(BENCH)/micro.bin $(BENCH)/lmbench.cpio $(KIMAGE) \
		$(USER_BUILD)/tarn $(USER_BUILD)/tarn-backend $(OVERLAY)/driver.stamp
	$(call say,INITRD,$@)
	$(Q)$< $@ $(BUSYBOX) tests/bench/linux/host.sh bin/helper=$(BENCH)/helper bin/vmm=$(BENCH)/vmm \
		bin/tarn=$(USER_BUILD)/tarn usr/libexec/tarn/tarn-backend=$(USER_BUILD)/tarn-backend \
		guest/tarn.ko=$(BUILD)/driver/tarn.ko guest/virt.dtb=$(BENCH)/virt.dtb \
		guest/cmdline=tests/bench/linux/cmdline guest/micro.bin=$(BENCH)/micro.bin \
		guest/Image=$(KIMAGE) guest/lmbench.cpio=$(BENCH)/lmbench.cpio

BENCH_INPUTS := $(BUILD)/tarn.bin $(BENCH)/micro.bin $(BENCH)/micro-large.bin $(BENCH)/lmbench.cpio $(BENCH)/host.cpio

bench: $(BENCH_INPUTS) ## the comparison with bare Linux, Xen and KVM (QUICK=1: the short part)
	$(call say,BENCH,tests/bench)
	$(Q)/usr/bin/python3 -B tests/bench/bench.py

bench-smoke: $(BUILD)/tarn.bin $(BENCH)/micro.bin ## the bench's own test: Tarn and the bare machine
	$(call say,PYTEST,tests/bench)
	$(Q)/usr/bin/python3 -B -m pytest -q -p no:cacheprovider tests/bench

.PHONY: bench bench-smoke

-include $(MICRO_O:.o=.d)
