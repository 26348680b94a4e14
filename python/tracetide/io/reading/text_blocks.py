"""Text files as blocks of whole lines, in bounded memory."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tracetide.base.errors import TraceError
from tracetide.io.reading.file import File

BLOCK = 8 << 20
"""Bytes that are read at a time."""

LONGEST_LINE = 64 << 20
"""Bytes of the longest line that is read."""

DATA_ERRORS = (
    pa.ArrowInvalid,
    pa.ArrowNotImplementedError,
    pa.ArrowKeyError,
    pa.ArrowTypeError,
    pa.ArrowIndexError,
    pa.ArrowCapacityError,
    pa.ArrowSerializationError,
    OSError,
)
"""What pyarrow's parsers raise about data in memory; others are about the machine, such as its memory."""

_OTHER_VALUE = re.compile(rb"\}[ \t\r\n]*[^ \t\r\n,\]}{]")
_CODECS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Block:
    """Whole lines, and the number of the first, from 1."""

    data: bytes
    first_line: int


def codec_of(head: bytes) -> str | None:
    """The compression that a file's first bytes tell."""
    return next((codec for magic, codec in _CODECS.items() if head.startswith(magic)), None)


@contextlib.contextmanager
def open_plain(file: File, codec: str | None) -> Iterator[Any]:
    """A pyarrow stream of a file's plain bytes."""
    with pa.OSFile(file.system_path) as packed:
        if codec is None:
            yield packed
        else:
            with pa.CompressedInputStream(packed, codec) as plain:
                yield plain


def native_reader(data: bytes) -> pa.BufferReader:
    """A copy of the data for pyarrow's parsers, which Python does not own.

    Their threads may let go of what they read after a parser has returned. For an object of Python they would
    wait for the interpreter then, and one that waits while the interpreter ends ends the process (abort).
    """
    copy = pa.BufferOutputStream()
    copy.write(data)
    return pa.BufferReader(copy.getvalue())


def may_have_other_values(data: bytes) -> bool:
    """Whether JSON lines may have a value besides objects, such as a line `null`, which pyarrow crashes on.

    Behind a closing brace, an object goes on with one of `,]}` or ends; a text may have something else.
    """
    return data.lstrip()[:1] != b"{" or _OTHER_VALUE.search(data) is not None


def blocks(file: File, codec: str | None, *, quoted: bool) -> Iterator[Block]:
    """The lines of a file, some `BLOCK` bytes at a time, without a byte order mark.

    Args:
        file: the file.
        codec: its compression.
        quoted: whether a line break between quotes does not end a line.

    Raises:
        TraceError: for a line longer than `LONGEST_LINE`, and for a damaged compressed file.
    """
    rest = b""
    line = 1
    with open_plain(file, codec) as stream:
        for number, piece in enumerate(_pieces(stream, file.name, codec)):
            data = rest + (piece.removeprefix(_BOM) if number == 0 else piece)
            end = _last_end(data, quoted)
            if end:
                yield Block(data[:end], line)
                line += data.count(b"\n", 0, end)
            rest = data[end:]
            if len(rest) > LONGEST_LINE:
                quote = ", or a quote is never closed" if quoted and b'"' in rest else ""
                raise TraceError(
                    f"{file.name}:{line}: more than {LONGEST_LINE >> 20} MiB in one line are not allowed; "
                    f"lines must end earlier{quote}"
                )
    if rest.strip():
        yield Block(rest, line)


def _pieces(stream: Any, path: str, codec: str | None) -> Iterator[bytes]:
    while True:
        try:
            piece = stream.read(BLOCK)
        except (OSError, pa.ArrowInvalid) as error:
            if getattr(error, "errno", None) is not None:
                raise
            reason = str(error).splitlines()[0]
            raise TraceError(f"{path}: the {codec} data are damaged or cut off: {reason}") from None
        if not piece:
            return
        yield piece


def _last_end(data: bytes, quoted: bool) -> int:
    """Where the last whole line ends."""
    end = data.rfind(b"\n") + 1
    if not quoted or data.count(b'"', 0, end) % 2 == 0:
        return end
    characters = np.frombuffer(data, dtype=np.uint8)
    breaks = np.flatnonzero(characters == ord("\n"))
    before = np.searchsorted(np.flatnonzero(characters == ord('"')), breaks)
    outside = breaks[before % 2 == 0]
    return int(outside[-1]) + 1 if outside.size else 0
