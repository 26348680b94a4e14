"""Options that narrow a pool."""

from __future__ import annotations

import warnings
from typing import Annotated, Any

from cyclopts import Parameter

from tracetide.base.durations import parse_span
from tracetide.base.errors import TracetideWarning
from tracetide.cli.parameters import Count, RealNumber, number_of
from tracetide.profile.analysis import Kept
from tracetide.profile.pool import ClientPool

Filters = Annotated[
    list[str] | None,
    Parameter(
        name="--filter",
        negative="",
        help="NAME=LOW..HIGH: only clients, window by window, of which it is so: `cv=0.5..1.5`, "
        "`avg_input=100..1000`, `max_output=..4096`, `family=Gamma`, or any column of `tracetide windows`. "
        "May be given several times.",
    ),
]
Top = Annotated[Count | None, Parameter(help="Only so many clients, those of the most requests.")]


class NarrowedWarning(TracetideWarning):
    """Options have left out clients."""


def narrowed(pool: ClientPool, span: str | None, filters: list[str] | None, top: int | None) -> ClientPool:
    """The pool within a span, then filtered, then its top clients.

    Warns:
        NarrowedWarning: what share of clients and requests is left, if any are left out.

    Raises:
        ValueError: naming the option, the value and what is allowed.
    """
    if span is not None:
        pool = pool.span(*parse_span(span))
    for entry in filters or []:
        name, equals, text = entry.partition("=")
        if not (name and equals and text):
            raise ValueError(f"--filter: {entry!r} is not allowed; it must be NAME=LOW..HIGH")
        pool = pool.filter(**{name: _range(name, text)})
    if top is not None:
        pool = pool.top(top)
    if pool.kept is not None and pool.kept.requests < 1:
        _tell(pool.kept, [name for name, given in (("--filter", filters), ("--top", top)) if given])
    return pool


def _tell(kept: Kept, options: list[str]) -> None:
    warnings.warn(
        f"{' and '.join(options)}: {kept.clients:,} of {kept.of_clients:,} clients are left, with "
        f"{100 * kept.requests:.3g} % of the requests; what is left out is all that a client sends "
        "in a window, not single requests",
        NarrowedWarning,
        stacklevel=3,
    )


def _range(name: str, text: str) -> Any:
    if name == "family":
        return text
    low, dots, high = text.partition("..")
    option = f"--filter {name}"
    if not dots:
        return number_of(option, text, RealNumber())
    return tuple(number_of(option, bound, RealNumber()) if bound.strip() else None for bound in (low, high))
