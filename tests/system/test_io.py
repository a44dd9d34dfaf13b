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

KILLS = int(os.environ.get("IO_KILLS", "3"))
SECONDS = 10 + KILLS * 3 // 2
# Each kill finds another process than the last one; every third, one that has begun to serve. Nothing
# here is a matter of time on a slow host.
KILL = """i=0; last=; backend='tarn-backend.*--name=load'; while [ $i -lt {kills} ]; do
 until p=$(pgrep -f -o {pattern}) && [ "$p" != "$last" ]; do sleep 0.1; done;
 if [ $((i % 3)) = 0 ]; then
 until grep -q 'Seccomp:.*2' /proc/$(pgrep -f -o "$backend")/status 2>/dev/null; do sleep 0.1; done; sleep 1.2;
 else sleep 0.$((RANDOM % 9 + 1)); fi;
 kill -9 $p 2>/dev/null && last=$p && i=$((i + 1)); done"""


def kill_again_and_again(rig, pattern='"$backend"'):
    rig.dom0.ok(KILL.format(kills=KILLS, pattern=pattern).replace("\n", ""), timeout=KILLS * 60 + 300)


@pytest.fixture(scope="module")
def rig():
    rig = Rig(TOP / "build/system/io.log")
    yield rig
    rig.close()


def start_loads(rig, seconds=SECONDS):
    domu = rig.enter()
    domu.ok(f"{{ (/mnt/load pattern /dev/vdb 33554432 {seconds} > /tmp/disk 2>&1; echo code=$? "
            ">> /tmp/disk) & } 2>/dev/null")
    domu.ok(f"{{ (/mnt/load check {DOM0} {PORT} {seconds} > /tmp/net 2>&1; echo code=$? "
            ">> /tmp/net) & } 2>/dev/null")
    rig.leave()


def check_loads(rig):
    domu = rig.enter()
    results = {}
    for name in "disk", "net":
        domu.ok(f"timeout {SECONDS + 180} sh -c 'until grep code= /tmp/{name}; do sleep 1; done'",
                timeout=SECONDS + 190)
        text = domu.ok(f"cat /tmp/{name}")
        results[name] = words(text)
        failed = results[name]["code"] != 0 or results[name]["errors"] != 0
        if failed:
            rig.leave()
        assert not failed, f"{text}\n{rig.dom0.run('cat /tmp/serve')[1]}"
    assert domu.run("dmesg | grep -i 'I/O error'")[0] != 0
    rig.leave()
    assert results["disk"]["requests"] > 0 and results["net"]["bytes"] > 0
    return results


def deaths(rig):
    """Of the backends of the domain that runs now."""
    return int(rig.dom0.ok("journalctl _SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID "
                           "tarn@load) | grep -c 'its backend died' || true"))


def test_backend_is_confined(rig):
    rig.create(vcpus=2, lan=False)
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
    assert code != 0 and len(output.splitlines()) == 1, output
    assert output.startswith("/tmp/other.conf:7: key 'path'") and "another domain uses it" in output, output
    # A discard gives space of the file back.
    before = int(rig.dom0.ok(f"stat -c %b {SCRATCH}"))
    domu = rig.enter()
    assert domu.ok("cat /sys/block/vdb/serial") == "scratch"
    assert domu.ok("ls /sys/block/vdb/mq | wc -l") == "2"
    domu.ok("blkdiscard -o 0 -l 67108864 /dev/vdb", timeout=60)
    rig.leave()
    assert before - int(rig.dom0.ok(f"stat -c %b {SCRATCH}")) > 100000
    rig.destroy()


def daemons(rig):
    return rig.dom0.run("pgrep -f ^/usr/bin/qemu-storage-daemon")[1].split()


RESTARTS = ("systemctl restart tarn@load",
            "systemctl restart systemd-networkd",
            "kill -9 $(systemctl show -P MainPID tarn@load)")


OVERLAY = "/var/lib/tarn/overlay.qcow2"


def create_on_overlay(rig, lan):
    """A domain whose scratch disk is a new image with a backing file."""
    rig.dom0.ok(f"cp /mnt/base.img /mnt/overlay.qcow2 /var/lib/tarn/ && chmod 600 {OVERLAY}")
    rig.create(vcpus=2, scratch=OVERLAY, disk='type = "qcow2"', lan=lan)


