"""A trace before or after upsampling, as far as it is compared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tracetide.base.grid import NS
from tracetide.measures.burstiness import gap_cv
from tracetide.measures.gaps import Gaps
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

    @cached_property
    def gaps(self) -> Floats:
        """Between the requests, seconds, with the resolution of the recorded times undone."""
        return Gaps().add(np.rint(self.time * NS).astype(np.int64))[1:]

    def rate_and_cv(self, parts: int = 24) -> tuple[Floats, Floats, Floats]:
        """Over equal parts of the trace: middle (s), requests/s, and the CV of gaps (NaN below 3 gaps)."""
        edges = np.linspace(self.time[0], self.time[-1], parts + 1)
        bounds = np.searchsorted(self.time, edges)
        bounds[-1] = self.time.size
        cvs = np.full(parts, np.nan)
        for part in range(parts):
            gaps = self.gaps[bounds[part] : max(bounds[part + 1] - 1, 0)]
            cvs[part] = gap_cv(gaps.size, gaps.sum(), gaps @ gaps)
        return (edges[:-1] + edges[1:]) / 2, np.diff(bounds) / np.diff(edges), cvs
