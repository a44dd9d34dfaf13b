# SPDX-License-Identifier: Apache-2.0
"""make bench: measures every suite in every environment and writes build/bench/results.json.

A run whose inputs (QEMU's command line and the files it names) are those of an earlier run is not
repeated. A run that fails is a result too: its rows have the value null and say why.
"""
import concurrent.futures
import hashlib
import itertools
import json
import os
import re
import select
import socket
import statistics
import subprocess
import sys
import threading
import typing

import environments
import lmbench
import report
from environments import BENCH, NAMES, Guest

QUICK = os.environ.get("QUICK", "0") not in ("", "0")
RUNS = BENCH / "runs"
SILENCE = 120
TURN = 0.02
ENDED = re.compile(r"BENCH done|BENCH failed|ardware Dom0 halted|reboot: Power down|PANIC|Kernel panic|Synchronous Abort")
SPAN = re.compile(r"BENCH span (\d) (\d+) (\d+)")
MICRO = re.compile(r"BENCH micro (\S+) ([0-9.]+) instructions")


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


def run_qemu(command, log, silence, turns=None):
    """What the guest printed until it said that it was done. A guest that says nothing for `silence`
    seconds, or something else than a result, has failed. turns: None or the path for a monitor."""
    lines = []
    if turns:
        turns = Turns(turns)
        command = command + ["-qmp", f"unix:{turns.path},server=on,wait=off"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, bufsize=0) as child, open(log, "wb") as file:
        if turns:
            turns.thread.start()
        while select.select([child.stdout], [], [], silence)[0]:
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
        raise RuntimeError(f"no result; see {log.relative_to(environments.TOP)}")
    return text


def micro_rows(text):
    text = text.rpartition("BENCH environment")[2]
    return [(op, float(value), "instructions") for op, value in MICRO.findall(text)]


def spans(text):
    """What both sides of a pair wrote down (tests/bench/micro/pairs.c): lists of (from, to)."""
    sides = {0: [], 1: []}
    for side, start, end in SPAN.findall(text):
        sides[int(side)].append((int(start), int(end)))
    if not sides[0] or not sides[1]:
        raise RuntimeError("one side of the pair said nothing")
    return sides[0], sides[1]


def io_rows(text):
    """A request's time out and its completion's time in: the answerer's span lies in the asker's."""
    out, back = [], []
    answered, asked = spans(text)
    for start, end in asked:
        for came, went in answered:
            if start < came < went < end:
                out.append(came - start)
                back.append(end - went)
    return micro_rows(text) + [("notify_out", statistics.median(out), "instructions"),
                               ("completion_in", statistics.median(back), "instructions")]


def switch_rows(text):
    """From the last instruction of one domain to the first of the other, in either direction."""
    sides = spans(text)
    costs = [first - last for one, other in (sides, sides[::-1]) for last, back in one
             for _, first in other if last < first < back]
    return [("vm_switch", statistics.median(costs), "instructions")]


def lmbench_suite(name, cpus):
    return Suite(name, Guest("lmbench", cpus, QUICK), cpus, NAMES, lmbench.rows)


class Suite(typing.NamedTuple):
    """A guest, on how many CPUs, where, and who reads what it printed."""
    name: str
    guest: Guest
    cpus: int
    environments: list
    rows: typing.Callable


SINGLE = [name for name in NAMES if name != "bare-max"]
DOMUS = ["tarn-domu", "xen-domu", "kvm-nvhe", "kvm-vhe"]
SUITES = [
    Suite("micro", Guest("micro"), 1, SINGLE, micro_rows),
    Suite("micro", Guest("micro", 2, mode="smp"), 2, SINGLE, micro_rows),
    Suite("micro", Guest("micro", mode="io"), 2, DOMUS, io_rows),
    Suite("micro", Guest("micro", mode="switch"), 1, DOMUS, switch_rows),
    lmbench_suite("lmbench", 1),
] + ([] if QUICK else [lmbench_suite("lmbench-2", 2)])


def measure(suite, name):
    """Rows of one suite in one environment, from the cache if nothing has changed."""
    command = environments.command(name, suite.guest, suite.cpus)
    stem = f"{suite.guest.name}-{name}"
    key, cache = digest(command), RUNS / f"{stem}.json"
    try:
        found = json.loads(cache.read_text())
        if found["key"] == key:
            return found["rows"], None
    except (OSError, ValueError):
        pass
    try:
        monitor = RUNS / f"{stem}.qmp" if name.startswith("xen") and suite.cpus > 1 else None
        rows = suite.rows(run_qemu(command, RUNS / f"{stem}.log", SILENCE, monitor))
    except (RuntimeError, OSError, statistics.StatisticsError) as error:
        return [], str(error)
    cache.write_text(json.dumps({"key": key, "command": command, "rows": rows}))
    return rows, None


def collect(suites):
    """All of it, two at a time; a list of (suite, environment, rows, error)."""
    done = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [(suite, name, pool.submit(measure, suite, name))
                for suite in suites for name in suite.environments]
        for suite, name, future in jobs:
            rows, error = future.result()
            print(f"  {suite.guest.name:16} {name:10} {error or str(len(rows)) + ' rows'}", flush=True)
            done.append((suite.name, name, rows, error))
    return done


def table(done):
    """The list that results.json holds: each operation in each environment of its suite."""
    units, values, errors = {}, {}, {}
    for suite, name, rows, error in done:
        for op, value, unit in rows:
            units[suite, op] = unit
            values[suite, op, name] = value
        if error:
            errors[suite, name] = error
    results = []
    for (suite, op), unit in units.items():
        for name in dict.fromkeys(name for known, name, _, _ in done if known == suite):
            row = {"suite": suite, "op": op, "environment": name,
                   "value": values.get((suite, op, name)), "unit": unit}
            if row["value"] is None:
                row["error"] = errors.get((suite, name), "not measured here")
            results.append(row)
    return results


def main():
    RUNS.mkdir(parents=True, exist_ok=True)
    rows = table(collect(SUITES))
    (BENCH / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
    results = report.Results(rows)
    report.terminal(results)
    if not QUICK:
        report.document(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
