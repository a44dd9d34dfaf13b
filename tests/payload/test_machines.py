# SPDX-License-Identifier: Apache-2.0
"""Tarn on every processor, GIC, number of CPUs and size of memory that README names: all CPUs come, all
memory is found, and dom0's vCPUs run. A sample here; with MATRIX=1 (make matrix) every processor and GIC
with every number of CPUs, and with every size of memory."""
import itertools
import os
import re

import pytest

import machine

SAMPLE = [
    ("cortex-a53", 2, 8, 16), ("cortex-a53", 3, 3, 2), ("cortex-a57", 2, 5, 4), ("cortex-a57", 3, 7, 8),
    ("cortex-a72", 2, 2, 8), ("cortex-a72", 3, 8, 1), ("max", 2, 6, 2), ("max", 3, 8, 16),
]
MODELS = list(itertools.product(("cortex-a53", "cortex-a57", "cortex-a72", "max"), (2, 3)))
GIB = (1, 2, 4, 8, 16)
EVERY = [(*model, cpus, GIB[cpus % 5]) for model in MODELS for cpus in range(1, 9)]
EVERY += [(*model, 1, gib) for model in MODELS for gib in GIB if gib != GIB[1]]


@pytest.mark.parametrize("cpu,gic,cpus,gib", EVERY if os.environ.get("MATRIX") else SAMPLE)
def test_machine(cpu, gic, cpus, gib):
    output, ended = machine.run(machine.qemu(gic, cpus, cpu, f"{gib}G", extra=machine.with_payload("psci")))
    assert ended == "exit" and "PANIC" not in output, output
    assert f"tarn: GICv{gic}:" in output, output
    assert re.search(rf"^tarn: {cpus} CPUs?\r?$", output, re.M), output
    pool = int(re.search(r"domain pool: (\d+) MiB", output).group(1))
    heap = int(re.search(r"heap: (\d+) MiB", output).group(1))
    # Two blocks are lost to alignment beside the image, at most.
    assert gib * 1024 - 6 <= pool + heap + 256 < gib * 1024, output
    plan = re.search(r"^1\.\.(\d+)\r?$", output, re.M)
    assert plan and len(re.findall(r"^ok \d+ - ", output, re.M)) == int(plan.group(1)), output
    assert cpus == 1 or not re.search(r"# SKIP (?!all INTIDs)", output), output
