# SPDX-License-Identifier: Apache-2.0
"""Counters, Tarn's log, tarn top, the trace: what they say agrees with what domains do."""
import base64
import gzip
import json
import os
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


def fetch(machine, path):
    """A file of dom0, through the serial line."""
    return gzip.decompress(base64.b64decode(machine.ok(f"gzip -c {path} | base64", timeout=300)))


def slices_of(trace):
    """Slices of each track, each a list of (from, to, event) in order."""
    tracks = {}
    for event in trace["traceEvents"]:
        if event["ph"] == "X":
            tracks.setdefault((event["pid"], event["tid"], event["cat"]), []).append(
                (event["ts"], event["ts"] + event["dur"], event))
    return {track: sorted(slices, key=lambda s: s[:2]) for track, slices in tracks.items()}


def check_no_overlap(slices):
    for before, after in zip(slices, slices[1:]):
        assert before[1] <= after[0] + 0.0015, (before, after)  # rounding


def test_trace(uboot):
    mini.create(uboot, "busy", BUSY)
    while stats(uboot, "busy")["vcpus"][0]["exits"]["wfi"] < 20:  # it boots
        uboot.ok("sleep 1")
    said = uboot.ok("tarn trace record -t 2 -o /tmp/trace.json", timeout=300)
    records, lost = map(int, re.search(r"(\d+) records in .*, (\d+) lost", said).groups())
    trace = json.loads(fetch(uboot, "/tmp/trace.json"))
    assert trace["otherData"] == {"records": records, "lost": lost} and records > 1000
    processes = {event["args"]["name"]: event["pid"] for event in trace["traceEvents"]
                 if event["name"] == "process_name"}
    tracks = slices_of(trace)
    for (pid, _, kind), slices in tracks.items():
        check_no_overlap(slices)
        assert kind in (("sched",) if pid == processes["CPUs"] else ("state", "exit"))
    ends = [slices[-1][1] for slices in tracks.values()]
    assert 1.9e6 < max(ends) < 20e6  # microseconds
    # Every CPU was seen, and the domain on one of them.
    on_cpus = [s for (pid, _, _), slices in tracks.items() if pid == processes["CPUs"] for s in slices]
    assert {event["tid"] for _, _, event in on_cpus} == {1, 2, 3, 4}
    assert {"busy vCPU 0", "dom0 vCPU 0"} <= {event["name"] for _, _, event in on_cpus}
    # What the domain did.
    states, = (slices for (pid, _, kind), slices in tracks.items()
               if pid == processes["busy"] and kind == "state")
    assert {"running", "idle"} <= {event["name"] for _, _, event in states}
    on_cpu = sum(end - begin for begin, end, event in on_cpus if event["name"] == "busy vCPU 0")
    running = sum(end - begin for begin, end, event in states if event["name"] == "running")
    assert abs(on_cpu - running) < 1 and running < max(ends)
    exits, = (slices for (pid, _, kind), slices in tracks.items()
              if pid == processes["busy"] and kind == "exit")
    assert {"wfi", "interrupt"} <= {event["name"] for _, _, event in exits}
    given = {event["name"] for event in trace["traceEvents"]
             if event["pid"] == processes["busy"] and event["ph"] == "i"}
    assert "interrupt 27 (virtual timer)" in given
    uboot.ok("tarn destroy busy", timeout=60)


def test_one_trace_at_a_time(uboot):
    uboot.ok("tarn trace record -o /tmp/one.json & sleep 1")
    code, output = uboot.run("tarn trace record -t 1 -o /tmp/two.json")
    assert code == 1 and re.search(r"process \d+ \(tarn\) records already", output)
    # Killed, it leaves nothing behind: the next one records.
    uboot.ok("kill -9 $!; wait $!; test ! -s /tmp/one.json -a ! -e /tmp/two.json")
    uboot.ok("tarn trace record -o /tmp/two.json -- sleep 0.3", timeout=120)
    json.loads(fetch(uboot, "/tmp/two.json"))
    assert uboot.run("tarn trace record -o /nowhere/x.json")[0] == 1
    for wrong in ("", "play", "record -t", "record -t x", "record --size 5", "record --", "record x"):
        assert uboot.run(f"tarn trace {wrong}")[0] == 2, wrong


def info(machine, name):
    return json.loads(machine.ok(f"tarn info --json {name}"))


HELD = """disk "held" { path = "/tmp/held.img" }"""
PARTS = r"""weight = 300
cap = 50
on_crash = "preserve"
disk "a \"b\"" { path = "/tmp/a \"b\" é.img" readonly = true }
disk "drive" { path = "" }
network "lan" { bridge = "tarnbr0" mac = "52:54:00:00:00:17" backend = "user" }
port "agent" { }
console { log = "/tmp/parts.log" }"""


