# SPDX-License-Identifier: Apache-2.0
# Tarn: the image, its guests and its tests. `make help` lists what there is.

CROSS_COMPILE ?= aarch64-linux-gnu-
# Whose UART gets the last word when there is no device tree to ask: platform/boards/NAME.h.
BOARD         ?= virt
BOARDS        := $(patsubst platform/boards/%.h,%,$(wildcard platform/boards/*.h))
ifeq ($(filter $(BOARD),$(BOARDS)),)
$(error BOARD=$(BOARD) is not known; there are: $(BOARDS))
endif
BUILD         := build
V             ?= 0
Q             := $(if $(filter 1,$(V)),,@)
say            = @printf '  %-8s %s\n' "$(1)" "$(2)"

CC      := $(CROSS_COMPILE)gcc
OBJCOPY := $(CROSS_COMPILE)objcopy
NM      := $(CROSS_COMPILE)nm

all: $(BUILD)/tarn.bin

include guests/fetch/fetch.mk

ROOMS   := boot core mm gic timer virtio platform
SOURCES := $(sort $(foreach room,$(ROOMS),$(wildcard $(room)/*.c $(room)/*.S)))
OBJECTS := $(SOURCES:%=$(BUILD)/el2/%.o)

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Werror
CFLAGS   := -std=c11 -O2 -g -ffreestanding -fno-common -fno-pic -fno-pie -mcmodel=small \
            -march=armv8-a -mgeneral-regs-only -mstrict-align -mno-outline-atomics \
            -fstack-protector-strong -fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
            -ffunction-sections -fdata-sections $(WARNINGS)
CPPFLAGS := -I. -isystem $(LIBFDT)/include -MMD -MP
# Rooms on the way of an exit are compiled as one: calls between files cost what calls inside them do.
# Their loops seldom go round twice: nothing is computed in advance for rounds to come.
LTO      := -flto=auto -fno-move-loop-invariants
LDFLAGS  := $(CFLAGS) $(LTO) -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack

# Objects are made anew when compiler or flags change.
FLAGS := $(CC) $(CFLAGS) $(CPPFLAGS) $(LTO) BOARD=$(BOARD)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' > $@

$(foreach room,core gic mm timer virtio,$(BUILD)/el2/$(room)/%.o): CFLAGS += $(LTO)

# The compiler must not turn the loops of memcpy and memset into calls of themselves.
$(BUILD)/el2/platform/libc.c.o: CFLAGS += -fno-tree-loop-distribute-patterns

# The two files that talk to the UART of last resort.
BOARD_OBJECTS := $(BUILD)/el2/platform/early.c.o $(BUILD)/el2/boot/console.c.o
$(BOARD_OBJECTS): CPPFLAGS += -include platform/boards/$(BOARD).h

$(BUILD)/el2/%.c.o: %.c $(BUILD)/flags | $(LIBFDT_A)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

$(BUILD)/el2/%.S.o: %.S $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CC) $(CPPFLAGS) -D__ASSEMBLER__ -g -c -o $@ $<

VERSION := Tarn $(shell git describe --always --dirty 2>/dev/null || echo unknown)
$(BUILD)/version.c: FORCE
	@mkdir -p $(@D)
	@echo 'const char tarn_version[] = "$(VERSION)";' | cmp -s - $@ || \
		echo 'const char tarn_version[] = "$(VERSION)";' > $@
FORCE:
$(BUILD)/version.o: $(BUILD)/version.c
	$(Q)$(CC) -ffreestanding -fno-pic -c -o $@ $<
OBJECTS += $(BUILD)/version.o

$(BUILD)/linker.ld: linker.ld mm/layout.h
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -undef -D__ASSEMBLER__ -I. -x c $< -o $@

# Two links: the second holds the table of symbols of the first (platform/mksymbols.py).
$(BUILD)/symbols0.S: platform/mksymbols.py
	@mkdir -p $(@D)
	$(Q)python3 $< $(NM) > $@
$(BUILD)/tarn0.elf: $(OBJECTS) $(BUILD)/symbols0.S $(BUILD)/linker.ld $(LIBFDT_A)
	$(Q)$(CC) $(LDFLAGS) -T $(BUILD)/linker.ld -o $@ $(OBJECTS) $(BUILD)/symbols0.S $(LIBFDT_A)
$(BUILD)/symbols.S: $(BUILD)/tarn0.elf
	$(Q)python3 platform/mksymbols.py $(NM) $< > $@
$(BUILD)/tarn.elf: $(BUILD)/symbols.S
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -T $(BUILD)/linker.ld -o $@ $(OBJECTS) $(BUILD)/symbols.S $(LIBFDT_A)
	$(Q)python3 platform/mksymbols.py $(NM) $@ | cmp - $< || \
		{ echo "the table of symbols moved the functions that it names"; exit 1; }
$(BUILD)/tarn.bin: $(BUILD)/tarn.elf
	$(call say,BIN,$@)
	$(Q)$(OBJCOPY) -O binary $< $@

-include guests/images.mk guests/run.mk
-include guests/dom0/driver/driver.mk guests/dom0/user.mk
-include tests/unit/unit.mk tests/payload/payload.mk tests/system/system.mk tests/lint/lint.mk
-include tests/bench/bench.mk tests/bench/io/io.mk

test: unit payload bench-smoke system ## all tests: unit, payload, bench-smoke, system (Debian end to end)

clean: ## remove what was compiled; downloads and root file systems stay
	rm -rf $(BUILD)/el2 $(BUILD)/*.elf $(BUILD)/*.bin $(BUILD)/*.S $(BUILD)/unit $(BUILD)/payload

distclean: ## remove everything that was made
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | sort -u | \
		awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

.PHONY: all test clean distclean help FORCE
.DELETE_ON_ERROR:

-include $(wildcard $(OBJECTS:.o=.d))
