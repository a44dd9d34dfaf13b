# SPDX-License-Identifier: Apache-2.0
"""What an operation costs Tarn that instructions do not show: accesses to system registers, barriers, TLB
and cache maintenance, accesses to the GIC's and other devices' memory.

QEMU runs one instruction a block (-singlestep) and logs the address of each that lies in EL2
(-d exec -dfilter); the disassembly of tarn.elf says what stands there. The payload's calls of mark()
and report() (tests/bench/micro) cut the log into rounds; the result is the median of the rounds, for each
kind. A round of an operation in a row holds REPEAT of them.
"""
import collections
import os
import re
import statistics
import subprocess
import threading

from environments import BENCH, BUILD

ELF = BUILD / "tarn.elf"
PAYLOAD = BENCH / "micro.elf"
DOMU_ENTRY = 0x40200000  # where tests/bench/micro/tarn.c puts its domU
ROUNDS, REPEAT = 33, 64  # tests/bench/micro/clock.h, micro.c
IN_A_ROW = {"hypercall", "smccc_unknown", "idreg_read", "gicd_read", "gicd_write", "gicr_read",
            "uart_read", "cntp_read", "counter_read", "priority_mask", "tlbi", "first_touch"}
NOT_SHOWN = {"gicd_toggle", "counter_read", "priority_mask", "tlbi", "eoi"}
# Code that runs at boot and at creation only, and would make the log a hundred times as long.
LEFT_OUT = re.compile(r"fdt_|mem(cpy|set|move|cmp|chr)$|str|cache_zero$")

KINDS = ["exits", "instructions", "register reads", "register writes", "GIC registers", "barriers",
         "TLB and cache", "device memory"]
GIC_REGISTER = re.compile(r"(ich|icc)_|s3_[04]_c12_c(8|9|1[0-5])_", re.I)
PSTATE = re.compile(r"(daifset|daifclr|spsel|pan|uao|nzcv|daif)\b", re.I)


def tool(name, *arguments, **more):
    return subprocess.run([f"aarch64-linux-gnu-{name}", *map(str, arguments)], check=True,
                          capture_output=True, text=True, **more).stdout


def symbols(elf):
    """Sorted (address, name) of its code."""
    rows = re.findall(r"^([0-9a-f]+) [tT] (\S+)$", tool("nm", "-n", elf), re.M)
    return [(int(address, 16), name) for address, name in rows]


def traced(elf):
    """EL2's code as ranges for -dfilter, without what is left out."""
    ranges, code = [], symbols(elf)
    for (start, name), (end, _) in zip(code, code[1:]):
        if LEFT_OUT.match(name) or start == end:
            continue
        if ranges and ranges[-1][1] == start:
            ranges[-1][1] = end
        else:
            ranges.append([start, end])
    return [f"{start:#x}+{end - start:#x}" for start, end in ranges]


def kinds_of(mnemonic, operands):
    if mnemonic in ("mrs", "msr") and not PSTATE.search(operands):
        kind = ["register reads" if mnemonic == "mrs" else "register writes"]
        if operands.startswith("vttbr_el2,"):
            kind.append("switches")
        return kind + (["GIC registers"] if GIC_REGISTER.search(operands) else [])
    if mnemonic in ("isb", "dsb", "dmb"):
        return ["barriers"]
    if mnemonic in ("tlbi", "ic", "dc", "at"):
        return ["TLB and cache"]
    return []


def device_accesses(addresses):
    """Those of the loads and stores that an mmio_ function of platform/mmio.h makes, inlined or not."""
    listing = tool("addr2line", "-a", "-i", "-f", "-e", ELF, input="\n".join(map(hex, addresses)))
    for block in re.split(r"^0x", listing, flags=re.M)[1:]:
        lines = block.splitlines()
        if any(line.startswith("mmio_") for line in lines[1:]):
            yield int(lines[0], 16)


def classes():
    """address -> what an instruction of EL2 is, besides an instruction."""
    found, memory = {}, []
    line = re.compile(r"^\s*([0-9a-f]+):\s+[0-9a-f]{8}\s+(\S+)\s*(.*)$", re.M)
    for address, mnemonic, operands in line.findall(tool("objdump", "-d", ELF)):
        kinds = kinds_of(mnemonic, operands)
        if kinds:
            found[int(address, 16)] = kinds
        elif re.match(r"(ld|st)[a-z]*r", mnemonic):
            memory.append(int(address, 16))
    found |= {address: ["device memory"] for address in device_accesses(memory)}
    return found


class Trace:
    """Counts what is logged between two calls of mark(), and keeps the rounds before each report(). For
    switches a round is what lies between two exits, if it changes VTTBR_EL2, and there is no report()."""

    def __init__(self, mode, pipe):
        code = {name: address for address, name in symbols(ELF)}
        payload = {name: address + DOMU_ENTRY for address, name in symbols(PAYLOAD)}
        self.mark, self.report = self.calls = payload["mark"], payload["report"]
        vectors = range(code["el2_vectors"] + 0x400, code["el2_vectors"] + 0x600, 0x80)
        self.cuts = {self.mark} | (set(vectors) if mode == "switch" else set())
        self.classes = classes()
        for address in vectors:
            self.classes[address] = self.classes.get(address, []) + ["exits"]
        ranges = traced(ELF) + [f"{at:#x}+4" for at in self.calls]
        self.pipe, self.mode, self.reader = pipe, mode, None
        self.options = ["-singlestep", "-d", "exec,nochain", "-D", str(pipe), "-dfilter", ",".join(ranges)]
        self.count, self.rounds, self.reports, self.marks = collections.Counter(), [], [], 0

    def step(self, address):
        if address in self.cuts:
            if self.mode != "switch" or self.marks == 1:
                self.rounds.append(self.count)
            self.count = collections.Counter()
        if address == self.mark:
            self.marks += 1
        elif address == self.report:
            self.reports.append(self.rounds[-ROUNDS:])
        else:
            self.count["instructions"] += 1
            self.count.update(self.classes.get(address, ()))

    def start(self):
        """Before QEMU, which opens the pipe at its start."""
        self.pipe.unlink(missing_ok=True)
        os.mkfifo(self.pipe)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        """An instruction that QEMU puts off, because a CPU's turn is over, is logged again when it runs."""
        before = {}
        with open(self.pipe, "rb") as log:
            for line in log:
                cpu, _, place = line.partition(b":")
                fields = place.split(b"/", 2)
                if len(fields) < 3 or not cpu.startswith(b"Trace"):
                    continue
                address = int(fields[1], 16)
                if address != before.get(cpu) or address in self.calls:
                    self.step(address)
                    before[cpu] = address

    def switches(self):
        return [count for count in self.rounds if count["switches"] == 1]


def medians(op, rounds):
    repeat = REPEAT if op in IN_A_ROW else 1
    return [(f"{op}/{kind}", statistics.median(count[kind] for count in rounds) / repeat, "per operation")
            for kind in KINDS]


def rows(text, trace):
    """(op/kind, value, unit) of each operation that the payload reported."""
    trace.reader.join()
    trace.pipe.unlink()
    if trace.mode == "switch":
        return medians("vm_switch", trace.switches())
    names = ["notify_and_completion"] if trace.mode == "io" else re.findall(r"BENCH micro (\S+) ", text)
    return [row for name, rounds in zip(names, trace.reports) if name not in NOT_SHOWN
            for row in medians(name, rounds)]
