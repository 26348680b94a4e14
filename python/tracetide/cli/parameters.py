"""Parameters that several commands share."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_origin

from cyclopts import Parameter, Token

from tracetide.base.numbers import LARGEST, MOST_THREADS, whole_range
from tracetide.io.formats import FOR_TOOLS
from tracetide.io.writing import TOOLS

_WHOLE = re.compile(r"[+-]?[0-9]{1,100}")
_REAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_WORDS = re.compile(r"[+-]?(?:nan|inf(?:inity)?)", re.IGNORECASE)


@dataclass(frozen=True)
class WholeNumber:
    """Converts the text of an option to a whole number within limits, without the rounding of others."""

    least: int = 0
    most: int = LARGEST

    def __call__(self, type_: Any, tokens: Sequence[Token]) -> int | list[int]:
        """Convert; all that were given, of an option that may be given several times."""
        found = [self.parse(token.value) for token in tokens]
        return found if get_origin(type_) is list else found[0]

    def parse(self, text: str) -> int:
        """The number, or a ValueError with the value and what is allowed."""
        number = int(text) if _WHOLE.fullmatch(text) else None
        if number is None or not self.least <= number <= self.most:
            raise ValueError(
                f"{_shown(text)} is not allowed; it must be {whole_range(self.least, self.most)}"
            )
        return number


@dataclass(frozen=True)
class RealNumber:
    """Converts the text of an option to a finite number: above and below limits, or from one to another."""

    above: float = -math.inf
    below: float = math.inf
    least: float = -math.inf
    most: float = math.inf

    def __call__(self, type_: Any, tokens: Sequence[Token]) -> float:
        """Convert."""
        return self.parse(tokens[0].value)

    def parse(self, text: str) -> float:
        """The number, or a ValueError with the value and what is allowed."""
        number = float(text) if _REAL.fullmatch(text.strip()) else math.nan
        is_inside = self.above < number < self.below and self.least <= number <= self.most
        if not (math.isfinite(number) and is_inside):
            bounds = [("above", self.above), ("below", self.below)]
            limits = " and".join(f" {word} {bound:g}" for word, bound in bounds if math.isfinite(bound))
            if math.isfinite(self.least):
                limits = f" from {self.least:g} to {self.most:g}"
            raise ValueError(f"{_shown(text)} is not allowed; it must be a finite number{limits}")
        return number


def _shown(text: str) -> str:
    is_number = _REAL.fullmatch(text) or _WORDS.fullmatch(text)
    return text if is_number and len(text) <= 40 else repr(text[:40] + "..." if len(text) > 40 else text)


def number_of(option: str, text: str, kind: RealNumber) -> float:
    """A number that is a part of the text of an option.

    Raises:
        ValueError: naming the option, the value and what is allowed.
    """
    try:
        return kind.parse(text)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None


Whole = Annotated[int, Parameter(converter=WholeNumber())]
Count = Annotated[int, Parameter(converter=WholeNumber(1))]
Seed = Annotated[int, Parameter(converter=WholeNumber(0, 2**64 - 1))]
BlockSize = Annotated[int, Parameter(converter=WholeNumber(0, 2**32 - 1))]
OwnBlockSize = Annotated[int, Parameter(converter=WholeNumber(1, 2**32 - 1))]
Positive = Annotated[float, Parameter(converter=RealNumber(above=0))]
Factor = Annotated[float, Parameter(converter=RealNumber(least=0, most=1))]
Share = Annotated[float, Parameter(converter=RealNumber(above=0, below=1))]
Threads = Annotated[
    int,
    Parameter(
        converter=WholeNumber(0, MOST_THREADS),
        help="Threads; 0: all cores. The result does not depend on it.",
    ),
]
Quiet = Annotated[bool, Parameter(name=("--quiet", "-q"), negative="", help="Say nothing but errors.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="JSON on standard output.")]
Span = Annotated[
    str | None,
    Parameter(help='Between two times of the profile, `A..B`: "18:00..19:00", "day 2 18:00..day 3 6:00".'),
]


Window = Annotated[str, Parameter(help='In which gaps are fitted: seconds, or "10min".')]
MaxClients = Annotated[Count, Parameter(help="More clients are an error.")]
ProfileRate = Annotated[Positive | None, Parameter(help="Of a profile: total requests/s.")]
ProfileScale = Annotated[Positive | None, Parameter(help="Of a profile: factor on its own rates.")]
ProfileDuration = Annotated[
    str | None,
    Parameter(help="Of a profile: how long; default: its period, or that of the trace that was fitted."),
]
ProfileSeed = Annotated[Seed | None, Parameter(help="Of a profile: from 0 to 2^64 - 1.")]
TbtTargets = Annotated[
    str | None, Parameter(help="Targets of the time between tokens, seconds, separated by commas.")
]
Preset = Annotated[str, Parameter(help="What serves: a100x2-14b, a100-8b, h100-8b or h100x4-70b.")]


OutputFile = Annotated[
    str,
    Parameter(
        name=("--output", "-o"),
        allow_leading_hyphen=True,
        help="The file to write; its ending chooses the format (.parquet .arrow .csv .jsonl, the last two "
        "also with .gz or .zst). `-` is standard output.",
    ),
]
Format = Annotated[
    str | None,
    Parameter(
        help=f"The format, whatever the ending of the output, or that of another tool: {', '.join(TOOLS)}; "
        f"or the name of a tool, for the format that it reads: {', '.join(FOR_TOOLS)}.",
    ),
]
HashIds = Annotated[
    bool, Parameter(help="Whether formats that have `hash_ids` get them, if need be ids used once.")
]


def parse_targets(name: str, text: str | None) -> list[float]:
    """Latencies of an option, in seconds.

    Raises:
        ValueError: if it is something else.
    """
    if text is None:
        return []
    return [number_of(f"--{name}", part, RealNumber(above=0)) for part in text.split(",")]


def output_path(value: str) -> str:
    """What `-o` was given; an option's name is a forgotten value.

    Raises:
        ValueError: naming it.
    """
    if value == "" or (value.startswith("-") and value != "-"):
        raise ValueError(f'--output: {value!r} is not allowed; it must be a file, or "-" for standard output')
    return value
