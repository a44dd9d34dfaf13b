# SPDX-License-Identifier: Apache-2.0
"""EL2 against itself: its map is W^X from the first line of C on, with a guard page under every stack, and
every way to break that rule ends in a panic that says what happened and where."""
import re
import subprocess

import pytest

import gdb
import machine

IMAGE_VA, STACK_VA = 0x7f8000000000, 0x7f8040000000  # mm/layout.h
STACK_SIZE, STACK_STRIDE = 0x4000, 0x8000
PAGE, BOOT_STACK_SIZE, FATAL_STACK_SIZE = 0x1000, 0x4000, 0x2000
VALID, TABLE, READ_ONLY, NO_EXECUTE = 1, 2, 1 << 7, 1 << 54
ADDRESS = 0x0000fffffffff000
SYMBOLS = gdb.symbols()


class Stopped:
    """Tarn with a payload under the gdb stub; the serial line goes to a file."""

    def __init__(self, folder, gic, cpus):
        self.log = folder / "serial.log"
        command = machine.qemu(gic, cpus, extra=machine.with_payload("psci"))
        command[command.index("-serial") + 1] = f"file:{self.log}"
        socket = folder / "gdb"
        self.process = subprocess.Popen(
            command + ["-S", "-chardev", f"socket,id=gdb,path={socket},server=on,wait=off",
                       "-gdb", "chardev:gdb"], stdin=subprocess.DEVNULL)
        self.gdb = gdb.Gdb(socket)

    def output(self, until, timeout=60):
        """What the serial line said, once it has said `until`."""
        for _ in range(timeout * 20):
            text = self.log.read_text(errors="replace") if self.log.exists() else ""
            if until in text:
                return text
            machine.time.sleep(0.05)
        raise AssertionError(f"{until!r} was not said:\n{text}")

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def stopped(tmp_path, request):
    tarn = Stopped(tmp_path, *request.param)
    yield tarn
    tarn.close()


def leaves(debugger, table, level=0, va=0):
    """Every valid page or block under a table at a physical address: (VA, size, descriptor)."""
    data = debugger.memory(table, PAGE)
    size = 1 << (39 - 9 * level)
    for i in range(512):
        entry = int.from_bytes(data[8 * i:8 * i + 8], "little")
        at = va + i * size
        if entry & VALID and entry & TABLE and level < 3:
            yield from leaves(debugger, entry & ADDRESS, level + 1, at)
        elif entry & VALID:
            yield at, size, entry


def el2_map(debugger, offset):
    debugger.use_addresses(gdb.PHYSICAL)
    return list(leaves(debugger, SYMBOLS["boot_l0"] + offset))


def rights(pages, va):
    for start, size, entry in pages:
        if start <= va < start + size:
            return ("r-" if entry & READ_ONLY else "rw") + ("-" if entry & NO_EXECUTE else "x")
    return None


def check_rights(pages):
    assert not [hex(va) for va, _, entry in pages if not entry & (READ_ONLY | NO_EXECUTE)]
    assert rights(pages, SYMBOLS["__text_start"]) == rights(pages, SYMBOLS["__text_end"] - 1) == "r-x"
    assert rights(pages, SYMBOLS["__rodata_start"]) == rights(pages, SYMBOLS["__rodata_end"] - 1) == "r--"
    assert rights(pages, SYMBOLS["__data_start"]) == rights(pages, SYMBOLS["__image_end"] - 1) == "rw-"


def check_stack(pages, top, size):
    assert {rights(pages, top - at) for at in range(PAGE, size + 1, PAGE)} == {"rw-"}
    assert rights(pages, top - size - 1) is None, f"no guard page under the stack that begins at {top:x}"


