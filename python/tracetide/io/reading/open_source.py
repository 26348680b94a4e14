"""Which container a source is, told from its bytes."""

from __future__ import annotations

import os
from typing import Any

from tracetide.base.errors import TraceError
from tracetide.io.reading.csv_source import CsvSource
from tracetide.io.reading.file import File, open_file
from tracetide.io.reading.jsonl_source import JsonlSource
from tracetide.io.reading.source import Source
from tracetide.io.reading.table_source import TableSource, arrow_source, memory_source, parquet_source
from tracetide.io.reading.text_blocks import BLOCK, codec_of, open_plain

_HEAD = 4096


def open_source(source: str | os.PathLike[str] | Any) -> Source:
    """A source for a path or a table; one that is a source already is taken as it is.

    Raises:
        TraceError: for an empty file, or one that is neither a table nor text.
        TypeError: for something that is neither a path nor a table.
        OSError: if a file cannot be read.
    """
    if isinstance(source, CsvSource | JsonlSource | TableSource):
        return source
    if isinstance(source, (str, os.PathLike)):
        return _file(os.fspath(source))
    if hasattr(source, "__arrow_c_stream__") or type(source).__module__.partition(".")[0] in (
        "pandas",
        "pyarrow",
    ):
        return memory_source(source)
    raise TypeError(
        f"source: {type(source).__name__} is not allowed; it must be a path, a data frame, a pyarrow table "
        "or an object with __arrow_c_stream__"
    )


def _file(given: str) -> Source:
    file = open_file(given)
    path = file.name
    with open(file.path, "rb") as opened:
        head = opened.read(_HEAD)
    if not head:
        raise TraceError(f"{path}: an empty file is not allowed; it must have rows")
    if head.startswith(b"PAR1"):
        return parquet_source(file)
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return arrow_source(file, is_stream=not head.startswith(b"ARROW1"))
    codec = codec_of(head)
    if codec or not head.strip():
        head = _plain_head(file, codec)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"\0" in head or head.startswith((b"PAR1", b"ARROW1", b"\xff\xfe", b"\xfe\xff")):
        raise TraceError(
            f"{path}: binary data are not allowed; it must be Parquet, an Arrow file, or CSV or JSON lines "
            "in UTF-8, these also packed by gzip or zstd"
        )
    return JsonlSource(file, codec) if text[:1] in (b"{", b"[") else CsvSource(file, codec)


def _plain_head(file: File, codec: str | None) -> bytes:
    """The first bytes behind empty lines."""
    try:
        with open_plain(file, codec) as stream:
            head = bytes(stream.read(_HEAD))
            while head and not head.strip():
                head = bytes(stream.read(BLOCK))
            return head
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) is not None:
            raise
        reason = str(error).splitlines()[0]
        raise TraceError(f"{file.name}: the {codec} data are damaged or cut off: {reason}") from None
