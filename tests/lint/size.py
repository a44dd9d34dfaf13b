#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How large EL2 is: lines of code without blank lines and comments, longest files and functions.

Fails above the limits the architecture sets: 10,000 lines in all, 600 a file, 100 a function.
"""
import pathlib
import re
import sys

ROOMS = ["boot", "core", "mm", "gic", "timer", "virtio", "platform", "guests/abi"]
LIMIT_ALL, LIMIT_FILE, LIMIT_FUNCTION = 10000, 600, 100


def code_lines(text):
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    return sum(1 for line in text.splitlines() if line.strip())


def functions(text):
    """(name, lines) of each function, by the brace in column 0 that Linux style guarantees."""
    name, start = None, 0
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line == "{":
            head = " ".join(lines[max(0, number - 4):number])
            match = re.findall(r"(\w+)\s*\([^()]*(?:\([^()]*\)[^()]*)*\)\s*$", head)
            name, start = (match[-1] if match else "?"), number
        elif line == "}" and name:
            yield name, number - start
            name = None


def main():
    top = pathlib.Path(__file__).resolve().parents[2]
    files = sorted(p for room in ROOMS for p in (top / room).rglob("*") if p.suffix in (".c", ".h", ".S"))
    sizes = {p: code_lines(p.read_text()) for p in files}
    longest = max(files, key=lambda p: len(p.read_text().splitlines()))
    fns = [(n, name, p) for p in files if p.suffix == ".c" for name, n in functions(p.read_text())]
    fns.sort(key=lambda row: row[0])
    total = sum(sizes.values())
    print(f"EL2: {total} lines of code in {len(files)} files; longest file "
          f"{longest.relative_to(top)} ({len(longest.read_text().splitlines())} lines); "
          f"{len(fns)} functions, median {fns[len(fns) // 2][0]} lines, longest {fns[-1][1]} "
          f"({fns[-1][0]}, {fns[-1][2].relative_to(top)})")
    too_long = [p for p in files if len(p.read_text().splitlines()) > LIMIT_FILE]
    bad = total > LIMIT_ALL or too_long or fns[-1][0] > LIMIT_FUNCTION
    if bad:
        print(f"over the limits: {LIMIT_ALL} lines in all, {LIMIT_FILE} a file, "
              f"{LIMIT_FUNCTION} a function")
    return 1 if bad else 0


sys.exit(main())
