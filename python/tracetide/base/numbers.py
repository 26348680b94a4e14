"""Whole numbers within limits, as arguments."""

from __future__ import annotations

import operator

MOST_THREADS = 4096
LARGEST = 2**63 - 1


def check_whole(name: str, value: int, least: int = 0, most: int = LARGEST) -> int:
    """The number, if it is one within limits.

    Raises:
        ValueError: naming the argument, the value and what is allowed.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or not least <= number <= most:
        raise ValueError(f"{name}: {value!r} is not allowed; it must be {whole_range(least, most)}")
    return number


def check_threads(value: int) -> int:
    """A number of threads; 0: all cores."""
    return check_whole("threads", value, 0, MOST_THREADS)


def whole_range(least: int, most: int) -> str:
    """In words: `a whole number from 1 on`, `a whole number from 0 to 2^64 - 1`."""
    if most == LARGEST:
        return f"a whole number from {least} on"
    power = (most + 1).bit_length() - 1
    shown = f"2^{power} - 1" if most == 2**power - 1 and power >= 32 else str(most)
    return f"a whole number from {least} to {shown}"
