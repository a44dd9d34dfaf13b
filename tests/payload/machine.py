# SPDX-License-Identifier: Apache-2.0
"""QEMU with Tarn or a payload, watched on its serial line until it says what we wait for."""
import pathlib
import subprocess
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
TARN = BUILD / "tarn.bin"
PAYLOAD_AT = 0x44000000  # out of the way of QEMU's kernel and device tree
GUEST_AT = 0x48400000  # as tests/payload/host.c has it, inside dom0's memory


def machine(gic, virtualization=True):
    return f"virt,gic-version={gic},virtualization={'on' if virtualization else 'off'}"


def qemu(gic=3, cpus=1, cpu="cortex-a57", memory="1G", virtualization=True, extra=()):
    return ["qemu-system-aarch64", "-machine", machine(gic, virtualization), "-cpu", cpu,
            "-smp", str(cpus), "-m", memory, "-display", "none", "-serial", "stdio",
            "-monitor", "none", "-nic", "none", "-no-reboot", *extra]


def with_payload(name, bootargs="dom0_mem=256M"):
    """Arguments that make `name` dom0's kernel in Tarn."""
    image = BUILD / "payload" / f"{name}.bin"
    return ["-kernel", str(TARN), "-append", bootargs,
            "-device", f"guest-loader,addr={PAYLOAD_AT:#x},kernel={image},bootargs=payload"]


def with_guest(name, bootargs="dom0_mem=256M dom0_vcpus=1"):
    """Arguments that make `name` a domU's kernel, with the payload "host" as dom0."""
    image = BUILD / "payload" / f"{name}.bin"
    return with_payload("host", bootargs) + [
        "-device", f"guest-loader,addr={GUEST_AT:#x},initrd={image}"]


def run(command, timeout=120, until=()):
    """Runs QEMU until it exits, prints one of the strings of `until`, or the time is over.

    Returns (output, ended): ended is "exit", "until" or "timeout".
    """
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    seen = bytearray()

    def read():
        while True:
            part = process.stdout.read1(65536)
            if not part:
                break
            seen.extend(part)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    end = time.monotonic() + timeout
    ended = "timeout"
    while time.monotonic() < end:
        if not reader.is_alive():
            ended = "exit"
            break
        if any(text.encode() in seen for text in until):
            ended = "until"
            time.sleep(0.3)  # the rest of the line
            break
        time.sleep(0.05)
    process.kill()
    process.wait()
    reader.join(5)
    return seen.decode("utf-8", "replace"), ended
