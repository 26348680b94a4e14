"""`tracetide profiles`."""

from __future__ import annotations

import json
import math
from typing import Any

from tracetide.cli.console import console
from tracetide.cli.parameters import Json
from tracetide.describe.description import Description
from tracetide.describe.pool import describe_pool
from tracetide.profile.bundled import bundled
from tracetide.profile.load import load

_WIDE = 1000


def profiles(*, json_: Json = False) -> None:
    """List the bundled profiles.

    `left out` is the share of the requests of clients without published lengths: the others get their rate.
    """
    found = [describe_pool(load(name)) for name in bundled()]
    if json_:
        entries = [{**entry.to_dict(), "origin": _origin(_provenance(entry))} for entry in found]
        print(json.dumps(entries, indent=2))
        return

    from rich.table import Table

    from tracetide.base.durations import format_duration
    from tracetide.base.readable import number

    table = Table(box=None, pad_edge=False)
    right = ("clients", "requests/s", "left out")
    for heading in ("name", "category", *right, "period", "mean lengths", "provenance"):
        table.add_column(heading, justify="right" if heading in right else "left", no_wrap=True)
    for entry in found:
        table.add_row(
            entry.name,
            entry.category,
            f"{entry.clients:,}",
            number(entry.rate.mean),
            f"{entry.left_out_share:.0%}" if entry.left_out else "-",
            format_duration(entry.duration),
            _mean_lengths(entry),
            _source(_provenance(entry)),
        )
    # A table is cut at the console's width; its lines are long, and nothing of them is to be lost.
    console(_WIDE).print(table)


def _provenance(entry: Description) -> dict[str, Any]:
    found = entry.details.get("provenance", {})
    return found if isinstance(found, dict) else {}


def _origin(provenance: dict[str, Any]) -> str:
    return "modelled" if provenance.get("modelled") else "published"


def _source(provenance: dict[str, Any]) -> str:
    origin = _origin(provenance)
    if origin == "modelled":
        return f"{origin}: {provenance.get('description', '')}"
    repository = "/".join(str(provenance.get("repository", "")).split("/")[-2:])
    return f"{origin}: {repository} {provenance.get('commit', '')}, {provenance.get('license', '')}"


def _mean_lengths(entry: Description) -> str:
    """The means of the fields that the profile has: items of a kind that never comes are left out."""
    from tracetide.base.readable import number

    return ", ".join(
        f"{field.name} {number(field.mean)}"
        for field in entry.lengths
        if math.isfinite(field.mean) and field.mean > 0
    )
