# SPDX-License-Identifier: Apache-2.0
"""make bench: measures every suite in every environment and writes build/bench/results.json.

A run whose inputs (QEMU's command line and the files it names) are those of an earlier run is not
repeated. A run that fails is a result too: its rows have the value null and say why.
"""
import collections
import concurrent.futures
import json
import os
import statistics
import sys
import time
import typing

import environments
import facts
import lmbench
import micro
import qemu
import report
import silicon
from environments import BENCH, NAMES, Guest

QUICK = os.environ.get("QUICK", "0") not in ("", "0")
RUNS = BENCH / "runs"
LAYOUTS = (1, 2)  # of memory, besides the usual one, for rows of lmbench that vary with it


class Suite(typing.NamedTuple):
    """A guest, on how many CPUs, where, and who reads what it printed."""
    name: str
    guest: Guest
    cpus: int
    environments: list
    rows: typing.Callable


SINGLE = [name for name in NAMES if name != "bare-max"]
DOMUS = ["tarn-domu", "xen-domu", "kvm-nvhe", "kvm-vhe"]
TARN = ["tarn-domu"]


def scaling_suites(domains):
    """What Tarn's operations cost if there are so many domUs; the others sleep, or spin in mode switch."""
    modes = {"timer": (1, micro.rows), "io": (2, micro.io_rows), "switch": (1, micro.switch_rows)}
    return [Suite("scaling", Guest("micro", mode=mode, domains=domains), cpus, TARN,
                  micro.suffixed(rows, domains)) for mode, (cpus, rows) in modes.items()]


SUITES = [
    Suite("micro", Guest("micro"), 1, SINGLE, micro.rows),
    Suite("micro", Guest("micro", 2, mode="smp"), 2, SINGLE, micro.rows),
    Suite("micro", Guest("micro", mode="io"), 2, DOMUS, micro.io_rows),
    Suite("micro", Guest("micro", mode="switch"), 1, DOMUS, micro.switch_rows),
]
SUITES += [suite for domains in ([1, 8] if QUICK else [1, 8, 32, 64])
           for suite in scaling_suites(domains)]
SUITES += [
    Suite("silicon", Guest("micro", mode=mode), cpus, TARN, silicon.rows)
    for mode, cpus in [("one", 1), ("smp", 2), ("io", 2), ("switch", 1)]
]
SUITES += [
    Suite("boot", Guest("micro", mode="boot"), 1, SINGLE, facts.first_rows),
    Suite("boot", Guest("lmbench", mode="boot"), 1, SINGLE, facts.user_rows),
    Suite("lmbench", Guest("lmbench", 1, QUICK), 1, NAMES, lmbench.rows),
]
if not QUICK:
    SUITES += [Suite("lmbench", Guest("lmbench", layout=layout), 1, NAMES, lmbench.rows)
               for layout in LAYOUTS]
    # Two CPUs give an indication only: the short rows are enough.
    SUITES.append(Suite("lmbench-2", Guest("lmbench", 2, quick=True), 2, NAMES, lmbench.rows))


def measure(suite, name):
    """Rows of one suite in one environment, from the cache if nothing has changed."""
    command = environments.command(name, suite.guest, suite.cpus)
    stem = f"{suite.name}-{suite.guest.name}-{name}"
    trace = None
    if suite.name == "silicon":
        trace = silicon.Trace(suite.guest.mode, RUNS / f"{stem}.pipe")
        command += trace.options
    key, cache = qemu.digest(command), RUNS / f"{stem}.json"
    try:
        found = json.loads(cache.read_text())
        if found["key"] == key:
            return found["rows"], None
    except (OSError, ValueError):
        pass
    try:
        monitor = RUNS / f"{stem}.qmp" if name.startswith("xen") and suite.cpus > 1 else None
        if trace:
            trace.start()
        text = qemu.run(command, RUNS / f"{stem}.log", monitor)
        rows = suite.rows(text, trace) if trace else suite.rows(text)
    except (RuntimeError, OSError, statistics.StatisticsError, KeyError) as error:
        return [], str(error)
    cache.write_text(json.dumps({"key": key, "command": command, "rows": rows}))
    return rows, None


def collect(suites):
    """All of it, two at a time; a list of (suite, environment, rows, error)."""
    done, begin = [], time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [(suite, name, pool.submit(measure, suite, name))
                for suite in suites for name in suite.environments]
        for suite, name, future in jobs:
            rows, error = future.result()
            print(f"  {time.monotonic() - begin:5.0f} s  {suite.name:10} {suite.guest.name:18} "
                  f"{name:10} {error or str(len({row[0] for row in rows})) + ' rows'}", flush=True)
            done.append((suite, name, rows, error))
    return done


def table(done):
    """The list that results.json holds: each operation in each environment of its suite; the least (of a
    rate the most) where it was measured several times, and all of them as "runs". A value is null with an
    "error" where one of its runs failed or has it less often than in another environment, and without where
    the operation does not apply."""
    values, units = {}, {}
    most = collections.defaultdict(collections.Counter)  # of each guest: how often it printed what
    for suite, name, found, _ in done:
        for op, value, unit in found:
            values.setdefault((suite.name, op, name), []).append(value)
            units[suite.name, op] = unit
        most[suite.guest.name] |= collections.Counter(row[0] for row in found)
    rows = {}
    for (suite, op, name), runs in values.items():
        best = max if units[suite, op].endswith("/s") else min
        rows[suite, op, name] = {"value": best(runs)} | ({"runs": runs} if len(runs) > 1 else {})
    for suite, name, found, error in done:
        # A guest that printed nothing anywhere might have had whatever its suite has.
        due = most[suite.guest.name] or collections.Counter(op for known, op in units if known == suite.name)
        for op in due if error else due - collections.Counter(row[0] for row in found):
            rows[suite.name, op, name] = {"value": None, "error": error or "the run did not print it"}
    names = {suite: dict.fromkeys(name for known, name, _, _ in done if known.name == suite)
             for suite, _ in units}
    return [{"suite": suite, "op": op, "environment": name,
             **rows.get((suite, op, name), {"value": None}), "unit": unit}
            for (suite, op), unit in units.items() for name in names[suite]]


def main():
    RUNS.mkdir(parents=True, exist_ok=True)
    rows = facts.combined(table(collect(SUITES))) + facts.sizes()
    (BENCH / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
    results = report.Results(rows)
    report.terminal(results)
    if not QUICK:
        report.document(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
