"""JSON that comes from a file, and may be anything."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

DEEPEST = 200
"""Levels of lists and objects within each other; Python parses and writes them by recursion."""

_TOO_DEEP = f"lists and objects are nested too deeply; {DEEPEST} levels are allowed"


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: if it is no JSON, or nested deeper than `DEEPEST`.
    """
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if is_nested_deeper(found, DEEPEST):
        raise ValueError(_TOO_DEEP)
    return found


def is_nested_deeper(value: Any, levels: int) -> bool:
    """Whether a value has more levels of lists and mappings; found without recursion."""
    level = _lists(value)
    for _ in range(levels):
        if not level:
            return False
        level = [inner for outer in level for inner in _lists(*_values(outer))]
    return bool(level)


def _lists(*values: Any) -> list[Any]:
    """Those that have further values in them."""
    return [value for value in values if isinstance(value, dict | list)]


def _values(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value
