# SPDX-License-Identifier: Apache-2.0
"""Counters, Tarn's log, tarn top: what they say agrees with what domains do."""
import json
import re

import mini

BUSY = "while :; do busybox sleep 0.1; done"


def stats(machine, name):
    found = json.loads(machine.ok(f"tarn stats --json {name}"))
    assert [domain["name"] for domain in found] == [name]
    return found[0]


def test_stats_say_what_a_domain_does(uboot):
    mini.create(uboot, "busy", BUSY)
    first = stats(uboot, "busy")["vcpus"][0]
    uboot.ok("sleep 3")
    second = stats(uboot, "busy")["vcpus"][0]
    assert second["run_ns"] > first["run_ns"]
    assert second["injected"] > first["injected"]  # the ticks of its kernel
    assert second["exits"]["irq"] > first["exits"]["irq"]
    assert second["exits"]["hvc"] > 0
    uboot.ok("tarn pause busy; sleep 1")
    third = stats(uboot, "busy")["vcpus"][0]
    uboot.ok("sleep 2")
    fourth = stats(uboot, "busy")["vcpus"][0]
    assert fourth["state"] == "held"
    assert fourth["held_ns"] - third["held_ns"] > 1.5e9
    for what in ("run_ns", "stolen_ns", "idle_ns", "injected", "exits"):
        assert fourth[what] == third[what], what
    table = uboot.ok("tarn stats busy")
    assert re.search(r"^busy +0 +\d+ +held ", table, re.M)
    assert re.search(r"^  hvc +\d+\r?$", table, re.M)
    names = {domain["name"] for domain in json.loads(uboot.ok("tarn stats --json"))}
    assert {"dom0", "busy"} <= names
    assert uboot.run("tarn stats nobody")[0] == 4
    uboot.ok("tarn destroy busy", timeout=60)


def test_top(uboot):
    mini.create(uboot, "busy", BUSY)
    tables = uboot.ok("tarn top -d 2 -n 2 | cat").replace("\r", "")
    assert len(re.findall(r"^ +0 +dom0 ", tables, re.M)) == 2
    uboot.ok("tarn top --json -n 1 -d 3 >/tmp/top.json")
    found = {row["name"]: row for row in json.loads(uboot.ok("cat /tmp/top.json"))}
    assert found["busy"]["cpu_percent"] > 0.1
    assert found["busy"]["cpu_percent"] + found["busy"]["stolen_percent"] < 110
    assert found["busy"]["exits_per_s"] > 10
    # On a terminal it draws in place, until q.
    uboot.child.sendline("tarn top -d 1")
    uboot.child.expect_exact("\x1b[?1049h")
    uboot.child.expect(r"busy +running")
    uboot.child.expect(r"\x1b\[H.*busy +running")
    uboot.child.send("q")
    uboot.child.expect_exact("\x1b[?1049l")
    uboot.child.expect_exact(uboot.prompt)
    assert uboot.run("tarn top -n x")[0] == 2
    uboot.ok("tarn destroy busy", timeout=60)


def test_dmesg(uboot):
    lines = uboot.ok("tarn dmesg")
    assert "dom0: kernel at" in lines
    assert re.search(r"^\[ +\d+\.\d{6}\] \d CPUs", lines, re.M)
    rows = json.loads(uboot.ok("tarn dmesg --json"))
    assert rows[0]["text"].startswith("Tarn ")
    assert all(row["level"] in ("error", "warn", "info", "guest", "debug") for row in rows)
    times = [row["seconds"] for row in rows]
    assert times == sorted(times)
    before = json.loads(uboot.ok("tarn info --json"))["log_level"]
    uboot.ok("tarn dmesg --level=warn")
    assert json.loads(uboot.ok("tarn info --json"))["log_level"] == "warn"
    uboot.ok(f"tarn dmesg --level={before}")
    code, output = uboot.run("tarn dmesg --level=loud")
    assert code == 2 and "guest" in output


def test_check(uboot):
    path = mini.configure(uboot, "right")
    assert "good" in uboot.ok(f"tarn check {path}")
    uboot.ok(f"sed -i 's/^memory.*/memory = \"lots\"/' {path}")
    code, output = uboot.run(f"tarn check {path}")
    assert code == 3 and f"{path}:5: key 'memory'" in output
    assert uboot.run("tarn check /nowhere")[0] == 3
    assert uboot.run("tarn info right")[0] == 4  # nothing was made


def test_completion_and_manual_know_every_command(uboot):
    verbs = re.findall(r"^  ([\w-]+) ", uboot.ok("tarn help"), re.M)
    assert {"create", "top", "dmesg", "stats"} <= set(verbs)
    offered = uboot.ok("COMP_WORDS=(tarn ''); COMP_CWORD=1; "
                       ". /usr/share/bash-completion/completions/tarn; _tarn; echo ${COMPREPLY[*]}")
    assert sorted(offered.split()) == sorted(verbs)
    manual = uboot.ok("sed -n '/^.SH COMMANDS/,/^.SH LIFE/p' /usr/share/man/man1/tarn.1")
    described = " ".join(re.findall(r"\.TP\s+\.BR? (.*)", manual)).replace("\\-", "-")
    assert [verb for verb in verbs if not re.search(rf"\b{verb}\b", described)] == []
