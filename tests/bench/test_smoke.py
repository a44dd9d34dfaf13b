# SPDX-License-Identifier: Apache-2.0
"""A smoke of make bench: the payload alone and as domU of Tarn; every row there, and the same again."""
import bench
import report

NO_EXIT = {"counter_read", "priority_mask", "eoi", "tlbi", "first_touch"}
OPS = set(report.BUDGETS) | NO_EXIT | {"vipi"}


def rows_of(name, monkeypatch, path):
    """Of one environment, measured anew."""
    monkeypatch.setattr(bench, "RUNS", path)
    path.mkdir()
    values = {}
    for suite in bench.SUITES:
        if suite.name == "micro" and name in suite.environments:
            rows, error = bench.measure(suite, name)
            assert error is None
            values |= {op: value for op, value, _ in rows}
    return values


def test_bare_has_no_hypervisor(monkeypatch, tmp_path):
    values = rows_of("bare", monkeypatch, tmp_path / "runs")
    assert values["counter_read"] == values["priority_mask"] == 1
    assert values["sgi_self"] < 20


def test_domu_has_every_row_and_repeats(monkeypatch, tmp_path):
    values = rows_of("tarn-domu", monkeypatch, tmp_path / "first")
    assert OPS <= set(values)
    assert all(values[op] <= 3 for op in NO_EXIT)
    assert values == rows_of("tarn-domu", monkeypatch, tmp_path / "second")

