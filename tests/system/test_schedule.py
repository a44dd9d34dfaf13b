# SPDX-License-Identifier: Apache-2.0
"""Who gets which CPU: what the configuration and the commands say, and what a guest sees of it."""
import json
import re

import mini

HOG = ("busybox mount -t proc p /proc; while :; do busybox head -n1 /proc/stat; i=0; "
       "while [ $i -lt 20000 ]; do i=$((i+1)); done; done")


def vcpus(machine, name):
    return json.loads(machine.ok(f"tarn vcpu-list --json {name}"))


def share(machine, name):
    found = json.loads(machine.ok(f"tarn sched --json {name}"))[0]
    return found["weight"], found["cap"]


def refused(machine, command, *words):
    code, output = machine.run(command, timeout=60)
    assert code != 0 and len(output.splitlines()) == 1, output
    assert all(word in output for word in words), output


def test_config_and_commands(uboot):
    mini.create(uboot, "part", more='weight = 512\ncap = 50\ncpus = "1"')
    assert share(uboot, "part") == (512, 50)
    assert [(v["cpus"], v["cpu"], v["dedicated"]) for v in vcpus(uboot, "part")] == [("1", 1, False)]
    uboot.ok("tarn sched part weight=100")
    assert share(uboot, "part") == (100, 50)
    uboot.ok("tarn sched part cap=0 weight=300")
    assert share(uboot, "part") == (300, 0)
    assert re.search(r"part\s+300\s+none", uboot.ok("tarn sched"))
    uboot.ok("tarn vcpu-pin part 0 0-1 && tarn vcpu-pin part all 0")
    uboot.ok("until tarn vcpu-list part | grep -q 'part  *0  *0 .* 0$'; do sleep 0.1; done", timeout=60)
    refused(uboot, "tarn vcpu-pin part 0 63", "none of these CPUs", "tarn info")
    refused(uboot, "tarn vcpu-pin part 0 1-0", "1-0", "0-2,5")
    refused(uboot, "tarn vcpu-pin part 1 0", "no vCPU 1", "use 0 to 0")
    refused(uboot, "tarn vcpu-pin part 0 dedicated", "no CPU is left", "tarn vcpu-list")
    refused(uboot, "tarn sched part weight=0", "weight=0", "weight=1")
    refused(uboot, "tarn sched nobody", "nobody")
    uboot.ok("tarn destroy part", timeout=60)
    # dom0 has a vCPU on each CPU of this machine.
    path = mini.configure(uboot, "own", more="dedicated = true")
    refused(uboot, f"tarn create {path}", f"{path}:7: key 'dedicated'", "dom0_vcpus=")
    assert "own" not in uboot.ok("tarn list")


def stolen(machine, name):
    """As Tarn counts it, in ms."""
    return json.loads(machine.ok(f"tarn stats --json {name}"))[0]["vcpus"][0]["stolen_ns"] // 1000000


def seen(machine, name):
    """As the guest's kernel counts it, in ms: the ninth word of the line that it last printed."""
    return 10 * int(machine.ok(f"awk '/^cpu/ && NF == 11 {{ s = $9 }} END {{ print s + 0 }}' /tmp/{name}.log"))


def wait_for(machine, condition):
    for _ in range(300):
        if condition():
            return
        machine.ok("sleep 0.5")
    raise AssertionError("it did not happen in two minutes and a half")


def test_a_guest_sees_stolen_time(uboot):
    """Two that are busy on one CPU: what one waits for the other, its kernel counts, all of it and no more."""
    for name in "one", "two":
        mini.create(uboot, name, HOG, more=f'cpus = "1"\nconsole {{ log = "/tmp/{name}.log" }}')
    for name in "one", "two":
        wait_for(uboot, lambda name=name: stolen(uboot, name) > 2000)
        before = stolen(uboot, name)
        wait_for(uboot, lambda name=name, before=before: seen(uboot, name) > before - 10)
        assert seen(uboot, name) <= stolen(uboot, name)
    for name in "one", "two":
        uboot.ok(f"tarn destroy {name}", timeout=60)