@pytest.mark.parametrize("stopped", [(2, 1), (3, 4)], indirect=True, ids=["gicv2-1", "gicv3-4"])
def test_map(stopped, request):
    cpus = request.node.callspec.params["stopped"][1]
    stopped.gdb.run_to(SYMBOLS["main"])
    offset = stopped.gdb.word(SYMBOLS["image_pa_offset"])
    offset -= offset >> 63 << 64
    for place in "main", "smp_go":
        if place != "main":
            stopped.gdb.use_addresses(gdb.VIRTUAL)
            stopped.gdb.run_to(SYMBOLS[place])
        pages = el2_map(stopped.gdb, offset)
        check_rights(pages)
        check_stack(pages, SYMBOLS["boot_stack_end"], BOOT_STACK_SIZE)
        check_stack(pages, SYMBOLS["fatal_stack_end"], FATAL_STACK_SIZE)
    for cpu in range(cpus):
        check_stack(pages, STACK_VA + (cpu + 1) * STACK_STRIDE, STACK_SIZE)
    # What remains executable is the text, nothing else; the identity page has gone.
    text = range(SYMBOLS["__text_start"], SYMBOLS["__text_end"])
    stopped.gdb.use_addresses(gdb.VIRTUAL)
    stopped.gdb.run_to(SYMBOLS["guest_enter"])
    pages = el2_map(stopped.gdb, offset)
    check_rights(pages)
    assert not [hex(va) for va, _, entry in pages if not entry & NO_EXECUTE and va not in text]


STACK_BOTTOM = STACK_VA + STACK_STRIDE - STACK_SIZE
# Registers to set at smp_go, and what the panic screen says of it.
WRONGS = {
    "write to text": ({0: SYMBOLS["main"], 1: 0, 2: 64, gdb.PC: SYMBOLS["memset"]},
                      "data abort, permission fault at level 3, writing address "
                      f"{SYMBOLS['main']:016x}", "memset"),
    "execute data": ({gdb.PC: SYMBOLS["boot_l0"]},
                     "instruction abort, permission fault at level 3, executing address "
                     f"{SYMBOLS['boot_l0']:016x}", None),
    "null pointer": ({0: 0, 1: 0, 2: 64, gdb.PC: SYMBOLS["memset"]},
                     "data abort, translation fault at level ", "memset"),
    "stack overflow": ({gdb.SP: STACK_BOTTOM, gdb.PC: SYMBOLS["main"]},
                       "data abort, translation fault at level 3, writing address "
                       f"{STACK_BOTTOM - PAGE:016x}"[:-3], "main"),
    "boot stack overflow": ({gdb.SP: SYMBOLS["boot_stack_end"] - BOOT_STACK_SIZE,
                             gdb.PC: SYMBOLS["main"]},
                            "data abort, translation fault at level 3, writing address "
                            f"{SYMBOLS['boot_stack_guard']:016x}"[:-3], "main"),
}


@pytest.mark.parametrize("stopped", [(3, 2)], indirect=True, ids=["gicv3-2"])
@pytest.mark.parametrize("wrong", WRONGS)
def test_fault(stopped, wrong):
    registers, sentence, culprit = WRONGS[wrong]
    stopped.gdb.run_to(SYMBOLS["smp_go"])
    for number, value in registers.items():
        stopped.gdb.set_register(number, value)
    stopped.gdb.set_register(25, 0x5a5a0123456789a5)
    stopped.gdb.go()
    output = stopped.output("tarn: halted")
    panic = output[output.index("PANIC"):]
    assert "synchronous exception at EL2" in panic, panic
    assert f"syndrome: {sentence}" in panic, panic
    assert "x25 5a5a0123456789a5" in panic, panic
    assert re.search(r"^pc +[0-9a-f]{16}  pstate [0-9a-f]{8}", panic, re.M), panic
    assert re.search(r"^backtrace:", panic, re.M), panic
    if culprit:
        assert re.search(rf"#0 +[0-9a-f]{{16}} {culprit}\+0x", panic), panic


@pytest.mark.parametrize("stopped", [(3, 1)], indirect=True, ids=["gicv3-1"])
def test_stack_protector(stopped):
    """A changed guard is noticed by the first function that returns, and named with its callers."""
    stopped.gdb.run_to(SYMBOLS["dom0_build"])
    stopped.gdb.run_to(SYMBOLS["console_write"])
    guard = SYMBOLS["__stack_chk_guard"]
    assert stopped.gdb.word(guard) != 0
    assert stopped.gdb.ask(f"M{guard:x},8:{'00' * 8}") == "OK"
    stopped.gdb.go()
    output = stopped.output("tarn: halted")
    panic = output[output.index("PANIC"):]
    assert "stack overwritten" in panic and re.search(r"#\d+ +[0-9a-f]{16} main\+0x", panic), panic
