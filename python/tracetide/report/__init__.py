"""Everything about a trace on one page: what it is like, how close generated ones are, what would serve it.

`document` is what was found, `views` is how it is shown, `page.html` the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracetide.provision import Instance
    from tracetide.report.document import Report

__all__ = ["Report", "report"]


def report(
    what: Any,
    *generated: Any,
    names: Sequence[str] | None = None,
    window: float | str | None = None,
    interval: float | str | None = None,
    rate: float | None = None,
    scale: float | None = None,
    duration: float | str | None = None,
    seed: int | None = None,
    max_clients: int = 1_000_000,
    ttft: Sequence[float] = (),
    tbt: Sequence[float] = (),
    instance: Instance | str = "a100x2-14b",
) -> Report:
    """What `characterize` finds, and if asked for, what `compare` and `provision.grid` find, for one page.

    The trace is gone through once to characterize it, once more to compare it, and is read into memory for
    provisioning; what can be read only once, such as an Arrow stream, is refused if it takes more.

    Args:
        what: as for `characterize`.
        generated: traces to compare with it, as for `compare`; none: nothing is compared.
        names: of all traces, `what` first.
        window: in which gaps are fitted, as for `characterize`.
        interval: of rates and mean lengths that are compared, as for `compare`.
        rate, scale, duration, seed: of the job of a pool or profile.
        max_clients: more are an error.
        ttft, tbt: targets in seconds, both or neither; with them, the instances that are needed, and what
            benchmarks of one instance would provision, as for `provision.grid`.
        instance: what serves; an `Instance` or the name of a preset.

    Raises:
        TraceError: a ValueError, for what is wrong in a trace, naming row and column.
        ValueError: for a wrong argument.
        OSError: if something cannot be read.
    """
    from tracetide.base.durations import parse_duration
    from tracetide.measures.source import open_source
    from tracetide.report.document import report_of_sources

    source = open_source(what, rate=rate, scale=scale, duration=duration, seed=seed)
    return report_of_sources(
        [source, *(open_source(one) for one in generated)],
        names=names,
        window=window,
        interval_s=None if interval is None else parse_duration(interval, "interval"),
        max_clients=max_clients,
        ttft=ttft,
        tbt=tbt,
        instance=instance,
    )


def __getattr__(name: str) -> Any:
    if name == "Report":
        from tracetide.report.document import Report

        return Report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
