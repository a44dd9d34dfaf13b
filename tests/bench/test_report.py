# SPDX-License-Identifier: Apache-2.0
"""What the tables say: what does not apply, what failed, who is ahead; spans of switches."""
import bench
import micro
import report
from environments import Guest


def results(*runs):
    return report.Results(bench.table(list(runs)))


def of_mode(mode):
    return bench.Suite("micro", Guest("micro", mode=mode), 1, [], None)


def test_failed_and_not_applicable_are_told_apart():
    found = results((of_mode("one"), "bare", [("hypercall", 5.0, "instructions")], None),
                    (of_mode("one"), "xen-domu", [], "no result"),
                    (of_mode("io"), "xen-domu", [("notify_self", 9.0, "instructions")], None))
    assert found.cell("micro", "hypercall", "bare") == "5"
    assert found.cell("micro", "hypercall", "xen-domu") == "failed"
    assert found.cell("micro", "notify_self", "bare") == "-"
    assert found.failures("micro") == ["xen-domu: no result (1 rows)"]


def test_ahead_is_more_than_the_clock_resolves():
    figures = {"tarn-dom0": 1.0, "tarn-domu": 100.0, "xen-domu": 103.0, "kvm-nvhe": None}
    assert report.ahead(figures, 4) == "equal"
    assert report.ahead(figures, 2) == "Tarn"
    assert report.ahead(figures | {"kvm-vhe": 90.0}, 4) == "kvm-vhe"
    assert report.ahead(figures | {"tarn-domu": None}, 4) == ""


def test_switch_is_from_the_last_instruction_of_one_to_the_first_of_another():
    lines = [(1000, 22000), (21500, 42000), (41600, 60000), (55000, 55100)]
    text = "\n".join(f"BENCH span 1 {last} {first}" for last, first in lines)
    assert micro.switch_rows(text) == [("vm_switch", 450, "instructions")]


def test_suites_that_run_the_same_guest_keep_their_own_rows(monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "RUNS", tmp_path)
    monkeypatch.setattr(bench.qemu, "run", lambda *_: "BENCH micro notify_self 9.0 instructions\n")
    guest = Guest("micro")
    plain = bench.Suite("micro", guest, 1, ["tarn-domu"], micro.rows)
    scaled = bench.Suite("scaling", guest, 1, ["tarn-domu"], micro.suffixed(micro.rows, 8))
    for suite, op in ((plain, "notify_self"), (scaled, "notify_self/8")) * 2:
        assert [row[0] for row in bench.measure(suite, "tarn-domu")[0]] == [op]


def test_columns_of_scaling_are_numbers_of_domains():
    run = bench.Suite("scaling", Guest("micro"), 1, [], None)
    rows = [(f"vm_switch/{domains}", 400.0, "instructions") for domains in (64, 8)]
    found = results((run, "tarn-domu", rows, None))
    assert list(report.scaling_rows(found, "scaling")) == [["operation", "8", "64"],
                                                           ["vm_switch", "400", "400"]]
