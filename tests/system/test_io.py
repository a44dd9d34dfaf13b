# SPDX-License-Identifier: Apache-2.0
"""Nothing is lost when backends die: a pattern writer on a disk and a checked TCP stream in a domU go on
while its backend is killed again and again (IO_KILLS times), for each kind of backend."""
import os
import pathlib
import re
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/bench/io"))
from rig import DOM0, PORT, SCRATCH, Rig, words  # noqa: E402

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


def test_backend_is_confined(rig):
    rig.create(vcpus=2)
    status = rig.dom0.ok("cat /proc/$(pgrep -f -o 'tarn-backend.*--name=load')/status")
    assert re.search(r"^Uid:\s+(\d+)\s+\1\s+\1\s+\1$", status, re.M).group(1) != "0", status
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.M) and re.search(r"^Seccomp:\s+2$", status, re.M)
    assert re.search(r"^Cap(Eff|Prm|Amb):\s+0+$", status, re.M), status
    held = rig.dom0.ok("ls -l /proc/$(pgrep -f -o 'tarn-backend.*--name=load')/fd | sed -n 's/.*-> //p'")
    files = {name for name in held.split() if name.startswith("/")}
    assert files == {"/dev/null", SCRATCH, "/var/lib/tarn/debian.img", rig.tools, "/dev/net/tun",
                     "/dev/vhost-net", "/run/tarn/load/state"}, held
    # It is the disk's only user.
    rig.dom0.ok("sed 's/\"load\"/\"other\"/' /tmp/load.conf > /tmp/other.conf")
    code, output = rig.dom0.run("tarn create /tmp/other.conf", timeout=120)
    assert code != 0 and "another domain uses it" in output, output
    # A discard gives space of the file back.
    before = int(rig.dom0.ok(f"stat -c %b {SCRATCH}"))
    domu = rig.enter()
    assert domu.ok("cat /sys/block/vdb/serial") == "scratch"
    assert domu.ok("ls /sys/block/vdb/mq | wc -l") == "2"
    domu.ok("blkdiscard -o 0 -l 67108864 /dev/vdb", timeout=60)
    rig.leave()
    assert before - int(rig.dom0.ok(f"stat -c %b {SCRATCH}")) > 100000
    rig.destroy()


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
