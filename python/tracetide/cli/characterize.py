"""`tracetide characterize`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from tracetide.cli.console import console, tell
from tracetide.cli.parameters import (
    Json,
    MaxClients,
    ProfileDuration,
    ProfileRate,
    ProfileScale,
    ProfileSeed,
    Quiet,
    Window,
    output_path,
)
from tracetide.cli.reading import Reading
from tracetide.cli.warned import told_warnings

if TYPE_CHECKING:
    from tracetide.characterize import Characterization


def characterize(
    what: Annotated[str, Parameter(name="WHAT")],
    /,
    *,
    output: Annotated[
        str | None,
        Parameter(
            name=("--output", "-o"),
            allow_leading_hyphen=True,
            help="A new folder to write: numbers as JSON, curves as Parquet, and pictures.",
        ),
    ] = None,
    pictures: Annotated[
        Literal["png", "svg", "pdf", "none"], Parameter(help="Kind of the pictures, which need matplotlib.")
    ] = "png",
    window: Window = "10min",
    rate: ProfileRate = None,
    scale: ProfileScale = None,
    duration: ProfileDuration = None,
    seed: ProfileSeed = None,
    max_clients: MaxClients = 1_000_000,
    reading: Reading = Reading(),
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell what a trace or a profile is like: the findings of the study, in numbers, tables and pictures.

    For example:

    `tracetide characterize trace.parquet -o findings`

    `tracetide characterize m-code --duration 1d --json`

    Parameters
    ----------
    what
        A trace of any format; or a bundled name, a `.tide` file, a workload (`.toml`, `.yaml`) or a ServeGen
        model folder, of which a trace is made at its own rates.
    """
    from tracetide.characterize.characterization import check_target
    from tracetide.characterize.run import characterize_source
    from tracetide.measures.source import open_source

    target = None if output is None else output_path(output)
    if target == "-":
        raise ValueError("--output: '-' is not allowed; it must be a folder; --json is for standard output")
    kind = None if pictures == "none" else pictures
    if target is not None:
        check_target(target, kind)
    with told_warnings(quiet=quiet):
        source = open_source(
            what,
            **reading.options(),
            rate=rate,
            scale=scale,
            duration=duration,
            seed=seed,
        )
    found = characterize_source(source, window=window, max_clients=max_clients)
    files = [] if target is None else found.write(target, pictures=kind)
    if json_:
        print(json.dumps(found.to_dict(), indent=2))
    elif not quiet:
        _render(found)
    if target is not None and not quiet:
        tell(f"{target}: {len(files)} files")


def _render(found: Characterization) -> None:
    from rich.box import SIMPLE
    from rich.table import Table

    from tracetide.base.durations import format_duration
    from tracetide.base.readable import lines_of

    out = console()
    out.print(
        f"{found.name}: {found.category}, {found.requests:,} requests in {format_duration(found.duration)}"
    )
    for name, finding in found.findings.items():
        table = Table(box=SIMPLE, pad_edge=False, show_edge=False)
        table.add_column(f"{name} (figure {finding.figures})", no_wrap=True, min_width=40)
        table.add_column("", justify="right")
        for label, value in lines_of(finding.numbers):
            table.add_row(label, value)
        out.print("", table, sep="\n")
