"""Checks of what models of sessions and prompts are made of. All raise ValueError."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from tracetide.base.vocabulary import FIELDS, ITEM_FIELDS
from tracetide.profile.sessions.laws import Law, law_of, longest, shortest
from tracetide.profile.values import Values

LASTING_FIELDS = tuple(
    field
    for field in dict.fromkeys(field for fields in FIELDS.values() for field in fields)
    if field not in ITEM_FIELDS or field.endswith("_count")
)
"""Fields that are drawn once for a request."""


def check_law(name: str, value: Values, low: float, high: float) -> Law:
    """The law of a value, whose values must be from low to high."""
    law = law_of(name, value)
    if shortest(law, low) < low or longest(law, high) > high:
        raise ValueError(f"{name}: {value!r} is not allowed; its values must be from {low:g} to {high:.10g}")
    return law


def check_number(
    name: str, value: Any, low: float, high: float, allowed: str, *, open_below: bool = False
) -> float:
    """A number from low to high, or above low."""
    good = isinstance(value, Real) and not isinstance(value, bool) and low <= float(value) <= high
    if not good or (open_below and value == low):
        raise ValueError(f"{name}: {value!r} is not allowed; it must be {allowed}")
    return float(value)


def check_whole(name: str, value: Any, low: int, high: int) -> None:
    """A whole number from low to high."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
        raise ValueError(f"{name}: {value!r} is not allowed; it must be a whole number from {low} to {high}")


def check_persistence(value: Any) -> dict[str, tuple[float, float]]:
    """A share and a memory, each from 0 to below 1, by field."""
    if not isinstance(value, Mapping):
        raise ValueError(
            f"persistence: {value!r} is not allowed; it must be a mapping such as "
            "{'output_tokens': (0.5, 0.9)}: share and memory by field"
        )
    for name, pair in value.items():
        if name not in LASTING_FIELDS:
            raise ValueError(
                f"persistence: {name!r} is not allowed; it must be one of {', '.join(LASTING_FIELDS)}"
            )
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            raise ValueError(
                f"persistence of {name}: {pair!r} is not allowed; it must be a pair: share and memory"
            )
        for what, number in zip(("share", "memory"), pair, strict=True):
            check_below_1(f"persistence of {name}: {what}", number)
    return {name: (float(share), float(memory)) for name, (share, memory) in value.items()}


def check_below_1(name: str, value: Any) -> None:
    """A number from 0 to below 1."""
    if check_number(name, value, 0, 1, "a number from 0 to below 1") == 1:
        raise ValueError(f"{name}: {value!r} is not allowed; it must be a number from 0 to below 1")


def check_choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    """One of what is allowed."""
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is not allowed; it must be one of {', '.join(allowed)}")
