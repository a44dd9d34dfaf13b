# SPDX-License-Identifier: Apache-2.0
"""What the tables say: what does not apply, what failed, who is ahead; spans of switches."""
import bench
import micro
import report
from environments import Guest


def results(*runs):
    return report.Results(bench.table(list(runs)))


def suite(mode):
    return bench.Suite("micro", Guest("micro", mode=mode), 1, [], None)


def test_failed_and_not_applicable_are_told_apart():
    found = results((suite("one"), "bare", [("hypercall", 5.0, "instructions")], None),
                    (suite("one"), "xen-domu", [], "no result"),
                    (suite("io"), "xen-domu", [("notify_self", 9.0, "instructions")], None))
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
