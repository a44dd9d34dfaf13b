# SPDX-License-Identifier: Apache-2.0
"""Reads what lmbench's programs print (lines that tests/bench/linux/lmbench.sh hands on)."""
import re

LINE = re.compile(r"BENCH lmbench (\S+) (.*?) ?: (.*)")
LATENCY = re.compile(r"(.+?): ([0-9.]+) (microseconds|MB/sec)")
PAIR = re.compile(r"^([0-9.]+) ([0-9.]+)$")


def rows(text):
    """(op, value, unit) of each result, op as lmbench names it; rates are rates."""
    found, table, last = {}, None, {}
    for program, option, line in LINE.findall(text.replace("\r", "")):
        match = LATENCY.match(line)
        if match:
            unit = "us" if match[3] == "microseconds" else "MB/s"
            found[re.sub(r" on /\S+", "", match[1])] = (float(match[2]), unit)
        elif line.startswith('"'):
            table = line.strip('"').split(" ovr=")[0]  # its own overhead varies in the last digit
        elif pair := PAIR.match(line):
            last = pair
            name, value, unit = {
                "lat_ctx": (f"Context switch {table} {pair[1]} processes", float(pair[2]), "us"),
                "lat_mem_rd": (f"Memory load latency {table}", float(pair[2]), "ns"),
                "lat_mmap": ("mmap " + pair[1] + "m", float(pair[2]), "us"),
            }.get(program, (f"{program} {option}", float(pair[2]), "MB/s"))
            found[name] = (value, unit)
    return [(op, value, unit) for op, (value, unit) in found.items()]
