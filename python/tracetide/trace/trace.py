"""A whole trace in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tracetide import _core
from tracetide.columns import Column, check_columns
from tracetide.trace.requests import Requests, columns_of

if TYPE_CHECKING:
    from tracetide.io.writing import Written


class Trace(Requests):
    """A whole trace in memory.

    Attributes:
        metadata: the job it was made by, as `Job.metadata()`, or an empty dict.
    """

    __slots__ = ("_block_size", "metadata")

    def __init__(
        self, columns: Mapping[str, Column], metadata: Mapping[str, Any] | None = None, *, block_size: int = 0
    ) -> None:
        """A trace of columns of one length in time order, which are not copied. The job tells its own
        `block_size`.

        Raises:
            ValueError: if there is none, their lengths differ, one has not its native type, a time or delay
                is neither from 0 to 2^63 ns nor NaN, or a time is before the one above.
        """
        super().__init__(columns)
        self.metadata = dict(metadata or {})
        self._block_size = block_size

    @property
    def block_size(self) -> int:
        """Tokens of a block of its `hash_ids`, as was stated or as the job tells; 0: not known.

        Raises:
            TraceError: if the metadata have one that is not allowed.
        """
        from tracetide.io.job_facts import facts_of

        return self._block_size or facts_of(self.metadata).block_size

    @classmethod
    def _of(
        cls, columns: Mapping[str, Column], metadata: Mapping[str, Any] | None = None, *, block_size: int = 0
    ) -> Trace:
        """Of columns that are known to be right; those that are read may be in another order than time's,
        where rows stand by session."""
        made = cls.__new__(cls)
        made._columns = dict(columns)
        made.metadata = dict(metadata or {})
        made._block_size = block_size
        return made

    @classmethod
    def from_core(cls, batch: _core.Batch, metadata: Mapping[str, Any] | None = None) -> Trace:
        """The core's columns, not copied."""
        return cls._of(columns_of(batch), metadata)

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, format: str | None = None) -> Trace:
        """Read a native trace. For those of other tools and for other tables see `tracetide.read`.

        Args:
            path: a `.parquet`, `.arrow`, `.csv` or `.jsonl` file; the last two also with `.gz` or `.zst`.
            format: the format, whatever the ending.

        Raises:
            ValueError: if it is not a native trace; the message names the file, the row and the column.
            OSError: if it cannot be read.
        """
        from tracetide.io.reading import scan
        from tracetide.io.writing import format_of
        from tracetide.trace.scanned import columns_of_scan

        format_of(path, format)
        found = scan(path, format="native", columns={"client_id": "client_id"})
        return cls._of(columns_of_scan(found), found.metadata, block_size=found.block_size)

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        hash_ids: bool = True,
        block_size: int = 0,
    ) -> Written:
        """Write the trace; the file appears under its name only when complete.

        The arguments, results and errors are those of `Job.write`, and so are the bytes.

        Args:
            path: the file.
            format: native, or that of another tool.
            hash_ids: whether formats that have them get them.
            block_size: tokens of a block in the file, by default what the format expects. Ids become those
                of such blocks where `Trace.block_size` is known; else they must have this size.
        """
        from tracetide.io.writing import NATIVE, format_of
        from tracetide.trace.writing import write_requests

        chosen = format_of(path, format)
        # Once more, as arrays may have been changed since. Lines of sessions may be in any order.
        check_columns(self._columns, in_order=chosen.container != "llmservingsim")
        if chosen.name in NATIVE and "timestamp" in self and np.isnan(self["timestamp"]).any():
            row = int(np.isnan(self["timestamp"]).argmax())
            raise ValueError(
                f"timestamp: row {row + 1} has none, which is not allowed; every request of a native trace "
                "needs a time, which a later turn of a mooncake-session trace does not have"
            )
        return write_requests(
            self,
            self.metadata,
            path,
            format=format,
            hash_ids=hash_ids,
            block_size=block_size,
            own_block_size=self.block_size,
        )

    def _metadata(self) -> Mapping[str, Any]:
        return self.metadata

    def _slice(self, start: int, stop: int) -> Trace:
        return Trace._of(self._sliced_columns(start, stop), block_size=self.block_size)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(Trace._of, block_size=self._block_size), (self._columns, self.metadata)

    def __repr__(self) -> str:
        last = (
            f", last at {self._columns['timestamp'][-1]:.3f} s" if len(self) and "timestamp" in self else ""
        )
        return f"<Trace of {len(self):,} requests{last}: {', '.join(self.columns)}>"
