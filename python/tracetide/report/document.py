"""From sources to a report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tracetide.characterize.run import characterize_source
from tracetide.compare.comparison import check_names, compare_sources
from tracetide.job import Job
from tracetide.measures.source import Source
from tracetide.provision.grid import Grid, benchmark_seed, grid
from tracetide.provision.instance import Instance
from tracetide.report.findings import Findings
from tracetide.trace import Trace


@dataclass(frozen=True)
class Report(Findings):
    """What was found about a trace, as one page; see `Findings`."""

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


def _provisioning(
    source: Source, ttft: Sequence[float], tbt: Sequence[float], instance: Instance | str
) -> Grid:
    workload = source.job if source.job is not None else _trace(source)
    seed = benchmark_seed(workload.seed if isinstance(workload, Job) else 0)
    return grid(workload, instance, ttft=ttft, tbt=tbt, seed=seed)


def _trace(source: Source) -> Trace:
    from tracetide.trace.read import trace_of_scan

    return trace_of_scan(source.scan)
