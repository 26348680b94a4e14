"""What a report tells, and the page of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tracetide.base.errors import MissingPackageError
from tracetide.characterize.characterization import Characterization
from tracetide.characterize.run import characterize_source
from tracetide.compare.comparison import TraceComparison, check_names, compare_sources
from tracetide.job import Job
from tracetide.measures.source import Source
from tracetide.provision.grid import Grid, benchmark_seed, grid
from tracetide.provision.instance import Instance
from tracetide.trace import Trace


@dataclass(frozen=True)
class Report:
    """What was found about a trace.

    Attributes:
        characterization: what it is like.
        comparison: how close generated ones are; None: none was given.
        provisioning: what would serve it; None: no targets were given.
    """

    characterization: Characterization
    comparison: TraceComparison | None = None
    provisioning: Grid | None = None

    def html(self) -> str:
        """The page: HTML with everything in it that it needs.

        Raises:
            ImportError: if Plotly or Jinja is not installed.
        """
        from tracetide.report.page import page_of

        return page_of(self)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the page; `"-"` is standard output.

        Raises:
            ImportError: if Plotly or Jinja is not installed.
            OSError: if it cannot be written.
        """
        from tracetide.io.writing.output import open_output

        page = self.html().encode()
        with open_output(path) as output:
            output.write(page)


def report_of_sources(
    sources: Sequence[Source],
    *,
    names: Sequence[str] | None,
    window: float | str | None,
    interval_s: float | None,
    max_clients: int,
    ttft: Sequence[float],
    tbt: Sequence[float],
    instance: Instance | str,
) -> Report:
    """Go through the sources, the actual one first; the arguments and errors are those of `report`."""
    check_names(names, len(sources))
    check_targets(ttft, tbt)
    found = characterize_source(sources[0], window=window, max_clients=max_clients)
    if names is not None:
        found = replace(found, name=names[0])
    comparison = compare_sources(sources, names, interval_s) if len(sources) > 1 else None
    return Report(found, comparison, _provisioning(sources[0], ttft, tbt, instance) if ttft else None)


def check_targets(ttft: Sequence[float], tbt: Sequence[float]) -> None:
    """Both or neither.

    Raises:
        ValueError: if there is only one of them.
    """
    if bool(ttft) != bool(tbt):
        given, missing = ("ttft", "tbt") if ttft else ("tbt", "ttft")
        raise ValueError(f"{given}: not allowed without {missing}; provisioning takes targets of both")


def check_packages() -> None:
    """What a page takes, before anything is gone through.

    Raises:
        MissingPackageError: an ImportError that says what to install.
    """
    try:
        import jinja2  # noqa: F401
        import plotly  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            f"{error.name} is needed for a report: pip install 'tracetide[report]'"
        ) from None


def _provisioning(
    source: Source, ttft: Sequence[float], tbt: Sequence[float], instance: Instance | str
) -> Grid:
    workload = source.job if source.job is not None else _trace(source)
    seed = benchmark_seed(workload.seed if isinstance(workload, Job) else 0)
    return grid(workload, instance, ttft=ttft, tbt=tbt, seed=seed)


def _trace(source: Source) -> Trace:
    from tracetide.trace.scanned import trace_of_scan

    return trace_of_scan(source.scan)
