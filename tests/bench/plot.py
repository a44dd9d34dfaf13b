# SPDX-License-Identifier: Apache-2.0
"""The plots of docs/benchmarks.md: bars as SVG, written by hand so that they are small and stable."""
import math
from xml.sax.saxutils import escape

COLOURS = {"tarn-domu": "#1b6ca8", "tarn-dom0": "#7fb3d5", "xen-domu": "#c0392b",
           "xen-dom0": "#e6b0aa", "kvm-nvhe": "#b9770e", "kvm-vhe": "#f0b27a"}
BAR, GAP, LEFT, WIDTH, TOP = 9, 10, 230, 620, 46


def scale_log(value):
    """1 .. 10,000 instructions, logarithmic."""
    return max(0.0, min(1.0, math.log10(max(value, 1)) / 4))


def scale_ratio(value):
    """What is added to bare, 0.01 % .. 100 %, logarithmic."""
    return max(0.0, min(1.0, (math.log10(max(value - 1, 1e-9)) + 4) / 4))


def bars(results, suite, op, top):
    out = [f'<text x="{LEFT - 8}" y="{top + 3 * BAR}" text-anchor="end">{escape(op)}</text>']
    for i, (name, colour) in enumerate(COLOURS.items()):
        value = (results.value.get((suite, op, name)) if suite == "micro"
                 else results.ratio(suite, op, name))
        if value is None:
            continue
        length = (scale_log if suite == "micro" else scale_ratio)(value) * WIDTH
        label = f"{value:,.0f}" if suite == "micro" else f"{value:.4f}"
        y = top + i * BAR
        out.append(f'<rect x="{LEFT}" y="{y}" width="{max(length, 1):.1f}" height="{BAR - 1}" '
                   f'fill="{colour}"/>')
        out.append(f'<text x="{LEFT + max(length, 1) + 4:.1f}" y="{y + BAR - 2}" '
                   f'font-size="8">{label}</text>')
    return out


def draw(results, suite, path):
    """A group of bars for each operation, one bar for each environment."""
    ops = results.ops(suite)
    step = len(COLOURS) * BAR + GAP
    height = TOP + len(ops) * step
    title = ("instructions, logarithmic scale: shorter is better" if suite == "micro"
             else "ratio to bare; length: what is added to 1, logarithmic from 0.01 % to 100 %")
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 60}" height="{height}" '
           'font-family="sans-serif" font-size="11">',
           '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="{LEFT}" y="14">{escape(title)}</text>']
    for i, (name, colour) in enumerate(COLOURS.items()):
        out.append(f'<rect x="{LEFT + i * 90}" y="22" width="9" height="9" fill="{colour}"/>')
        out.append(f'<text x="{LEFT + i * 90 + 13}" y="31">{name}</text>')
    for i, op in enumerate(ops):
        out += bars(results, suite, op, TOP + i * step)
    path.write_text("\n".join(out + ["</svg>", ""]), encoding="utf-8")
