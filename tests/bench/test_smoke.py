# SPDX-License-Identifier: Apache-2.0
"""A smoke of make bench: the payload alone and as domU of Tarn; every row there, and the same again."""
import bench
import report

NO_EXIT = {"counter_read", "priority_mask", "tlbi", "first_touch"}
OPS = set(report.BUDGETS) | NO_EXIT | {"eoi", "vipi"}


def rows_of(name, monkeypatch, path, chosen=lambda suite: suite.name == "micro"):
    """Of one environment, measured anew."""
    monkeypatch.setattr(bench, "RUNS", path)
    path.mkdir()
    values = {}
    for suite in bench.SUITES:
        if chosen(suite) and name in suite.environments:
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
    assert values["eoi"] <= 1 + report.CLOCK  # measured one at a time
    assert values == rows_of("tarn-domu", monkeypatch, tmp_path / "second")



def test_timers_cost_the_same_among_eight_domains(monkeypatch, tmp_path):
    values = rows_of("tarn-domu", monkeypatch, tmp_path / "runs",
                     lambda suite: suite.guest.mode == "timer" and suite.guest.name.endswith(("1", "8")))
    for op in ("vtimer_running", "vtimer_wfi"):
        assert abs(values[f"{op}/8"] - values[f"{op}/1"]) <= report.CLOCK


def test_trace_counts_what_the_clock_counts(monkeypatch, tmp_path):
    path = tmp_path / "trace"
    counted = rows_of("tarn-domu", monkeypatch, path,
                      lambda suite: suite.name == "silicon" and suite.guest.mode == "one")
    timed = rows_of("tarn-domu", monkeypatch, tmp_path / "timed")
    for op in ("hypercall", "gicd_read", "uart_read", "cntp_read"):
        assert counted[f"{op}/exits"] == 1
        assert 0 <= timed[op] - counted[f"{op}/instructions"] <= report.CLOCK