def test_qcow2(rig):
    """What is written on an image with a backing file is there in the next life of the domain."""
    create_on_overlay(rig, lan=False)
    status = rig.dom0.ok(f"cat /proc/{daemons(rig)[0]}/status")
    assert re.search(r"^Uid:\s+(\d+)\s", status, re.M).group(1) != "0", status
    domu = rig.enter()
    assert domu.ok("cat /sys/block/vdb/serial") == "scratch"
    assert domu.ok("head -c 11 /dev/vdb") == "tarn's base"
    domu.ok("mke2fs -q -F /dev/vdb 8192 && mkdir -p /tmp/m && mount /dev/vdb /tmp/m", timeout=60)
    domu.ok("head -c 3000000 /dev/urandom > /tmp/m/file && sync -f /tmp/m/file", timeout=60)
    written = domu.ok("sha256sum < /tmp/m/file")
    rig.leave()
    rig.destroy()
    assert not daemons(rig)
    rig.create(vcpus=2, scratch=OVERLAY, disk='type = "qcow2"', lan=False)
    domu = rig.enter()
    domu.ok("mkdir -p /tmp/m && mount /dev/vdb /tmp/m")
    assert domu.ok("sha256sum < /tmp/m/file", timeout=60) == written
    assert domu.ok("tail -c 11 /dev/vdb") == "end of base"
    rig.leave()
    rig.destroy()


def test_qcow2_under_load(rig):
    """The daemon is killed, and the backend in turn; then units of dom0 are restarted and the supervisor is
    killed. Nothing is lost, and the guest goes on."""
    create_on_overlay(rig, lan=True)
    domain = rig.dom0.ok("tarn info --json load | grep -o '\"id\": *[0-9]*'")
    start_loads(rig, SECONDS + 10)
    kill_again_and_again(rig, '$([ $((i % 2)) = 0 ] && echo ^/usr/bin/qemu-storage-daemon || echo "$backend")')
    assert 0 < deaths(rig) <= KILLS  # a daemon may be killed that was ending
    for restart in RESTARTS:
        rig.dom0.ok(restart, timeout=300)
        rig.dom0.ok("until [ $(systemctl is-active tarn@load) = active ] && pgrep -f 'tarn-backend.*--name=load' "
                    "> /dev/null; do sleep 0.2; done", timeout=300)
    print(check_loads(rig))
    assert rig.dom0.ok("tarn info --json load | grep -o '\"id\": *[0-9]*'") == domain
    rig.destroy()
    assert not daemons(rig)


NBD_SERVER = ("qemu-storage-daemon --blockdev driver=file,node-name=f,filename={file} "
              "--nbd-server addr.type=inet,addr.host=127.0.0.1,addr.port=10809 "
              "--export type=nbd,id=e,node-name=f,name=disk,writable=on")


def serve_nbd(rig):
    rig.dom0.ok("{ exec 9>&-; " + NBD_SERVER.format(file=SCRATCH) + " >/tmp/nbd.log 2>&1 & } 2>/dev/null; "
                "echo $! > /tmp/nbd.pid; until nc -z 127.0.0.1 10809; do sleep 0.1; done", timeout=60)


def test_network_block_device(rig):
    """A disk of a server elsewhere, which goes and comes back under load."""
    serve_nbd(rig)
    rig.create(vcpus=2, scratch="nbd://127.0.0.1/disk", disk='type = "nbd"', lan=True)
    # It is the disk's only user.
    rig.dom0.ok("{ echo 'name = \"far\"'; grep -E '^(kernel|memory)' /tmp/load.conf; "
                "echo 'disk \"d\" { type = \"nbd\" path = \"nbd://127.0.0.1/disk\" }'; } > /tmp/far.conf")
    code, output = rig.dom0.run("tarn create /tmp/far.conf", timeout=120)
    assert code != 0 and len(output.splitlines()) == 1, output
    assert "key 'path'" in output and "another domain uses it" in output, output
    start_loads(rig)
    for _ in range(2):
        rig.dom0.ok("kill -9 $(cat /tmp/nbd.pid) && sleep 1")
        serve_nbd(rig)
    kill_again_and_again(rig, '^/usr/bin/qemu-storage-daemon.*vhost-user')
    print(check_loads(rig))
    rig.destroy()
    rig.dom0.ok("kill $(cat /tmp/nbd.pid)")
    rig.dom0.run("wait $(cat /tmp/nbd.pid)")  # the shell says its end
    code, output = rig.dom0.run("tarn create /tmp/load.conf", timeout=120)
    assert code != 0 and "Connection refused" in output and len(output.splitlines()) == 1, output
    assert not daemons(rig)


@pytest.mark.parametrize("network", ["vhost", "user"])
def test_backend_killed_under_load(rig, network):
    queues = "queues = 2" if network == "vhost" else ""
    rig.create(vcpus=2, network=f'backend = "{network}" {queues}')
    assert (rig.dom0.run("pgrep ^vhost-")[0] == 0) == (network == "vhost")
    domu = rig.enter()
    assert domu.ok("ls -d /sys/class/net/e*/queues/tx-* | wc -l") == ("2" if queues else "1")
    rig.leave()
    start_loads(rig)
    kill_again_and_again(rig)
    print(check_loads(rig))
    assert deaths(rig) == KILLS
    rig.destroy()


