"""A parsed file, and the line on which each of its values is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeAlias

Path: TypeAlias = "tuple[str | int, ...]"


DEEPEST = 64
"""Tables and lists within each other."""


class Document:
    """Data of a file.

    Attributes:
        data: mappings, lists and scalars.
    """

    def __init__(self, data: Any, find_lines: Callable[[], dict[Path, int]]) -> None:
        """Data, and what finds by path the line from 1 on where a key, or an entry of a list, begins."""
        self.data = data
        self._find_lines = find_lines

    @cached_property
    def lines(self) -> dict[Path, int]:
        """By path, the line of a key or of an entry of a list; they are found when they are asked for."""
        return self._find_lines()

    def line(self, path: Path) -> int:
        """The line of a path, or of the nearest one around it that the file has."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


class SyntaxFault(ValueError):
    """A file that cannot be parsed; `line` is where, from 1 on, or None."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line
