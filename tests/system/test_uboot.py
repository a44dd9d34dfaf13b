# SPDX-License-Identifier: Apache-2.0
"""The path a newcomer takes: U-Boot, Tarn, dom0, and a domU with disk, network and console.

The tests run in the order written, on one machine: each leaves the domain `debian` running.
"""
import re

import mini
import pexpect
from machine import state_of

CONFIG = "/etc/tarn/debian.conf"
# The domain's second life: one vCPU, and every key that the first one leaves out.
SECOND = "/tmp/second.conf"
MAC = "52:54:00:aa:bb:01"
MAKE_SECOND = f"""sed -e 's/^vcpus.*/vcpus = 1/' -e 's/bridge = "tarnbr0"/& mac = "{MAC}"/' {CONFIG} > {SECOND};
 echo 'disk "extra" {{ path = "/tmp/extra.img" readonly = true }}' >> {SECOND};
 echo 'console {{ log = "/tmp/console.log" }}' >> {SECOND};
 echo 'only to read' > /tmp/extra.img; truncate -s 1M /tmp/extra.img"""


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
    uboot.ok(MAKE_SECOND.replace("\n", ""))
    uboot.ok(f"tarn create {SECOND}", timeout=180)
    domu = uboot.domu("debian")
    assert domu.ok("sha256sum < /root/data", timeout=240) == before
    domu.ok("rm /root/data")
    uboot.leave()


def test_keys_of_the_config(uboot):
    domu = uboot.domu("debian")
    assert domu.ok("cat /sys/block/vda/ro /sys/block/vdb/ro").split() == ["0", "1"]
    assert domu.ok("head -n 1 /dev/vdb") == "only to read"
    assert domu.run("dd if=/dev/zero of=/dev/vdb count=1 oflag=direct")[0] != 0
    assert MAC in domu.ok("cat /sys/class/net/e*/address").split()
    domu.ok("echo said-once-$((40 + 2)) > /dev/hvc0")
    uboot.leave()
    # From the kernel's first words (the emulated PL011) to the last ones (virtio), each once.
    for words in "Linux version", "said-once-42":
        assert uboot.ok(f"grep -c '{words}' /tmp/console.log") == "1"


def test_reboot_from_inside(uboot):
    domu = uboot.domu("debian")
    before = domu.ok("echo kept > /root/kept; cat /proc/sys/kernel/random/boot_id")
    uboot.leave()
    memory = uboot.ok("tarn info --json")
    uboot.domu("debian")
    uboot.child.sendline("reboot")
    # Our console stays attached and sees the next life.
    uboot.child.expect_exact("Linux version", timeout=240)
    uboot.child.expect_exact("domu login:", timeout=300)
    uboot.leave()
    domu = uboot.domu("debian")
    assert domu.ok("cat /proc/sys/kernel/random/boot_id") != before
    assert domu.ok("cat /root/kept; nproc").split() == ["kept", "1"]
    uboot.leave()
    assert "running" in state_of(uboot, "debian")
    assert uboot.ok("tarn info --json") == memory


EARLY = """name = "early"
kernel = "/var/lib/tarn/vmlinuz"
cmdline = "root=/dev/vda earlycon console=hvc0"
memory = "128M"
console { log = "/tmp/early.log" }
"""


def test_kernel_that_dies_early_says_why(uboot):
    """No initrd, so no virtio drivers: the emulated PL011 of stdout-path is all it has."""
    text = EARLY.replace("\n", "\\n")
    uboot.ok(f"printf '%b' '{text}' > /tmp/early.conf")
    uboot.ok("tarn create /tmp/early.conf", timeout=180)
    uboot.ok("timeout 120 sh -c 'until grep -q \"end Kernel panic\" /tmp/early.log; do sleep 1; done'",
             timeout=140)
    assert "Unable to mount root fs" in uboot.ok("grep 'Kernel panic' /tmp/early.log | head -n 1")
    uboot.ok("tarn destroy early", timeout=120)


def census(machine):
    """Everything of domains in dom0 and Tarn: memory, domains, processes, units, taps, folders."""
    return machine.ok("tarn info --json; tarn list | cut -c1-60; pgrep -a '^tarn|^vhost' | cut -d' ' -f2-; "
                      "systemctl list-units --all --plain --no-legend 'tarn@*'; ls /sys/class/net; "
                      "ls /run/tarn; ls /run/tarn/* | sort -u")


GOOD = ('name = "bad"\\nkernel = "/var/lib/tarn/vmlinuz"\\ncmdline = ""\\nmemory = "256M"\\n'
        'vcpus = 1\\n')
