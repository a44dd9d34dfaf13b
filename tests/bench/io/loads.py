# SPDX-License-Identifier: Apache-2.0
"""The loads of bench-io: what a row runs on either side, and what its output and Tarn's counters say. A stream
has no requests: what a row counts by the request, it counts by 64 KiB.
"""
import collections
import json
import os
import re

SECONDS = int(os.environ.get("IO_SECONDS", "8"))
STREAM_UNIT = 64 << 10
TOOL = "LD_LIBRARY_PATH=/mnt/lib /mnt/"

# `command` has {disk}, {host} and {port}; the parser returns (requests a second, bytes a second).
Load = collections.namedtuple("Load", "name unit command parse")


def fio(text):
    job = json.loads(text[text.index("{"):])["jobs"][0]
    assert job["error"] == 0, text
    done = job["read"] if job["read"]["total_ios"] else job["write"]
    seconds = done["runtime"] / 1000
    return done["total_ios"] / seconds, done["io_bytes"] / seconds


def iperf3(text):
    """By what arrived, whoever received it."""
    result = json.loads(text[text.index("{"):])
    assert "error" not in result, result["error"]
    received = result["end"]["sum_received"]
    rate = received["bytes"] / received["seconds"]
    return rate / STREAM_UNIT, rate


def ping(text):
    """The last line of `load ping`."""
    result = {name: float(value) for name, value in re.findall(r"(\w+)=([0-9.]+)", text.splitlines()[-1])}
    return result["requests"] / result["seconds"], result["bytes"] / result["seconds"]


def disk(name, kind, block, depth):
    engine = "psync" if depth == 1 else f"libaio --iodepth={depth}"
    small = block < STREAM_UNIT
    return Load(f"disk, {name}, {depth} at a time", "/s" if small else "MB/s",
                f"{TOOL}fio --output-format=json --name=load --filename={{disk}} --direct=1 --rw={kind} "
                f"--bs={block} --ioengine={engine} --size=100% --time_based --runtime={SECONDS} "
                "--clat_percentiles=0", fio)


def stream(name, option=""):
    return Load(f"TCP, {name} (requests of 64 KiB)", "MB/s",
                f"{TOOL}iperf3 --json --interval 0 --time {SECONDS} --client {{host}} {option}", iperf3)


ONE_READ = disk("4 KiB random read", "randread", 4096, 1)
DISK = [disk("4 KiB random read", "randread", 4096, 16), disk("4 KiB random write", "randwrite", 4096, 16),
        disk("1 MiB sequential read", "read", 1 << 20, 4), disk("1 MiB sequential write", "write", 1 << 20, 4)]
STREAMS = [stream("sending"), stream("receiving", "--reverse")]
PING = Load("TCP, 1 byte there and back", "/s", f"/mnt/load ping {{host}} {{port}} {SECONDS}", ping)


def counters(text):
    """Exits to Tarn and notifies of a domain so far: `tarn stats --json DOMAIN`."""
    vcpus = [vcpu for domain in json.loads(text) for vcpu in domain["vcpus"]]
    return {"exits": sum(sum(vcpu["exits"].values()) for vcpu in vcpus),
            "notifies": sum(vcpu["notifies"] for vcpu in vcpus)}


def between(text):
    """What a second counted, of two lines of seconds, each with the counters in the line after it."""
    lines = text.splitlines()
    seconds = float(lines[2]) - float(lines[0])
    first, second = counters(lines[1]), counters(lines[3])
    return {name: (second[name] - first[name]) / seconds for name in first}
