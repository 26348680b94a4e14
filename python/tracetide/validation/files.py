"""Rules of a file as a whole: its columns, and what lies beside it."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from tracetide.io.formats.blis import header_path
from tracetide.io.formats.description import TraceFormat
from tracetide.io.reading.place import shown
from tracetide.io.reading.source import Source
from tracetide.validation.report import Recorder


def check_file(format: TraceFormat, source: Source, path: str, recorder: Recorder) -> None:
    """The rules of a format that its columns tell."""
    names = tuple(source.types)
    if format.positions:
        wanted = list(format.positions)
        for name, before in format.behind.items():
            if name in names:
                wanted.insert(wanted.index(before) + 1, name)
        (_expect_exactly if format.alone else _expect_first)(names, wanted, recorder)
    for name in format.needed:
        if name not in names:
            recorder.add("column-missing", f"the column {name!r} is missing; Vidur's loaders need it")
    if format.header:
        _check_blis_header(format.header_keys, path, recorder)


def _expect_first(names: Sequence[str], wanted: Sequence[str], recorder: Recorder) -> None:
    for position, name in enumerate(wanted):
        found = names[position] if position < len(names) else "nothing"
        if found != name:
            recorder.add(
                "column-order",
                f"column {position + 1} is {found!r}; it must be {name!r}, as it is read by position",
            )
            return


def _expect_exactly(names: Sequence[str], wanted: Sequence[str], recorder: Recorder) -> None:
    if tuple(names) != tuple(wanted):
        recorder.add("column-order", f"the columns are {', '.join(names)}; they must be {', '.join(wanted)}")


def _check_blis_header(keys: Collection[str], path: str, recorder: Recorder) -> None:
    import yaml

    header = header_path(path)
    if not os.path.isfile(header):
        recorder.add("header-file", f"{header} is not there; it must be, as the trace's header")
        return
    try:
        with open(header, encoding="utf-8") as file:
            found = yaml.safe_load(file.read(1 << 16))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        recorder.add("header-file", f"{header} cannot be read: {str(error).splitlines()[0]}")
        return
    if not isinstance(found, dict):
        recorder.add("header-file", f"{header} says {shown(found)}; it must have keys and values")
        return
    if found.get("time_unit") not in ("us", "microseconds"):
        recorder.add(
            "header-file",
            f"{header} has the time_unit {shown(found.get('time_unit'))}; it must be us or microseconds, "
            "which BLIS takes it for without looking",
        )
    for key in found:
        if key not in keys:
            recorder.add(
                "header-keys",
                f"{header} has the key {shown(key)}, which BLIS did not know in August 2026; it refuses "
                "keys that it does not know",
            )
