"""How close generated traces are to an actual one: figure 19 of the study, and its distances.

`measured` goes through a trace once, `comparison` makes the table, `figure` draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracetide.compare.comparison import TraceComparison

__all__ = ["TraceComparison", "compare"]


def compare(
    actual: Any,
    *generated: Any,
    names: Sequence[str] | None = None,
    interval: float | str | None = None,
) -> TraceComparison:
    """How close generated traces are to an actual one, in short intervals and over all requests.

    Every trace is gone through once, in a stream, in bounded memory (80 MiB each).

    Args:
        actual: a trace (a file of any format, a `Trace`, a `TraceScan`, a data frame or other Arrow data), a
            `Job`, or a `ClientPool` or the name of a profile, which send at their own rates.
        generated: any number of the same; best at the same mean rate, as distances of rates include that of
            their means.
        names: of all traces, the actual one first; by default those of their files or profiles.
        interval: the short interval of which rate and mean lengths are taken; seconds, or a duration such as
            "10s". By default the shortest of 1, 2, 5, 10, 20, 30, 60 s and so on with 30 requests of the
            actual trace on average, but at most a twentieth of it.

    Raises:
        TraceError: a ValueError, for a file that is no trace, naming row and column; also for a trace of one
            request or without duration.
        ValueError: for a wrong argument, or if there is nothing to compare with.
        OSError: if a file cannot be read.

    Source: Xiang et al., NSDI '26 (arXiv 2505.09999), figure 19.
    """
    from tracetide.base.durations import parse_duration
    from tracetide.compare.comparison import check_names, compare_sources
    from tracetide.measures.source import open_source

    if not generated:
        raise ValueError("generated: none is given; there must be a trace to compare with the actual one")
    check_names(names, 1 + len(generated))
    step = None if interval is None else parse_duration(interval, "interval")
    return compare_sources([open_source(one) for one in (actual, *generated)], names, step)


def __getattr__(name: str) -> Any:
    if name == "TraceComparison":
        from tracetide.compare.comparison import TraceComparison

        return TraceComparison
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
