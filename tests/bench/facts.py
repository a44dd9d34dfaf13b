# SPDX-License-Identifier: Apache-2.0
"""The suite boot: how long until a guest's first instruction and its first program, and how large things
are. Moments are what guest and host print ("BENCH moment NAME VALUE"): counters in nanoseconds, which are
instructions since the machine was reset or, in virtual time, since the domain was made; and bytes."""
import re
import subprocess
import sys

from environments import BUILD, TOP, XEN

MOMENT = re.compile(r"BENCH moment (\S+) (\d+)")


def moments(text):
    return {name: int(value) for name, value in MOMENT.findall(text)}


def first_rows(text):
    """Of the payload as large as a kernel: until its first instruction, since when its host told."""
    found = moments(text)
    rows = [("first", found["first"] - found.get("create", 0), "instructions"),
            ("first_virtual", found["first_virtual"], "instructions")]
    return rows + [(op, found[op], "bytes") for op in ("heap_domain", "heap_tables") if op in found]


def user_rows(text):
    return [("user_virtual", moments(text)["user"], "instructions")]


def combined(rows):
    """Rows for people: virtual moments become a kernel's way from its first instruction to its first
    program, and "first" is what each environment does until then."""
    values = {row["environment"]: {} for row in rows if row["suite"] == "boot"}
    kept = []
    for row in rows:
        op, name = row["op"], row["environment"]
        if row["suite"] != "boot":
            kept.append(row)
        elif op.startswith("heap"):
            kept += [row] if name == "tarn-dom0" else []
        else:
            values[name][op] = row
    for op, of in [("dom0_entry", is_dom0), ("create", is_created), ("linux_boot", lambda name: True),
                   ("create_to_user", is_created)]:
        kept += [entry(op, name, found) for name, found in values.items() if of(name)]
    return kept


def is_dom0(name):
    return name.endswith("-dom0")


def is_created(name):
    return name == "tarn-domu" or name.startswith("kvm")


def entry(op, name, found):
    """A row of the combined table; an error of what it is made of is its own."""
    row = {"suite": "boot", "op": op, "environment": name, "value": None, "unit": "instructions"}
    failed = [part["error"] for part in found.values() if "error" in part]
    if failed or len(found) < 3:
        return row | {"error": failed[0] if failed else "not measured"}
    boot = found["user_virtual"]["value"] - found["first_virtual"]["value"]
    first = found["first"]["value"]
    return row | {"value": {"linux_boot": boot, "create_to_user": first + boot}.get(op, first)}


def sizes():
    """Of the images, and of EL2's source."""
    counted = subprocess.run([sys.executable, TOP / "tests/lint/size.py"], check=False,
                             capture_output=True, text=True).stdout
    lines = int(re.search(r"EL2: (\d+) lines", counted)[1])
    rows = [("image", "tarn-dom0", (BUILD / "tarn.bin").stat().st_size, "bytes"),
            ("image", "xen-dom0", XEN.stat().st_size, "bytes"),
            ("el2_lines", "tarn-dom0", lines, "lines")]
    return [{"suite": "boot", "op": op, "environment": name, "value": value, "unit": unit}
            for op, name, value, unit in rows]
