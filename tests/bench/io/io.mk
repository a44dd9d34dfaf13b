# SPDX-License-Identifier: Apache-2.0
# Disks of label "tools" for dom0 and domUs: one with the load program for the tests, and one that has
# fio and iperf3 too for the bench. Shell variables: see guests/run.sh.

IO_BUILD := $(BUILD)/bench/io
IO_TOOLS := $(BUILD)/tools.img
IO_PEERS := $(IO_BUILD)/packages

IO_CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Wconversion -Wshadow -Werror -pthread

$(IO_BUILD)/%: tests/bench/io/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(IO_CFLAGS) -static -o $@ $<

$(IO_BUILD)/journal.host: tests/bench/io/journal.c
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)cc $(IO_CFLAGS) -o $@ $<

# A raw ext4 disk of label "tools".
$(IO_TOOLS): $(IO_BUILD)/load $(IO_BUILD)/journal tests/bench/io/io.mk | $(IO_BUILD)/journal.host
	$(call say,DISK,$@)
	$(Q)rm -rf $(IO_BUILD)/tools && mkdir -p $(IO_BUILD)/tools && cp $(filter $(IO_BUILD)/%,$^) $(IO_BUILD)/tools/
	$(Q)qemu-img create -q -f qcow2 $(IO_BUILD)/tools/empty.qcow2 64M
	$(Q)cd $(IO_BUILD)/tools && printf "tarn's base" > base.img && truncate -s 32M base.img && \
		printf "end of base" | dd of=base.img bs=1 seek=33554421 conv=notrunc status=none && \
		qemu-img create -q -f qcow2 -F raw -b base.img overlay.qcow2
	$(Q)rm -f $@ && truncate -s 64M $@
	$(Q)/usr/sbin/mke2fs -q -F -t ext4 -L tools -d $(IO_BUILD)/tools $@

# Debian's programs, their libraries in lib/, and the kernel's module that shapes traffic: no guest has them.
$(IO_PEERS)/.done: tests/bench/io/packages.txt $(KIMAGE) | $(APT)/updated
	$(call say,FETCH,fio and iperf3)
	$(Q)rm -rf $(IO_PEERS) && mkdir -p $(IO_PEERS)/disk/lib
	$(Q)$(FETCH) $(APT) unpack $(IO_PEERS)/root $$(sed 's/#.*//' $<)
	$(Q)find $(IO_PEERS)/root -name 'lib*.so.[0-9]*' -exec cp -d {} $(IO_PEERS)/disk/lib/ \;
	$(Q)cp $(IO_PEERS)/root/usr/bin/fio $(IO_PEERS)/root/usr/bin/iperf3 \
		$(KERNEL)/root/lib/modules/*/kernel/net/sched/sch_tbf.ko $(IO_PEERS)/disk/
	@touch $@

$(IO_BUILD)/tools.img: $(IO_BUILD)/load $(IO_PEERS)/.done tests/bench/io/io.mk
	$(call say,DISK,$@)
	$(Q)cp $(IO_BUILD)/load $(IO_PEERS)/disk/
	$(Q)rm -f $@ && truncate -s 128M $@
	$(Q)/usr/sbin/mke2fs -q -F -t ext4 -L tools -d $(IO_PEERS)/disk $@

bench-io: images $(BUILD)/tarn.bin $(IO_BUILD)/tools.img ## disk and network of a domU as a ratio to dom0's own
	$(call say,BENCH,tests/bench/io)
	$(Q)/usr/bin/python3 -B tests/bench/io/bench.py

.PHONY: bench-io
