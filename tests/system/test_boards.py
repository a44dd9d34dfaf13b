# SPDX-License-Identifier: Apache-2.0
"""Other machines than virt: QEMU's models of two real boards, with the boards' own device trees.

Tarn knows nothing of them but what the tree says; dom0 is the stock kernel with a small initrd that
tells what it sees in the kernel's log and powers off.
"""
import pathlib
import shutil
import subprocess

from machine import TOP

KERNEL = TOP / "build/kernel"
KERNEL_AT, INITRD_AT = 0x20000000, 0x24000000


def describe_modules(tree, initrd, bootargs):
    """What U-Boot's script does on a board: the modules' nodes under /chosen."""
    def put(node, name, *values, kind="x"):
        subprocess.run(["fdtput", "-p", "-t", kind, str(tree), node, name, *values], check=True)

    for kind, address, file in (("kernel", KERNEL_AT, KERNEL / "Image"),
                                ("ramdisk", INITRD_AT, initrd)):
        node = f"/chosen/module@{address:x}"
        put(node, "compatible", "multiboot,module", f"multiboot,{kind}", kind="s")
        put(node, "reg", "0", f"{address:x}", "0", f"{file.stat().st_size:x}")
    put(f"/chosen/module@{KERNEL_AT:x}", "bootargs", bootargs, kind="s")
    put("/chosen", "#address-cells", "2")
    put("/chosen", "#size-cells", "2")


def start(machine, memory, tree, initrd):
    command = ["qemu-system-aarch64", "-machine", machine, "-smp", "4", "-m", memory,
               "-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot",
               "-kernel", str(TOP / "build/tarn.bin"), "-dtb", str(tree),
               "-append", "dom0_mem=640M",
               "-device", f"loader,file={KERNEL / 'Image'},addr={KERNEL_AT:#x},force-raw=on",
               "-device", f"loader,file={initrd},addr={INITRD_AT:#x},force-raw=on"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=120, check=False)
    return done.stdout.decode(errors="replace")


def check(output, gic, cpus):
    assert f"GICv{gic}:" in output, output
    assert f"tarn: {cpus} CPUs" in output, output
    assert f"board test: {cpus} CPUs, tarn,hypervisor" in output, output
    assert "dom0 asked for power-off" in output, output


def test_zcu102(tmp_path, initrd):
    """Zynq UltraScale+: four Cortex-A53, GICv2, Cadence UART; the tree is the kernel package's."""
    found = sorted(pathlib.Path(KERNEL / "root/usr/lib").glob("*/xilinx/zynqmp-zcu102-rev1.0.dtb"))
    tree = tmp_path / "zcu102.dtb"
    shutil.copy(found[0], tree)
    describe_modules(tree, initrd, "earlycon console=ttyPS0 clk_ignore_unused")
    check(start("xlnx-zcu102,virtualization=on", "1G", tree, initrd), gic=2, cpus=4)


def test_versal(tmp_path, initrd):
    """Versal: two Cortex-A72 (and two real-time cores), GICv3; the tree is the model's."""
    tree = tmp_path / "versal.dtb"
    subprocess.run(["qemu-system-aarch64", "-machine", f"xlnx-versal-virt,dumpdtb={tree}",
                    "-m", "2G", "-display", "none"], stderr=subprocess.DEVNULL, check=True)
    describe_modules(tree, initrd, "earlycon console=ttyAMA0 clk_ignore_unused")
    check(start("xlnx-versal-virt", "2G", tree, initrd), gic=3, cpus=2)
