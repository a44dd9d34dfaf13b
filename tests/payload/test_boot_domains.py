# SPDX-License-Identifier: Apache-2.0
"""Domains that Tarn starts itself: payloads as their kernels, described in the machine's device tree as
docs/boot-domains.md says, beside the payload boot_domains as dom0."""
import re
import subprocess

import pytest

import machine
from test_payload import check_tap

GIC = {
    2: 'compatible = "arm,cortex-a15-gic"; reg = <0 0x8000000 0 0x10000>, <0 0x8010000 0 0x2000>;',
    3: 'compatible = "arm,gic-v3"; reg = <0 0x8000000 0 0x10000>, <0 0x80a0000 0 0x40000>;',
}
DEVICE = ('virtio_mmio@a003000 {{ compatible = "virtio,mmio"; reg = <0 0xa003000 0 0x1000>; '
          'tarn,device = <2 {queues}>; }};')
# QEMU puts the machine's tree at 0x48000000. dom0's memory ends, and the pool begins, at 0x51400000.
DOM0_AT, IN_DOM0, IN_POOL = 0x44000000, 0x4a000000, 0x51c00000


def tree(folder, gic, cpus=1, memory=0x800000, base=0x40000000, more=""):
    """What tarn fdt writes, as far as it matters to Tarn."""
    nodes = "".join(f'cpu@{i} {{ device_type = "cpu"; compatible = "arm,armv8"; reg = <{i}>; '
                    f'enable-method = "psci"; }};' for i in range(cpus))
    text = f"""/dts-v1/; / {{ #address-cells = <2>; #size-cells = <2>;
        chosen {{ bootargs = "as in the tree"; }};
        memory@{base:x} {{ device_type = "memory"; reg = <0 {base:#x} 0 {memory:#x}>; }};
        cpus {{ #address-cells = <1>; #size-cells = <0>; {nodes} }};
        interrupt-controller@8000000 {{ {GIC[gic]} interrupt-controller; #interrupt-cells = <3>; }};
        {more} }};"""
    path = folder / f"{gic}-{cpus}-{memory:x}-{base:x}-{len(more)}.dtb"
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", path], input=text.encode(), check=True)
    return path


class Tree:
    """The machine's device tree with modules, and the QEMU options that load them."""

    def __init__(self, folder, gic, cpus, first=IN_DOM0):
        self.path = folder / "machine.dtb"
        self.options = ["-kernel", str(machine.TARN), "-append", "dom0_mem=256M",
                        "-dtb", str(self.path)]
        self.at = first
        subprocess.run(["qemu-system-aarch64", "-machine", f"{machine.machine(gic)},dumpdtb={self.path}",
                        "-cpu", "cortex-a57", "-m", "1G", "-smp", str(cpus), "-display", "none",
                        "-nic", "none"], check=True, capture_output=True, timeout=60)
        self.module("/chosen/module", "kernel", image("boot_domains"), at=DOM0_AT)

    def put(self, node, name, *values, kind="x"):
        subprocess.run(["fdtput", "-p", "-t", kind, str(self.path), node, name, *values], check=True)

    def module(self, node, kind, file, at=None, size=None, load=True):
        """`at` apart from those of others if not given."""
        if at is None:
            at = self.at
            self.at += 0x200000
        length = file.stat().st_size if size is None else size
        self.put(node, "compatible", f"multiboot,{kind}", "multiboot,module", kind="s")
        self.put(node, "reg", f"{at >> 32:x}", f"{at & 0xffffffff:x}", f"{length >> 32:x}",
                 f"{length & 0xffffffff:x}")
        if load:
            self.options += ["-device", f"loader,file={file},addr={at:#x},force-raw=on"]

    def domain(self, name, **modules):
        """modules: kind -> file, or arguments of module()."""
        node = f"/chosen/{name}"
        self.put(node, "compatible", "tarn,domain", kind="s")
        for kind, given in modules.items():
            given = given if isinstance(given, dict) else {"file": given}
            self.module(f"{node}/{kind}", kind.replace("_", "-"), **given)


def image(name):
    return machine.BUILD / "payload" / f"{name}.bin"


