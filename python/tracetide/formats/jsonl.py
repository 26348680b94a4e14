"""JSON lines: one object per request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.json

from tracetide.arrow import trace_of
from tracetide.columns import DTYPES, LIST_COLUMNS
from tracetide.formats.base import Sink, Source
from tracetide.formats.compression import open_text
from tracetide.formats.text import write_text
from tracetide.trace import Trace


def write(source: Source, sink: Sink, written: Callable[[int], None]) -> None:
    """Write all requests. The job is not in the file: every line is a request."""
    write_text(source, "jsonl", sink, written)


def read(path: Path, compression: str | None) -> Trace:
    """Read a file."""
    known = {name: pa.from_numpy_dtype(np.dtype(dtype)) for name, dtype in DTYPES.items()}
    known |= dict.fromkeys(LIST_COLUMNS, pa.list_(pa.uint32()))
    try:
        with open_text(path, compression) as file:
            first = _first_names(path, compression)
            schema = pa.schema([(name, known[name]) for name in first if name in known])
            table = pyarrow.json.read_json(
                file, parse_options=pyarrow.json.ParseOptions(explicit_schema=schema)
            )
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"{path}: not native JSON lines: {str(error).splitlines()[0]}") from None
    return trace_of(table.select([name for name in first if name in table.column_names]), str(path))


def _first_names(path: Path, compression: str | None) -> list[str]:
    """The keys of the first row, in order."""
    with open_text(path, compression) as file:
        head = file.read(1 << 20)
    line = head[: head.find(b"\n")] if b"\n" in head else head
    if not line.strip():
        raise pa.ArrowInvalid("row 1: the file has no rows")
    return list(pyarrow.json.read_json(pa.BufferReader(line)).column_names)
