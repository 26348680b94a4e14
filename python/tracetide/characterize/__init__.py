"""What a trace or a profile is like: the findings of the study, in numbers, tables and pictures.

One module a finding, an accumulator each, which `run` fills in one pass; `figures` has their pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracetide.characterize.characterization import Characterization

__all__ = ["Characterization", "characterize"]


def characterize(
    what: Any,
    *,
    window: float | str | None = None,
    rate: float | None = None,
    scale: float | None = None,
    duration: float | str | None = None,
    seed: int | None = None,
    max_clients: int = 1_000_000,
) -> Characterization:
    """Gaps, rates, lengths, correlations and clients; items, reasoning and conversations where there are any.

    The trace is gone through once, in a stream, in bounded memory: see the page "What a trace is like" for
    what is exact and what is within which error.

    Args:
        what: a trace (a file of any format, a `Trace`, a `TraceScan`, a data frame or other Arrow data), a
            `Job`, a `ClientPool`, or the name or file of a profile, of which a job is made.
        window: in which gaps are fitted; seconds, or a duration such as "10min". By default 10 min.
        rate, scale, duration, seed: of the job of a pool or profile; by default its own rates over its span.
        max_clients: more are an error; a client takes about 200 bytes.

    Raises:
        TraceError: a ValueError, for what is wrong in the trace, naming row and column; also for a trace of
            one request or without duration.
        ValueError: for a wrong argument, or more than `max_clients` clients.
        OSError: if it cannot be read.

    Source: Xiang et al., NSDI '26 (arXiv 2505.09999), figures 1 to 17.
    """
    from tracetide.characterize.run import characterize_source
    from tracetide.measures.source import open_source

    source = open_source(what, rate=rate, scale=scale, duration=duration, seed=seed)
    return characterize_source(source, window=window, max_clients=max_clients)


def __getattr__(name: str) -> Any:
    if name == "Characterization":
        from tracetide.characterize.characterization import Characterization

        return Characterization
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
