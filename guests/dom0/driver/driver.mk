# SPDX-License-Identifier: Apache-2.0
# tarn.ko, cross-built against the headers of the packaged kernel.

OVERLAY    := $(BUILD)/dom0-overlay
DRIVER_DIR := guests/dom0/driver
DRIVER_SRC := $(wildcard $(DRIVER_DIR)/*.c $(DRIVER_DIR)/*.h $(DRIVER_DIR)/uapi/*.h guests/abi/*.h)

# kbuild writes beside its sources, so it gets a copy.
$(BUILD)/driver/tarn.ko: $(DRIVER_SRC) $(DRIVER_DIR)/Kbuild $(KHEADERS)
	$(call say,KBUILD,$@)
	@mkdir -p $(BUILD)/driver
	$(Q)cp $(DRIVER_DIR)/*.c $(DRIVER_DIR)/Kbuild $(BUILD)/driver/
	$(Q)$(MAKE) -s -C $(abspath $(KHEADERS)) M=$(abspath $(BUILD))/driver ARCH=arm64 \
		CROSS_COMPILE=aarch64-linux-gnu- TARN_TOP=$(CURDIR) modules >$(BUILD)/driver/log 2>&1 || \
		{ cat $(BUILD)/driver/log; exit 1; }
	@! grep -B1 -A6 'warning:' $(BUILD)/driver/log

$(OVERLAY)/driver.stamp: $(BUILD)/driver/tarn.ko $(KIMAGE)
	$(Q)install -D -m 644 $< $(OVERLAY)/lib/modules/$$(cat $(KERNEL)/release)/extra/tarn.ko
	$(Q)mkdir -p $(OVERLAY)/etc/modules-load.d
	$(Q)echo tarn > $(OVERLAY)/etc/modules-load.d/tarn.conf
	@touch $@

$(BUILD)/dom0.img: $(OVERLAY)/driver.stamp

driver: $(BUILD)/driver/tarn.ko ## dom0's kernel module
.PHONY: driver
