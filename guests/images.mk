# SPDX-License-Identifier: Apache-2.0
# Every image the guests need, made in build/: root file systems, initrd, disks, boot medium.
# Included by the top Makefile; works alone, too: make -f guests/images.mk

BUILD ?= build
V     ?= 0
ifndef FETCH
Q   := $(if $(filter 1,$(V)),,@)
say  = @printf '  %-8s %s\n' "$(1)" "$(2)"
CC   := aarch64-linux-gnu-gcc
all: images
include guests/fetch/fetch.mk
endif

MAKE_IMAGES := guests/images
MODULES     := $(KERNEL)/modules
ROOTFS      := $(BUILD)/rootfs.tar
INITRD      := $(BUILD)/initrd.img
DOM0_DISK   := $(BUILD)/dom0.img
DOMU_DISKS  := $(BUILD)/debian.img $(BUILD)/debian2.img
BOOT_DISK   := $(BUILD)/boot.img
OVERLAY     := $(BUILD)/dom0-overlay
DOMU_TOOLS  := $(BUILD)/domu-tools
GUEST_CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Wconversion -Wshadow -Werror
STAGE       := $(BUILD)/dom0-guests

files = $(shell find $(1) -type f -o -type l 2>/dev/null)

# The kernel modules that guests use, with what these depend on.
$(MODULES)/.done: $(MAKE_IMAGES)/mkmodules.sh $(MAKE_IMAGES)/modules.txt $(KIMAGE)
	$(call say,MODULES,$(MODULES))
	$(Q)rm -rf $(MODULES)
	$(Q)$< $(KERNEL)/root $(MODULES) $(MAKE_IMAGES)/modules.txt
	@touch $@

# One Debian for all guests; what tells dom0 and domU apart is laid over it below.
$(ROOTFS): $(MAKE_IMAGES)/mkrootfs.sh $(MAKE_IMAGES)/packages.txt | $(APT)/updated
	$(call say,DEBIAN,$@ : some minutes)
	$(Q)$< $@ $(MAKE_IMAGES)/packages.txt $(APT)/sources.list

$(INITRD): $(MAKE_IMAGES)/mkinitrd.sh $(MAKE_IMAGES)/init $(MAKE_IMAGES)/modules-initrd.txt $(KIMAGE)
	$(call say,INITRD,$@)
	$(Q)$< $@ $(KERNEL)/root $(MAKE_IMAGES)/init $(MAKE_IMAGES)/modules-initrd.txt

MKDISK    := $(MAKE_IMAGES)/mkdisk.sh
DISK_DEPS := $(MKDISK) $(ROOTFS) $(MODULES)/.done $(call files,guests/images/files)

# An example program.
$(DOMU_TOOLS)/usr/bin/tarn-shared: guests/domu/shared.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(GUEST_CFLAGS) -static -s -o $@ $<

DOMU_DEPS   := $(DISK_DEPS) $(call files,guests/domu/files) $(DOMU_TOOLS)/usr/bin/tarn-shared
DOMU_LAYERS := guests/images/files guests/domu/files $(DOMU_TOOLS) $(MODULES)

$(BUILD)/debian.img: $(DOMU_DEPS)
	$(call say,DISK,$@)
	$(Q)$(MKDISK) $@ domu 768M $(ROOTFS) $(DOMU_LAYERS)
$(BUILD)/debian2.img: $(DOMU_DEPS)
	$(call say,DISK,$@)
	$(Q)$(MKDISK) $@ domu2 768M $(ROOTFS) $(DOMU_LAYERS)

# What dom0 holds for its domUs: links only, the disk below gets the copies.
$(STAGE)/.done: $(KIMAGE) $(INITRD) $(DOMU_DISKS) $(wildcard guests/domu/*.conf)
	$(Q)rm -rf $(STAGE) && mkdir -p $(STAGE)/var/lib/tarn $(STAGE)/etc/tarn/auto
	$(Q)ln $(KIMAGE) $(STAGE)/var/lib/tarn/vmlinuz
	$(Q)ln $(INITRD) $(DOMU_DISKS) $(STAGE)/var/lib/tarn/
	$(Q)cp guests/domu/*.conf $(STAGE)/etc/tarn/
	$(Q)ln -s ../debian.conf $(STAGE)/etc/tarn/auto/debian.conf
	@touch $@

# build/dom0-overlay is what the driver, the command line and the backends install for dom0. Each of
# them ends in a stamp there, which it names in a line "$(DOM0_DISK): $(OVERLAY)/NAME.stamp".
$(DOM0_DISK): $(DISK_DEPS) $(STAGE)/.done $(call files,guests/dom0/rootfs/files)
	$(call say,DISK,$@)
	@mkdir -p $(OVERLAY)
	$(Q)$(MKDISK) $@ dom0 3G $(ROOTFS) guests/images/files guests/dom0/rootfs/files $(MODULES) \
		$(STAGE) $(OVERLAY)

# What U-Boot loads. Made alone, without a Tarn, it can start the bare kernel only.
$(BOOT_DISK): $(MAKE_IMAGES)/mkboot.sh $(MAKE_IMAGES)/boot.cmd $(KIMAGE) $(INITRD) \
		$(if $(ROOMS),$(BUILD)/tarn.bin,$(wildcard $(BUILD)/tarn.bin))
	$(call say,DISK,$@)
	$(Q)$< $@ $(MAKE_IMAGES)/boot.cmd $(KIMAGE) $(INITRD) $(BUILD)/tarn.bin

images: $(DOM0_DISK) $(BOOT_DISK) ## build the disks of dom0 and domUs and the boot medium
.PHONY: images
