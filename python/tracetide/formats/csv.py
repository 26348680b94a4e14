"""CSV with a header line; a list is a JSON array, quoted where it has a comma."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tracetide.arrow import LIST_TYPE, trace_of
from tracetide.columns import DTYPES, LIST_COLUMNS
from tracetide.formats.base import Sink, Source
from tracetide.formats.compression import open_text
from tracetide.formats.text import write_text
from tracetide.trace import Trace


def write(source: Source, sink: Sink, written: Callable[[int], None]) -> None:
    """Write all requests. The job is not in the file: readers of CSV know no place for it."""
    write_text(source, "csv", sink, written)


def read(path: Path, compression: str | None) -> Trace:
    """Read a file."""
    types: dict[str, Any] = {name: pa.from_numpy_dtype(np.dtype(dtype)) for name, dtype in DTYPES.items()}
    types |= dict.fromkeys(LIST_COLUMNS, pa.string())
    convert = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False)
    try:
        with open_text(path, compression) as file:
            table = pyarrow.csv.read_csv(file, convert_options=convert)
        for name in LIST_COLUMNS:
            if name in table.column_names:
                table = table.set_column(table.column_names.index(name), name, _lists(table.column(name)))
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"{path}: not a native CSV: {str(error).splitlines()[0]}") from None
    return trace_of(table, str(path))


def _lists(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lists of numbers from `[1,2]`."""
    wrong = pc.invert(pc.match_substring_regex(texts, r"^\[(\d+(,\d+)*)?\]$"))
    if pc.any(wrong).as_py():
        row = pc.index(wrong, True).as_py()
        raise pa.ArrowInvalid(
            f"row {row + 1}: {texts[row].as_py()!r} is not a list of numbers such as [256,512]"
        )
    inner = pc.utf8_slice_codeunits(texts, 1, -1)
    parts = pc.split_pattern(inner, ",")
    chunks = []
    for chunk, text in zip(parts.chunks, inner.chunks, strict=True):
        lengths = np.where(pc.equal(text, "").to_numpy(zero_copy_only=False), 0, pc.list_value_length(chunk))
        values = chunk.flatten()
        numbers = pc.cast(values.filter(pc.not_equal(values, "")), pa.uint32())
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        chunks.append(pa.ListArray.from_arrays(pa.array(offsets), numbers, type=LIST_TYPE))
    return pa.chunked_array(chunks, type=LIST_TYPE)
