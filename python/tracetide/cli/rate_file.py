"""Files with the total rate over time."""

from __future__ import annotations

import csv

from tracetide.durations import parse_time

_LINE = '"time,rate", such as "18:00,250" or "3600,250"'


def read_rate_file(path: str) -> list[tuple[float | str, float]]:
    """The (time in seconds, requests/s) points of a CSV file of `time,rate` lines; a header may come first.

    Raises:
        ValueError: naming file, line and value, and what is allowed.
        OSError: if it cannot be read.
    """
    points: list[tuple[float | str, float]] = []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            for row in reader:
                if row and not (reader.line_num == 1 and _is_header(row)):
                    points.append(_point(row, f"{path}: line {reader.line_num}"))
                    if len(points) > 1 and points[-1][0] <= points[-2][0]:  # type: ignore[operator]
                        raise ValueError(
                            f"{path}: line {reader.line_num}: time {row[0]!r} is not allowed; it must be "
                            "later than that of the line before"
                        )
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not a CSV file: {error}") from None
    if not points:
        raise ValueError(f"{path}: there are no rates; every line must be {_LINE}")
    return points


def _is_header(row: list[str]) -> bool:
    return not any(character.isdigit() for character in "".join(row))


def _point(row: list[str], where: str) -> tuple[float, float]:
    if len(row) != 2:
        raise ValueError(f"{where}: {','.join(row)!r} is not allowed; every line must be {_LINE}")
    try:
        rate = float(row[1])
    except ValueError:
        raise ValueError(
            f"{where}: rate {row[1]!r} is not allowed; it must be a number of requests/s"
        ) from None
    if not 0 <= rate < float("inf"):
        raise ValueError(f"{where}: rate {row[1]!r} is not allowed; it must be a finite number from 0 on")
    return parse_time(row[0], f"{where}: time"), rate
