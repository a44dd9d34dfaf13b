# SPDX-License-Identifier: Apache-2.0
"""Two domains of the stock kernel share memory, with the example program of guests/domu/shared.c."""
import mini
import pexpect
import pytest
from machine import Shell

CMDLINE = "root=/dev/vda ro init=/bin/bash console=hvc0 quiet"


def configure(machine, name, size="16M"):
    """A Debian disk without its init: a shell is the first program."""
    return mini.configure(machine, name, more='disk "root" { path = "/var/lib/tarn/debian2.img" readonly = true }'
                          f'\nregion "ring" {{\n size = "{size}"\n}}', cmdline=CMDLINE)


def enter(machine, name):
    """A shell on the domain's console, until machine.leave()."""
    machine.child.sendline(f"tarn console {name}")
    shell = Shell(machine.child, f"{name}# ")
    for _ in range(20):
        machine.drain(1)
        machine.child.sendline("")
        if machine.child.expect([r"root@\(none\):/# *$", f"{name}# *$", pexpect.TIMEOUT], timeout=10) != 2:
            shell.take()
            shell.sync()
            return shell
    raise AssertionError(f"no shell on the console of {name}")


@pytest.fixture
def pair(uboot):
    free = uboot.ok("tarn info --json")
    for name in "one", "two":
        uboot.ok(f"tarn create {configure(uboot, name)}", timeout=120)
    yield uboot
    for name in "one", "two", "three":
        uboot.run(f"tarn destroy {name}", timeout=60)
    assert uboot.ok("tarn info --json") == free


def send(machine, name, *texts):
    shell = enter(machine, name)
    shell.ok("tarn-shared ring send " + " ".join(texts), timeout=60)
    machine.leave()


def receive(machine, name, count=1):
    shell = enter(machine, name)
    output = "\n".join(shell.ok("tarn-shared ring receive", timeout=60) for _ in range(count))
    machine.leave()
    return output


def test_messages_and_the_end_of_one(pair):
    shell = enter(pair, "one")
    assert shell.ok("tarn-shared list") == "ring 0x3f000000 16M"
    # Each waits for the other: the second message for the first one's end, by the doorbell.
    shell.ok("{ tarn-shared ring send hello again & } 2>/dev/null")
    pair.leave()
    assert receive(pair, "two", 2) == "hello\nagain"
    send(pair, "two", "back")
    assert receive(pair, "one") == "back"
    # Others are told why not.
    code, output = pair.run(f"tarn create {configure(pair, 'three')}", timeout=60)
    assert code != 0 and output.startswith("/tmp/three.conf:") and "a region is of two domains" in output
    # The backend's next life rings on.
    send(pair, "one", "kept")
    pair.ok("kill -9 $(pgrep -f -o 'tarn-backend.*--name=two') && timeout 30 sh -c "
            "'until tarn info two | grep -q deaths; do sleep 0.2; done; sleep 1'", timeout=60)
    assert receive(pair, "two") == "kept"
    # What is there stays while one domain has it, and is the next one's.
    send(pair, "two", "heritage")
    pair.ok("tarn destroy two", timeout=60)
    code, output = pair.run(f"tarn create {configure(pair, 'three', '8M')}", timeout=60)
    assert code != 0 and 'region "ring" has 16M in domain one; use the same size' in output
    pair.ok(f"tarn create {configure(pair, 'three')}", timeout=60)
    assert receive(pair, "three") == "heritage"
    pair.ok("tarn reboot --force --wait=60 one", timeout=90)
    send(pair, "three", "anew")
    assert receive(pair, "one") == "anew"
