# SPDX-License-Identifier: Apache-2.0
"""make bench-io: throughput of a domU's disk and network as a ratio to what dom0 itself reaches in the
same run, and what a request of the domU costs in exits, notifies and interrupts. Results go to
build/bench/io.json; nothing here passes or fails.

Both talk by TCP to a namespace behind a veth in the same bridge. In the first table storage and wire are
as fast as the host gives, so the emulated CPUs are the bound. In the second they are throttled, so the
device is, as on a board: QEMU limits requests and bytes of a disk, sch_tbf the veth. A throttle holds
back what is too much but makes no request last longer, so the second has no row of one at a time.
"""
import json
import os

import loads
from rig import PORT, SCRATCH, SCRATCH_BYTES, TOP, Rig

FAR = "192.168.77.250"
FOLDER = TOP / "build/bench/io"
TITLES = {"host": "as fast as the host gives", "board": "a board's devices"}
TABLES = {"host": [loads.ONE_READ, *loads.DISK, *loads.STREAMS, loads.PING],
          "board": loads.DISK + loads.STREAMS}

# An eMMC 5.1 (requests of 4 KiB) and Gigabit Ethernet, and by how much the emulated CPU is slower at I/O than
# a Cortex-A72 of 2 G instructions/s. In dom0, on a host with two CPUs, a loop of additions makes 1.9 G/s; but
# I/O is made of system calls (1.26 us for 323 instructions: 8 times as long as there) and of processes that
# wake one another (208 us through a pipe and back, for 15,000: 28 times).
SLOWER = 10
IOPS, DISK_BYTES, WIRE_BYTES = (rate // SLOWER for rate in (8000, 250_000_000, 117_000_000))

INTERRUPTS = ("awk '/virtio[0-9]/ { for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) s += $i } "
              "END { print s + 0 }' /proc/interrupts")
# In the background, for the console is left while it runs: its own I/O is not to be counted.
ROW = ("( ( cd /tmp && rm -f out before after; {interrupts} > before; {command} > out 2>err; "
       "{interrupts} > after.new; mv after.new after ) & )")
NOW = "cut -d ' ' -f 1 /proc/uptime; tarn stats --json load | tr -d '\\n'; echo"
WINDOW = f"sleep {loads.SECONDS * 3 / 8}; {NOW}; sleep {loads.SECONDS / 2}; {NOW}"


def own_rows(dom0, table, disk):
    return {load.name: load.parse(dom0.ok(load.command.format(disk=disk, host=FAR, port=PORT) + " 2>/tmp/err",
                                          timeout=loads.SECONDS + 120)) for load in TABLES[table]}


def domu_row(rig, load, disk):
    """(requests a second, bytes a second, and of each request: exits, notifies, interrupts)."""
    command = load.command.format(disk=disk, host=FAR, port=PORT)
    rig.enter().ok(ROW.format(interrupts=INTERRUPTS, command=command))
    rig.leave()
    counted = loads.between(rig.dom0.ok(WINDOW, timeout=loads.SECONDS + 60))
    domu = rig.enter()
    domu.ok("until [ -e /tmp/after ]; do sleep 0.2; done", timeout=loads.SECONDS + 120)
    requests, rate = load.parse(domu.ok("cat /tmp/out"))
    before, after = domu.ok("cat /tmp/before /tmp/after").split()
    rig.leave()
    counted["interrupts"] = (int(after) - int(before)) / loads.SECONDS
    return requests, rate, {name: count / requests for name, count in counted.items()}


def far_end(dom0):
    """A network namespace in dom0's bridge, with the servers."""
    for command in ("ip netns add far", "ip link add far0 type veth peer name eth0 netns far",
                    "ip link set far0 master tarnbr0 up",
                    f"ip -n far addr add {FAR}/24 dev eth0", "ip -n far link set eth0 up",
                    f"ip netns exec far env {loads.TOOL}iperf3 --server --daemon",
                    f"{{ ip netns exec far /mnt/load serve {PORT} >/dev/null 2>&1 & }} 2>/dev/null",
                    "insmod /mnt/sch_tbf.ko", "dmesg -n 1"):
        dom0.ok(command)


def shape(dom0, on):
    """The wire: both ends of the veth."""
    verb = f"add dev {{}} root tbf rate {WIRE_BYTES * 8}bit burst 256kb limit 1mb" if on else "del dev {} root"
    dom0.ok(f"tc qdisc {verb.format('far0')} && tc -n far qdisc {verb.format('eth0')}")


def board_disk():
    """QEMU's options for a throttled disk."""
    image = FOLDER / "board.img"
    image.write_bytes(bytes(SCRATCH_BYTES))
    name = str(image).replace(",", ",,")
    return ("-drive", f"file={name},format=raw,if=none,id=board,cache=unsafe,throttling.iops-total={IOPS},"
                      f"throttling.bps-total={DISK_BYTES}",
            "-device", "virtio-blk-device,drive=board,serial=board")


def run():
    """{table: ({row: dom0's}, {row: domU's})}"""
    rig = Rig(FOLDER / "bench.log", image=FOLDER / "tools.img", options=board_disk())
    try:
        far_end(rig.dom0)
        board = rig.dom0.ok("readlink -f /dev/disk/by-id/virtio-board")
        own = {"host": own_rows(rig.dom0, "host", SCRATCH)}
        shape(rig.dom0, True)
        own["board"] = own_rows(rig.dom0, "board", board)
        rig.create(disk=os.environ.get("IO_DISK", ""), network=os.environ.get("IO_NETWORK", ""),
                   more=f'disk "board" {{ path = "{board}" }}')
        domu = {"board": {load.name: domu_row(rig, load, "/dev/vdd") for load in TABLES["board"]}}
        shape(rig.dom0, False)
        domu["host"] = {load.name: domu_row(rig, load, "/dev/vdb") for load in TABLES["host"]}
    finally:
        rig.close()
        (FOLDER / "board.img").unlink()
    return {table: (own[table], domu[table]) for table in TABLES}


def show(table, own, domu):
    print(f"\n{TITLES[table]:44}{'dom0':>12}{'domU':>12}{'ratio':>8}  of a request: exits notifies interrupts")
    for load in TABLES[table]:
        column, scale = (0, 1) if load.unit == "/s" else (1, 1e-6)
        mine, its = own[load.name][column], domu[load.name][column]
        per = domu[load.name][2]
        print(f"{load.name:44}{mine * scale:>8.1f} {load.unit:4}{its * scale:>7.1f} {load.unit:4}{its / mine:>7.2f}"
              f"{per['exits']:>20.2f}{per['notifies']:>9.2f}{per['interrupts']:>11.2f}")


def main():
    rows = run()
    print(f"The board's: {IOPS} requests/s, {DISK_BYTES / 1e6:.1f} MB/s; {WIRE_BYTES / 1e6:.1f} MB/s on the wire "
          f"(1/{SLOWER} of eMMC 5.1 and Gigabit Ethernet)")
    results = {}
    for table, (own, domu) in rows.items():
        show(table, own, domu)
        results[table] = {name: {"dom0": own[name][1], "domu": rate, "ratio": rate / own[name][1],
                                 **{f"{what}_per_request": count for what, count in per.items()}}
                          for name, (_, rate, per) in domu.items()}
    (TOP / "build/bench/io.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
