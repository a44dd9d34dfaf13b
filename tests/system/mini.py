# SPDX-License-Identifier: Apache-2.0
"""A domU that is up in two seconds: the stock kernel, and the initrd's shell as its first program."""
import base64

CONFIG = """name = "{name}"
kernel = "/var/lib/tarn/vmlinuz"
initrd = "/var/lib/tarn/initrd.img"
cmdline = '{cmdline}'
memory = "{memory}"
vcpus = {vcpus}
{more}
"""
STAY = "while :; do busybox sleep 1; done"


def write(machine, path, data):
    machine.ok(f"echo {base64.b64encode(data).decode()} | base64 -d > {path}")


def configure(machine, name, script=STAY, more="", memory="128M", vcpus=1, cmdline=None):
    """Writes /tmp/NAME.conf; returns the path."""
    path = f"/tmp/{name}.conf"
    cmdline = cmdline or f'rdinit=/bin/sh console=ttyAMA0 quiet -- -c "{script}"'
    write(machine, path, CONFIG.format(name=name, cmdline=cmdline, more=more, memory=memory,
                                       vcpus=vcpus).encode())
    return path


def create(machine, name, script=STAY, **options):
    machine.ok(f"tarn create {configure(machine, name, script, **options)}", timeout=120)


def wait(machine, name, state, seconds=180):
    """Until `tarn list --all` has the domain in this state; returns its row."""
    row = f"tarn list --all | grep -w {name} | grep -w '{state}'"
    machine.ok(f"timeout {seconds} sh -c \"until {row} >/dev/null; do sleep 0.2; done\"",
               timeout=seconds + 30)
    return machine.ok(row)
