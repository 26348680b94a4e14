"""Finding 10: conversations, their turns and the times between them (figure 15), and what they do to
arrivals (figure 14).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tracetide.characterize.figures.conversations import chart
from tracetide.characterize.finding import Finding, Part, Whole, quantile_numbers, table_of
from tracetide.measures.sampled_sessions import SampledSessions
from tracetide.statistics.log_histogram import LogHistogram
from tracetide.statistics.points import Points

_LEVELS = np.linspace(0, 1, 401)


class Conversations:
    """Turns of sessions, and times between them from request to request.

    Of all sessions up to 2^20 (50 MiB), and of a half, a quarter ... of them beyond, whole ones, whatever
    their place in the trace (`SampledSessions`); a time counts as often as its session stands for others.
    Quantiles of times are within 1/2048 (`LogHistogram`).
    """

    def __init__(self) -> None:
        self._sessions = SampledSessions()
        self._waits = LogHistogram()
        self._last_start_ns = -1
        self._starts = np.zeros(3)
        self._requests = 0

    def add(self, part: Part) -> None:
        """Take the next part."""
        piece = part.piece
        weight = round(1 / self._sessions.share)
        ids = piece.table.column("session_id").combine_chunks()
        has_one, followed = self._sessions.add(ids, piece.time_ns)
        self._requests += int(np.count_nonzero(has_one))
        later = followed.previous_ns >= 0
        waits = (piece.time_ns[followed.row[later]] - followed.previous_ns[later]).astype(np.float64) * 1e-9
        self._waits.add(waits, weight)
        if self._sessions.share == 1:
            is_later = np.zeros(len(piece), dtype=bool)
            is_later[followed.row[later]] = True
            self._add_starts(piece.time_ns[~is_later])

    def _add_starts(self, time_ns: Any) -> None:
        """Gaps between the beginnings of conversations, and of requests that stand alone."""
        if not time_ns.size:
            return
        before = self._last_start_ns if self._last_start_ns >= 0 else int(time_ns[0])
        gap = np.diff(time_ns, prepend=before) * 1e-9
        gap = gap[1:] if self._last_start_ns < 0 else gap
        self._starts += gap.size, gap.sum(), (gap * gap).sum()
        self._last_start_ns = int(time_ns[-1])

    def result(self, whole: Whole) -> Finding | None:
        """The finding; None where no session has two requests."""
        turns = self._sessions.turns
        several = turns[turns > 1]
        if not several.size:
            return None
        counts = Points.of(several)
        waits = self._waits.points()
        numbers: dict[str, Any] = {
            "sessions": round(turns.size / self._sessions.share),
            "sessions_followed": self._sessions.share,
            "conversations": round(several.size / self._sessions.share),
            "share_of_requests": self._requests / whole.requests * several.sum() / turns.sum(),
            "turns": {"mean": counts.mean, "quantiles": quantile_numbers(counts)},
            "inter_turn_time": {"mean": waits.mean, "quantiles": quantile_numbers(waits)},
            "cv_of_starts": self._cv_of_starts(),
        }
        at = np.unique(waits.quantiles(_LEVELS))
        share = waits.cumulative[np.searchsorted(waits.values, at, side="right") - 1]
        tables = {
            "turns": table_of({"turns": counts.values, "share": counts.weights / counts.total}),
            "inter_turn_time": table_of({"seconds": at, "share_at_most": share}),
        }
        return Finding("conversations", "15", numbers, tables, chart)

    def _cv_of_starts(self) -> float:
        """NaN where not all sessions were followed."""
        count, total, squares = self._starts
        if self._sessions.share < 1 or count < 2 or not total > 0:
            return math.nan
        return math.sqrt(max(squares / count / (total / count) ** 2 - 1, 0.0))
