"""How a data set is cut into parts: by time or by rows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tracetide.base.durations import format_duration, parse_duration
from tracetide.base.errors import TraceError
from tracetide.job.resolved import ResolvedJob

if TYPE_CHECKING:
    from tracetide.trace import Requests

Counts = npt.NDArray[np.uint64]

_ROWS = re.compile(r"rows=([0-9][0-9_,]*(?:\.[0-9]+)?(?:e[0-9]+)?)", re.ASCII | re.IGNORECASE)
_MOST_PARTS = 1_000_000
_HELP = 'it must be a whole number of seconds such as "1h" or "1d", or "rows=" and a whole number from 1 on'


@dataclass(frozen=True)
class Part:
    """One file of a data set.

    Attributes:
        number: its position, from 0.
        name: that of the file, from its range; names sort as parts do.
        start, end: its requests are those from `start` on and before `end`: seconds from the job's start, or
            positions in the trace.
    """

    number: int
    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Partition:
    """Parts of `size` seconds, or of `size` rows.

    Attributes:
        by: `"time"` or `"rows"`.
        size: of every part but the last.
    """

    by: str
    size: int

    @classmethod
    def parse(cls, text: str | float) -> Partition:
        """A partition from `"1h"`, `"1d"`, seconds, or `"rows=1000000"`.

        Raises:
            ValueError: naming the value and what is allowed.
        """
        rows = _ROWS.fullmatch(text.strip()) if isinstance(text, str) else None
        if rows:
            number = float(rows[1].replace(",", "").replace("_", ""))
            by = "rows"
        else:
            number = parse_duration(text, "partition")
            by = "time"
        if not (1 <= number < 2**63 and number == math.floor(number)):
            raise ValueError(f"partition: {text!r} is not allowed; {_HELP}")
        return cls(by, int(number))

    def __str__(self) -> str:
        return f"rows={self.size}" if self.by == "rows" else format_duration(self.size)

    def needs_counts(self, job: ResolvedJob) -> bool:
        """Whether it must be known how many requests every window has, which only generating tells."""
        return self.by == "rows" and job.core.window_counts() is None

    def parts(self, job: ResolvedJob, counts: Counts | None = None) -> Sequence[Part]:
        """The parts of a job's data set.

        Args:
            job: what is cut.
            counts: the requests of every window, if `needs_counts`.

        Raises:
            ValueError: if there are too many.
        """
        return self.parts_of(
            math.ceil(job.duration) if self.by == "time" else int(self._counts(job, counts).sum())
        )

    def parts_of(self, total: int) -> Sequence[Part]:
        """The parts of so many seconds or rows.

        Raises:
            ValueError: if there are too many.
        """
        number = max(1, -(-total // self.size))
        if number > _MOST_PARTS:
            raise ValueError(
                f"partition: {self} is not allowed, as it makes {number:,} files; it must make at most "
                f"{_MOST_PARTS:,}"
            )
        digits = max(10, len(str(number * self.size)))
        return [self._part(i, digits) for i in range(number)]

    def _part(self, number: int, digits: int) -> Part:
        start = number * self.size
        end = start + self.size
        unit = "s" if self.by == "time" else ""
        return Part(number, f"{self.by}-{start:0{digits}}{unit}-{end:0{digits}}{unit}.parquet", start, end)

    def layout(self, job: ResolvedJob, counts: Counts | None = None) -> Layout:
        """Where parts lie among the job's windows."""
        if self.by == "time":
            return Layout(self.by, np.asarray(job.window_edges))
        before = np.concatenate([[0], np.cumsum(self._counts(job, counts))])
        return Layout(self.by, before.astype(np.int64))

    def _counts(self, job: ResolvedJob, counts: Counts | None) -> Counts:
        known = job.core.window_counts() if counts is None else counts
        if known is None:
            raise ValueError("partition: the number of requests in each window is not known")
        return known


