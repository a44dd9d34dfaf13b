# SPDX-License-Identifier: Apache-2.0
"""One booted machine serves many tests; logs of every serial line are kept in build/system."""
import shutil
import subprocess

import pytest
from machine import TOP, Machine

LOGS = TOP / "build/system"
INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /sys
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
hypervisor=$(/bin/busybox cat /sys/firmware/devicetree/base/hypervisor/compatible)
echo "board test: $(/bin/busybox nproc) CPUs, $hypervisor" > /dev/kmsg
/bin/busybox poweroff -f
"""


def boot(name, **variables):
    LOGS.mkdir(parents=True, exist_ok=True)
    machine = Machine(LOGS / f"{name}.log", **variables)
    machine.child.expect_exact("dom0 login:", timeout=480)
    machine.boot_log = machine.child.before
    machine.enter(timeout=480)
    return machine


@pytest.fixture(scope="session")
def uboot():
    """U-Boot -> Tarn -> dom0 with four CPUs on GICv3, and the domU that starts by itself."""
    machine = boot("uboot", BOOT="uboot", GIC=3, CPUS=4, MEM="4G")
    yield machine
    machine.close()


@pytest.fixture(scope="module")
def direct():
    """QEMU -kernel -> Tarn -> dom0 on GICv2 with two CPUs, and a domain that Tarn starts itself."""
    machine = boot("direct", BOOT="direct", GIC=2, CPUS=2, MEM="3G", CPU="cortex-a53", BOOT_DOMAIN=1)
    yield machine
    machine.close()


@pytest.fixture(scope="session")
def initrd(tmp_path_factory):
    """A small one that says in the kernel's log what it sees, and powers off."""
    root = tmp_path_factory.mktemp("initrd")
    (root / "bin").mkdir()
    (root / "dev").mkdir()
    shutil.copy(TOP / "build/kernel/root/bin/busybox", root / "bin/busybox")
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)
    archive = root.parent / "board-initrd.cpio"
    names = "".join(f"{path.relative_to(root)}\n" for path in sorted(root.rglob("*")))
    with open(archive, "wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names.encode(),
                       stdout=out, check=True)
    return archive
