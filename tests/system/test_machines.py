# SPDX-License-Identifier: Apache-2.0
"""The stock kernel as dom0 on QEMU's virt with the processors, GICs, numbers of CPUs and sizes of memory that
no other test boots Debian on; with MATRIX=1 (make matrix) on every processor and GIC."""
import itertools
import os
import subprocess

import pytest
from machine import TOP

# Processor, GIC, CPUs, dom0's vCPUs, GiB.
SAMPLE = [("cortex-a57", 2, 3, 3, 16), ("max", 3, 1, 1, 1)]
EVERY = [(cpu, gic, *rest) for cpu, gic in itertools.product(("cortex-a53", "cortex-a57", "cortex-a72", "max"),
                                                             (2, 3))
         for rest in ((1, 1, 1), (8, 8, 16), (3, 2, 4))]


@pytest.mark.parametrize("cpu,gic,cpus,vcpus,gib", EVERY if os.environ.get("MATRIX") else SAMPLE)
def test_dom0_kernel(initrd, cpu, gic, cpus, vcpus, gib):
    command = ["qemu-system-aarch64", "-machine", f"virt,virtualization=on,gic-version={gic}", "-cpu", cpu,
               "-smp", str(cpus), "-m", f"{gib}G", "-display", "none", "-serial", "stdio", "-monitor", "none",
               "-nic", "none", "-no-reboot", "-kernel", str(TOP / "build/tarn.bin"),
               "-append", f"dom0_mem=512M dom0_vcpus={vcpus}",
               "-device", f"guest-loader,addr=0x4a000000,kernel={TOP / 'build/kernel/Image'},"
                          "bootargs=earlycon console=ttyAMA0",
               "-device", f"guest-loader,addr=0x4e000000,initrd={initrd}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=180, check=False)
    output = done.stdout.decode(errors="replace")
    assert f"GICv{gic}:" in output and f"tarn: {cpus} CPU" in output, output
    assert f"board test: {vcpus} CPUs, tarn,hypervisor" in output, output
    assert "dom0 asked for power-off" in output, output
