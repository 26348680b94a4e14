"""Options that narrow a pool."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from tracetide.cli.parameters import Count, RealNumber, number_of
from tracetide.clientpool import ClientPool
from tracetide.durations import parse_span

Filters = Annotated[
    list[str] | None,
    Parameter(
        name="--filter",
        negative="",
        help="NAME=LOW..HIGH: only windows of clients in which it is so: `cv=0.5..1.5`, "
        "`avg_input=100..1000`, `max_output=..4096`, `family=Gamma`, or any column of `tracetide windows`. "
        "May be given several times.",
    ),
]
Top = Annotated[Count | None, Parameter(help="Only so many clients, those of the most requests.")]


def narrowed(pool: ClientPool, span: str | None, filters: list[str] | None, top: int | None) -> ClientPool:
    """The pool within a span, then filtered, then its top clients.

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
    return pool if top is None else pool.top(top)


def _range(name: str, text: str) -> Any:
    if name == "family":
        return text
    low, dots, high = text.partition("..")
    option = f"--filter {name}"
    if not dots:
        return number_of(option, text, RealNumber())
    return tuple(number_of(option, bound, RealNumber()) if bound.strip() else None for bound in (low, high))
