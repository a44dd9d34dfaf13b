# SPDX-License-Identifier: Apache-2.0
"""A machine with dom0 and one domU for loads: the domU has its root disk, a scratch disk on a file of
dom0, the disk of tools, and a network; /mnt/load is the load program on both sides."""
import re
import sys

from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tests/system"))
from machine import Machine  # noqa: E402

SCRATCH = "/var/lib/tarn/scratch.img"
SCRATCH_BYTES = 256 << 20
DOM0, PORT = "192.168.77.1", 7300
CONFIG = """name = "load"
kernel = "/var/lib/tarn/vmlinuz"
initrd = "/var/lib/tarn/initrd.img"
cmdline = "root=/dev/vda rw console=hvc0 mitigations=off"
memory = "384M"
vcpus = {vcpus}
disk "root" {{ path = "/var/lib/tarn/debian.img" }}
disk "scratch" {{ path = "{scratch}" {disk} }}
disk "tools" {{ path = "{tools}" readonly = true }}
network "lan" {{ bridge = "tarnbr0" {network} }}
{more}
"""


def words(line):
    """The NAME=VALUE words of the last line of a load command."""
    return {name: float(value) for name, value in re.findall(r"(\w+)=([0-9.]+)", line)}


class Rig:
    def __init__(self, log, scratch_bytes=SCRATCH_BYTES, image=TOP / "build/tools.img", options=(), **variables):
        """image: the disk of tools; options go to QEMU; variables are those of guests/run.sh."""
        arguments = {"BOOT": "direct", "CPUS": 2, "MEM": "3G",
                     "DOM0_ARGS": "systemd.mask=tarn-autostart.service mitigations=off"}
        arguments.update(variables)
        log.parent.mkdir(parents=True, exist_ok=True)
        self.machine = Machine(log, options=(
            "-drive", f"file={image},format=raw,if=none,id=tools,readonly=on",
            "-device", "virtio-blk-device,drive=tools", *options), **arguments)
        self.dom0 = self.machine
        self.domu = None
        self.machine.login("dom0", timeout=480)
        self.tools = self.dom0.ok("until blkid -L tools; do sleep 1; done", timeout=60)
        self.dom0.ok(f"mount -o ro {self.tools} /mnt")
        self.dom0.ok(f"dd if=/dev/zero of={SCRATCH} bs=1M count={scratch_bytes >> 20} "
                     "oflag=direct status=none", timeout=240)
        self.dom0.ok(f"{{ /mnt/load serve {PORT} >/dev/null 2>/tmp/serve & }}")

    def create(self, vcpus=1, scratch=SCRATCH, disk="", network="", more="", lan=True):
        """lan: wait until it has an address."""
        text = CONFIG.format(vcpus=vcpus, scratch=scratch, disk=disk, network=network, more=more,
                             tools=self.tools)
        self.dom0.ok(f"printf '%s' '{text}' > /tmp/load.conf")
        self.dom0.ok("tarn create /tmp/load.conf", timeout=120)
        self.enter()
        self.domu.ok("mount -o ro /dev/vdc /mnt")
        if lan:
            self.domu.ok("timeout 120 sh -c 'until ip -4 addr show scope global | grep -q 192.168.77; "
                         "do sleep 1; done'", timeout=140)
        self.leave()

    def destroy(self):
        self.dom0.ok("tarn destroy load", timeout=120)

    def enter(self):
        self.domu = self.machine.domu("load")
        return self.domu

    def leave(self):
        self.machine.leave()

    def close(self):
        self.machine.close()
