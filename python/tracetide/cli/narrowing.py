"""Options that narrow a pool."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from tracetide.cli.parameters import Whole
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
Top = Annotated[Whole | None, Parameter(help="Only so many clients, those of the most requests.")]


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
    try:
        if not dots:
            return float(text)
        return tuple(float(bound) if bound.strip() else None for bound in (low, high))
    except ValueError:
        raise ValueError(f"--filter {name}: {text!r} is not allowed; it must be LOW..HIGH") from None