@dataclass(frozen=True)
class Layout:
    """Positions of parts among the windows of a job, and within its batches.

    Attributes:
        by: as of the partition.
        edges: what parts are measured in, at every window's start and at the job's end.
    """

    by: str
    edges: npt.NDArray[np.float64] | npt.NDArray[np.int64]

    def windows(self, start: int, end: int) -> tuple[int, int]:
        """The windows that have requests from `start` on and before `end`: the first, and behind the last.

        Both are the same if there is none.
        """
        first = int(np.searchsorted(self.edges, start, side="right")) - 1
        last = int(np.searchsorted(self.edges, end, side="left"))
        last = min(last, len(self.edges) - 1)
        return min(first, last), last

    def cut(
        self, batches: Iterator[Requests], parts: Sequence[Part]
    ) -> Iterator[tuple[Part, Requests | None]]:
        """The rows of consecutive parts, in order; at the end of each part, None.

        Args:
            batches: from the first window of the first part on.
            parts: at least one.
        """
        remaining = iter(parts)
        part = next(remaining)
        position = int(self.edges[self.windows(part.start, part.end)[0]]) if self.by == "rows" else 0
        for batch in batches:
            at = self._position(batch, position, part.start)
            while at < len(batch):
                until = self._position(batch, position, part.end)
                if until > at:
                    yield part, batch[at:until]
                    at = until
                if until == len(batch):
                    break  # the next batch may have more of it
                yield part, None
                following = next(remaining, None)
                if following is None:
                    return
                part = following
            position += len(batch)
        yield part, None
        yield from ((rest, None) for rest in remaining)

    def checked(
        self,
        batches: Iterator[Requests],
        windows: tuple[int, int],
        times: npt.NDArray[np.float64],
        name: str,
    ) -> Iterator[Requests]:
        """All batches of some windows, as long as they have the rows that the parts were cut for.

        Args:
            batches: what is made.
            windows: the first, and behind the last; at least one.
            times: the starts of all windows, and the job's end.
            name: of the data set, for messages.

        Raises:
            TraceError: if there are other rows.
        """
        if self.by == "time":
            yield from batches
            return
        window, last = windows
        position = int(self.edges[window])
        for batch in batches:
            begun = min(int(np.searchsorted(times, batch["timestamp"][-1], side="right")), last)
            made = np.searchsorted(batch["timestamp"], times[window + 1 : begun], side="left")
            _refuse_other(name, self.edges[window + 1 : begun], position + made)
            window, position = max(window, begun - 1), position + len(batch)
            if position > self.edges[last]:
                _refuse_other(name, self.edges[last:], np.array([position]))
            yield batch
        _refuse_other(name, self.edges[window + 1 : last + 1], np.full(last - window, position))

    def _position(self, batch: Requests, before: int, edge: int) -> int:
        """The first row of a batch that is not before an edge."""
        if self.by == "rows":
            return min(max(edge - before, 0), len(batch))
        return int(np.searchsorted(batch["timestamp"], edge, side="left"))


def _refuse_other(name: str, planned: npt.NDArray[Any], made: npt.NDArray[Any]) -> None:
    """Refuse other numbers of rows, up to the ends of windows, than were planned."""
    wrong = np.flatnonzero(planned != made)
    if wrong.size:
        raise TraceError(
            f"{name}: _plan.json has {planned[wrong[0]]:,} requests up to the end of a window, and "
            f"{made[wrong[0]]:,} were made; write the data set to another folder"
        )


def count_windows(job: ResolvedJob, threads: int = 0) -> Counts:
    """How many requests every window has, by generating them."""
    edges = job.core.window_starts_ns / 1e9
    counts = np.zeros(job.windows, dtype=np.uint64)
    for batch in job.stream(threads=threads):
        times = batch["timestamp"]
        first = int(np.searchsorted(edges, times[0], side="right")) - 1
        last = int(np.searchsorted(edges, times[-1], side="right"))
        at = np.searchsorted(times, edges[first : last + 1], side="left")
        counts[first:last] += np.diff(np.append(at[: last - first], len(batch))).astype(np.uint64)
    return counts