def boot(described, gic, cpus):
    output, ended = machine.run(machine.qemu(gic, cpus, extra=described.options))
    check_tap(re.sub(r"^(log|domain|tarn): .*\n", "", output, flags=re.M), ended, ())
    return output, re.findall(r"^log: <(\d)>\[[ .\d]+\] (.*?)\r?$", output, re.M)


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.parametrize("gic", [2, 3])
def test_two_domains(tmp_path, gic, cpus):
    """They run, one with two vCPUs; what they print is in Tarn's log, by lines, and in the console's page. Their modules are
    not overwritten by the memory that is given out, wherever they lie."""
    described = Tree(tmp_path, gic, cpus, IN_POOL if cpus == 4 else IN_DOM0)
    described.domain("one", kernel=image("psci"), device_tree=tree(tmp_path, gic, 2))
    described.domain("other", kernel=image("timers"), device_tree=tree(tmp_path, gic, memory=0x1000000),
                     ramdisk=tmp_path / "machine.dtb")
    output, log = boot(described, gic, cpus)
    for name, vcpus, memory in ("one", 2, 8192), ("other", 1, 16384):
        assert re.search(rf"^domain: {name} state 3 reason 1 vcpus {vcpus} memory {memory}K console \d+ "
                         rf"dropped 0 last [^ ]*1\.\.\d+\|", output, re.M), output
        assert ("2", f"domain {name}: started, {memory // 1024} MiB, {vcpus} vCPU(s)") in log, output
        printed = "\n".join(line.split(": ", 1)[1] for level, line in log
                            if level == "3" and line.startswith(f"{name}: "))
        check_tap(printed, "exit", ("too few CPUs", "GICv2", "QEMU's GICv2 cannot", "all INTIDs exist"))


def wrong_domains(folder):
    """name -> modules, and how the line goes on that says why it is not started."""
    kernel, good, junk = image("psci"), tree(folder, 3), folder / "junk"
    junk.write_bytes(b"this is not a kernel" * 100)

    def with_kernel(**arguments):
        return {"kernel": dict(file=kernel, load=False, **arguments), "device_tree": good}

    def with_tree(**arguments):
        return {"kernel": kernel, "device_tree": tree(folder, 3, **arguments)}

    return {
        "kernel-none": ({"device_tree": good}, "kernel: there is none: add a module"),
        "kernel-junk": ({"kernel": junk, "device_tree": good}, "kernel: it is not an arm64 Image"),
        "kernel-lost": (with_kernel(at=0x200000000), "kernel: it is not in free RAM"),
        "kernel-huge": (with_kernel(size=1 << 62), "kernel: it is not in free RAM"),
        "kernel-empty": (with_kernel(size=0), "kernel: it has no usable reg"),
        "kernel-shared": (with_kernel(at=DOM0_AT), "kernel: it is not in free RAM, or over another"),
        "module-unknown": ({"kernel": kernel, "device_tree": good, "ramdsk": junk},
                           "ramdsk: it is of no known kind"),
        "tree-none": ({"kernel": kernel}, "device tree: there is none"),
        "tree-short": ({"kernel": kernel, "device_tree": {"file": good, "size": 100}},
                       "device tree: there is none, or it is corrupt"),
        "tree-junk": ({"kernel": kernel, "device_tree": junk}, "device tree: there is none, or it is corrupt"),
        "tree-of-gicv2": ({"kernel": kernel, "device_tree": tree(folder, 2)},
                          "device tree: it has another interrupt controller"),
        "memory-elsewhere": (with_tree(base=0x80000000), "device tree: its memory is too little"),
        "memory-odd": (with_tree(memory=0x801000), "device tree: its memory is too little"),
        "memory-too-little": ({**with_tree(memory=0x400000), "ramdisk": junk},
                              "device tree: its memory is too little"),
        "memory-too-much": (with_tree(memory=0x40000000), "device tree: its memory is more than is free"),
        "cpus-none": (with_tree(cpus=0), "domain: its name is taken, its vCPUs are none"),
        "device-too-many-queues": (with_tree(more=DEVICE.format(queues=1000)), "domain: a device of its tree"),
        "a-name-of-more-than-31-characters": (with_tree(), "domain: its name is none"),
        "dom0": (with_tree(), "domain: its name is taken"),
    }


@pytest.mark.parametrize("half", [0, 1])
def test_wrong_descriptions(tmp_path, half):
    """Each says its line, and stops nobody else."""
    described = Tree(tmp_path, 3, 1)
    wrong = dict(list(wrong_domains(tmp_path).items())[half::2])
    described.domain("good", kernel=image("psci"), device_tree=tree(tmp_path, 3))
    for name, (modules, _) in wrong.items():
        described.domain(name, **modules)
    output, log = boot(described, 3, 1)
    said = [line for level, line in log if level == "0"]
    for name, (_, sentence) in wrong.items():
        line = f"domain /chosen/{name} is not started: {sentence}"
        assert sum(one.startswith(line) for one in said) == 1, output
    assert len(said) == len(wrong), said
    assert "good" in re.findall(r"^domain: (\S+) state 3 reason 1 ", output, re.M), output


def test_more_than_there_is_room_for(tmp_path):
    described = Tree(tmp_path, 3, 1)
    good = tree(tmp_path, 3)
    for number in range(17):
        described.domain(f"domain{number}", kernel=image("psci"), device_tree=good)
    output, _ = boot(described, 3, 1)
    said = re.findall(r"^tarn: ERROR: (.*?)\r?$", output, re.M)
    assert len(said) == 2 and all("not started: domain: there are more than 15" in line for line in said), output
    assert len(re.findall(r"^domain: \S+ state 3 reason 1 ", output, re.M)) == 15, output
