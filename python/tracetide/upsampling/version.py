"""A trace before or after upsampling, as far as it is compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetide.upsampling.sessions import Floats


@dataclass(frozen=True)
class Version:
    """A trace, original or upsampled.

    Attributes:
        name: `"original"`, `"itt"` or `"naive"`.
        time: float64, seconds, ascending.
        itt: float64: times between the turns of conversations, seconds, ascending.
    """

    name: str
    time: Floats
    itt: Floats

    def rate_and_cv(self, parts: int = 24) -> tuple[Floats, Floats, Floats]:
        """Over equal parts of the trace: middle (s), requests/s, and the CV of gaps (NaN below 3 gaps)."""
        edges = np.linspace(self.time[0], self.time[-1], parts + 1)
        bounds = np.searchsorted(self.time, edges)
        bounds[-1] = self.time.size
        cvs = np.full(parts, np.nan)
        for part in range(parts):
            gaps = np.diff(self.time[bounds[part] : bounds[part + 1]])
            if gaps.size >= 3 and gaps.mean() > 0:
                cvs[part] = gaps.std() / gaps.mean()
        return (edges[:-1] + edges[1:]) / 2, np.diff(bounds) / np.diff(edges), cvs
