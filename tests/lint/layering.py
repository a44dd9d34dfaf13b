#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes of EL2 code may only point down, and never in a circle.

The order of rooms is that of the architecture: guests/abi < platform < mm < timer, gic < virtio <
core < boot; timer and gic do not know each other. Prints one line per offence; exit code 1 if any.
"""
import pathlib
import re
import sys

ORDER = {"guests/abi": 0, "platform": 1, "mm": 2, "timer": 3, "gic": 3, "virtio": 4, "core": 5,
         "boot": 6}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def room_of(path):
    for room in ORDER:
        if path.startswith(room + "/"):
            return room
    return None


def main():
    top = pathlib.Path(__file__).resolve().parents[2]
    files = sorted(str(p.relative_to(top)) for room in ORDER for p in (top / room).rglob("*")
                   if p.suffix in (".c", ".h", ".S"))
    includes = {name: INCLUDE.findall((top / name).read_text()) for name in files}
    faults = []
    for name, targets in includes.items():
        room = room_of(name)
        for target in targets:
            other = room_of(target)
            if other is None:
                if not (top / pathlib.Path(name).parent / target).exists() and "libfdt" not in target:
                    faults.append(f"{name}: includes \"{target}\", which is in no room of EL2")
            elif ORDER[other] > ORDER[room] or (ORDER[other] == ORDER[room] and other != room):
                faults.append(f"{name}: {room} may not include {target}")
    faults += cycles(includes)
    print("\n".join(faults) or f"layering: {len(files)} files, includes point down, no cycles")
    return 1 if faults else 0


def cycles(includes):
    found, state = [], {}

    def visit(name, path):
        if state.get(name) == "done" or name not in includes:
            return
        if state.get(name) == "open":
            found.append("include cycle: " + " -> ".join(path[path.index(name):] + [name]))
            return
        state[name] = "open"
        for target in includes[name]:
            visit(target, path + [name])
        state[name] = "done"

    for name in includes:
        visit(name, [])
    return found


sys.exit(main())
