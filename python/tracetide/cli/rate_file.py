"""Files with the total rate over time."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from tracetide.base.durations import parse_time

_LINE = '"time,rate", such as "18:00,250" or "3600,250"'
_COLUMNS = ["time", "rate"]


def read_rate_file(path: str) -> list[tuple[float | str, float]]:
    """The (time in seconds, requests/s) points of a CSV file.

    Its first line may be a header, which names the columns `time` and `rate` in any order; without one they
    are in this order.

    Raises:
        ValueError: naming file, line and value, and what is allowed.
        OSError: if it cannot be read.
    """
    points: list[tuple[float | str, float]] = []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            for time, rate, where in _rows(file, path):
                points.append(_point(time, rate, where))
                if len(points) > 1 and points[-1][0] <= points[-2][0]:  # type: ignore[operator]
                    raise ValueError(
                        f"{where}: time {time!r} is not allowed; it must be later than in the line before"
                    )
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not a CSV file: {error}") from None
    if not points:
        raise ValueError(f"{path}: there are no rates; every line must be {_LINE}")
    return points


def _rows(file: Iterable[str], path: str) -> Iterator[tuple[str, str, str]]:
    """Time, rate and place of every line but the header."""
    columns: list[str] = []
    lines = csv.reader(file)
    for row in filter(None, lines):
        where = f"{path}: line {lines.line_num}"
        if not columns:
            columns = _header(row, where)
            if columns:
                continue
            columns = _COLUMNS
        if len(row) != len(columns):
            raise ValueError(
                f"{where}: {','.join(row)!r} is not allowed; every line must be {','.join(columns)}"
            )
        yield row[columns.index("time")], row[columns.index("rate")], where


def _header(row: list[str], where: str) -> list[str]:
    """The columns that a first line names; none where it has digits, as points have."""
    names = [name.strip().lower() for name in row]
    if sorted(names) == sorted(_COLUMNS):
        return names
    if any(character.isdigit() for name in names for character in name):
        return []
    raise ValueError(
        f"{where}: the header {','.join(row)!r} is not allowed; it must name the columns time and rate"
    )


def _point(time: str, rate: str, where: str) -> tuple[float, float]:
    try:
        number = float(rate)
    except ValueError:
        raise ValueError(
            f"{where}: rate {rate!r} is not allowed; it must be a number of requests/s"
        ) from None
    if not 0 <= number < float("inf"):
        raise ValueError(f"{where}: rate {rate!r} is not allowed; it must be a finite number from 0 on")
    return parse_time(time, f"{where}: time"), number