DISK = 'disk "root" { path = "/var/lib/tarn/debian2.img" }\\n'
# What is written, and what the one line must say: file and line, key, the wrong value, the remedy.
ERRORS = {
    "unknown key": (GOOD + 'memry = "1G"\\n', ":6:", "memry", "tarn.conf(5)"),
    "no number": (GOOD.replace("vcpus = 1", "vcpus = two"), ":5:", "key 'vcpus'", "two", "write it like"),
    "no amount": (GOOD.replace("256M", "lots"), ":4:", "memory", "lots", '"512M"'),
    "more memory than any domain": (GOOD.replace("256M", "512T"), ":4:", "memory", "512T", "at most"),
    "more memory than is free": (GOOD.replace("256M", "3G"), ":4:", "memory", "3072M", "lower memory="),
    "too little memory": (GOOD.replace("256M", "16M"), ":4:", "memory", "16M", "use more"),
    "no kernel": (GOOD.replace("vmlinuz", "nothing"), ":2:", "kernel", "/var/lib/tarn/nothing", "give"),
    "no Image": (GOOD.replace("vmlinuz", "debian.img"), ":2:", "kernel", "debian.img is not an arm64 Image",
                 "give"),
    "no initrd": (GOOD + 'initrd = "/no/such/initrd"\\n', ":6:", "initrd", "/no/such/initrd", "give"),
    "relative path": (GOOD.replace("/var/lib/tarn/vmlinuz", "vmlinuz"), ":2:", "kernel", "vmlinuz", "whole path"),
    "relative disk": (GOOD + 'disk "root" { path = "etc/hostname" }\\n', ":6:", "path", "etc/hostname", "whole path"),
    "vcpus": (GOOD.replace("vcpus = 1", "vcpus = 99"), ":5:", "vcpus", "99", "use 1 to"),
    "name": (GOOD.replace('"bad"', '"b d"'), ":1:", "name", "b d", "use 1 to"),
    "no disk": (GOOD + 'disk "root" { path = "/no/such/disk" }\\n', ":6:", "path", "/no/such/disk", "give"),
    "disk twice": (GOOD + DISK + DISK.replace("root", "more"), ":7:", "path", "debian2.img", '"root" already',
                   "give each"),
    "no bridge": (GOOD + 'network "lan" { bridge = "nobr0" }\\n', ":6:", "bridge", "nobr0", "ip link add"),
    "no address": (GOOD + 'network "lan" { bridge = "tarnbr0" mac = "1:2" }\\n', ":6:", "mac", "1:2", "write"),
    "no log": (GOOD + DISK + 'console { log = "/no/such/folder/log" }\\n', ":7:", "log", "/no/such/folder/log",
               "give"),
    "no end": (GOOD + 'disk "root" { path = "x"\\n', "bad.conf:", "add"),
    "name taken": (GOOD.replace('"bad"', '"debian"'), ":1:", "name", "debian", "destroy it"),
}


def test_errors_name_what_is_wrong_and_leave_nothing(uboot):
    before = census(uboot)
    wrong = []
    for what, (config, *words) in ERRORS.items():
        uboot.ok(f"cd /; printf '%b' '{config}' > /tmp/bad.conf")
        code, output = uboot.run("tarn create /tmp/bad.conf", timeout=120)
        if (code == 0 or len(output.splitlines()) != 1 or not output.startswith("/tmp/bad.conf:") or
                any(word not in output for word in words)):
            wrong.append(f"{what}: exit code {code}: {output}")
        after = census(uboot)
        if after != before:
            wrong.append(f"{what}: left behind:\n{after}\ninstead of\n{before}")
            before = after
    assert not wrong, "\n".join(wrong)
    # A file that is not there has no line.
    code, output = uboot.run("tarn create /no/such.conf")
    assert code != 0 and output.startswith("/no/such.conf: ") and len(output.splitlines()) == 1


def test_create_that_is_interrupted_leaves_nothing(uboot):
    path = mini.configure(uboot, "hasty", memory="512M")
    uboot.ok(f"tarn create {path} && tarn destroy hasty", timeout=120)
    before = census(uboot)
    codes, heard, said = {}, [], "tarn: hasty: interrupted; nothing is left of it"
    for delay in (0.05, 0.2, 0.4, 0.7, 1):
        for signal in ("INT", "TERM"):
            code, output = uboot.run(f"timeout --preserve-status -s {signal} {delay} tarn create {path}", timeout=120)
            codes[delay, signal] = code
            if code == 0:
                uboot.ok("tarn destroy hasty", timeout=60)
            else:
                # Nothing is said if the signal was there before the command was.
                assert code == {"INT": 130, "TERM": 143}[signal] and output in ("", said), output
                heard.append(output)
            assert census(uboot) == before, (delay, signal, code)
    assert codes[0.2, "INT"] == 130 and said in heard, (codes, heard)


def test_poweroff_of_the_machine(uboot):
    uboot.child.sendline("systemctl poweroff")
    uboot.child.expect_exact("dom0 asked for power-off", timeout=300)
    uboot.child.expect(pexpect.EOF, timeout=60)
