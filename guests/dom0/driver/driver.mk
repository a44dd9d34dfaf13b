# SPDX-License-Identifier: Apache-2.0
# tarn.ko, cross-built against the headers of the packaged kernel.

OVERLAY    := $(BUILD)/dom0-overlay
DRIVER_DIR := guests/dom0/driver
DRIVER_SRC := $(wildcard $(DRIVER_DIR)/*.c $(DRIVER_DIR)/*.h $(DRIVER_DIR)/uapi/*.h guests/abi/*.h)

# kbuild writes beside its sources, so it gets a copy.
$(BUILD)/driver/tarn.ko: $(DRIVER_SRC) $(DRIVER_DIR)/Kbuild $(KHEADERS)
	$(call say,KBUILD,$@)
	$(Q)mkdir -p $(@D) && rm -f $(@D)/*.[cho]
	$(Q)cp $(DRIVER_DIR)/*.c $(DRIVER_DIR)/Kbuild $(@D)/
	$(Q)$(MAKE) -s -C $(abspath $(KHEADERS)) M=$(abspath $(@D)) ARCH=arm64 W=1 \
		CROSS_COMPILE=$(CROSS_COMPILE) TARN_TOP=$(CURDIR) modules >$(@D)/log 2>&1 || \
		{ cat $(@D)/log; exit 1; }
	@! grep -A6 'warning:' $(@D)/log

$(OVERLAY)/driver.stamp: $(BUILD)/driver/tarn.ko $(KIMAGE)
	$(Q)install -D -m 644 $< $(OVERLAY)/usr/lib/modules/$$(cat $(KERNEL)/release)/extra/tarn.ko
	$(Q)$(CROSS_COMPILE)strip -g $(OVERLAY)/usr/lib/modules/$$(cat $(KERNEL)/release)/extra/tarn.ko
	$(Q)mkdir -p $(OVERLAY)/usr/lib/modules-load.d
	$(Q)echo tarn > $(OVERLAY)/usr/lib/modules-load.d/tarn-driver.conf
	@touch $@

$(BUILD)/dom0.img: $(OVERLAY)/driver.stamp

driver: $(BUILD)/driver/tarn.ko ## dom0's kernel module
.PHONY: driver
