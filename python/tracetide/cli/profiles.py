"""`tracetide profiles`."""

from __future__ import annotations

import json

from tracetide.cli.parameters import Json
from tracetide.clientpool import load
from tracetide.describe.pool import describe_pool
from tracetide.profiles import bundled


def profiles(*, json_: Json = False) -> None:
    """List the bundled profiles."""
    found = [describe_pool(load(name)) for name in bundled()]
    if json_:
        print(json.dumps([entry.to_dict() for entry in found], indent=2))
        return

    from rich.console import Console
    from rich.table import Table

    from tracetide.cli.render import number
    from tracetide.durations import format_duration

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "category", "clients", "period", "requests/s", "mean lengths"):
        table.add_column(heading, justify="right" if heading in ("clients", "requests/s") else "left")
    for entry in found:
        means = ", ".join(f"{field.name} {number(field.mean)}" for field in entry.lengths)
        table.add_row(
            entry.name,
            entry.category,
            f"{entry.clients:,}",
            format_duration(entry.duration),
            number(entry.rate.mean),
            means,
        )
    Console(highlight=False, soft_wrap=True, markup=False).print(table)
