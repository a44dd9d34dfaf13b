#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the table of function names that platform/panic.c reads, as assembly.

usage: mksymbols.py NM ELF > symbols.S      (no ELF: an empty table, for the first link)

The table sits behind everything that holds code, so that putting it in moves no function.
"""
import subprocess
import sys


def functions(nm, elf):
    out = subprocess.run([nm, "-n", elf], check=True, capture_output=True, text=True).stdout
    start = None
    rows = []
    for line in out.splitlines():
        fields = line.split()
        if len(fields) != 3:
            continue
        address, kind, name = int(fields[0], 16), fields[1], fields[2]
        if name == "__image_start":
            start = address
        if kind in "tT" and not name.startswith(("$", ".", "__text", "__image")):
            rows.append((address, name))
    return [(address - start, name) for address, name in rows]


def main():
    rows = functions(sys.argv[1], sys.argv[2]) if len(sys.argv) > 2 else []
    print('    .section .symtab_text, "a"\n    .balign 8')
    print("    .global tarn_symbol_count, tarn_symbol_offset, tarn_symbol_name, tarn_symbol_names")
    print(f"tarn_symbol_count:\n    .long {len(rows)}")
    print("tarn_symbol_offset:")
    for offset, _ in rows:
        print(f"    .long {offset}")
    print("tarn_symbol_name:")
    at = 0
    for _, name in rows:
        print(f"    .long {at}")
        at += len(name) + 1
    print("tarn_symbol_names:")
    for _, name in rows:
        print(f'    .asciz "{name}"')


main()
