# SPDX-License-Identifier: Apache-2.0
"""One booted machine serves many tests; logs of every serial line are kept in build/system."""
import pytest
from machine import TOP, Machine

LOGS = TOP / "build/system"


def boot(name, **variables):
    LOGS.mkdir(parents=True, exist_ok=True)
    machine = Machine(LOGS / f"{name}.log", **variables)
    machine.boot_log = ""
    machine.login("dom0", timeout=480)
    return machine


@pytest.fixture(scope="session")
def uboot():
    """U-Boot -> Tarn -> dom0 with four CPUs on GICv3, and the domU that starts by itself."""
    machine = boot("uboot", BOOT="uboot", GIC=3, CPUS=4, MEM="4G")
    yield machine
    machine.close()


@pytest.fixture(scope="session")
def direct():
    """QEMU -kernel -> Tarn -> dom0 on GICv2 with two CPUs."""
    machine = boot("direct", BOOT="direct", GIC=2, CPUS=2, MEM="3G", CPU="cortex-a53")
    yield machine
    machine.close()
