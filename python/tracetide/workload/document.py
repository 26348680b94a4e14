"""A parsed file, and the line on which each of its values is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

Path: TypeAlias = "tuple[str | int, ...]"


@dataclass
class Document:
    """Data of a file.

    Attributes:
        data: mappings, lists and scalars.
        lines: by path, the line from 1 on where a key, or an entry of a list, begins.
    """

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)

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
