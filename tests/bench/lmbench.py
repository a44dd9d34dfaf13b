# SPDX-License-Identifier: Apache-2.0
"""Reads what lmbench's programs print (lines that tests/bench/linux/lmbench.sh hands on)."""
import re

LINE = re.compile(r"BENCH lmbench (?:LMBENCH_SCHED=(\S+) )?(\S+) (.*?) ?: (.*)")
PLACES = {"": "", "SINGLE": " on one CPU", "UNIQUE": " between CPUs"}
LATENCY = re.compile(r"(.+?): ([0-9.]+) (microseconds|MB/sec)")
PAIR = re.compile(r"^([0-9.]+) ([0-9.]+)$")


def rows(text):
    """(op, value, unit) of each result, op as lmbench names it; rates are rates. A row that was measured
    several times is there as often."""
    found, table = [], None

    for place, program, option, line in LINE.findall(text.replace("\r", "")):
        match = LATENCY.match(line)
        if match:
            found.append((re.sub(r" on /\S+", "", match[1]) + PLACES[place], float(match[2]),
                          "us" if match[3] == "microseconds" else "MB/s"))
        elif line.startswith('"'):
            table = line.strip('"').split(" ovr=")[0]  # its own overhead varies in the last digit
        elif pair := PAIR.match(line):
            name, unit = {
                "lat_ctx": (f"Context switch {table} {pair[1]} processes", "us"),
                "lat_mem_rd": (f"Memory load latency {table}", "ns"),
                "lat_mmap": ("mmap " + pair[1] + "m", "us"),
            }.get(program, (f"{program} {option}", "MB/s"))
            if program == "lat_mem_rd" and found and found[-1][0] == name:
                found.pop()  # a line for each size: the largest counts
            found.append((name, float(pair[2]), unit))
    return found
