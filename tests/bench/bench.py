# SPDX-License-Identifier: Apache-2.0
"""make bench: measures every suite in every environment and writes build/bench/results.json.

A run whose inputs (QEMU's command line and the files it names) are those of an earlier run is not
repeated. A run that fails is a result too: its rows have the value null and say why.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import select
import subprocess
import sys

import environments
import lmbench
import report
from environments import BENCH, NAMES, Guest

QUICK = os.environ.get("QUICK", "0") not in ("", "0")
RUNS = BENCH / "runs"
SILENCE = 120
ENDED = re.compile(r"BENCH done|BENCH failed|ardware Dom0 halted|reboot: Power down|PANIC|Kernel panic|Synchronous Abort")
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


def run_qemu(command, log, silence):
    """What the guest printed until it said that it was done. A guest that says nothing for `silence`
    seconds, or something else than a result, has failed."""
    lines = []
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, bufsize=0) as child, open(log, "wb") as file:
        while select.select([child.stdout], [], [], silence)[0]:
            line = child.stdout.readline()
            file.write(line)
            lines.append(line.decode(errors="replace"))
            if not line or ENDED.search(lines[-1]):
                break
        child.kill()
    text = "".join(lines)
    if "BENCH failed" in text or "BENCH done" not in text:
        raise RuntimeError(f"no result; see {log.relative_to(environments.TOP)}")
    return text


def micro_rows(text):
    text = text.rpartition("BENCH environment")[2]
    return [(op, float(value), "instructions") for op, value in MICRO.findall(text)]


SUITES = {"micro": micro_rows, "lmbench": lmbench.rows}


def measure(suite, name, cpus, quick):
    """Rows of one suite in one environment, from the cache if nothing has changed."""
    command = environments.command(name, Guest(suite, quick), cpus)
    stem = f"{suite}{cpus if cpus > 1 else ''}-{name}{'-quick' if quick else ''}"
    key, cache = digest(command), RUNS / f"{stem}.json"
    try:
        found = json.loads(cache.read_text())
        if found["key"] == key:
            return found["rows"], None
    except (OSError, ValueError):
        pass
    try:
        rows = SUITES[suite](run_qemu(command, RUNS / f"{stem}.log", SILENCE))
    except (RuntimeError, OSError) as error:
        return [], str(error)
    cache.write_text(json.dumps({"key": key, "command": command, "rows": rows}))
    return rows, None


def plan():
    jobs = [("micro", name, 1) for name in NAMES if name != "bare-max"]
    jobs += [("lmbench", name, 1) for name in NAMES]
    if not QUICK:
        jobs += [("lmbench", name, 2) for name in NAMES]
    return jobs


def collect(jobs):
    """All jobs, two at a time, the longest first; a list of (job, rows, error) in their order."""
    done = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        futures = {job: pool.submit(measure, *job, QUICK and job[0] == "lmbench") for job in jobs}
        for job, future in futures.items():
            rows, error = future.result()
            print(f"  {job[0]:8} {job[2]} CPU  {job[1]:10} {error or str(len(rows)) + ' rows'}",
                  flush=True)
            done.append((job, rows, error))
    return done


def table(done):
    """The list that results.json holds."""
    known = {}
    for (suite, _, cpus), rows, _ in done:
        known.setdefault((suite, cpus), {}).update({op: unit for op, _, unit in rows})
    results = []
    for (suite, name, cpus), rows, error in done:
        label = suite if cpus == 1 else f"{suite}-{cpus}"
        values = {op: value for op, value, _ in rows}
        for op, unit in known[suite, cpus].items():
            row = {"suite": label, "op": op, "environment": name, "value": values.get(op), "unit": unit}
            if values.get(op) is None:
                row["error"] = error or "not measured here"
            results.append(row)
    return results


def main():
    RUNS.mkdir(parents=True, exist_ok=True)
    rows = table(collect(plan()))
    (BENCH / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
    results = report.Results(rows)
    report.terminal(results)
    if not QUICK:
        report.document(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
