"""Figure 16 of the study: what upsampling does to the times between turns and to the arrivals."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from tracetide.base.errors import MissingPackageError
from tracetide.charts.house_style import save
from tracetide.upsampling.version import Version

# Okabe and Ito's colours, which differ for colour-blind readers; lines differ in print, too.
_STYLES = {
    "original": {"color": "#BBBBBB", "linestyle": "-", "linewidth": 4},
    "itt": {"color": "#0072B2", "linestyle": "-", "linewidth": 1.5},
    "naive": {"color": "#E69F00", "linestyle": "--", "linewidth": 1.5},
}


def draw(factor: float, versions: Sequence[Version], path: str | os.PathLike[str]) -> None:
    """Draw it; the ending of `path` chooses the format.

    Raises:
        MissingPackageError: if matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingPackageError("matplotlib is needed to draw: pip install 'tracetide[plot]'") from None
    figure = Figure(figsize=(9, 2.8), layout="constrained")
    between, rates, bursts = figure.subplots(1, 3)
    for version in versions:
        style: Any = _STYLES[version.name]
        shares = np.arange(1, version.itt.size + 1) / version.itt.size
        between.plot(np.maximum(version.itt, 1e-3), shares, label=version.name, **style)
        middle, rate, cv = version.rate_and_cv()
        part = (middle - version.time[0]) / (version.time[-1] - version.time[0])
        rates.plot(part, rate, **style)
        bursts.plot(part, cv, **style)
    between.set(xscale="log", xlabel="time between turns, s", ylabel="share of turns", ylim=(0, 1))
    between.legend(frameon=False)
    rates.set(xlabel="part of the trace", ylabel="requests/s", ylim=(0, None))
    bursts.set(xlabel="part of the trace", ylabel="CV of gaps", ylim=(0, None))
    for axis in (between, rates, bursts):
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"Upsampled {factor:g} times", fontsize=10)
    save(figure, path)
