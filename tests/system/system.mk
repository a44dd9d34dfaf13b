# SPDX-License-Identifier: Apache-2.0
# make system: Debian end to end, with pytest and pexpect from Debian (so Debian's python3). One QEMU at a
# time, the machine has two CPUs.

# What `make test` leaves to `make test-io`.
LONG := test_power_loss.py test_io.py::test_network_block_device test_io.py::test_qcow2_under_load \
        test_io.py::test_backend_killed_under_load[user]

system: images $(BUILD)/tarn.bin $(BUILD)/tools.img ## boot Debian in dom0 and domUs and use them
	$(call say,PYTEST,tests/system)
	$(Q)/usr/bin/python3 -B -m pytest -q -x -p no:cacheprovider $(LONG:%='--deselect=tests/system/%') tests/system

IO_KILLS ?= 200
test-io: images $(BUILD)/tarn.bin $(BUILD)/tools.img ## kill backends under load, IO_KILLS times each (200), and the machine
	$(call say,PYTEST,tests/system: test_io.py test_power_loss.py)
	$(Q)IO_KILLS=$(IO_KILLS) /usr/bin/python3 -B -m pytest -q -x -s -p no:cacheprovider \
		tests/system/test_power_loss.py tests/system/test_io.py

soak: images $(BUILD)/tarn.bin ## domains made and destroyed at random; SECONDS (600), SEED, MOST (6), CPUS (2)
	$(Q)SECONDS_OF_SOAK=$(or $(SECONDS),600) /usr/bin/python3 -B tests/system/soak.py

matrix: matrix-dom0
matrix-dom0: $(KIMAGE) $(BUILD)/tarn.bin
	$(call say,PYTEST,dom0's kernel on every machine)
	$(Q)MATRIX=1 /usr/bin/python3 -B -m pytest -q -p no:cacheprovider tests/system/test_machines.py

.PHONY: system test-io soak matrix-dom0
