# SPDX-License-Identifier: Apache-2.0
"""Reads what the payload prints (tests/bench/micro)."""
import bisect
import re
import statistics

SPAN = re.compile(r"BENCH span (\d) (\d+) (\d+)")
MICRO = re.compile(r"BENCH micro (\S+) ([0-9.]+) instructions")
SLICE = 1_000_000  # instructions: a switch takes less, the other domain's turn more


def rows(text):
    """(op, value, unit) of each operation; of dom0 and domU the one that printed last."""
    text = text.rpartition("BENCH environment")[2]
    return [(op, float(value), "instructions") for op, value in MICRO.findall(text)]


def spans(text):
    """What both sides of a pair wrote down (tests/bench/micro/pairs.c): lists of (from, to)."""
    sides = {0: [], 1: []}
    for side, start, end in SPAN.findall(text):
        sides[int(side)].append((int(start), int(end)))
    if not sides[0] or not sides[1]:
        raise RuntimeError("one side of the pair said nothing")
    return sides[0], sides[1]


def io_rows(text):
    """A request's time out and its completion's time in: the answerer's span lies in the asker's."""
    out, back = [], []
    answered, asked = spans(text)
    for start, end in asked:
        for came, went in answered:
            if start < came < went < end:
                out.append(came - start)
                back.append(end - went)
    return rows(text) + [("notify_out", statistics.median(out), "instructions"),
                               ("completion_in", statistics.median(back), "instructions")]


def switch_rows(text):
    """From the last instruction of one domain to the first of the next: each span is a time in which a
    domain did not run, and another's end that lies in it says when that one came."""
    gaps = [(int(start), int(end)) for _, start, end in SPAN.findall(text)]
    firsts = sorted(end for _, end in gaps)
    costs = []
    for last, back in gaps:
        first = firsts[bisect.bisect_right(firsts, last)]
        if first < back and first - last < SLICE:
            costs.append(first - last)
    return [("vm_switch", statistics.median(costs), "instructions")]


def suffixed(reader, domains):
    """The reader's rows, the operations named after how many domains there are, too."""
    return lambda text: [(f"{op}/{domains}", value, unit) for op, value, unit in reader(text)]
