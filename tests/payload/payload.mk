# SPDX-License-Identifier: Apache-2.0
#
# Payload tests: bare-metal programs at EL1. Every tests/payload/NAME.c becomes build/payload/NAME.bin,
# an arm64 Image that boots as dom0's kernel in Tarn, and on a bare machine too. `make payload` builds
# and runs them; PAYLOAD="-k gic" hands options to pytest.

PAYLOAD_BUILD  := $(BUILD)/payload
PAYLOAD_NAMES  := $(patsubst tests/payload/%.c,%,$(wildcard tests/payload/*.c))
PAYLOAD_BINS   := $(PAYLOAD_NAMES:%=$(PAYLOAD_BUILD)/%.bin)
PAYLOAD_LIB    := $(wildcard guests/lib/*.c guests/lib/*.S) platform/libc.c platform/printf.c
PAYLOAD_LIB_O  := $(PAYLOAD_LIB:%=$(PAYLOAD_BUILD)/%.o)
PAYLOAD_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-common -fpie -fvisibility=hidden \
                  -march=armv8-a -mgeneral-regs-only -mstrict-align -mno-outline-atomics \
                  -fno-stack-protector -fno-asynchronous-unwind-tables -I. -MMD -MP \
                  -Wall -Wextra -Wconversion -Wshadow -Werror
PAYLOAD        ?=

$(PAYLOAD_BUILD)/platform/libc.c.o: PAYLOAD_CFLAGS += -fno-tree-loop-distribute-patterns

$(PAYLOAD_BUILD)/%.c.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$< (payload))
	$(Q)$(CC) $(PAYLOAD_CFLAGS) -c -o $@ $<

$(PAYLOAD_BUILD)/%.S.o: %.S
	@mkdir -p $(@D)
	$(call say,AS,$< (payload))
	$(Q)$(CC) -D__ASSEMBLER__ -I. -MMD -MP -g -c -o $@ $<

$(PAYLOAD_BUILD)/%.elf: $(PAYLOAD_BUILD)/tests/payload/%.c.o $(PAYLOAD_LIB_O) guests/lib/payload.ld
	$(Q)$(CC) -nostdlib -Wl,-pie -Wl,--no-dynamic-linker -Wl,-z,noexecstack -Wl,--build-id=none \
		-Wl,--no-warn-rwx-segments -T guests/lib/payload.ld -o $@ $(filter %.o,$^)

$(PAYLOAD_BUILD)/%.bin: $(PAYLOAD_BUILD)/%.elf
	$(call say,BIN,$@)
	$(Q)$(OBJCOPY) -O binary $< $@

.SECONDARY: $(PAYLOAD_LIB_O) $(PAYLOAD_NAMES:%=$(PAYLOAD_BUILD)/tests/payload/%.c.o)

payload-bins: $(PAYLOAD_BINS)

payload: $(BUILD)/tarn.bin payload-bins ## bare-metal tests at EL1, in Tarn
	$(call say,PYTEST,tests/payload)
	$(Q)pytest-3 -q -p no:cacheprovider tests/payload $(PAYLOAD)

matrix: $(BUILD)/tarn.bin payload-bins ## every processor, GIC, number of CPUs and size of memory (minutes)
	$(call say,PYTEST,every machine)
	$(Q)MATRIX=1 pytest-3 -q -p no:cacheprovider tests/payload/test_machines.py

.PHONY: payload payload-bins matrix

-include $(PAYLOAD_LIB_O:.o=.d) $(PAYLOAD_NAMES:%=$(PAYLOAD_BUILD)/tests/payload/%.c.d)
