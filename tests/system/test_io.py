# SPDX-License-Identifier: Apache-2.0
"""Nothing is lost when backends die: a pattern writer on a disk and a checked TCP stream in a domU go on
while its backend is killed again and again (IO_KILLS times), for each kind of backend."""
import os
import pathlib
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/bench/io"))
from rig import DOM0, PORT, Rig, words  # noqa: E402

KILLS = int(os.environ.get("IO_KILLS", "5"))
SECONDS = 10 + KILLS * 3 // 2
KILL = """i=0; while [ $i -lt {kills} ]; do sleep 0.$((RANDOM % 9 + 1)); [ $((i % 3)) = 0 ] && sleep 1;
 kill -9 $(pgrep -f -o {pattern}) && i=$((i + 1)); done"""


@pytest.fixture(scope="module")
def rig():
    rig = Rig(TOP / "build/system/io.log")
    yield rig
    rig.close()


def start_loads(rig, disk="/dev/vdb"):
    domu = rig.enter()
    domu.ok(f"{{ (/mnt/load pattern {disk} 33554432 {SECONDS} > /tmp/disk 2>&1; echo code=$? "
            ">> /tmp/disk) & } 2>/dev/null")
    domu.ok(f"{{ (/mnt/load check {DOM0} {PORT} {SECONDS} > /tmp/net 2>&1; echo code=$? "
            ">> /tmp/net) & } 2>/dev/null")
    rig.leave()


def check_loads(rig):
    domu = rig.enter()
    results = {}
    for name in "disk", "net":
        domu.ok(f"timeout {SECONDS + 120} sh -c 'until grep code= /tmp/{name}; do sleep 1; done'",
                timeout=SECONDS + 130)
        text = domu.ok(f"cat /tmp/{name}")
        results[name] = words(text)
        assert results[name]["code"] == 0 and results[name]["errors"] == 0, text
    assert domu.run("dmesg | grep -i 'I/O error'")[0] != 0
    rig.leave()
    assert results["disk"]["requests"] > 0 and results["net"]["bytes"] > 0
    return results


def deaths(rig):
    """Of the backends of the domain that runs now."""
    return int(rig.dom0.ok("journalctl _SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID "
                           "tarn@load) | grep -c 'its backend died' || true"))


@pytest.mark.parametrize("network", ["vhost", "user"])
def test_backend_killed_under_load(rig, network):
    rig.create(vcpus=2, network=f'backend = "{network}"')
    assert (rig.dom0.run("pgrep ^vhost-")[0] == 0) == (network == "vhost")
    start_loads(rig)
    rig.dom0.ok(KILL.format(kills=KILLS, pattern="tarn-backend.*--name=load").replace("\n", ""),
                timeout=KILLS * 10 + 120)
    print(check_loads(rig))
    assert deaths(rig) == KILLS
    rig.destroy()
