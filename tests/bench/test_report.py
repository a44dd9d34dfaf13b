# SPDX-License-Identifier: Apache-2.0
"""What the tables say: what does not apply, what failed, who is ahead; spans of switches."""
import bench
import lmbench
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


def test_runs_of_one_row_give_the_least_or_say_that_one_failed():
    def layout(number):
        return bench.Suite("lmbench", Guest("lmbench", layout=number), 1, [], None)
    runs = [(layout(i), "bare", [("Process fork+exit", value, "us")], None)
            for i, value in enumerate((384.1, 390.0, 384.2))]
    row = bench.table(runs)[0]
    assert (row["value"], row["runs"]) == (384.1, [384.1, 390.0, 384.2])
    other = (layout(0), "bare-max", [("Process fork+exit", 1.0, "us")], None)
    dom0 = [(layout(i), "tarn-dom0", [("Process fork+exit", 384.2, "us")], None) for i in range(3)]
    told = list(report.over_target(results(*runs, *dom0), "lmbench"))
    assert told[2].endswith("Process fork+exit 1.54%") and told[3].endswith("Process fork+exit 1.0000")
    failed = results(*runs, other, (layout(0), "bare", [], "no result"))
    assert failed.cell("lmbench", "Process fork+exit", "bare") == "failed"


def test_layouts_that_printed_nothing_or_less_are_seen():
    def run(layout, name, *values):
        guest = Guest("lmbench", layout=layout)
        return (bench.Suite("lmbench", guest, 1, [], None), name,
                [("Pagefaults", value, "us") for value in values], None)
    silent = results(run(0, "bare", 1.3), run(1, "bare"))
    assert silent.cell("lmbench", "Pagefaults", "bare") == "failed"
    fewer = results(run(0, "bare", 1.3, 1.2), run(0, "tarn-domu", 1.3))
    assert fewer.cell("lmbench", "Pagefaults", "bare", 1) == "1.2"
    assert fewer.cell("lmbench", "Pagefaults", "tarn-domu") == "failed"


def test_lmbench_rows_that_differ_in_place_or_are_repeated():
    text = """BENCH lmbench lat_pipe  : Pipe latency: 15.0 microseconds
BENCH lmbench LMBENCH_SCHED=UNIQUE lat_pipe  : Pipe latency: 30.5 microseconds
BENCH lmbench lat_proc fork : Process fork+exit: 384.0 microseconds
BENCH lmbench lat_proc fork : Process fork+exit: 386.0 microseconds
BENCH lmbench lat_mem_rd 1 128 : "stride=128
BENCH lmbench lat_mem_rd 1 128 : 0.5 1.081
BENCH lmbench lat_mem_rd 1 128 : 1.0 1.032
"""
    assert lmbench.rows(text) == [
        ("Pipe latency", 15.0, "us"), ("Pipe latency between CPUs", 30.5, "us"),
        ("Process fork+exit", 384.0, "us"), ("Process fork+exit", 386.0, "us"),
        ("Memory load latency stride=128", 1.032, "ns")]


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
