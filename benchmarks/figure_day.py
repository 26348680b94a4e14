"""Draw the README's figure: a generated day of the bundled m-small profile, by client.

    python benchmarks/figure_day.py -o benchmarks/figures/day.svg

Needs the extra `plot`. Clients without published lengths are left out, as always.
"""

from __future__ import annotations

import argparse
import warnings

import matplotlib as mpl
import numpy as np
import tracetide as tt

DAY_S = 86400
STEP_S = 300
TOP = 4
# Okabe and Ito's colours, which differ for colour-blind readers and in print.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#BBBBBB"]


def stacked_rates(trace: tt.Trace) -> tuple[np.ndarray, list[str]]:
    """Requests/s per step of the busiest clients and of all others: (clients, steps)."""
    busiest = np.argsort(np.bincount(trace.client_id))[::-1][:TOP]
    step = (trace.timestamp // STEP_S).astype(np.int64)
    rates = [np.bincount(step[trace.client_id == client], minlength=DAY_S // STEP_S) for client in busiest]
    rates.append(np.bincount(step, minlength=DAY_S // STEP_S) - sum(rates))
    return np.array(rates) / STEP_S, [f"client {client}" for client in busiest] + ["all others"]


def mean_per_step(trace: tt.Trace, tokens: np.ndarray) -> np.ndarray:
    """Mean tokens of the requests of every step."""
    step = (trace.timestamp // STEP_S).astype(np.int64)
    return np.bincount(step, tokens, DAY_S // STEP_S) / np.maximum(
        np.bincount(step, minlength=DAY_S // STEP_S), 1
    )


def draw(trace: tt.Trace, path: str) -> None:
    """The rate by client above, mean lengths below."""
    import matplotlib.pyplot as plt

    mpl.rcParams.update({"font.size": 9, "svg.hashsalt": "tracetide", "axes.spines.top": False})
    figure, (above, below) = plt.subplots(2, sharex=True, figsize=(8, 4.5), height_ratios=[3, 2])
    hours = np.arange(DAY_S // STEP_S) * STEP_S / 3600
    rates, names = stacked_rates(trace)
    above.stackplot(hours, rates, labels=names, colors=COLOURS, linewidth=0)
    above.set_ylabel("requests/s")
    above.legend(loc="upper left", ncols=5, frameon=False, fontsize=8)
    above.set_ylim(0, above.get_ylim()[1] * 1.15)
    below.plot(hours, mean_per_step(trace, trace.input_tokens), color=COLOURS[0], label="input")
    below.set_ylabel("mean input tokens")
    output = below.twinx()
    output.plot(hours, mean_per_step(trace, trace.output_tokens), color=COLOURS[1], linestyle="--")
    output.set_ylabel("mean output tokens (dashed)")
    for axis in (below, output):
        axis.set_ylim(bottom=0)
    below.set_xlabel("hour of the day")
    below.set_xlim(0, 24)
    below.set_xticks(range(0, 25, 3))
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None, dpi=150)


def main() -> None:
    """Generate the day and draw it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", default="benchmarks/figures/day.svg")
    arguments = parser.parse_args()
    mpl.use("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tt.MissingDataWarning)
        trace = tt.generate(tt.load("m-small"), scale=0.02, duration="1d", seed=0)
    draw(trace, arguments.output)


if __name__ == "__main__":
    main()
