"""`tracetide provision`."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from tracetide.cli.console import console
from tracetide.cli.narrowing import Filters, Top, narrowed
from tracetide.cli.parameters import (
    Count,
    Json,
    Positive,
    Preset,
    Seed,
    Share,
    Span,
    TbtTargets,
    parse_targets,
)
from tracetide.cli.reading import Reading, is_trace
from tracetide.cli.warned import held_warnings, tell_warnings
from tracetide.job import Job
from tracetide.profile.load import load

if TYPE_CHECKING:
    from rich.table import Table

    from tracetide.io.reading import TraceScan
    from tracetide.provision import Grid, Instance, ServingResult


def provision(
    what: Annotated[str, Parameter(name="WHAT")],
    /,
    *,
    ttft: Annotated[
        str | None, Parameter(help="Targets of the time to first token, seconds, separated by commas.")
    ] = None,
    tbt: TbtTargets = None,
    instances: Annotated[
        Count | None, Parameter(help="Instead of targets: what so many instances would be like.")
    ] = None,
    instance: Preset = "a100x2-14b",
    cost_table: Annotated[
        str | None,
        Parameter(
            help="CSV file of measured iterations, to which its costs are fitted: prefill_tokens, "
            "decode_sequences, context_tokens, seconds."
        ),
    ] = None,
    kv_tokens: Annotated[Count | None, Parameter(help="Tokens that its KV cache holds.")] = None,
    max_batch_tokens: Annotated[Count | None, Parameter(help="Tokens of an iteration.")] = None,
    max_sequences: Annotated[Count | None, Parameter(help="Sequences that run at a time.")] = None,
    chunked_prefill: Annotated[bool, Parameter(help="Whether prompts are cut into pieces.")] = True,
    quantile: Annotated[Share, Parameter(help="How many must keep to the targets.")] = 0.99,
    routing: Annotated[
        Literal["round-robin", "least-loaded"], Parameter(help="Which instance a request goes to.")
    ] = "round-robin",
    closed_loop: Annotated[
        bool, Parameter(negative="", help="Turns of a conversation wait for the end of the one before.")
    ] = False,
    benchmark: Annotated[
        Literal["share", "scaled"],
        Parameter(help="One instance is tried with a share of all requests, or with clients that send less."),
    ] = "share",
    rate: Annotated[
        Positive | None, Parameter(help="Total requests/s of a profile; default: its own.")
    ] = None,
    span: Span = None,
    filter: Filters = None,
    top: Top = None,
    duration: Annotated[
        str | None, Parameter(help='Of a profile\'s requests: seconds, or "10min"; default: the span.')
    ] = None,
    seed: Annotated[Seed, Parameter(help="Of a profile's requests, from 0 to 2^64 - 1.")] = 0,
    plot: Annotated[
        str | None, Parameter(help="Also draw the heat map: .png, .svg or .pdf; needs matplotlib.")
    ] = None,
    reading: Reading = Reading(),
    json_: Json = False,
) -> None:
    """Find out how many serving instances a profile or a trace needs, in a simulation of them.

    For every pair of targets, the fewest instances that keep to them, and how many would be provisioned after
    a benchmark of one instance, client by client and NAIVE.

    For example:

    `tracetide provision m-large --span 14:00..14:10 --rate 50 --ttft 1.5,2.25,4 --tbt 0.1,0.25,0.5`

    `tracetide provision trace.parquet --instances 8 --instance h100-8b --routing least-loaded`

    Parameters
    ----------
    what
        A bundled name, a `.tide` file, a workload (`.toml`, `.yaml`), a ServeGen model folder, or a
        trace file, native or of another tool.
    """
    from tracetide.charts.house_style import check_ending, check_matplotlib
    from tracetide.provision import grid, simulate
    from tracetide.provision.grid import benchmark_seed

    served = _instance(
        instance,
        cost_table,
        kv_tokens=kv_tokens,
        max_batch_tokens=max_batch_tokens,
        max_sequences=max_sequences,
        chunked_prefill=chunked_prefill,
    )
    rows, columns = parse_targets("ttft", ttft), parse_targets("tbt", tbt)
    if bool(rows) != bool(columns) or bool(rows) == (instances is not None):
        raise ValueError("--ttft and --tbt: both must be given, or else --instances alone")
    options = {"rate": rate, "duration": duration, "seed": seed}
    if plot is not None:
        if instances is not None:
            raise ValueError("--plot: not allowed with --instances; it draws targets")
        check_ending(plot)
        check_matplotlib()
    workload, caught = _workload(what, reading=reading, span=span, filter=filter, top=top, options=options)
    if instances is not None:
        result = simulate(workload, served, instances=instances, routing=routing, closed_loop=closed_loop)
        _show(result.to_dict(), _result_table(result), caught, as_json=json_)
        return
    with held_warnings() as messages:
        found = grid(
            workload,
            served,
            ttft=rows,
            tbt=columns,
            quantile=quantile,
            routing=routing,
            closed_loop=closed_loop,
            benchmark=benchmark,
            seed=benchmark_seed(seed),
        )
    if plot is not None:
        found.draw(plot)
    _show(found.to_dict(), _grid_table(found), caught + messages, as_json=json_)


def _instance(name: str, cost_table: str | None, *, chunked_prefill: bool, **limits: int | None) -> Instance:
    from tracetide.provision import calibrate, preset

    chosen = preset(name)
    changes: dict[str, Any] = {key: value for key, value in limits.items() if value is not None}
    if cost_table is not None:
        changes |= {"cost": calibrate(cost_table).cost, "name": os.path.basename(cost_table)}
    return replace(chosen, chunked_prefill=chunked_prefill, **changes)


def _workload(
    what: str,
    *,
    reading: Reading,
    span: str | None,
    filter: list[str] | None,
    top: int | None,
    options: dict[str, Any],
) -> tuple[Job | TraceScan, list[str]]:
    """What is served, and warnings, which are held back so that an error stays the only line."""
    if is_trace(what):
        given = {"--span": span, "--filter": filter, "--top": top}
        given |= {f"--{name}": options[name] or None for name in options}
        wrong = [name for name, value in given.items() if value is not None]
        if wrong:
            raise ValueError(f"{wrong[0]}: not allowed; it is for profiles, and {what!r} is a trace")
        return reading.scan(what), []
    reading.refuse_for(what)
    with held_warnings() as messages:
        job = Job(narrowed(load(what), span, filter, top), **options)
    return job, messages


def _show(plain: dict[str, Any], table: Table, caught: list[str], *, as_json: bool) -> None:
    tell_warnings(caught)
    if as_json:
        print(json.dumps(plain, indent=2))
        return
    console().print(table)


def _table(*headings: str) -> Table:
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(box=SIMPLE, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _grid_table(found: Grid) -> Table:
    from tracetide.provision.heatmap import percent_text

    table = _table("TTFT s", "TBT s", "needed", "clients", "", "NAIVE", "")
    for cell in found.cells:
        numbers = []
        for method in ("clients", "naive"):
            made, over = cell.instances[method], cell.over(method)
            numbers += [_count(made), "" if over is None else percent_text(over)]
        table.add_row(f"{cell.ttft:g}", f"{cell.tbt:g}", _count(cell.needed), *numbers)
    name, rate = found.instance.name, found.rate
    table.title = f"Instances ({name}) for {found.requests:,} requests at {rate:,.4g} requests/s"
    table.title_justify = "left"
    return table


def _count(instances: int | None) -> str:
    return "none" if instances is None else f"{instances:,}"


def _result_table(result: ServingResult) -> Table:
    table = _table("s", "mean", "p50", "p90", "p99", "highest")
    for name in ("ttft", "tbt", "tpot", "latency"):
        times = getattr(result, name)
        shown = (times.mean, times.p50, times.p90, times.p99, times.max)
        table.add_row(name, *(f"{value:.4g}" for value in shown))
    table.title = (
        f"{result.requests:,} requests by {result.instances:,} instances in {result.duration:,.1f} s, "
        f"{result.rejected:,} rejected, {result.preemptions:,} preemptions, {result.utilisation:.1%} busy"
    )
    table.title_justify = "left"
    return table
