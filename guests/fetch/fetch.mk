# SPDX-License-Identifier: Apache-2.0
# What comes from Debian's packages as files: libfdt for EL2, the guests' kernel and busybox, kernel
# headers for the driver, libraries for dom0's programs. Downloads are kept in build/.

FETCH    := guests/fetch/apt.sh
APT      := $(BUILD)/apt
LIBFDT   := $(BUILD)/libfdt
LIBFDT_A := $(LIBFDT)/lib/libfdt.a
KERNEL   := $(BUILD)/kernel
KIMAGE   := $(KERNEL)/Image
KHEADERS := $(BUILD)/kheaders
SYSROOT  := $(BUILD)/sysroot

# Packages of the host first, whatever is to be made: make remakes an included file before all else.
ifneq ($(filter-out help clean distclean,$(or $(MAKECMDGOALS),all)),)
-include $(BUILD)/deps.mk
endif
$(BUILD)/deps.mk: guests/fetch/deps.sh tests/packages.txt
	@mkdir -p $(@D)
	$(Q)guests/fetch/deps.sh
	@echo '# The packages in tests/packages.txt are installed.' > $@

$(APT)/updated: guests/fetch/apt.sh
	$(call say,APT,package lists for arm64)
	$(Q)$(FETCH) $(APT) update
	@touch $@

$(LIBFDT_A): | $(APT)/updated
	$(call say,FETCH,libfdt-dev:arm64)
	$(Q)rm -rf $(LIBFDT) && mkdir -p $(LIBFDT)/lib
	$(Q)$(FETCH) $(APT) unpack $(LIBFDT)/root libfdt-dev:arm64
	$(Q)cp -r $(LIBFDT)/root/usr/include $(LIBFDT)/include
	$(Q)cp $(LIBFDT)/root/usr/lib/aarch64-linux-gnu/libfdt.a $@

# The stock kernel, through its metapackage; KERNEL/root holds the package, KERNEL/release its version.
$(KIMAGE): | $(APT)/updated
	$(call say,FETCH,linux-image-arm64 and busybox-static)
	$(Q)rm -rf $(KERNEL) && mkdir -p $(KERNEL)
	$(Q)package=$$($(FETCH) $(APT) depends linux-image-arm64:arm64 | grep '^linux-image-') && \
		package=$${package%%:*} && \
		$(FETCH) $(APT) unpack $(KERNEL)/root $$package:arm64 busybox-static:arm64 && \
		echo $${package#linux-image-} > $(KERNEL)/release && \
		ln -f $(KERNEL)/root/boot/vmlinuz-$${package#linux-image-} $@

# `make -C build/kheaders M=...`: the headers' makefiles name /usr/src, here they name this folder.
$(KHEADERS): $(KIMAGE) | $(APT)/updated
	$(call say,FETCH,linux-headers-arm64)
	$(Q)rm -rf $(KHEADERS) $(KHEADERS).root
	$(Q)release=$$(cat $(KERNEL)/release) && common=$${release%-arm64}-common && \
		headers=linux-headers-$$release && \
		kbuild=$$($(FETCH) $(APT) depends $$headers:arm64 | sed -n 's/^\(linux-kbuild-[^:]*\).*/\1/p') && \
		$(FETCH) $(APT) unpack $(KHEADERS).root $$headers:arm64 linux-headers-$$common $$kbuild && \
		sed -i "s,/usr/src/,$(abspath $(KHEADERS)).root/usr/src/,g" \
			$(KHEADERS).root/usr/src/$$headers/Makefile && \
		ln -s $(notdir $(KHEADERS)).root/usr/src/$$headers $(KHEADERS) && touch $(KHEADERS)/

# Headers and static libraries for programs that run in dom0.
$(SYSROOT)/.done: guests/fetch/sysroot.txt | $(APT)/updated
	$(call say,FETCH,libraries for dom0's programs)
	$(Q)rm -rf $(SYSROOT)
	$(Q)$(FETCH) $(APT) unpack $(SYSROOT) $$(sed 's/#.*//' $<)
	@touch $@

fetch: $(LIBFDT_A) $(KIMAGE) $(KHEADERS) $(SYSROOT)/.done ## download what comes from Debian as files
.PHONY: fetch
