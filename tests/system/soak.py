#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make soak: domains are made, loaded, paused, moved, rebooted and destroyed at random for SECONDS (600), from
SEED (printed; of the clock if not given), MOST (6) of them at once. In the end everything that is left must have
kept its memory, and when it is gone Tarn must have all of its own back."""
import json
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import mini  # noqa: E402
from machine import TOP, Machine  # noqa: E402

SECONDS = int(os.environ.get("SECONDS_OF_SOAK", "600"))
SEED = int(os.environ.get("SEED") or 0) or int(time.time())
MOST = int(os.environ.get("MOST") or 6)
CPUS = int(os.environ.get("CPUS") or 2)
# Keeps 8 MiB and looks at them for ever.
GUEST = ("busybox seq 1 1200000 > /d; busybox sha256sum /d > /s; "
         "while busybox sha256sum -s -c /s; do echo good; busybox sleep 0.2; done; echo bad")


class Soak:
    def __init__(self, machine):
        self.machine = machine
        self.random = random.Random(SEED)
        self.paused = {}  # name -> whether it is
        self.made = 0
        self.done = {}

    def create(self):
        if len(self.paused) == MOST:
            return
        name = f"s{self.made}"
        self.made += 1
        mini.create(self.machine, name, GUEST, vcpus=self.random.randint(1, 2 * CPUS),
                    memory=f"{self.random.choice((128, 160, 256))}M",
                    more=f'weight = {self.random.choice((64, 256, 1024))}\n'
                         f'cap = {self.random.choice((0, 0, 50))}\n'
                         f'console {{ log = "/tmp/{name}.log" }}')
        self.paused[name] = False

    def pick(self):
        return self.random.choice(sorted(self.paused)) if self.paused else None

    def destroy(self, name=None):
        name = name or self.pick()
        if name:
            self.check(name)
            self.machine.ok(f"tarn destroy {name} && rm /tmp/{name}.log", timeout=120)
            del self.paused[name]

    def pause(self):
        name = self.pick()
        if name:
            self.machine.ok(f"tarn {'unpause' if self.paused[name] else 'pause'} {name}", timeout=60)
            self.paused[name] = not self.paused[name]

    def reboot(self):
        name = self.pick()
        if name:
            self.machine.ok(f"tarn reboot --force --wait=120 {name}", timeout=150)
            self.paused[name] = False

    def schedule(self):
        name = self.pick()
        if name:
            cpus = self.random.choice(["all"] + [str(i) for i in range(CPUS)])
            self.machine.ok(f"tarn sched {name} weight={self.random.randint(1, 2000)} "
                            f"cap={self.random.choice((0, 30, 90))} && tarn vcpu-pin {name} all {cpus}")

    def wait(self):
        time.sleep(self.random.random() * 3)

    def check(self, name):
        """Its memory is as it was."""
        code, output = self.machine.run(f"grep -c bad /tmp/{name}.log")
        assert code != 0, f"{name}: its memory has changed: {output}"

    def step(self):
        act = self.random.choice((self.create, self.create, self.destroy, self.pause, self.pause,
                                  self.reboot, self.schedule, self.schedule, self.wait))
        act()
        self.done[act.__name__] = self.done.get(act.__name__, 0) + 1

    def survivors_go_on(self):
        for name in sorted(self.paused):
            if self.paused[name]:
                self.machine.ok(f"tarn unpause {name}")
            self.machine.ok(f"tarn sched {name} weight=256 cap=0 && tarn vcpu-pin {name} all all")
        for name in sorted(self.paused):
            count = f"$(grep -c good /tmp/{name}.log)"
            before = int(self.machine.run(f"grep -c good /tmp/{name}.log")[1])
            code, _ = self.machine.run(f"timeout 300 sh -c 'until [ {count} -gt {before + 2} ]; do sleep 0.5; done'",
                                       timeout=330)
            assert code == 0, f"{name} does not go on:\n" + self.machine.run(
                f"tarn list; tarn vcpu-list; tarn stats {name}; tail -n 5 /tmp/{name}.log")[1]
            self.check(name)


def census(machine):
    found = json.loads(machine.ok("tarn info --json"))
    return found["pool_free"], found["heap_free"]


def main():
    print(f"soak: SEED={SEED}, {SECONDS} s, at most {MOST} domains on {CPUS} CPUs", flush=True)
    log = TOP / "build/system/soak.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    machine = Machine(log, BOOT="direct", CPUS=CPUS, MEM="4G",
                      DOM0_ARGS="systemd.mask=tarn-autostart.service")
    try:
        machine.login("dom0")
        before = census(machine)
        soak = Soak(machine)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            soak.step()
        soak.survivors_go_on()
        left = len(soak.paused)
        for name in sorted(soak.paused):
            soak.destroy(name)
        assert machine.run("tarn check /dev/null")[0] != 0  # the command still answers
        after = census(machine)
        assert after == before, f"pool and heap were {before} bytes free, are {after}"
        counts = ", ".join(f"{name} {count}" for name, count in sorted(soak.done.items()))
        print(f"soak: {soak.made} domains made, {left} lived to the end; {counts}; nothing lost")
    finally:
        machine.close()


main()
