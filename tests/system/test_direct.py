# SPDX-License-Identifier: Apache-2.0
"""The short path, QEMU -kernel and guest-loader, on GICv2: a domain that Tarn starts before dom0 is up; dom0 and
two domUs share two CPUs; ends of domUs; and dom0's reboot."""
import json

from machine import state_of


def ask_first(direct, question, answer):
    """A command to the shell on the console of the domain "first"."""
    direct.child.sendline("tarn console first")
    direct.child.expect_exact("Ctrl-] leaves", timeout=60)
    direct.child.sendline(f"\n{question}")
    direct.child.expect_exact(answer, timeout=60)
    direct.leave()


def test_domain_before_dom0(direct):
    """It was at its shell before dom0's login, and its words are in Tarn's log."""
    assert "guest: first: " in direct.boot_log
    assert direct.boot_log.index("domain first: started") < direct.boot_log.index("guest: first: ")
    log = direct.ok("tarn dmesg")
    assert "first: initrd: no root= on the kernel's command line" in log
    assert "running" in state_of(direct, "first")
    assert direct.ok("systemctl is-active tarn-adopt tarn@first").split() == ["active", "active"]
    assert "first" not in direct.ok("ls -R /sys/firmware/devicetree/base/chosen")


def test_domain_of_the_boot_is_one_like_others(direct):
    ask_first(direct, "echo $((6 * 7))-answered", "42-answered")
    direct.ok("tarn pause first && tarn unpause first")
    direct.ok("pkill -KILL -u $((1879048192 + $(tarn info --json first | sed 's/.*\"id\": \\([0-9]*\\).*/\\1/')))")
    ask_first(direct, "echo $((6 * 8))-answered", "48-answered")
    code, output = direct.run("tarn reboot first")
    assert code == 1 and "begins anew with the machine alone" in output
    code, output = direct.run("tarn shutdown first")
    assert code == 1 and "has no power button" in output


def test_domain_of_the_boot_is_adopted_with_its_configuration(direct):
    """Nobody looks after it any more; then dom0 does, and knows how to build it."""
    direct.ok("systemctl mask --runtime --quiet tarn@first; systemctl kill -s KILL tarn@first; "
              "timeout 30 sh -c 'while systemctl is-active -q tarn@first; do sleep 0.1; done'; "
              "systemctl unmask --runtime --quiet tarn@first; rm -r /run/tarn/first")
    assert "running" in state_of(direct, "first")
    code, output = direct.run("tarn console first")
    assert code == 1 and "tarn adopt first" in output
    direct.ok("mkdir -p /etc/tarn/boot && cp /etc/tarn/first.conf /etc/tarn/boot/ && tarn adopt first")
    ask_first(direct, "echo $((6 * 9))-answered", "54-answered")
    direct.ok("tarn reboot --force --wait=60 first", timeout=90)
    before = json.loads(direct.ok("tarn info --json"))["pool_free"]
    direct.ok("tarn destroy first", timeout=120)
    assert state_of(direct, "first") is None
    assert json.loads(direct.ok("tarn info --json"))["pool_free"] == before + (128 << 20)


def test_dom0_and_its_driver(direct):
    assert direct.ok("nproc") == "2"
    assert "tarn" in direct.ok("cat /proc/modules")


def test_domu_on_gicv2(direct):
    domu = direct.domu("debian")
    assert domu.ok("nproc") == "2"
    domu.ok("timeout 120 sh -c 'until ip -4 addr show scope global | grep -q 192.168.77; do sleep 1; "
            "done'", timeout=140)
    domu.ok("ping -c 1 -W 20 192.168.77.1", timeout=60)
    direct.leave()


def test_two_domus_at_once(direct):
    """With dom0's, eight vCPUs on two CPUs."""
    direct.ok("sed -i 's/^vcpus.*/vcpus = 4/' /etc/tarn/debian2.conf")
    direct.ok("tarn create /etc/tarn/debian2.conf", timeout=180)
    second = direct.domu("debian2")
    assert second.ok("nproc") == "4"
    direct.leave()
    assert "running" in state_of(direct, "debian")
    assert "running" in state_of(direct, "debian2")
    first = direct.domu("debian")
    first.ok("true")
    direct.leave()


def test_four_vcpus_work(direct):
    domu = direct.domu("debian2")
    assert domu.ok("nproc") == "4"
    # All at once; each says on which CPU it ended.
    domu.ok("for c in 0 1 2 3; do { taskset -c $c sh -c 'head -c 4000000 /dev/zero | sha256sum; "
            "cut -d\" \" -f39 /proc/self/stat' > /tmp/cpu$c & } 2>/dev/null; done; wait", timeout=120)
    hashes = set()
    for cpu in range(4):
        checksum, where = domu.ok(f"cat /tmp/cpu{cpu}").splitlines()
        assert int(where) == cpu
        hashes.add(checksum)
    assert len(hashes) == 1
    # Interrupts of every kind reach every CPU: its timer, and calls from others.
    interrupts = domu.ok("grep -E 'arch_timer|Function call' /proc/interrupts")
    for line in interrupts.splitlines():
        assert all(int(count) > 0 for count in line.split()[1:5]), interrupts
    direct.leave()


def test_poweroff_from_inside(direct):
    direct.domu("debian2")
    direct.child.sendline("systemctl poweroff")
    direct.child.expect("[Pp]ower|reboot: ", timeout=180)
    direct.child.expect_exact([direct.prompt], timeout=240)
    direct.ok("timeout 60 sh -c 'while tarn list | grep -q debian2; do sleep 1; done'", timeout=80)
    # Nothing is left in the way of a second life.
    direct.ok("tarn create /etc/tarn/debian2.conf", timeout=180)
    direct.ok("tarn destroy debian2", timeout=120)


def test_clean_shutdown_of_a_domu(direct):
    direct.ok("tarn shutdown debian", timeout=60)
    direct.ok("timeout 240 sh -c 'while tarn list | grep -q debian; do sleep 2; done'", timeout=260)


def test_reboot_of_the_machine(direct):
    direct.child.sendline("systemctl reboot")
    direct.child.expect_exact("dom0 asked for reset", timeout=300)
    direct.child.expect_exact("tarn: firmware", timeout=60)
