# SPDX-License-Identifier: Apache-2.0
"""The path a newcomer takes: U-Boot, Tarn, dom0, and domUs with disk, network and console.

The tests run in the order written, on one machine: each leaves the domain `debian` running.
"""
import re

import pexpect

CONFIG = "/etc/tarn/debian.conf"


def state_of(machine, name):
    found = re.search(rf"^\s*\d+\s+{name}\s.*$|^{name}\s.*$", machine.ok("tarn list"), re.M)
    return found.group(0) if found else None


def test_dom0_has_all_cpus(uboot):
    assert uboot.ok("nproc") == "4"
    assert "tarn" in uboot.ok("cat /proc/modules")


def test_domu_started_by_itself(uboot):
    uboot.ok("timeout 300 sh -c 'until tarn list | grep -q debian; do sleep 2; done'", timeout=320)
    assert "running" in state_of(uboot, "debian")
    # What is there already is passed over.
    uboot.ok("systemctl restart tarn-autostart && systemctl is-active tarn-autostart", timeout=120)


def test_domu_console_login_and_cpus(uboot):
    domu = uboot.domu("debian")
    assert domu.ok("nproc") == "2"
    assert domu.ok("cat /sys/class/tty/console/active").split()[-1] == "hvc0"
    assert "virtio_blk" in domu.ok("cat /proc/modules")
    uboot.leave()


def test_domu_reaches_dom0_and_back(uboot):
    domu = uboot.domu("debian")
    domu.ok("timeout 120 sh -c 'until ip -4 addr show scope global | grep -q 192.168.77; do sleep 1; "
            "done'", timeout=140)
    address = re.search(r"192\.168\.77\.\d+", domu.ok("ip -4 addr show scope global")).group()
    domu.ok("ping -c 2 -W 20 192.168.77.1", timeout=60)
    # 10.0.2.2 is QEMU's end of the outer network: beyond dom0's masquerading.
    domu.ok("ping -c 2 -W 20 10.0.2.2", timeout=60)
    uboot.leave()
    uboot.ok(f"ping -c 2 -W 20 {address}", timeout=60)


def test_file_over_tcp_both_ways(uboot):
    uboot.ok("head -c 4000000 /dev/urandom > /tmp/file")
    sent = uboot.ok("sha256sum < /tmp/file")
    uboot.ok("{ (nc -l -N 192.168.77.1 7000 < /tmp/file; nc -l 192.168.77.1 7001 > /tmp/back) "
             ">/dev/null 2>&1 & }")
    domu = uboot.domu("debian")
    domu.ok("nc -d 192.168.77.1 7000 > /tmp/file", timeout=180)
    assert domu.ok("sha256sum < /tmp/file") == sent
    domu.ok("sleep 1; nc -N 192.168.77.1 7001 < /tmp/file", timeout=180)
    uboot.leave()
    uboot.ok("timeout 60 sh -c 'while pgrep -x nc >/dev/null; do sleep 1; done'", timeout=90)
    assert uboot.ok("sha256sum < /tmp/back") == sent


def test_disk_survives_destroy_and_create(uboot):
    domu = uboot.domu("debian")
    domu.ok("head -c 67108864 /dev/urandom > /root/data && sync", timeout=240)
    before = domu.ok("sha256sum < /root/data", timeout=120)
    uboot.leave()
    uboot.ok("tarn destroy debian", timeout=120)
    assert state_of(uboot, "debian") is None
    uboot.ok(f"tarn create {CONFIG}", timeout=180)
    domu = uboot.domu("debian")
    assert domu.ok("sha256sum < /root/data", timeout=240) == before
    domu.ok("rm /root/data")
    uboot.leave()


def test_two_domus_at_once(uboot):
    uboot.ok("tarn create /etc/tarn/debian2.conf", timeout=180)
    second = uboot.domu("debian2")
    assert second.ok("nproc") == "2"
    uboot.leave()
    assert "running" in state_of(uboot, "debian")
    assert "running" in state_of(uboot, "debian2")
    first = uboot.domu("debian")
    first.ok("true")
    uboot.leave()


def test_poweroff_from_inside(uboot):
    uboot.domu("debian2")
    uboot.child.sendline("systemctl poweroff")
    uboot.child.expect("[Pp]ower|reboot: ", timeout=180)
    uboot.child.expect_exact([uboot.prompt], timeout=240)
    uboot.ok("timeout 60 sh -c 'while tarn list | grep -q debian2; do sleep 1; done'", timeout=80)
    # Nothing is left in the way of a second life.
    uboot.ok("tarn create /etc/tarn/debian2.conf", timeout=180)
    uboot.ok("tarn destroy debian2", timeout=120)


def check_error(machine, config, *words):
    free = machine.ok("tarn info --json 2>/dev/null | grep -o 'free[^,}]*' || true")
    machine.ok("printf '%b' '" + config.replace("'", "") + "' > /tmp/bad.conf")
    code, output = machine.run("tarn create /tmp/bad.conf", timeout=120)
    assert code != 0
    assert len(output.splitlines()) == 1, output
    for word in words:
        assert word in output, f"{word!r} is not in: {output}"
    assert "bad" not in machine.ok("tarn list | grep -w bad || true")
    assert machine.ok("tarn info --json 2>/dev/null | grep -o 'free[^,}]*' || true") == free


GOOD = ('name = "bad"\\nkernel = "/var/lib/tarn/vmlinuz"\\ncmdline = ""\\nmemory = "256M"\\n'
        'vcpus = 1\\n')


def test_errors_name_what_is_wrong(uboot):
    check_error(uboot, GOOD + 'memry = "1G"\\n', "/tmp/bad.conf:6", "memry")
    check_error(uboot, GOOD.replace("256M", "lots"), "/tmp/bad.conf:4", "memory")
    check_error(uboot, GOOD.replace("256M", "512G"), "memory")
    check_error(uboot, GOOD.replace("vmlinuz", "nothing"), "/var/lib/tarn/nothing")
    check_error(uboot, GOOD.replace("vmlinuz", "debian.img"), "Image")
    check_error(uboot, GOOD.replace("vcpus = 1", "vcpus = 99"), "/tmp/bad.conf:5", "vcpus")
    check_error(uboot, GOOD + 'disk "root" { path = "/no/such/disk" }\\n', "/no/such/disk")


def test_poweroff_of_the_machine(uboot):
    uboot.child.sendline("systemctl poweroff")
    uboot.child.expect_exact("dom0 asked for power-off", timeout=300)
    uboot.child.expect(pexpect.EOF, timeout=60)
