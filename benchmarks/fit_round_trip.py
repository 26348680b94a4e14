"""How close is a trace that is generated from a fit to the trace that was fitted?

    python benchmarks/fit_round_trip.py [TRACE ...]

Without arguments: the Azure and Mooncake traces of TRACETIDE_DATA. Both traces, the actual and the generated
one, are measured by the same means: rates and CVs by the fit's report, lengths by the Kolmogorov-Smirnov
distance, correlation by Spearman's. `noise` is what two samples of one law would show.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tracetide as tt
from realdata import data_folder
from scipy import stats

TRACES = ("AzureLLMInferenceTrace_conv.csv", "conversation_trace.jsonl")
WINDOWS_S = (600, 60)
FIELDS = ("input_tokens", "output_tokens")
SHORT_S = 30


@dataclass(frozen=True)
class Row:
    """One figure of both traces."""

    what: str
    actual: float
    generated: float
    distance: float
    noise: float


def round_trip(trace: tt.Trace, window: float, lengths: str, seed: int = 0) -> list[Row]:
    """Fit, generate, and compare."""
    pool, report = tt.fit_with_report(
        trace, window=window, epoch=3600, lengths=lengths, client="whole", latent=1
    )
    made = tt.generate(pool, duration=pool.provenance["duration"], seed=seed)
    _, again = tt.fit_with_report(made, window=window, epoch=3600, client="whole", latent=1)
    rows = [Row("requests", len(trace), len(made), abs(len(made) / len(trace) - 1), len(trace) ** -0.5)]
    rows.append(_curve(f"rate by {window} s", report, again, "rate"))
    rows.append(_short_rates(trace, made, pool.provenance["duration"]))
    rows.append(_curve(f"CV by {window} s", report, again, "cv"))
    for field in FIELDS:
        distance = stats.ks_2samp(trace[field], made[field]).statistic
        noise = 0.87 * np.sqrt(1 / len(trace) + 1 / len(made))
        rows.append(Row(f"mean {field}, KS", trace[field].mean(), made[field].mean(), distance, noise))
    actual, generated = (stats.spearmanr(one.input_tokens, one.output_tokens)[0] for one in (trace, made))
    rows.append(Row("Spearman", actual, generated, abs(actual - generated), np.sqrt(2 / len(trace))))
    return rows


def _curve(what: str, one: Any, other: Any, column: str) -> Row:
    """Means of a curve over windows, and the mean relative difference of both by window."""
    both = [report.windows.to_pandas().set_index("window") for report in (one, other)]
    curves = [frame[column].reindex(both[0].index).to_numpy(dtype=float) for frame in both]
    differences = np.abs(curves[1] - curves[0]) / np.nanmean(curves[0])
    per_window = both[0]["requests"].mean()
    # Rates are pinned; the standard error of a CV near 1 is about 1 / sqrt(n), and two are compared.
    noise = 1 / per_window if column == "rate" else np.sqrt(2 / per_window) * 0.8
    return Row(
        what, float(np.nanmean(curves[0])), float(np.nanmean(curves[1])), np.nanmean(differences), noise
    )


def _short_rates(trace: tt.Trace, made: tt.Trace, duration: float) -> Row:
    """Standard deviation of the rate in short intervals, relative to its mean."""
    edges = np.arange(0, duration, SHORT_S)
    counts = [np.histogram(one.timestamp, edges)[0] for one in (trace, made)]
    spread = [float(count.std() / count.mean()) for count in counts]
    noise = np.sqrt(1 / edges.size) * spread[0]
    return Row(f"rate spread in {SHORT_S} s", spread[0], spread[1], abs(spread[1] - spread[0]), noise)


def main() -> int:
    """Print a table for each trace."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("traces", nargs="*", type=Path)
    paths = parser.parse_args().traces or [data_folder() / "traces" / name for name in TRACES]
    for path in paths:
        if not path.is_file():
            print(f"{path} is not a file; name traces, or set TRACETIDE_DATA", file=sys.stderr)
            return 2
        trace = tt.read(path)
        for window in WINDOWS_S:
            for lengths in ("pmf", "parametric"):
                print(f"\n{path.name}: window {window} s, lengths {lengths}\n")
                print(f"| {'':<26} | actual | generated | distance | noise |\n|---|---|---|---|---|")
                for row in round_trip(trace, window, lengths):
                    print(
                        f"| {row.what:<26} | {row.actual:.4g} | {row.generated:.4g} "
                        f"| {row.distance:.3g} | {row.noise:.2g} |"
                    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