def test_info_tells_the_configuration(uboot):
    path = mini.configure(uboot, "parts", script="echo said by the guest; " + mini.STAY, more=PARTS)
    uboot.ok("head -c 1048570 /dev/zero | tr '\\0' o > /tmp/parts.log")
    uboot.ok("truncate -s 1M $'/tmp/a \"b\" \\xc3\\xa9.img' /tmp/medium.img")
    uboot.ok(f"tarn create {path} && tarn attach-disk parts drive /tmp/medium.img && tarn sched parts weight=400",
             timeout=90)
    found = info(uboot, "parts")
    assert found["config"] == path and found["kernel"] == "/var/lib/tarn/vmlinuz"
    assert (found["weight"], found["cap"], found["cpus"], found["dedicated"]) == (400, 50, "0-3", False)
    assert (found["on_reboot"], found["on_crash"]) == ("restart", "preserve")
    odd = '/tmp/a "b" é.img'
    assert found["disk"] == [
        {"title": 'a "b"', "path": odd, "medium": odd, "type": "raw", "readonly": True},
        {"title": "drive", "path": "", "medium": "/tmp/medium.img", "type": "raw", "readonly": False}]
    assert found["network"] == [
        {"title": "lan", "bridge": "tarnbr0", "mac": "52:54:00:00:00:17", "backend": "user", "queues": 1}]
    assert found["port"] == [{"title": "agent", "socket": "/run/tarn/parts/port.agent"}]
    assert (found["share"], found["vsock"], found["console"]) == ([], None, {"log": "/tmp/parts.log"})
    text = uboot.ok("tarn info parts").replace("\r", "")
    for line in ("weight    400", "cap       50%", "disk      drive: /tmp/medium.img, raw", "console   log /tmp/parts.log",
                 "network   lan: bridge tarnbr0, mac 52:54:00:00:00:17, backend user", "on_crash  preserve"):
        assert f"\n{line}\n" in f"\n{text}\n", text
    # Its console's log was full: that went to another file, and it began anew.
    uboot.ok("until [ $(stat -c %s /tmp/parts.log.1) = 1048576 ] && grep -q guest /tmp/parts.log; do sleep 0.2; done")
    kept = uboot.ok("tail -c 16 /tmp/parts.log.1; cat /tmp/parts.log")
    assert re.match(r"o{10}said by the guest", kept) and int(uboot.ok("stat -c %s /tmp/parts.log")) < 1000, kept
    uboot.ok("tarn destroy parts; rm /tmp/parts.log*", timeout=60)


def test_check(uboot):
    path = mini.configure(uboot, "right")
    assert uboot.ok(f"tarn check {path}") == f"{path}: good"
    good = json.loads(uboot.ok(f"tarn check --json {path}"))
    assert good == {"file": path, "good": True, "name": "right", "startable": True, "obstacles": []}
    # What others have is in its way: name, disk, memory. The file is good nevertheless.
    made = json.loads(uboot.ok(f"tarn create --json {path}", timeout=60))
    assert made == {"file": path, "good": True, "name": "right", "id": info(uboot, "right")["id"]}
    uboot.ok(f"truncate -s 1M /tmp/held.img; tarn destroy right; echo '{HELD}' >> {path}; tarn create {path}; "
             f"sed 's/128M/100G/' {path} > /tmp/wrong.conf", timeout=60)
    blocked = json.loads(uboot.ok("tarn check --json /tmp/wrong.conf"))
    assert (blocked["good"], blocked["startable"]) == (True, False)
    assert [re.sub(r"\d+M free", "", line) for line in blocked["obstacles"]] == [
        "there is a domain right", "memory: 102400M wanted, ", 'disk "held": another domain uses /tmp/held.img']
    line = uboot.ok("tarn check /tmp/wrong.conf")
    assert line.startswith("/tmp/wrong.conf: good, but would not start now: there is a domain right; ")
    assert len(line.splitlines()) == 1
    code, output = uboot.run("tarn create --json /tmp/wrong.conf 2>/tmp/errors")
    wrong, said = json.loads(output), uboot.ok("cat /tmp/errors")
    assert code == 1 and wrong["error"] == said and wrong["errors"] == [said]
    assert (wrong["file"], wrong["good"], wrong["name"]) == ("/tmp/wrong.conf", False, "right")
    # So is what has no file.
    uboot.ok(f"tarn destroy right; echo 'vsock {{ cid = 9 }}' >> {path}; tarn create {path}; "
             f"sed 's/right/left/; /held/d' {path} > /tmp/left.conf", timeout=60)
    left = json.loads(uboot.ok("tarn check --json /tmp/left.conf"))
    assert left["obstacles"] == ["vsock: domain right has cid 9"]
    uboot.ok("tarn destroy right", timeout=60)
    # A file's name holds any byte.
    code, output = uboot.run("tarn check --json $'/tmp/a\"b\\\\\\n\\xff\\xc3\\xa9.conf' 2>/tmp/errors; wc -l < /tmp/errors")
    assert os.fsencode(json.loads(output.splitlines()[0])["file"]) == b'/tmp/a"b\\\n\xff\xc3\xa9.conf'
    assert output.splitlines()[1:] == ["1"]
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
    # Names are shown as they are, not carried out.
    offered = uboot.ok("mkdir /tmp/odd && cd /tmp/odd && mkdir 'a$(touch done)' && touch 'b`touch done`.conf' && "
                       "COMP_WORDS=(tarn create '') && COMP_CWORD=2 && _tarn; echo \"${COMPREPLY[*]}\"; ls | wc -l; cd")
    assert offered == "-c --json b`touch done`.conf a$(touch done)\n2", offered
    manual = uboot.ok("sed -n '/^.SH COMMANDS/,/^.SH LIFE/p' /usr/share/man/man1/tarn.1")
    described = " ".join(re.findall(r"\.TP\s+\.BR? (.*)", manual)).replace("\\-", "-")
    assert [verb for verb in verbs if not re.search(rf"\b{verb}\b", described)] == []
    for verb in verbs:
        assert uboot.ok(f"tarn help {verb}").startswith(f"usage: tarn {verb}")
    assert uboot.ok("tarn create --help").startswith("usage: tarn create [-c")
    code, output = uboot.run("tarn start")
    assert code == 2 and "use tarn create" in output
    assert uboot.run("tarn list > /dev/full")[0] == 1
    pages = uboot.ok("for page in tarn tarn.conf; do MANWIDTH=80 man $page; done | cat")
    assert "EXIT STATUS" in pages and "ADDING AND REMOVING DEVICES" in pages
