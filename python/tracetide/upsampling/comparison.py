"""What the two ways of upsampling do to a trace, in numbers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.io.reading import TraceScan
from tracetide.trace import Trace
from tracetide.upsampling.sessions import Floats, Sessions, in_memory, times
from tracetide.upsampling.transform import METHODS, moved_times
from tracetide.upsampling.version import Version

_LEVELS = (0.1, 0.5, 0.9)
_INTERVALS = 200
"""Parts of the trace in which requests are counted for a curve of rate and burstiness."""


@dataclass(frozen=True)
class Comparison:
    """The original and both ways, as in figure 16 of the study.

    Attributes:
        factor: of the rates.
        versions: original, itt, naive.
    """

    factor: float
    versions: tuple[Version, ...]

    def table(self) -> Any:
        """A pyarrow Table with a row for each version.

        Columns: `version`; `rate` (requests/s over the whole); `cv` of all gaps, whatever the rate, with the
        resolution of recorded times undone; `index_of_dispersion` of the counts in 200 equal parts (variance
        over mean; Poisson: 1); `itt_p10`, `itt_p50`, `itt_p90` (seconds between turns); `itt_ks`: the
        Kolmogorov-Smirnov distance of these times from the original's.
        """
        import pyarrow as pa

        original = self.versions[0]
        return pa.Table.from_pylist([_numbers(version, original.itt) for version in self.versions])

    def draw(self, path: str | os.PathLike[str]) -> None:
        """Draw the times between turns, and rate and burstiness over time; needs matplotlib."""
        from tracetide.upsampling.figure import draw

        draw(self.factor, self.versions, path)


def compare_upsampling(trace: Trace | TraceScan | str | os.PathLike[str], factor: float) -> Comparison:
    """A trace with conversations, and both ways of upsampling it.

    The arguments and errors are those of `upsample`; the trace needs two requests and a conversation of two
    turns.
    """
    trace = in_memory(trace)
    sessions = Sessions.of(trace)
    if len(trace) < 2 or sessions.turns.max() < 2:
        raise ValueError("session_id: no conversation has two turns; there is nothing to compare")
    moved = {"original": times(trace)}
    moved |= {method: moved_times(trace, factor, method) for method in METHODS}
    versions = (Version(name, np.sort(time), np.sort(sessions.gaps(time))) for name, time in moved.items())
    return Comparison(float(factor), tuple(versions))


def _numbers(version: Version, original: npt.NDArray[np.float64]) -> dict[str, Any]:
    time = version.time
    gaps = version.gaps
    counts = np.histogram(time, _INTERVALS)[0]
    p10, p50, p90 = np.quantile(version.itt, _LEVELS)
    return {
        "version": version.name,
        "rate": gaps.size / (time[-1] - time[0]),
        "cv": gaps.std() / gaps.mean(),
        "index_of_dispersion": counts.var() / counts.mean(),
        "itt_p10": p10,
        "itt_p50": p50,
        "itt_p90": p90,
        "itt_ks": _distance(version.itt, original),
    }


def _distance(one: Floats, other: Floats) -> float:
    """The largest distance of two empirical distribution functions, of ascending values."""
    at = np.concatenate([one, other])
    below = np.searchsorted(one, at, "right") / one.size - np.searchsorted(other, at, "right") / other.size
    return float(np.abs(below).max())
