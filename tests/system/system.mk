# SPDX-License-Identifier: Apache-2.0
# make system: Debian end to end, with pytest and pexpect from Debian (so Debian's python3). One QEMU at a
# time, the machine has two CPUs.

system: images $(BUILD)/tarn.bin ## boot Debian in dom0 and domUs and use them
	$(call say,PYTEST,tests/system)
	$(Q)/usr/bin/python3 -B -m pytest -q -x -p no:cacheprovider tests/system

.PHONY: system
