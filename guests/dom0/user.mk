# SPDX-License-Identifier: Apache-2.0
# dom0's programs: the tarn command and tarn-backend, static arm64 binaries, with their units, manual
# pages and completion, laid into build/dom0-overlay.

OVERLAY ?= $(BUILD)/dom0-overlay
USER_BUILD  := $(BUILD)/user
USER_COMMON := $(wildcard guests/dom0/common/*.c)
USER_TARN   := $(wildcard guests/dom0/cli/*.c) $(USER_COMMON)
USER_DAEMON := $(wildcard guests/dom0/backend/*.c)
USER_OBJS    = $(patsubst %.c,$(USER_BUILD)/%.o,$(1))
USER_FILES  := $(wildcard guests/dom0/units/*.service) \
               docs/man/tarn.1 docs/man/tarn.conf.5 guests/dom0/cli/completion.bash

MANUAL_PROGRAMS := col groff grotty man nroff preconv soelim tbl troff

USER_CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
               -Wall -Wextra -Wconversion -Wshadow -Werror -I. -idirafter $(SYSROOT)/usr/include -MMD -MP
USER_LIBS   := $(SYSROOT)/usr/lib/aarch64-linux-gnu/libconfuse.a \
               $(SYSROOT)/usr/lib/aarch64-linux-gnu/libfdt.a
DAEMON_LIBS := $(SYSROOT)/usr/lib/aarch64-linux-gnu/liburing.a \
               $(SYSROOT)/usr/lib/aarch64-linux-gnu/libseccomp.a

$(USER_BUILD)/%.o: %.c $(SYSROOT)/.done
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(USER_CFLAGS) -c -o $@ $<

# No warnings: libconfuse would look up "~user", which needs shared libraries; no path here begins so.
$(USER_BUILD)/tarn: $(call USER_OBJS,$(USER_TARN))
	$(call say,LD,$@)
	$(Q)$(CC) -static -Wl,--no-warnings -o $@ $^ $(USER_LIBS)

$(USER_BUILD)/tarn-backend: $(call USER_OBJS,$(USER_DAEMON))
	$(call say,LD,$@)
	$(Q)$(CC) -static -pthread -o $@ $^ $(DAEMON_LIBS)

$(OVERLAY)/user.stamp: $(USER_BUILD)/tarn $(USER_BUILD)/tarn-backend $(USER_FILES)
	$(call say,INSTALL,$(OVERLAY))
	$(Q)install -D -m 755 -s --strip-program=$(CROSS_COMPILE)strip $(USER_BUILD)/tarn $(OVERLAY)/usr/sbin/tarn
	$(Q)install -D -m 755 -s --strip-program=$(CROSS_COMPILE)strip $(USER_BUILD)/tarn-backend \
		$(OVERLAY)/usr/libexec/tarn/tarn-backend
	$(Q)install -D -m 644 -t $(OVERLAY)/usr/lib/systemd/system guests/dom0/units/*.service
	$(Q)install -D -m 644 -t $(OVERLAY)/usr/share/man/man1 docs/man/tarn.1
	$(Q)install -D -m 644 -t $(OVERLAY)/usr/share/man/man5 docs/man/tarn.conf.5
	$(Q)install -D -m 644 guests/dom0/cli/completion.bash \
		$(OVERLAY)/usr/share/bash-completion/completions/tarn
	@touch $@

# qemu-storage-daemon and virtiofsd with their libraries, as an installed qemu-system-common has them.
$(OVERLAY)/storage.stamp: guests/fetch/storage.txt | $(APT)/updated
	$(call say,FETCH,qemu-storage-daemon and virtiofsd for dom0)
	$(Q)rm -rf $(BUILD)/storage.root
	$(Q)$(FETCH) $(APT) unpack $(BUILD)/storage.root $$(sed 's/#.*//' $<)
	$(Q)mkdir -p $(OVERLAY)/usr/bin $(OVERLAY)/usr/lib/qemu $(OVERLAY)/usr/lib/aarch64-linux-gnu
	$(Q)cp $(BUILD)/storage.root/usr/bin/qemu-storage-daemon $(OVERLAY)/usr/bin/
	$(Q)cp $(BUILD)/storage.root/usr/lib/qemu/virtiofsd $(OVERLAY)/usr/lib/qemu/
	$(Q)find $(BUILD)/storage.root -path '*/aarch64-linux-gnu/lib*.so.*' -exec cp -a -t \
		$(OVERLAY)/usr/lib/aarch64-linux-gnu {} +
	$(Q)rm -rf $(BUILD)/storage.root
	@touch $@

# man, to read tarn(1) and tarn.conf(5). Of its packages what formats a page on the spot: there are too few
# pages for an index, so neither its timer nor its cron jobs.
$(OVERLAY)/manual.stamp: guests/fetch/manual.txt | $(APT)/updated
	$(call say,FETCH,man for dom0)
	$(Q)rm -rf $(BUILD)/manual.root
	$(Q)$(FETCH) $(APT) unpack $(BUILD)/manual.root $$(sed 's/#.*//' $<)
	$(Q)cd $(BUILD)/manual.root && cp -a --parents -t $(abspath $(OVERLAY)) etc/groff etc/manpath.config \
		$(MANUAL_PROGRAMS:%=usr/bin/%) usr/lib/aarch64-linux-gnu usr/lib/man-db usr/libexec/man-db usr/share/groff
	$(Q)rm -rf $(BUILD)/manual.root
	@touch $@

$(BUILD)/dom0.img: $(OVERLAY)/user.stamp $(OVERLAY)/storage.stamp $(OVERLAY)/manual.stamp

user: $(OVERLAY)/user.stamp ## dom0's programs: tarn and tarn-backend
.PHONY: user

-include $(patsubst %.o,%.d,$(call USER_OBJS,$(USER_TARN) $(USER_DAEMON)))
