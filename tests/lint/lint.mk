# SPDX-License-Identifier: Apache-2.0
# make check: what compiler and scripts can say of the sources. Warnings are errors in every build.

LINT_C := $(wildcard $(foreach room,$(ROOMS) guests/abi guests/lib tests/unit tests/unit/host \
            tests/payload tests/bench/io guests/dom0/driver guests/dom0/driver/uapi guests/dom0/backend \
            guests/dom0/cli guests/dom0/common,$(room)/*.c $(room)/*.h))
LINT_EL2 := $(foreach room,$(ROOMS),$(wildcard $(room)/*.c))
LINT_BOARD := platform/boards/virt.h
# The headers that libfdt asks for: those of the cross compiler's C library.
LINT_TARGET := --target=aarch64-linux-gnu -std=c11 -ffreestanding -march=armv8-a -I. \
               -isystem $(LIBFDT)/include -isystem /usr/aarch64-linux-gnu/include

check: check-layering check-size check-format check-cppcheck check-tidy check-image ## format, layering, size, static analysis
	@echo "check: all well"

check-layering:
	$(call say,CHECK,layering)
	$(Q)python3 tests/lint/layering.py

check-size:
	$(call say,CHECK,size)
	$(Q)python3 tests/lint/size.py

check-format:
	$(call say,CHECK,format)
	$(Q)clang-format --dry-run -Werror $(LINT_C)

check-cppcheck:
	$(call say,CHECK,cppcheck)
	$(Q)cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr -j2 -I. \
		--enable=warning,performance,portability -D__aarch64__ --include=$(LINT_BOARD) \
		--suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches $(LINT_EL2)

check-tidy: | $(LIBFDT_A)
	$(call say,CHECK,clang-tidy)
	$(Q)clang-tidy --quiet $(LINT_EL2) -- $(LINT_TARGET) -include $(LINT_BOARD) 2>$(BUILD)/tidy.log || \
		{ cat $(BUILD)/tidy.log; exit 1; }

check-image: $(BUILD)/tarn.bin
	$(call say,CHECK,image size)
	$(Q)test $$(stat -c %s $(BUILD)/tarn.bin) -le 262144 || \
		{ echo "tarn.bin is larger than 256 KiB"; exit 1; }

.PHONY: check check-layering check-size check-format check-cppcheck check-tidy check-image
