"""Names of clients."""

from __future__ import annotations

from collections.abc import Iterable


def unique_names(names: Iterable[str]) -> list[str]:
    """The same names; one that is there already gets `#2`, `#3` and so on."""
    taken: set[str] = set()
    last: dict[str, int] = {}
    result = []
    for name in names:
        chosen = name
        while chosen in taken:
            last[name] = last.get(name, 1) + 1
            chosen = f"{name}#{last[name]}"
        taken.add(chosen)
        result.append(chosen)
    return result
