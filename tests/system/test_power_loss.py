# SPDX-License-Identifier: Apache-2.0
"""The machine is killed while a domU writes and flushes: what the domU was told is on the disk is found
there, in order, in raw images and qcow2; and every file system is whole."""
import signal
import subprocess
import sys

import pytest
from machine import TOP

sys.path.insert(0, str(TOP / "tests/bench/io"))
from rig import Rig  # noqa: E402

CELLS = 1024  # of 4 KiB, of each writer
STEPS = 20
WRITERS = (("raw0", "vdb", 0), ("raw1", "vdb", CELLS), ("cow0", "vdd", 0), ("cow1", "vdd", CELLS))
FOLDER = "/var/lib/tarn"
JOURNAL = TOP / "build/bench/io/journal.host"


@pytest.fixture
def images(tmp_path):
    """A folder like build/, but the disk of dom0 is a copy."""
    for name in "boot.img", "initrd.img", "kernel", "tarn.bin":
        (tmp_path / name).symlink_to(TOP / "build" / name)
    subprocess.run(["cp", "--sparse=always", TOP / "build/dom0.img", tmp_path / "dom0.img"], check=True)
    yield tmp_path
    (tmp_path / "dom0.img").unlink()


def steps_told(rig):
    """Reads the console until each writer has told of STEPS steps. Returns the last of each."""
    told = {}
    while len(told) < len(WRITERS) or min(told.values()) < STEPS:
        rig.dom0.child.expect(r"\b(raw0|raw1|cow0|cow1) (\d+)\r*\n", timeout=300)
        told[rig.dom0.child.match.group(1)] = int(rig.dom0.child.match.group(2))
    return told


def check_file_system(image):
    """What a boot would do, and that nothing was to be repaired but by the journal."""
    done = subprocess.run(["/usr/sbin/e2fsck", "-p", image], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1) and "recovering journal" in done.stdout, done
    done = subprocess.run(["/usr/sbin/e2fsck", "-fn", image], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def take_out(disk, path):
    to = disk.parent / path.split("/")[-1]
    subprocess.run(["/usr/sbin/debugfs", "-R", f"dump {path} {to}", disk], capture_output=True, check=True)
    return to


def test_power_loss(images):
    rig = Rig(TOP / "build/system/power.log", scratch_bytes=0, BUILD=images, PERSIST=1)
    # Two file systems: what one disk flushes is not to save the other.
    rig.dom0.ok(f"cd {FOLDER} && truncate -s 64M inner.img && mke2fs -q -F -t ext4 inner.img && mkdir -p /inner && "
                "mount -o loop inner.img /inner && truncate -s 32M /inner/raw.img && "
                "cp /mnt/empty.qcow2 cow.img && cd && sync", timeout=60)
    rig.create(vcpus=2, scratch="/inner/raw.img",
               more=f'disk "cow" {{ path = "{FOLDER}/cow.img" type = "qcow2" }}', lan=False)
    domu = rig.enter()
    for name, disk, first in WRITERS:
        domu.ok(f"{{ /mnt/journal write {name} /dev/{disk} {first} {CELLS} & }} 2>/dev/null")
    domu.child.sendline("while :; do cp /mnt/load /root/copy$((i = (i + 1) % 9)); sync; done")
    told = steps_told(rig)
    rig.machine.child.kill(signal.SIGKILL)
    rig.machine.child.wait()
    disk = images / "dom0.img"
    check_file_system(disk)
    check_file_system(take_out(disk, f"{FOLDER}/debian.img"))
    inner = take_out(disk, f"{FOLDER}/inner.img")
    check_file_system(inner)
    raw, cow = take_out(inner, "/raw.img"), take_out(disk, f"{FOLDER}/cow.img")
    done = subprocess.run(["qemu-img", "check", cow], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stdout  # 3: clusters that nobody refers to
    subprocess.run(["qemu-img", "convert", "-O", "raw", cow, images / "cow.raw"], check=True)
    for name, _, first in WRITERS:
        image = raw if name.startswith("raw") else images / "cow.raw"
        done = subprocess.run([JOURNAL, "check", image, str(first), str(CELLS), str(told[name])],
                              capture_output=True, text=True, check=False)
        print(name, done.stdout)
        assert done.returncode == 0, f"{name}: {done.stdout}"
