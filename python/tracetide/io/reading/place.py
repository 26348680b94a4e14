"""Where in a source a value stands, for errors that name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from tracetide.base.errors import TraceError
from tracetide.base.wording import Told

_SHOWN = 60


@dataclass(frozen=True)
class Place:
    """A run of rows of a source.

    Attributes:
        origin: the file, or what the source is.
        first_row: how many data rows come before it.
        text: the lines of a text file that hold the rows, or None.
        first_line: the number of the first of these lines, from 1.
        quoted: whether a line break inside of quotes is part of a value, as in CSV.
    """

    origin: str
    first_row: int = 0
    text: bytes | None = None
    first_line: int = 1
    quoted: bool = False

    def fail(self, row: int, column: str, found: Any, allowed: str) -> NoReturn:
        """Raise a `TraceError` for the value in the given row of this run, from 0.

        `allowed` goes on with "is not allowed; ...".
        """
        raise TraceError(Told(f"{self.at(row, column)}: {shown(found)} is not allowed; ", allowed)) from None

    def missing(self, row: int, column: str) -> NoReturn:
        """Raise a `TraceError` for a value that is not there."""
        raise TraceError(f"{self.at(row, column)}: a missing value is not allowed") from None

    def at(self, row: int, column: str | None = None) -> str:
        """`file:4: row 3, column 'x'`, where 4 is the line of a text file."""
        line = self._line(row)
        return (
            self.origin
            + (f":{line}" if line else "")
            + f": row {self.first_row + int(row) + 1}"
            + (f", column {column!r}" if column is not None else "")
        )

    def _line(self, row: int) -> int | None:
        """Line of a row; rows and lines differ by empty lines and by values with line breaks."""
        if self.text is None:
            return None
        seen = -1
        inside = False
        for number, line in enumerate(self.text.split(b"\n")):
            if not inside and line.strip():
                seen += 1
            if seen == row:
                return self.first_line + number
            if self.quoted and line.count(b'"') % 2:
                inside = not inside
        return None


def shown(value: Any) -> str:
    """A value for a message, of a bounded length."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
