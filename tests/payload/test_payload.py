# SPDX-License-Identifier: Apache-2.0
"""Every payload as dom0's kernel in Tarn, on GICv2 and GICv3, with one CPU and four; the ones that the
CPU model matters for on other models, too; in a domU; and on the bare machine, which proves the
payload."""
import re

import pytest

import machine

PAYLOADS = sorted(path.stem for path in (machine.TOP / "tests/payload").glob("*.c")
                  if path.stem not in ("host", "memory"))
NEEDS_TARN = ("hypercalls", "boot_domains", "domains", "hostile", "scheduler", "trace")
GUESTS = [name for name in PAYLOADS if name not in NEEDS_TARN]
SKIPS = ("too few CPUs", "GICv2", "QEMU's GICv2 cannot", "all INTIDs exist")


def check_tap(output, ended, skips):
    """The output is complete, nothing failed, and only what may be skipped was."""
    results = re.findall(r"^(ok|not ok) (\d+) - (.*?)\r?$", output, re.M)
    plan = re.search(r"^1\.\.(\d+)\r?$", output, re.M)
    failed = [name for result, _, name in results if result == "not ok"]
    skipped = [name for _, _, name in results
               if "# SKIP" in name and name.split("# SKIP ")[1] not in skips]
    assert "PANIC" not in output, output
    assert ended == "exit", f"the machine did not power off in time ({ended}):\n{output}"
    assert plan, f"no plan:\n{output}"
    assert not failed, f"failed: {failed}\n{output}"
    assert len(results) == int(plan.group(1)), output
    assert not skipped, f"skipped, but should not be: {skipped}"


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.parametrize("gic", [2, 3])
@pytest.mark.parametrize("name", PAYLOADS)
def test_in_tarn(name, gic, cpus):
    bootargs = "dom0_mem=256M" + (" dom0_vcpus=1" if name == "scheduler" else "")
    command = machine.qemu(gic, cpus, extra=machine.with_payload(name, bootargs))
    check_tap(*machine.run(command), SKIPS)


def test_large_memory():
    command = machine.qemu(3, 2, memory="4G", extra=machine.with_payload("memory", "dom0_mem=256M"))
    check_tap(*machine.run(command), SKIPS)


@pytest.mark.parametrize("cpu", ["cortex-a53", "cortex-a72", "max"])
@pytest.mark.parametrize("name", ["traps", "timers"])
def test_cpu_models(name, cpu):
    command = machine.qemu(3, 2, cpu=cpu, extra=machine.with_payload(name))
    check_tap(*machine.run(command), SKIPS)


@pytest.mark.parametrize("gic", [2, 3])
@pytest.mark.parametrize("name", [name for name in PAYLOADS if name not in NEEDS_TARN])
def test_on_bare_machine(name, gic):
    image = machine.BUILD / "payload" / f"{name}.bin"
    command = machine.qemu(gic, 4, virtualization=False, extra=["-kernel", str(image)])
    check_tap(*machine.run(command), SKIPS + ("not under Tarn",))


@pytest.mark.parametrize("cpus", [2, 4])
@pytest.mark.parametrize("gic", [2, 3])
@pytest.mark.parametrize("name", GUESTS)
def test_in_domu(name, gic, cpus):
    """The domU has a vCPU less than the machine has CPUs."""
    output, ended = machine.run(machine.qemu(gic, cpus, extra=machine.with_guest(name)))
    host = re.sub(r"^domU: .*\n", "", output, flags=re.M)
    check_tap(host, ended, ())
    check_tap("\n".join(re.findall(r"^domU: (.*?)\r?$", output, re.M)), ended, SKIPS)
