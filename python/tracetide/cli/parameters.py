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


Window = Annotated[str, Parameter(help='In which gaps are fitted: seconds, or "10min".')]
MaxClients = Annotated[Whole, Parameter(help="More clients are an error.")]
ProfileRate = Annotated[float | None, Parameter(help="Of a profile: total requests/s.")]
ProfileScale = Annotated[float | None, Parameter(help="Of a profile: factor on its own rates.")]
ProfileDuration = Annotated[
    str | None,
    Parameter(help="Of a profile: how long; default: its period, or that of the trace that was fitted."),
]
ProfileSeed = Annotated[Whole | None, Parameter(help="Of a profile: from 0 to 2^64 - 1.")]
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
        help="The format, whatever the ending of the output, or that of another tool: mooncake, "
        "mooncake-session, bailian, burstgpt, azure, vidur, blis, llmservingsim, splitwise, baseten, "
        "servegen.",
    ),
]
HashIds = Annotated[
    bool, Parameter(help="Whether formats that have `hash_ids` get them, if need be ids used once.")
]
Columns = Annotated[
    list[str] | None,
    Parameter(
        name="--column",
        negative="",
        help="NAME=COLUMN: which column has a native one's values, such as input_tokens=prompt_len; "
        "may be given several times.",
    ),
]
Unit = Annotated[str | None, Parameter(help="Of the times of a table: s, ms, us, ns or date.")]


def parse_columns(given: list[str] | None) -> dict[str, str] | None:
    """What `--column` was given.

    Raises:
        ValueError: naming an entry that is no pair, or a name that is there twice.
    """
    found: dict[str, str] = {}
    for entry in given or []:
        name, equals, column = entry.partition("=")
        if not (name and equals and column):
            raise ValueError(f"--column: {entry!r} is not allowed; it must be NAME=COLUMN")
        if name in found:
            raise ValueError(f"--column: {name!r} is there twice; each name may be given once")
        found[name] = column
    return found or None


def parse_unit(unit: str | None) -> dict[str, str] | None:
    """What `--unit` was given."""
    return None if unit is None else {"timestamp": unit}


def parse_targets(name: str, text: str | None) -> list[float]:
    """Latencies of an option, in seconds.

    Raises:
        ValueError: if it is something else.
    """
    if text is None:
        return []
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"--{name}: {text!r} is not allowed; it must be seconds, separated by commas, such as 1,2.25"
        ) from None


def output_path(value: str) -> str:
    """What `-o` was given; an option's name is a forgotten value.

    Raises:
        ValueError: naming it.
    """
    if value == "" or (value.startswith("-") and value != "-"):
        raise ValueError(f'--output: {value!r} is not allowed; it must be a file, or "-" for standard output')
    return value
