# SPDX-License-Identifier: Apache-2.0
"""How domains end, begin anew, and outlive what looks after them."""
import json

import mini


def info(machine, name):
    return json.loads(machine.ok(f"tarn info --json {name}"))


def census(machine):
    found = json.loads(machine.ok("tarn info --json"))
    return found["pool_free"], found["heap_free"]


def test_reasons_are_kept(uboot):
    mini.create(uboot, "off", "busybox poweroff -f")
    assert "powered off" in mini.wait(uboot, "off", "dead")
    mini.create(uboot, "again", "busybox reboot -f", more='on_reboot = "preserve"')
    assert "rebooted" in mini.wait(uboot, "again", "shutdown")
    uboot.ok("tarn destroy again", timeout=60)
    assert "rebooted" in mini.wait(uboot, "again", "dead")
    code, output = uboot.run("tarn info again")
    assert code == 4
    assert "rebooted" in output


def test_a_guest_without_vectors_crashes(uboot):
    """An arm64 Image whose first instruction jumps to nowhere: br x30, with x30 = 0."""
    image = bytearray(64)
    image[0:4] = (0xd61f03c0).to_bytes(4, "little")
    image[16:24] = (65536).to_bytes(8, "little")
    image[56:60] = b"ARM\x64"
    mini.write(uboot, "/tmp/lost", image)
    uboot.ok("truncate -s 65536 /tmp/lost")
    path = mini.configure(uboot, "lost", more='on_crash = "preserve"')
    uboot.ok(f"sed -i -e 's/^kernel.*/kernel = \"\\/tmp\\/lost\"/' -e '/^initrd/d' {path}")
    uboot.ok(f"tarn create {path}", timeout=60)
    row = mini.wait(uboot, "lost", "crashed")
    assert "translation fault at its exception vectors, pc 0x200" in row
    # Back-off: it crashes, waits a second, crashes, waits two. All the time it is known.
    uboot.ok("tarn destroy lost", timeout=60)
    uboot.ok(f"sed -i s/preserve/restart/ {path} && tarn create {path}", timeout=60)
    uboot.ok("timeout 60 sh -c 'until tarn info lost | grep -q ^restarts[[:space:]]*2,; do sleep 0.2; done'",
             timeout=90)
    assert "exception vectors" in info(uboot, "lost")["last_restart"]
    uboot.ok("tarn destroy lost", timeout=60)


def test_reboot_over_and_over(uboot):
    mini.create(uboot, "twice")
    for count in range(1, 7):
        uboot.ok("tarn reboot --force --wait=60 twice", timeout=90)
        found = info(uboot, "twice")
        assert (found["state"], found["restarts"]) == ("running", count)
        assert "by force" in found["last_restart"]
    # What is asked for while the backend is being stopped is heard.
    uboot.ok("tarn reboot --force twice; tarn destroy twice", timeout=60)


def test_domains_outlive_who_looks_after_them(uboot):
    before = census(uboot)
    mini.create(uboot, "orphan")
    # It never has a driver for its power button, as others have none while they boot.
    for verb, remedy in ("shutdown orphan --wait=9", "tarn destroy"), ("reboot orphan", "--force"):
        code, output = uboot.run(f"tarn {verb}")
        assert code == 1 and len(output.splitlines()) == 1, output
        assert "may still be booting" in output and "try again" in output and remedy in output
    # The supervisor: systemd starts the next one, which takes the running domain over.
    first = uboot.ok("cat /run/tarn/orphan/pid")
    uboot.ok("kill -9 $(cat /run/tarn/orphan/pid)")
    uboot.ok(f"timeout 30 sh -c 'while grep -qx {first} /run/tarn/orphan/pid; do sleep 0.2; done'",
             timeout=60)
    assert info(uboot, "orphan")["restarts"] == 0
    uboot.ok("tarn pause orphan && tarn unpause orphan", timeout=60)
    # The backend: its supervisor starts the next one.
    uboot.ok("kill -9 $(pgrep -f name=orphan)")
    uboot.ok("timeout 30 sh -c 'until tarn info orphan | grep -q attached; do sleep 0.2; done'",
             timeout=60)
    found = info(uboot, "orphan")
    assert found["backend_deaths"] == 1
    assert found["last_backend_death"].endswith("killed by SIGKILL")
    assert "its backend died: killed by SIGKILL" in uboot.ok("journalctl -u tarn@orphan")
    # Everybody, and nobody comes after: still known, still to be destroyed, and made again.
    uboot.ok("systemctl mask --runtime --quiet tarn@orphan; "
             "kill -9 $(cat /run/tarn/orphan/pid) $(pgrep -f name=orphan); sleep 1")
    assert info(uboot, "orphan")["state"] == "running"
    uboot.ok("tarn destroy orphan; systemctl unmask --runtime --quiet tarn@orphan", timeout=60)
    assert census(uboot) == before
    mini.create(uboot, "orphan")
    # Restarting the unit is a new life of the same configuration.
    uboot.ok("kill -USR1 $(cat /run/tarn/orphan/pid)")
    uboot.ok("timeout 30 sh -c 'until tarn info orphan | grep -q ^restarts[[:space:]]*1,; do sleep 0.2; done'",
             timeout=60)
    uboot.ok("tarn destroy orphan; systemctl start tarn@orphan", timeout=90)
    assert "running" in mini.wait(uboot, "orphan", "running")
    uboot.ok("tarn destroy orphan", timeout=60)
    assert census(uboot) == before


