"""Parameters that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter, Token


def whole_number(type_: Any, tokens: Sequence[Token]) -> int:
    """An integer, without the rounding of others."""
    text = tokens[0].value
    try:
        return int(text)
    except ValueError:
        raise ValueError(f'"{text}" is not a whole number') from None


Whole = Annotated[int, Parameter(converter=whole_number)]
Threads = Annotated[Whole, Parameter(help="Threads; 0: all cores. The result does not depend on it.")]
Quiet = Annotated[bool, Parameter(name=("--quiet", "-q"), negative="", help="Say nothing but errors.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="JSON on standard output.")]
Span = Annotated[
    str | None,
    Parameter(help='Between two times of the profile, `A..B`: "18:00..19:00", "day 2 18:00..day 3 6:00".'),
]


def output_path(value: str) -> str:
    """What `-o` was given; an option's name is a forgotten value.

    Raises:
        ValueError: naming it.
    """
    if value == "" or (value.startswith("-") and value != "-"):
        raise ValueError(f'--output: {value!r} is not allowed; it must be a file, or "-" for standard output')
    return value
