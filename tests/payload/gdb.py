# SPDX-License-Identifier: Apache-2.0
"""QEMU stopped and changed from outside: as much of gdb's remote protocol as the tests need. It works
with what people run, without a line of test code in EL2."""
import socket
import subprocess
import time

import machine

SP, PC = 31, 32
VIRTUAL, PHYSICAL = 0, 1
PART = 2048  # the stub's packets hold no more memory


def symbols():
    """Name -> link address of everything in build/tarn.elf."""
    text = subprocess.run(["nm", str(machine.BUILD / "tarn.elf")], check=True, capture_output=True,
                          text=True).stdout
    return {words[2]: int(words[0], 16) for words in map(str.split, text.splitlines()) if len(words) == 3}


class Gdb:
    """A connection to the gdb stub at the end of a socket; the machine stands still."""

    def __init__(self, path, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        end = time.monotonic() + timeout
        while True:
            try:
                self.socket.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                assert time.monotonic() < end, "QEMU does not open its gdb stub"
                time.sleep(0.05)
        self.buffer = b""
        assert self.ask("qSupported").startswith("PacketSize")
        # QEMU allows single registers to those only who have asked what registers there are.
        assert self.ask("qXfer:features:read:target.xml:0,fff")[0] in "lm"

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xff))

    def receive(self):
        while b"#" not in self.buffer or len(self.buffer) < self.buffer.index(b"#") + 3:
            part = self.socket.recv(65536)
            assert part, "QEMU has gone"
            self.buffer += part
        end = self.buffer.index(b"#")
        packet = self.buffer[self.buffer.index(b"$") + 1:end]
        self.buffer = self.buffer[end + 3:]
        self.socket.sendall(b"+")
        return packet.decode()

    def ask(self, text):
        self.send(text)
        return self.receive()

    def run_to(self, address):
        """Runs until a CPU is about to execute what is at that address."""
        assert self.ask(f"Z0,{address:x},4") == "OK"
        assert self.ask("c")[0] in "TS"
        assert self.ask(f"z0,{address:x},4") == "OK"

    def set_register(self, number, value):
        assert self.ask(f"P{number:x}={value.to_bytes(8, 'little').hex()}") == "OK"

    def memory(self, address, size):
        """As the CPU that stopped sees it, or physical memory after use_addresses(PHYSICAL)."""
        data = b"".join(bytes.fromhex(self.ask(f"m{at:x},{min(PART, address + size - at):x}"))
                        for at in range(address, address + size, PART))
        assert len(data) == size
        return data

    def word(self, address):
        return int.from_bytes(self.memory(address, 8), "little")

    def use_addresses(self, kind):
        assert self.ask(f"Qqemu.PhyMemMode:{kind}") == "OK"

    def go(self):
        """The machine goes on; nothing more can be asked."""
        self.ask("?")
        self.send("c")