def test_restart_of_the_unit(uboot):
    """New processes under the same guest."""
    before = census(uboot)
    mini.create(uboot, "unit")
    first, same = uboot.ok("cat /run/tarn/unit/pid"), info(uboot, "unit")["id"]
    uboot.ok("systemctl restart tarn@unit", timeout=120)
    assert uboot.ok("cat /run/tarn/unit/pid") != first
    found = info(uboot, "unit")
    assert (found["id"], found["state"], found["restarts"]) == (same, "running", 0)
    uboot.ok("tarn pause unit && tarn unpause unit && tarn destroy unit", timeout=60)
    assert census(uboot) == before


WATCHED = ("busybox mount -t devtmpfs none /dev; busybox insmod /lib/modules/sbsa_gwdt.ko timeout=10; "
           "exec 3>/dev/watchdog; ")


def requests(machine, name):
    return json.loads(machine.ok(f"tarn stats --json {name}"))[0]["requests"]


def test_cpus_of_dom0_come_and_go(uboot):
    """Whichever CPU of dom0 was told of a request: it is answered."""
    mini.create(uboot, "busy", WATCHED + "while echo >&3; do :; done")
    uboot.ok("until tarn stats --json busy | grep -q 'requests.: [0-9][0-9][0-9]'; do sleep 0.2; done",
             timeout=120)
    uboot.ok("for i in 1 2; do for c in 1 2 3; do echo 0 > /sys/devices/system/cpu/cpu$c/online; done; "
             "for c in 1 2 3; do echo 1 > /sys/devices/system/cpu/cpu$c/online; done; done", timeout=120)
    before = requests(uboot, "busy")
    uboot.ok("sleep 1")
    assert requests(uboot, "busy") > before
    uboot.ok("tarn destroy busy", timeout=60)


def test_watchdog(uboot):
    """The guest's own driver: who pets the dog lives, paused or not; who does not has crashed."""
    mini.create(uboot, "petted", WATCHED + "while echo >&3; do busybox sleep 1; done")
    mini.create(uboot, "hung", WATCHED + mini.STAY, more='on_crash = "preserve"')
    row = mini.wait(uboot, "hung", "crashed")
    assert "its watchdog ran out" in row
    assert info(uboot, "hung")["reason"] == "watchdog"
    uboot.ok("tarn destroy hung", timeout=60)
    uboot.ok("tarn pause petted; sleep 12; tarn unpause petted; kill -9 $(pgrep -f name=petted); "
             "sleep 12", timeout=90)
    assert info(uboot, "petted")["state"] == "running"
    assert json.loads(uboot.ok("tarn stats --json petted"))[0]["requests"] > 20  # it did pet it
    uboot.ok("tarn destroy petted", timeout=60)
    # on_crash decides.
    mini.create(uboot, "hung", WATCHED + mini.STAY, more='on_crash = "restart"')
    uboot.ok("timeout 120 sh -c 'until tarn info hung | grep -q ^restarts; do sleep 0.5; done'",
             timeout=150)
    assert "its watchdog ran out" in info(uboot, "hung")["last_restart"]
    uboot.ok("tarn destroy hung", timeout=60)