BACKEND = "pgrep -f -o 'tarn-backend.*--name=load'"
PORT_CLIENT = "{ nc -U /run/tarn/load/port.agent < /tmp/in > /tmp/answer & } 2>/dev/null; exec 3> /tmp/in"


def check_vsock(domu):
    results = words(domu.ok(f"/mnt/load check vsock:2 {PORT} 2", timeout=120))
    assert results["errors"] == 0 and results["bytes"] > 0


def check_drive(rig):
    """A drive that is empty, then not, then empty."""
    domu = rig.enter()
    assert domu.ok("cat /sys/block/vdd/size") == "0"
    rig.leave()
    rig.dom0.ok("truncate -s 8M /tmp/medium && printf inserted | dd of=/tmp/medium conv=notrunc status=none")
    rig.dom0.ok("tarn attach-disk load drive /tmp/medium", timeout=60)
    code, output = rig.dom0.run("tarn attach-disk load drive /tmp/medium", timeout=60)
    assert code != 0 and "detach it first" in output, output
    # The next backend has it, too.
    rig.dom0.ok(f"old=$({BACKEND}); kill -9 $old; until new=$({BACKEND}) && [ $new != $old ]; do sleep 0.2; done",
                timeout=120)
    domu = rig.enter()
    domu.ok("until [ $(cat /sys/block/vdd/size) = 16384 ]; do sleep 0.2; done", timeout=60)
    assert domu.ok("head -c 8 /dev/vdd") == "inserted"
    domu.ok("printf written | dd of=/dev/vdd conv=notrunc,fsync status=none", timeout=60)
    rig.leave()
    rig.dom0.ok("tarn detach-disk load drive", timeout=60)
    assert rig.dom0.ok("head -c 7 /tmp/medium") == "written"
    domu = rig.enter()
    domu.ok("until [ $(cat /sys/block/vdd/size) = 0 ]; do sleep 0.2; done", timeout=60)
    rig.leave()


def test_other_devices(rig):
    """Random numbers, sockets to dom0, a folder of dom0, named serial ports; and after their backend's death."""
    rig.dom0.ok("mkdir -p /srv/share && rm -rf /srv/share/* && head -c 3000000 /dev/urandom > /srv/share/a")
    rig.create(vcpus=2, more='vsock { cid = 42 }\nshare "tarn" { path = "/srv/share" }\n'
               'port "agent" { }\nport "second" { }\ndisk "drive" { path = "" }', lan=False)
    check_drive(rig)
    # Gone before anybody in the guest listens; what it said stays.
    rig.dom0.ok("echo hasty | timeout 1 nc -U /run/tarn/load/port.second; test $? = 124")
    rig.dom0.ok(f"rm -f /tmp/in; mkfifo /tmp/in; {PORT_CLIENT}; echo hello >&3")
    domu = rig.enter()
    assert "virtio" in domu.ok("cat /sys/class/misc/hw_random/rng_current")
    assert int(domu.ok("head -c 4096 /dev/hwrng | gzip -c | wc -c")) > 4000
    check_vsock(domu)
    domu.ok("mkdir -p /tmp/share && mount -t virtiofs tarn /tmp/share", timeout=60)
    sent = domu.ok("sha256sum < /tmp/share/a", timeout=120)
    domu.ok("mkdir /tmp/share/made && cp /tmp/share/a /tmp/share/made/b && rm /tmp/share/a", timeout=120)
    assert domu.ok("read -r line < /dev/virtio-ports/second; echo $line", timeout=60) == "hasty"
    domu.ok("exec 3<>/dev/virtio-ports/agent")
    assert domu.ok("read -r line <&3; echo $line", timeout=60) == "hello"
    # More than anybody on the way has room for.
    domu.ok("{ head -c 300000 /dev/zero | tr '\\0' x; echo; } >&3", timeout=120)
    rig.leave()
    assert rig.dom0.ok("sha256sum < /srv/share/made/b") == sent
    assert rig.dom0.run("test -e /srv/share/a")[0] != 0
    rig.dom0.ok("until [ $(stat -c %s /tmp/answer) = 300001 ]; do sleep 0.2; done", timeout=120)
    rig.dom0.ok(f"exec 3>&-; old=$({BACKEND}); kill -9 $old; until new=$({BACKEND}) && [ $new != $old ]; do "
                f"sleep 0.2; done; {PORT_CLIENT}; echo again >&3", timeout=120)
    domu = rig.enter()
    assert domu.ok("read -r line <&3; echo $line; echo back >&3", timeout=120) == "again"
    check_vsock(domu)
    domu.ok("umount /tmp/share; mount -t virtiofs tarn /tmp/share && test -e /tmp/share/made/b", timeout=60)
    rig.leave()
    rig.dom0.ok("until [ $(stat -c %s /tmp/answer) = 5 ]; do sleep 0.2; done; exec 3>&-", timeout=120)
    rig.destroy()
    assert rig.dom0.run("pgrep virtiofsd")[0] != 0
