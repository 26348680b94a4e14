"""Checks of what models of sessions and prompts are made of. All raise ValueError."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from tracetide.profile.sessions.laws import Law, law_of, longest, shortest
from tracetide.profile.values import Values


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


def check_choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    """One of what is allowed."""
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is not allowed; it must be one of {', '.join(allowed)}")
