"""`tracetide report`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from tracetide.cli.console import tell
from tracetide.cli.parameters import (
    MaxClients,
    Preset,
    ProfileDuration,
    ProfileRate,
    ProfileScale,
    ProfileSeed,
    Quiet,
    TbtTargets,
    Window,
    output_path,
    parse_targets,
)
from tracetide.cli.reading import Reading
from tracetide.cli.warned import told_warnings


def report(
    what: Annotated[str, Parameter(name="WHAT")],
    generated: Annotated[tuple[str, ...], Parameter(name="GENERATED", show_default=False)] = (),
    /,
    *,
    output: Annotated[
        str,
        Parameter(name=("--output", "-o"), allow_leading_hyphen=True, help="The page: an .html file."),
    ],
    name: Annotated[
        list[str] | None,
        Parameter(negative="", help="What to call each trace, WHAT first; once for each."),
    ] = None,
    window: Window = "10min",
    interval: Annotated[
        str | None,
        Parameter(help='For comparing: seconds, or "10s"; default: with 30 requests on average.'),
    ] = None,
    ttft: Annotated[
        str | None,
        Parameter(help="Also provision: targets of the time to first token, seconds, separated by commas."),
    ] = None,
    tbt: TbtTargets = None,
    instance: Preset = "a100x2-14b",
    rate: ProfileRate = None,
    scale: ProfileScale = None,
    duration: ProfileDuration = None,
    seed: ProfileSeed = None,
    max_clients: MaxClients = 1_000_000,
    reading: Reading = Reading(),
    quiet: Quiet = False,
) -> None:
    """Write a page for a browser, with everything in it: what a trace or a profile is like.

    With GENERATED also how close these are to it, with targets also what would serve it. Options of reading,
    such as `--format`, are for WHAT.

    For example:

    `tracetide report trace.parquet -o report.html`

    `tracetide report actual.parquet clients.parquet naive.parquet --ttft 1.5,2.25 --tbt 0.25 -o report.html`

    Parameters
    ----------
    what
        A trace of any format; or a bundled name, a `.tide` file, a workload (`.toml`, `.yaml`) or a ServeGen
        model folder, of which a trace is made at its own rates.
    generated
        Traces to compare with it, or profiles, which send at their own rates.
    """
    from tracetide.base.durations import parse_duration
    from tracetide.compare.comparison import check_names
    from tracetide.measures.source import open_source
    from tracetide.provision import preset
    from tracetide.report.document import check_targets, report_of_sources
    from tracetide.report.page import check_packages

    target = output_path(output)
    if target != "-" and not target.lower().endswith((".html", ".htm")):
        raise ValueError(f"--output: {target!r} is not allowed; it must end in .html")
    check_names(name, 1 + len(generated), "--name")
    targets = parse_targets("ttft", ttft), parse_targets("tbt", tbt)
    check_targets(*targets)
    served = preset(instance)
    check_packages()
    with told_warnings(quiet=quiet):
        first = open_source(
            what,
            **reading.options(),
            rate=rate,
            scale=scale,
            duration=duration,
            seed=seed,
        )
        others = [open_source(one) for one in generated]
        found = report_of_sources(
            [first, *others],
            names=name,
            window=window,
            interval_s=None if interval is None else parse_duration(interval, "--interval"),
            max_clients=max_clients,
            ttft=targets[0],
            tbt=targets[1],
            instance=served,
        )
        found.write(target)
    if target != "-" and not quiet:
        tell(f"{target}: written")
