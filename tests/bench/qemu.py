# SPDX-License-Identifier: Apache-2.0
"""Runs QEMU until the guest has said that it is done; knows runs that need not be repeated."""
import hashlib
import itertools
import json
import os
import re
import select
import socket
import subprocess
import threading
import time

from environments import TOP

SILENCE = 120      # seconds of QEMU's own CPU time without a line: the guest hangs, however busy the host
SILENCE_WALL = 900  # the same for a QEMU that waits for nothing
TICKS = os.sysconf("SC_CLK_TCK")
TURN = 0.02
ENDED = re.compile(r"BENCH done|BENCH failed|ardware Dom0 halted|reboot: Power down|PANIC|Kernel panic|"
                   "Synchronous Abort")


def digest(command):
    """Of the command line and the contents of each file it names."""
    total = hashlib.sha256(" ".join(command).encode())
    for word in command:
        for path in re.findall(r"(?:^|=)(/[^,\s]+)", word):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


class Turns:
    """Makes QEMU's CPUs take turns until the first result. Under -icount a CPU runs until a timer of the
    machine expires, unless it waits (WFI, WFE, YIELD); Xen starts its CPUs with loops that do not say so,
    and would stay there."""

    def __init__(self, path):
        self.path = path
        path.unlink(missing_ok=True)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.path.exists() and not self.over.wait(TURN):
            pass
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(SILENCE)
            monitor.connect(str(self.path))
            answers = monitor.makefile("r")
            answers.readline()
            for command in itertools.chain(["qmp_capabilities"], itertools.cycle(["stop", "cont"])):
                monitor.sendall(json.dumps({"execute": command}).encode())
                while "return" not in json.loads(answers.readline()):
                    pass  # an event
                if command == "cont" and self.over.wait(TURN):
                    return


def cpu_seconds(pid):
    """What a process has used; proc(5), stat, utime and stime."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def has_line(child):
    """Waits for output; False if there was none for too long."""
    used, since = cpu_seconds(child.pid), time.monotonic()
    while not select.select([child.stdout], [], [], 5)[0]:
        if cpu_seconds(child.pid) - used > SILENCE or time.monotonic() - since > SILENCE_WALL:
            return False
    return True


def run(command, log, turns=None):
    """What the guest printed until it said that it was done. A guest that says nothing for SILENCE, or
    something else than a result, has failed. turns: None or the path for a monitor."""
    lines = []
    if turns:
        turns = Turns(turns)
        command = command + ["-qmp", f"unix:{turns.path},server=on,wait=off"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, bufsize=0) as child, open(log, "wb") as file:
        if turns:
            turns.thread.start()
        while has_line(child):
            line = child.stdout.readline()
            file.write(line)
            lines.append(line.decode(errors="replace"))
            if turns and b"BENCH" in line:
                turns.over.set()
            if not line or ENDED.search(lines[-1]):
                break
        child.kill()
        if turns:
            turns.over.set()
    text = "".join(lines)
    if "BENCH failed" in text or "BENCH done" not in text:
        raise RuntimeError(f"no result; see {log.relative_to(TOP)}")
    return text
