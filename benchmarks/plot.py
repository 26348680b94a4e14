"""Draws how the cost of a request and the peak memory grow, from the results of `table.py`.

python benchmarks/plot.py results.json -o growth.svg

Needs the extra `plot`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

AXES = {"clients": "clients", "requests": "requests a day", "days": "days", "rate": "requests/s"}
"""The first word of a section, and the label of its axis."""
# Okabe and Ito's blue and orange, which differ for colour-blind readers and in print.
COST, MEMORY = "#0072B2", "#E69F00"

Point = tuple[float, float, float]


def points(rows: list[dict[str, Any]], axis: str) -> list[Point]:
    """(x, ns/request, MiB) of the lines of a section."""
    return sorted(
        (row["x"], row["result"]["seconds"] / row["result"]["requests"] * 1e9, row["result"]["peak_mib"])
        for row in rows
        if row["section"].startswith(f"{axis}:") and row["x"] is not None and "result" in row
    )


def draw(document: dict[str, Any], path: str) -> None:
    """One panel an axis: cost in blue on the left, memory in orange and dashed on the right."""
    import matplotlib.pyplot as plt

    mpl.rcParams.update({"font.size": 9, "svg.hashsalt": "tracetide", "axes.spines.top": False})
    series = {axis: found for axis in AXES if (found := points(document["rows"], axis))}
    if not series:
        raise SystemExit("plot: the results have no section on growth; run table.py without --only")
    figure, panels = plt.subplots(
        1, len(series), figsize=(2.6 * len(series) + 0.6, 2.8), sharey=True, squeeze=False
    )
    highest = max(mib for found in series.values() for _, _, mib in found)
    for panel, (axis, found) in zip(panels[0], series.items(), strict=True):
        x, cost, mib = zip(*found, strict=True)
        panel.plot(x, cost, color=COST, marker="o", markersize=4)
        panel.set_xscale("log")
        panel.set_xlabel(AXES[axis])
        memory = panel.twinx()
        memory.plot(x, mib, color=MEMORY, marker="s", markersize=4, linestyle="--")
        memory.set_ylim(0, 1.15 * highest)
        last = panel is panels[0][-1]
        memory.tick_params(right=last, labelright=last)
        memory.spines["right"].set_visible(last)
        panel.spines["right"].set_visible(False)
    panels[0][0].set_ylim(bottom=0)
    panels[0][0].set_ylabel("ns/request", color=COST)
    memory.set_ylabel("peak memory, MiB (dashed)", color=MEMORY)
    figure.suptitle(f"{document['machine']['processor']}, all threads", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path, help="what table.py wrote with --out")
    parser.add_argument("-o", "--output", default="benchmarks/figures/growth.svg")
    arguments = parser.parse_args()
    mpl.use("Agg")
    draw(json.loads(arguments.results.read_text()), arguments.output)


if __name__ == "__main__":
    main()
