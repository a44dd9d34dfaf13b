# SPDX-License-Identifier: Apache-2.0
"""Boots that cannot succeed: Tarn says why, in a sentence, and stops. And a panic on purpose."""
import re
import shutil
import subprocess

import pytest

import machine

STOP = "Tarn cannot start: "


def tarn(*arguments, append="dom0_mem=256M"):
    return ["-kernel", str(machine.TARN), "-append", append, *arguments]


def boot(extra, until=(STOP,), **variables):
    output, ended = machine.run(machine.qemu(extra=extra, **variables), timeout=60, until=until)
    assert ended == "until", f"nothing was said ({ended}):\n{output}"
    assert "PANIC" not in output, output
    return output


def reason(extra, **variables):
    """The sentence with which Tarn stops: nothing comes after it."""
    output = boot(extra, **variables)
    return re.search(re.escape(STOP) + r"(.*\.)\s*\Z", output).group(1)


@pytest.fixture(scope="module")
def dtb(tmp_path_factory):
    """The machine's device tree as QEMU makes it."""
    path = tmp_path_factory.mktemp("dtb") / "virt.dtb"
    subprocess.run(["qemu-system-aarch64", "-machine", f"{machine.machine(3)},dumpdtb={path}",
                    "-cpu", "cortex-a57", "-m", "1G", "-smp", "1", "-display", "none", "-nic",
                    "none"], check=True, capture_output=True, timeout=60)
    return path


def with_tree(path, data):
    """Tarn with exactly these bytes as device tree: loaded by hand, since QEMU would repair them."""
    path.write_bytes(data)
    return path


TREE_AT, TARN_AT = 0x47000000, 0x40200000


def boot_with_tree(tmp_path, data, tree_at=TREE_AT, tarn_at=TARN_AT):
    """Enters Tarn the way a boot loader does, x0 = the tree, with a stub in front."""
    tree = with_tree(tmp_path / "broken.dtb", data)
    stub = tmp_path / "stub.bin"
    #   ldr x0, =tree_at; ldr x1, =tarn_at; br x1
    stub.write_bytes(bytes.fromhex("80000058" "a1000058" "20001fd6" "1f2003d5")
                     + tree_at.to_bytes(8, "little") + tarn_at.to_bytes(8, "little"))
    return ["-device", f"loader,file={machine.TARN},addr={tarn_at:#x},force-raw=on",
            "-device", f"loader,file={tree},addr={TREE_AT:#x},force-raw=on",
            "-device", f"loader,file={stub},addr=0x46000000,force-raw=on",
            "-device", "loader,addr=0x46000000,cpu-num=0"]


def test_entered_at_el1():
    output = boot(tarn(), until=["needs EL2"], virtualization=False)
    assert "EL1" in output and "virtualization=on" in output


def test_no_module():
    assert "no kernel for dom0" in reason(tarn())


def test_module_is_no_image(tmp_path):
    junk = tmp_path / "junk"
    junk.write_bytes(b"this is not a kernel" * 4096)
    loader = f"guest-loader,addr={machine.PAYLOAD_AT:#x},kernel={junk},bootargs=x"
    assert "not an arm64 Image" in reason(tarn("-device", loader))


def test_dom0_larger_than_machine():
    text = reason(machine.with_payload("traps", bootargs="dom0_mem=8G"))
    assert "dom0_mem=8192M does not fit" in text and "more memory" in text


def test_machine_too_small():
    assert "memory" in reason(machine.with_payload("traps"), memory="96M")


@pytest.mark.parametrize("tarn_at", [TARN_AT, 0x43a00000, 0x6fe00000])
def test_tree_is_sound(tmp_path, dtb, tarn_at):
    """The way of booting used below works with a good tree, wherever Tarn is put: it gets as far as the
    missing kernel."""
    assert "no kernel for dom0" in reason(boot_with_tree(tmp_path, dtb.read_bytes(), tarn_at=tarn_at))


def test_loaded_at_an_odd_address(tmp_path, dtb):
    output = boot(boot_with_tree(tmp_path, dtb.read_bytes(), tarn_at=0x43a01000), until=["2 MiB"])
    assert "not a multiple of 2 MiB" in output


# No tree, one that is not aligned, one where there is no memory, one beyond every address.
@pytest.mark.parametrize("tree_at", [0, TREE_AT + 4, 0x8000000000, 1 << 60])
def test_missing_tree(tmp_path, dtb, tree_at):
    text = reason(boot_with_tree(tmp_path, dtb.read_bytes(), tree_at))
    assert "device tree" in text


def edited(tmp_path, dtb, *arguments):
    """The tree after fdtput ARGUMENTS."""
    tree = tmp_path / "edited.dtb"
    shutil.copy(dtb, tree)
    subprocess.run(["fdtput", *(word.replace("TREE", str(tree)) for word in arguments)], check=True)
    return tree.read_bytes()


@pytest.mark.parametrize("edit", [
    ["-r", "TREE", "/intc@8000000"],
    ["-t", "s", "TREE", "/intc@8000000", "compatible", "arm,gic-v5"],
    ["-d", "TREE", "/intc@8000000", "reg"],
    ["-t", "x", "TREE", "/intc@8000000", "reg", "0", "8000000"],
], ids=["none", "unknown", "no registers", "half a register"])
def test_no_supported_gic(tmp_path, dtb, edit):
    text = reason(boot_with_tree(tmp_path, edited(tmp_path, dtb, *edit)))
    assert "GIC" in text


@pytest.mark.parametrize("edit,word", [
    (["-r", "TREE", "/memory@40000000"], "memory"),
    (["-r", "TREE", "/psci"], "PSCI"),
], ids=["memory", "psci"])
def test_tree_lacks(tmp_path, dtb, edit, word):
    assert word in reason(boot_with_tree(tmp_path, edited(tmp_path, dtb, *edit)))


@pytest.mark.parametrize("what", ["magic", "truncated", "size", "structure", "zeros", "ones"])
def test_broken_tree(tmp_path, dtb, what):
    good = bytearray(dtb.read_bytes())
    broken = {
        "magic": b"\0\0\0\0" + good[4:],
        "truncated": good[:256],
        "size": good[:4] + (0x7fffffff).to_bytes(4, "big") + good[8:],
        "structure": good[:0x80] + b"\xff" * 512 + good[0x280:],
        "zeros": bytes(4096),
        "ones": b"\xff" * 4096,
    }[what]
    text = reason(boot_with_tree(tmp_path, bytes(broken)))
    assert "device tree" in text


@pytest.mark.parametrize("gic", [2, 3])
def test_unknown_options_are_named(gic):
    command = machine.qemu(gic, extra=machine.with_payload(
        "psci", bootargs="dom0_mem=256M nonsense=1 loglevel=loud"))
    output, ended = machine.run(command)
    assert ended == "exit" and "1.." in output, output
    assert '"nonsense"' in output and 'loglevel=' in output and '"loud"' in output


@pytest.mark.parametrize("gic,cpus", [(2, 1), (3, 4)])
def test_panic(gic, cpus):
    """Registers, syndrome in words where there is one, a backtrace that names functions."""
    command = machine.qemu(gic, cpus, extra=machine.with_payload(
        "traps", bootargs="dom0_mem=256M panic_test=1"))
    output, ended = machine.run(command, timeout=60, until=["tarn: halted"])
    assert ended == "until", output
    panic = output[output.index("PANIC"):]
    assert "panic_test=1" in panic
    assert re.search(r"backtrace:", panic)
    assert re.search(r"#\d+ +[0-9a-f]{16} main\+0x", panic), panic
