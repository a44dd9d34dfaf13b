# SPDX-License-Identifier: Apache-2.0
# make check: what compiler and scripts can say of the sources. Warnings are errors in every build.

LINT_C := $(wildcard $(foreach room,$(ROOMS) guests/abi guests/lib tests/unit tests/unit/host \
            tests/payload guests/dom0/driver guests/dom0/driver/uapi guests/dom0/backend \
            guests/dom0/cli guests/dom0/common,$(room)/*.c $(room)/*.h))

check: $(BUILD)/tarn.bin ## format, layering, size, static analysis
	$(call say,CHECK,layering)
	$(Q)python3 tests/lint/layering.py
	$(call say,CHECK,size)
	$(Q)python3 tests/lint/size.py
	$(call say,CHECK,format)
	$(Q)clang-format --dry-run -Werror $(LINT_C)
	$(call say,CHECK,cppcheck)
	$(Q)cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr -j2 -I. \
		--enable=warning,performance,portability -D__aarch64__ --include=platform/boards/virt.h \
		--suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
		$(foreach room,$(ROOMS),$(wildcard $(room)/*.c))
	$(call say,CHECK,image size)
	$(Q)test $$(stat -c %s $(BUILD)/tarn.bin) -le 262144 || \
		{ echo "tarn.bin is larger than 256 KiB"; exit 1; }

.PHONY: check
