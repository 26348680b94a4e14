"""gzip and zstd around text, on several threads and with the same bytes for any number of them.

The text is cut into pieces of a fixed size; each becomes a gzip member or a zstd frame of its own, and
these follow each other, which every reader of the two formats takes for one file.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from tracetide.io.writing.base import Sink

PIECE = 1 << 22
_GZIP = 16 + zlib.MAX_WBITS


@contextlib.contextmanager
def compressed(sink: Sink, compression: str | None, threads: int = 0) -> Iterator[Sink]:
    """A sink that compresses into `sink`; with no compression, `sink` itself."""
    if compression is None:
        yield sink
        return
    workers = threads or _cores()
    with ThreadPoolExecutor(workers) as pool:
        pieces = _Pieces(sink, {"gz": _gzip, "zst": _zstd}[compression], pool, workers)
        try:
            yield pieces
            pieces.finish()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Pieces:
    """Cuts what is written into pieces and writes them compressed, in order."""

    def __init__(
        self, sink: Sink, compress: Callable[[Any], Any], pool: ThreadPoolExecutor, workers: int
    ) -> None:
        self._sink = sink
        self._compress = compress
        self._pool = pool
        self._ahead = 2 * workers
        self._piece = bytearray()
        self._made: deque[Future[Any]] = deque()
        self._plain = 0

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._plain += view.nbytes
        done = 0
        while done < view.nbytes:
            room = PIECE - len(self._piece)
            self._piece += view[done : done + room]
            done += room
            if len(self._piece) == PIECE:
                self._submit()
        return view.nbytes

    def tell(self) -> int:
        return self._plain

    def finish(self) -> None:
        if self._piece or not self._plain:
            self._submit()
        while self._made:
            self._sink.write(self._made.popleft().result())

    def _submit(self) -> None:
        piece, self._piece = self._piece, bytearray()
        self._made.append(self._pool.submit(self._compress, piece))
        while len(self._made) > self._ahead:
            self._sink.write(self._made.popleft().result())


def _gzip(piece: bytearray) -> bytes:
    """One gzip member, without a time or a name in its header."""
    stream = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    return stream.compress(piece) + stream.flush()


def _zstd(piece: bytearray) -> Any:
    """One zstd frame."""
    import pyarrow as pa

    return pa.Codec("zstd", 3).compress(piece)
