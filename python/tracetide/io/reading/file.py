"""The file that a trace is read from."""

from __future__ import annotations

import os
import select
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tracetide.base.addresses import shown

_WAIT_S = 10.0
_STEP_S = 0.02
_PIECE = 1 << 20


@dataclass(frozen=True)
class File:
    """A file.

    Attributes:
        path: where its bytes are, again and again.
        name: what it is called in messages.
        held: what keeps the file there as long as it is needed.
    """

    path: str
    name: str
    held: Any = None

    @property
    def system_path(self) -> bytes:
        """The path for pyarrow, which takes a text for UTF-8: a path may be any bytes."""
        return os.fsencode(self.path)


def open_file(path: str) -> File:
    """The file of a path. What comes through a pipe is put into a temporary file, as a trace is read more
    than once: to see what it is, and for its rows.

    Raises:
        FileNotFoundError: if there is no such file.
        OSError: for a pipe into which nobody writes.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"cannot read {shown(path)!r}: it is no file") from None
    if stat.S_ISREG(mode):
        return File(path, path)
    if not stat.S_ISFIFO(mode):
        raise FileNotFoundError(
            f"cannot read {shown(path)!r}: it is {'a folder' if stat.S_ISDIR(mode) else 'no file'}"
        )
    held = tempfile.NamedTemporaryFile(prefix="tracetide-")  # noqa: SIM115, as it lives as long as its File
    for piece in _pieces_of_pipe(path):
        held.write(piece)
    held.flush()
    return File(held.name, path, held)


def _pieces_of_pipe(path: str) -> Iterator[bytes]:
    """What comes through a pipe, whose other end somebody must open within ten seconds."""
    if sys.platform == "win32":  # which has none with a path
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    ready = select.poll()
    ready.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + _WAIT_S
    has_writer = False
    try:
        while True:
            try:
                piece = os.read(descriptor, _PIECE)
            except BlockingIOError:
                has_writer = True
                ready.poll()
                continue
            if piece:
                has_writer = True
                yield piece
            elif has_writer or ready.poll(0):
                return
            elif time.monotonic() > deadline:
                raise TimeoutError(f"cannot read {path!r}: it is a pipe, into which nobody writes")
            else:
                time.sleep(_STEP_S)
    finally:
        os.close(descriptor)
