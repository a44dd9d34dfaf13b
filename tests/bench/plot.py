# SPDX-License-Identifier: Apache-2.0
"""The plots of docs/benchmarks.md: bars as SVG, written by hand so that they are small and stable."""
import math
from xml.sax.saxutils import escape

COLOURS = {"tarn-domu": "#1b6ca8", "tarn-dom0": "#7fb3d5", "xen-domu": "#c0392b",
           "xen-dom0": "#e6b0aa", "kvm-nvhe": "#b9770e", "kvm-vhe": "#f0b27a"}
SHADES = ["#aed6f1", "#5dade2", "#2874a6", "#1b4f72"]
BAR, GAP, LEFT, WIDTH, TOP = 9, 10, 230, 620, 46


def bounded(share):
    return max(0.0, min(1.0, share))


def instructions(value):
    """A bar's length and label: 1 .. 10,000 instructions, logarithmic."""
    return bounded(math.log10(max(value, 1)) / 4), f"{value:,.0f}"


def ratio(value):
    """What is added to bare, 0.01 % .. 100 %, logarithmic."""
    return bounded((math.log10(max(value - 1, 1e-9)) + 4) / 4), f"{value:.4f}"


def bars(op, values, colours, measure, top):
    out = [f'<text x="{LEFT - 8}" y="{top + 3 * BAR}" text-anchor="end">{escape(op)}</text>']
    for i, (name, colour) in enumerate(colours.items()):
        if values.get(name) is None:
            continue
        share, label = measure(values[name])
        length, y = max(share * WIDTH, 1), top + i * BAR
        out.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR - 1}" fill="{colour}"/>')
        out.append(f'<text x="{LEFT + length + 4:.1f}" y="{y + BAR - 2}" font-size="8">{label}</text>')
    return out


def draw(path, title, colours, groups, measure):
    """A group of bars for each operation: groups is (operation, {name: value}), colours of each name."""
    step = len(colours) * BAR + GAP
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 60}" '
           f'height="{TOP + len(groups) * step}" font-family="sans-serif" font-size="11">',
           '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="{LEFT}" y="14">{escape(title)}</text>']
    for i, (name, colour) in enumerate(colours.items()):
        out.append(f'<rect x="{LEFT + i * 90}" y="22" width="9" height="9" fill="{colour}"/>')
        out.append(f'<text x="{LEFT + i * 90 + 13}" y="31">{escape(name)}</text>')
    for i, (op, values) in enumerate(groups):
        out += bars(op, values, colours, measure, TOP + i * step)
    path.write_text("\n".join(out + ["</svg>", ""]), encoding="utf-8")


def draw_micro(results, suite, path):
    groups = [(op, {name: results.value.get((suite, op, name)) for name in COLOURS})
              for op in results.ops(suite)]
    draw(path, "instructions, logarithmic scale: shorter is better", COLOURS, groups, instructions)


def draw_lmbench(results, suite, path):
    groups = [(op, {name: results.ratio(suite, op, name) for name in COLOURS})
              for op in results.ops(suite)]
    draw(path, "ratio to bare; length: what is added to 1, logarithmic from 0.01 % to 100 %", COLOURS,
         groups, ratio)


def draw_scaling(results, suite, path):
    groups, columns = {}, {}
    for op in results.ops(suite):
        name, domains = op.rsplit("/", 1)
        column = columns.setdefault(domains, f"{domains} domUs")
        groups.setdefault(name, {})[column] = results.value.get((suite, op, "tarn-domu"))
    colours = dict(zip(columns.values(), SHADES))
    draw(path, "instructions, logarithmic scale", colours, list(groups.items()), instructions)


DRAWN = {"micro": draw_micro, "lmbench": draw_lmbench, "scaling": draw_scaling}
