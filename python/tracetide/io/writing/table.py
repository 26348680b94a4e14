"""Tables of results, which fit in memory, as files."""

from __future__ import annotations

import os
from typing import Any

from tracetide.io.writing.names import STDOUT
from tracetide.io.writing.output import open_output

ENDINGS = (".csv", ".parquet", ".arrow")


def write_table(table: Any, path: str | os.PathLike[str]) -> None:
    """Write a pyarrow Table; it appears under its name only when complete.

    Args:
        table: what to write.
        path: its ending chooses the format (`.csv`, `.parquet` or `.arrow`); `"-"` is standard output, CSV.

    Raises:
        ValueError: for another ending.
        OSError: if it cannot be written.
    """
    import pyarrow as pa
    from pyarrow import csv, feather, parquet

    name = os.fspath(path)
    ending = check_table(name)
    buffer = pa.BufferOutputStream()
    if ending == ".csv":
        csv.write_csv(table, buffer, csv.WriteOptions(quoting_style="needed"))
    elif ending == ".parquet":
        parquet.write_table(table, buffer, compression="zstd")
    else:
        feather.write_feather(table, buffer, compression="uncompressed")
    with open_output(name) as output:
        output.write(buffer.getvalue())


def check_table(name: str) -> str:
    """The ending of a table's path, which tells its format: what `write_table` would refuse, before the work.

    Raises:
        ValueError: for another ending.
    """
    ending = ".csv" if name == STDOUT else os.path.splitext(name)[1].lower()
    if ending not in ENDINGS:
        raise ValueError(f"output: {name!r} is not allowed; it must end in {', '.join(ENDINGS)}, or be -")
    return ending
