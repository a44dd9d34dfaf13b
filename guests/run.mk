# SPDX-License-Identifier: Apache-2.0
# make run and make debug: the machine under QEMU; guests/run.sh names the variables they take.

export BOOT GIC CPUS MEM CPU DOM0_MEM DOM0_VCPUS TARN_ARGS DOM0_ARGS BARE GUEST BOOT_DOMAIN PERSIST HOSTFWD GDB_PORT

run: $(DOM0_DISK) $(BOOT_DISK) $(if $(ROOMS),$(BUILD)/tarn.bin) ## boot Tarn, dom0 and a domU under QEMU (BOOT=direct GIC=2 CPUS=4 MEM=...)
	@echo "  RUN      log in as root, password tarn; Ctrl-a x quits QEMU"
	@guests/run.sh

debug: $(DOM0_DISK) $(BOOT_DISK) $(if $(ROOMS),$(BUILD)/tarn.bin) ## make run, waiting for gdb
	@DEBUG=1 guests/run.sh

.PHONY: run debug
