# SPDX-License-Identifier: Apache-2.0
"""What bench-io reads out of fio, iperf3 and `tarn stats`."""
import json
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).parent / "io"))
import loads  # noqa: E402

IDLE = {"io_bytes": 0, "runtime": 0, "total_ios": 0}


def fio_text(error=0, **done):
    return json.dumps({"fio version": "fio-3.33", "jobs": [{"error": error, "read": IDLE, "write": IDLE} | done]})


def test_fio_reads_and_writes():
    done = {"io_bytes": 8192000, "runtime": 4000, "total_ios": 2000}
    assert loads.fio(fio_text(read=done)) == (500, 2048000)
    assert loads.fio("fio: a note\n" + fio_text(write=done)) == (500, 2048000)
    with pytest.raises(AssertionError):
        loads.fio(fio_text(error=5, read=done))


def test_stream_is_what_arrived():
    end = {"sum_sent": {"bytes": 9 << 20, "seconds": 2.0}, "sum_received": {"bytes": 8 << 20, "seconds": 2.0}}
    assert loads.iperf3(json.dumps({"start": {}, "end": end})) == (64, 4 << 20)
    with pytest.raises(AssertionError, match="unable to connect"):
        loads.iperf3(json.dumps({"end": {}, "error": "unable to connect"}))


def test_ping_is_the_last_line():
    assert loads.ping("a note\nrequests=900 bytes=900 seconds=2.000") == (450, 450)


def stats(*vcpus):
    return json.dumps([{"id": 1, "name": "load", "requests": 7, "vcpus": [
        {"vcpu": 0, "run_ns": 5, "injected": 3, "notifies": notifies, "exits": exits} for notifies, exits in vcpus]}])


def test_counters_are_of_all_vcpus_and_a_second():
    before = stats((10, {"irq": 5, "data_abort": 10}), (0, {"irq": 0, "data_abort": 0}))
    after = stats((30, {"irq": 9, "data_abort": 30}), (4, {"irq": 2, "data_abort": 4}))
    assert loads.between(f"100.50\n{before}\n102.50\n{after}") == {"exits": 15, "notifies": 12}


def test_commands_name_disk_and_host():
    for load in (loads.ONE_READ, *loads.DISK, *loads.STREAMS, loads.PING):
        command = load.command.format(disk="/dev/vdb", host="10.0.0.1", port=7)
        assert ("--filename=/dev/vdb" in command) != ("10.0.0.1" in command)
