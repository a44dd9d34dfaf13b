# SPDX-License-Identifier: Apache-2.0
# What comes from Debian's packages as files: libfdt for EL2. Downloads are kept in build/.

FETCH    := guests/fetch/apt.sh
APT      := $(BUILD)/apt
LIBFDT   := $(BUILD)/libfdt
LIBFDT_A := $(LIBFDT)/lib/libfdt.a

$(APT)/updated: guests/fetch/apt.sh
	$(call say,APT,package lists for arm64)
	$(Q)$(FETCH) $(APT) update
	@touch $@

$(LIBFDT_A): | $(APT)/updated
	$(call say,FETCH,libfdt-dev:arm64)
	$(Q)rm -rf $(LIBFDT) && mkdir -p $(LIBFDT)/deb $(LIBFDT)/lib
	$(Q)$(FETCH) $(APT) download $(LIBFDT)/deb libfdt-dev:arm64
	$(Q)dpkg -x $(LIBFDT)/deb/libfdt-dev*.deb $(LIBFDT)/root
	$(Q)cp $(LIBFDT)/root/usr/lib/aarch64-linux-gnu/libfdt.a $(LIBFDT)/lib/
	$(Q)cp -r $(LIBFDT)/root/usr/include $(LIBFDT)/include
