# SPDX-License-Identifier: Apache-2.0
"""A machine under QEMU with dom0 on its serial line, and the consoles of domUs inside dom0's.

Built on pexpect. A shell on a serial line is driven by commands that print a marker and their exit
code, so a test sees what a person sees.
"""
import os
import pathlib
import re
import time

import pexpect

TOP = pathlib.Path(__file__).resolve().parents[2]
PROMPT = "tarn-test# "
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\x1b\][^\x07]*\x07")
PASSWORD = "tarn"


def state_of(machine, name):
    """A domain's line of tarn list, or None."""
    found = re.search(rf"^\s*\d+\s+{name}\s.*$", machine.ok("tarn list"), re.M)
    return found.group(0) if found else None


class Log:
    """A file that is up to date at every moment: it is read when a test hangs."""

    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8")

    def write(self, text):
        self.file.write(text)
        self.file.flush()

    def flush(self):
        self.file.flush()


class Shell:
    """A root shell somewhere behind a pexpect child."""

    words = 0

    def __init__(self, child, prompt):
        self.child = child
        self.prompt = prompt

    def login(self, name, timeout=300):
        """From the login prompt to a shell whose prompt is our own."""
        self.child.expect_exact(f"{name} login:", timeout=timeout)
        self.enter(timeout)

    def enter(self, timeout=120):
        self.child.sendline("root")
        if self.child.expect_exact(["Password:", "# "], timeout=timeout) == 0:
            self.child.sendline(PASSWORD)
            self.child.expect_exact("# ", timeout=timeout)
        self.take()

    def take(self, timeout=120):
        """A shell prompt is there: makes it ours, without echo and line editing."""
        half = len(self.prompt) // 2
        self.child.sendline(f"stty -echo cols 500; bind 'set enable-bracketed-paste off'; "
                            f"PS1='{self.prompt[:half]}''{self.prompt[half:]}'; PROMPT_COMMAND=")
        self.child.expect_exact(self.prompt, timeout=timeout)

    def sync(self, timeout=60):
        """What was printed before, prompts and exit codes among it, is behind us."""
        Shell.words += 1
        self.child.sendline(f"echo 'wo''rd-{Shell.words}-'")
        self.child.expect_exact(f"word-{Shell.words}-", timeout=timeout)
        self.child.expect_exact(self.prompt, timeout=timeout)

    def run(self, command, timeout=120):
        """Runs a command line. Returns (exit code, output)."""
        self.child.sendline(f"{command}; echo =$?=")
        self.child.expect(r"=(\d+)=\r*\n", timeout=timeout)
        output, code = self.child.before, int(self.child.match.group(1))
        self.child.expect_exact(self.prompt, timeout=timeout)
        return code, ESCAPES.sub("", output).strip()

    def ok(self, command, timeout=120):
        code, output = self.run(command, timeout)
        assert code == 0, f"{command}: exit code {code}\n{output}"
        return output


class Machine(Shell):
    """QEMU with Tarn; the shell is dom0's, on the PL011."""

    def __init__(self, log, options=(), **variables):
        """`options` go to QEMU; variables are those of guests/run.sh."""
        environment = dict(os.environ, **{k: str(v) for k, v in variables.items()})
        child = pexpect.spawn(str(TOP / "guests/run.sh"), list(options), env=environment, cwd=str(TOP),
                              encoding="utf-8", codec_errors="replace", timeout=120,
                              maxread=65536)
        child.logfile_read = Log(log)
        child.delaybeforesend = None
        super().__init__(child, PROMPT)

    def domu(self, name, timeout=420):
        """Attaches to a domU's console and logs in. The shell is the domU's until leave()."""
        self.child.sendline(f"tarn console {name}")
        shell = Shell(self.child, f"domu-{name}# ")
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            # Attaching replays what came before; only what follows a fresh Enter counts.
            self.drain()
            self.child.sendline("")
            seen = self.child.expect([r"domu2? login: *$", re.escape(shell.prompt),
                                      pexpect.TIMEOUT], timeout=10)
            if seen == 2 or (seen == 0 and self.drain(1)):
                continue
            if seen == 0:
                shell.enter(timeout)
            else:
                shell.sync()
            return shell
        raise AssertionError(f"no login on the console of {name} within {timeout} s")

    def drain(self, quiet=2):
        """Throws away output until there is none for `quiet` seconds. Returns how much there was."""
        size = 0
        try:
            while True:
                size += len(self.child.read_nonblocking(65536, timeout=quiet))
        except pexpect.TIMEOUT:
            return size

    def leave(self):
        """Ctrl-] leaves the console; dom0's shell goes on."""
        self.child.send("\x1d")
        self.child.expect_exact(self.prompt, timeout=60)

    def close(self):
        self.child.close(force=True)
