"""Numbers, names and texts for people."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from typing import Any

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line ends, marks that turn the direction of writing, and what is no character."""


def printable(text: str) -> str:
    """The same text on one line, with every character that could steer a terminal escaped as in Python."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def number(value: float) -> str:
    """A number with three to four digits that count; "-" for none."""
    if not math.isfinite(value):
        return "-"
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def path_text(path: str) -> str:
    """A path as a text in UTF-8: bytes of it that are none are shown as `\\xff`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def lines_of(numbers: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Nested numbers as lines with their names, such as "input tokens: mean"."""
    found = []
    for name, value in numbers.items():
        label = f"{before}{str(name).replace('_', ' ')}"
        if isinstance(value, dict):
            found += lines_of(value, f"{label}: ")
        elif isinstance(value, list):
            found.append((label, ", ".join(map(_text, value))))
        else:
            found.append((label, _text(value)))
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else number(float(value))
