# SPDX-License-Identifier: Apache-2.0
# A disk with the load program, for dom0 and domUs, and the benches that use it. Shell variables:
# see guests/run.sh.

IO_BUILD := $(BUILD)/bench/io
IO_TOOLS := $(BUILD)/tools.img

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

bench-io: images $(BUILD)/tarn.bin $(IO_TOOLS) ## disk and network of a domU as a ratio to dom0's own
	$(call say,BENCH,tests/bench/io)
	$(Q)/usr/bin/python3 -B tests/bench/io/bench.py

.PHONY: bench-io
