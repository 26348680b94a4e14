"""When a trace ends, and what that means for its last window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.base.grid import NS
from tracetide.fit.arrivals import Cells
from tracetide.io.job_facts import facts_of
from tracetide.passes.pieces import Grid

LEAST_COVERED = 0.1


@dataclass(frozen=True)
class Extent:
    """How long a trace is.

    Attributes:
        end_s: when it ends.
        windows: of the profile.
        last: the window in which it ends.
        share: which part of that window it covers.
        dropped: how many requests are left out: those of a last window of which less than a tenth is covered.
    """

    end_s: float
    windows: int
    last: int
    share: float
    dropped: int

    @classmethod
    def of(
        cls, cells: Cells, grid: Grid, *, last_s: float, mean_gap_s: float, told_s: float | None
    ) -> Extent:
        """The extent of a trace.

        Args:
            cells: all of its cells.
            grid: the windows.
            last_s: when its last request came.
            mean_gap_s: between its requests: how long after the last one it ends, where nobody tells.
            told_s: when it ends, if somebody tells.
        """
        # In whole nanoseconds, as a job's duration is: then a job of it has as many requests.
        end_s = round((last_s + mean_gap_s if told_s is None else max(told_s, last_s)) * NS) / NS
        window_s = grid.window_ns / NS
        last = int(cells.window.max())
        share = float(np.clip(end_s / window_s - last, 1e-9, 1.0))
        if share < LEAST_COVERED and last > int(cells.window.min()):
            dropped = int(cells.requests[cells.window == last].sum())
            return cls(end_s, last, last, 1.0, dropped)
        # Idle windows at the end are only there if somebody tells.
        told = 0 if told_s is None else int(np.ceil(round(end_s * NS) / grid.window_ns))
        return cls(end_s, max(last + 1, told), last, share, 0)

    def of_cells(self, cells: Cells) -> Cells:
        """The cells that are in it."""
        return cells if not self.dropped else cells.take(np.flatnonzero(cells.window < self.windows))

    def rates(self, cells: Cells, grid: Grid) -> npt.NDArray[np.float64]:
        """Requests/s while the trace lasted."""
        covered = np.where(cells.window == self.last, self.share, 1.0)
        rates: npt.NDArray[np.float64] = cells.requests / (grid.window_ns / NS * covered)
        return rates


def told_end(duration: float | None, metadata: dict[str, Any], last_s: float) -> float | None:
    """When the trace ends, from the user or from the job that made it.

    Raises:
        ValueError: if the user's is not after the last request.
    """
    if duration is not None:
        if duration <= last_s:
            raise ValueError(f"duration: {duration!r} is not allowed; the last request is at {last_s:.9g} s")
        return duration
    return facts_of(metadata).duration
