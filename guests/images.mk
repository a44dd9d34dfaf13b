# SPDX-License-Identifier: Apache-2.0
# Everything a run needs besides Tarn itself: Debian's kernel and root file systems, an initial
# ramdisk, dom0's disk, and the boot medium for U-Boot. Kept in build/; remade when inputs change.

IMAGES   := $(BUILD)/images
KERNEL   := $(BUILD)/kernel
KHEADERS := $(BUILD)/kheaders
ROOTFS   := $(BUILD)/rootfs
OVERLAY  := $(BUILD)/dom0-overlay
USERLIBS := $(BUILD)/userlibs

# The packages of the machine that builds; installed once, if they are not there.
$(BUILD)/deps.stamp: guests/fetch/deps.sh tests/packages.txt
	@mkdir -p $(@D)
	$(Q)sh guests/fetch/deps.sh tests/packages.txt
	@touch $@

deps: $(BUILD)/deps.stamp ## install the Debian packages that building and testing need

# linux-image-arm64 names the current kernel package; its headers have the same version.
$(KERNEL)/Image: | $(APT)/updated
	$(call say,FETCH,Debian kernel for arm64)
	$(Q)sh guests/fetch/kernel.sh $(APT) $(KERNEL) $(KHEADERS)
$(KERNEL)/version $(KHEADERS)/stamp: $(KERNEL)/Image ;

# Static libraries for the programs of dom0.
$(USERLIBS)/stamp: guests/fetch/userlibs.txt | $(APT)/updated
	$(call say,FETCH,libraries for dom0's programs)
	$(Q)rm -rf $(USERLIBS) && mkdir -p $(USERLIBS)/deb
	$(Q)$(FETCH) $(APT) download $(USERLIBS)/deb $$(cat $<)
	$(Q)for deb in $(USERLIBS)/deb/*.deb; do dpkg -x $$deb $(USERLIBS); done
	@touch $@

# Root file systems as tar files: minutes under emulation, so only when their recipe changes.
$(ROOTFS)/%.tar: guests/rootfs/make.sh guests/rootfs/%.packages guests/rootfs/%.setup \
                 guests/rootfs/common.setup | $(APT)/updated $(BUILD)/deps.stamp
	@mkdir -p $(@D)
	$(call say,ROOTFS,$* (Debian for arm64: two to three minutes))
	$(Q)sh guests/rootfs/make.sh $* $@ $(APT)

$(IMAGES)/initrd.img: guests/rootfs/initrd.sh guests/rootfs/init $(KERNEL)/Image
	@mkdir -p $(@D)
	$(call say,INITRD,$@)
	$(Q)sh guests/rootfs/initrd.sh $(KERNEL) $@

$(IMAGES)/domu.img: guests/rootfs/disk.sh $(ROOTFS)/domu.tar $(KERNEL)/Image
	@mkdir -p $(@D)
	$(call say,DISK,$@)
	$(Q)sh guests/rootfs/disk.sh $(ROOTFS)/domu.tar $(KERNEL) $@ 768M

# dom0's disk: its root file system, what we install there, and all that a domU needs.
$(IMAGES)/dom0.img: guests/rootfs/disk.sh $(ROOTFS)/dom0.tar $(KERNEL)/Image $(IMAGES)/initrd.img \
                    $(IMAGES)/domu.img $(OVERLAY)/stamp $(wildcard guests/domu/*)
	$(call say,DISK,$@)
	$(Q)EXTRA="$(OVERLAY)" sh guests/rootfs/disk.sh $(ROOTFS)/dom0.tar $(KERNEL) $@ 3G \
		$(IMAGES)/domu.img $(IMAGES)/initrd.img guests/domu

$(OVERLAY)/stamp: $(OVERLAY)/driver.stamp $(OVERLAY)/user.stamp
	@touch $@

# What U-Boot reads: a FAT partition with Tarn, kernel, initrd and the boot script.
$(IMAGES)/boot.img: guests/rootfs/bootdisk.sh guests/boot.cmd $(BUILD)/tarn.bin $(KERNEL)/Image \
                    $(IMAGES)/initrd.img
	$(call say,DISK,$@)
	$(Q)sh guests/rootfs/bootdisk.sh $@ guests/boot.cmd $(BUILD)/tarn.bin $(KERNEL)/Image \
		$(IMAGES)/initrd.img

images: $(IMAGES)/dom0.img $(IMAGES)/boot.img $(BUILD)/tarn.bin ## build all that `make run` needs

.PHONY: deps images
