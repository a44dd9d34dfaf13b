# SPDX-License-Identifier: Apache-2.0
"""make bench-io: throughput of a domU's disk and network as a ratio to what dom0 itself reaches in the
same run, and interrupts a request. Results go to build/bench/io.json; nothing here passes or fails.

dom0's own: its O_DIRECT on the file that is the domU's disk; TCP to a namespace behind a veth in the
same bridge.
"""
import json
import os

from rig import DOM0, PORT, SCRATCH, SCRATCH_BYTES, TOP, Rig, words

SECONDS = int(os.environ.get("IO_SECONDS", "8"))
PEER = "192.168.77.250"
DISK = {
    "disk, 4 KiB random read, 1 at a time": "read random 4096 1",
    "disk, 4 KiB random read, 16 at a time": "read random 4096 16",
    "disk, 4 KiB random write, 16 at a time": "write random 4096 16",
    "disk, 1 MiB sequential read, 4 at a time": "read seq 1048576 4",
    "disk, 1 MiB sequential write, 4 at a time": "write seq 1048576 4",
}
NET = {"TCP, sending": "send", "TCP, receiving": "receive", "TCP, 1 byte there and back": "ping"}


def interrupts(shell, pattern):
    """Sum over all CPUs of the lines of /proc/interrupts that match."""
    return int(shell.ok(f"awk '/{pattern}/ {{ for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) s += $i }} "
                        "END { print s + 0 }' /proc/interrupts"))


def measure(shell, command):
    """Work a second, bytes or (with small requests) requests; and how many requests there were."""
    before = interrupts(shell, "virtio[0-9]|tarn")
    result = words(shell.ok(command, timeout=SECONDS + 120).splitlines()[-1])
    result["interrupts"] = interrupts(shell, "virtio[0-9]|tarn") - before
    result["rate"] = result["bytes"] / result["seconds"]
    return result


def disk_rows(shell, path):
    return {name: measure(shell, f"/mnt/load disk {path} {load} {SECONDS} {SCRATCH_BYTES}")
            for name, load in DISK.items()}


def net_rows(shell, host):
    return {name: measure(shell, f"{shell.prefix}/mnt/load {load} {host} {PORT} {SECONDS}")
            for name, load in NET.items()}


def peer(dom0):
    """A network namespace in dom0's bridge: what dom0 reaches without a hypervisor between."""
    for command in ("ip netns add peer", "ip link add peer0 type veth peer name eth0 netns peer",
                    "ip link set peer0 master tarnbr0 up",
                    f"ip -n peer addr add {PEER}/24 dev eth0", "ip -n peer link set eth0 up"):
        dom0.ok(command)
    dom0.prefix = "ip netns exec peer "


def show(own, guest):
    print(f"{'':44}{'dom0':>12}{'domU':>12}{'ratio':>8}{'domU int/req':>14}")
    for name, row in guest.items():
        small = row["bytes"] / row["requests"] < 65536 and "sending" not in name
        scale, unit = (row["requests"] / row["bytes"], "/s") if small else (1e-6, " MB/s")
        print(f"{name:44}{own[name]['rate'] * scale:>9.1f}{unit:5}{row['rate'] * scale:>7.1f}{unit:5}"
              f"{row['rate'] / own[name]['rate']:>6.2f}{row['interrupts'] / row['requests']:>12.2f}")


def main():
    rig = Rig(TOP / "build/bench/io/bench.log")
    try:
        peer(rig.dom0)
        own = disk_rows(rig.dom0, SCRATCH) | net_rows(rig.dom0, DOM0)
        rig.create(vcpus=1, disk=os.environ.get("IO_DISK", ""),
                   network=os.environ.get("IO_NETWORK", ""))
        domu = rig.enter()
        domu.prefix = ""
        guest = disk_rows(domu, "/dev/vdb") | net_rows(domu, DOM0)
        rig.leave()
    finally:
        rig.close()
    show(own, guest)
    rows = {name: {"dom0": own[name]["rate"], "domu": guest[name]["rate"],
                   "ratio": guest[name]["rate"] / own[name]["rate"],
                   "interrupts_per_request": guest[name]["interrupts"] / guest[name]["requests"]}
            for name in own}
    (TOP / "build/bench/io.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
