"""Rows of record batches in the text formats of other tools; the core writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracetide import _core
from tracetide.base.errors import TraceError
from tracetide.columns import NO_SESSION
from tracetide.columns.arrow import KINDS
from tracetide.columns.session_numbers import SessionNumbers
from tracetide.io.formats import FORMATS
from tracetide.io.reading.fields import NATIVE
from tracetide.io.reading.growing_map import Distinct
from tracetide.io.reading.place import Place
from tracetide.io.reading.sessions import TurnCounter
from tracetide.io.writing.base import Loss, ToolOptions
from tracetide.io.writing.hash_blocks import HashBlocks, check_counts
from tracetide.io.writing.row_groups import TEXT_VALUES, RowGroups

_CHATS = ("chat_id", "parent_chat_id")
"""Of traces that were Bailian's: they tell the tree of a conversation, of which a session is a branch."""
_TIMES = ("timestamp", "delay")
"""Which the core checks."""
_MOST_IDS = 1 << 22
"""Ids of one request, which become text at once."""
_KINDS = {type: kind for kind, type in KINDS.items()}


class ToolRows:
    """Writes record batches of one schema in another tool's format."""

    def __init__(
        self,
        schema: pa.Schema,
        format: str,
        options: ToolOptions,
        block_size: int = 0,
        *,
        renumbers: bool = False,
    ) -> None:
        """A writer; what it writes may depend on the rows before.

        Args:
            schema: of the batches.
            format: of the tool.
            options: of the format.
            block_size: of the ids that come; 0: as they shall be.
            renumbers: whether sessions get new numbers where the format has only numbers.

        Raises:
            ValueError: for a column that the format needs, or a block size that the ids cannot have.
        """
        self._format = format
        known = FORMATS[format]
        has_chats = known.sessions == "parents"
        self._schema = schema
        names = list(schema.names)
        self._counter = None
        if known.sessions in ("parents", "turns") and "session_id" in names and "turn" not in names:
            self._counter = TurnCounter()
            names.append("turn")
        self._chats = None
        if has_chats and all(_is_signed(schema, name) for name in _CHATS):
            self._chats = Distinct()
        self._numbers = None
        if has_chats and self._chats is None and "session_id" in names:
            is_number = schema.field("session_id").type == pa.uint64()
            self._numbers = SessionNumbers() if renumbers or not is_number else None
        self._names = names
        kinds = [(name, self._kind(name)) for name in names]
        wanted = options.block_size or known.block_size
        self._block_size = wanted if options.hash_ids else 0
        self._blocks = None
        if "hash_ids" in names and options.hash_ids and wanted:
            self._blocks = HashBlocks(block_size or wanted, wanted)
        # Where ids only ride along, or are left out, they may be of any blocks.
        counts = options.hash_ids and known.block_size and block_size in (0, wanted)
        self._counted_block = wanted if counts else 0
        hash_ids = "fill" if options.hash_ids else "leave"
        self._core = _core.RowWriter(format, kinds, hash_ids=hash_ids, block_size=wanted)
        self._rows = 0

    def pieces(self, batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, bytes]]:
        """(rows, bytes), with the header first where there is one.

        Raises:
            TraceError: for a row that the format cannot tell.
        """
        if self._core.header:
            yield 0, self._core.header
        for batch in self._cut(batches):
            columns = [self._column(batch, name) for name in self._names]
            try:
                text = self._core.write(len(batch), columns)
            except ValueError as error:
                raise TraceError(str(error)) from None
            self._rows += len(batch)
            yield len(batch), memoryview(text)  # type: ignore[misc]
        rest = memoryview(self._core.finish())
        if rest.nbytes:
            yield 0, rest  # type: ignore[misc]

    def _cut(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same rows, at a time as many as have not too many ids, their own or those that they get."""
        for batch in batches:
            ids = None
            if self._block_size:
                ids = -(-batch.column("input_tokens").to_numpy().astype(np.int64) // self._block_size)
                self._check_ids(ids)
            for piece, _ in RowGroups(max(len(batch), 1), TEXT_VALUES).pieces(batch, ids):
                yield piece

    def _check_ids(self, ids: Any) -> None:
        too_many = ids > _MOST_IDS
        if too_many.any():
            row = int(too_many.argmax())
            raise TraceError(
                f"row {self._rows + row + 1}: {ids[row]} blocks of {self._block_size} tokens are not "
                f"allowed; {self._format} has an id for each, and there may be {_MOST_IDS} at most"
            )

    def loss(self) -> Loss:
        """What the format does not tell."""
        core = self._core
        return Loss(tuple(core.left_out), core.rows_without_tokens, core.split_turns)

    def _kind(self, name: str) -> str:
        if name == "turn":
            return "u16"
        kind = self._schema.field(name).type
        if name == "session_id" and self._numbers is not None:
            return "u64"
        if pa.types.is_list(kind):
            return "list"
        if pa.types.is_string(kind):
            return "text"
        if pa.types.is_signed_integer(kind) and name not in NATIVE:
            return "i64"
        if pa.types.is_integer(kind):
            return _KINDS.get(kind, "u64")
        return "real"

    def _column(self, batch: pa.RecordBatch, name: str) -> Any:
        if name == "turn" and self._counter is not None:
            return self._counter.turns(batch.column("session_id"), Place("the trace", self._rows))
        column = batch.column(name)
        kind = self._kind(name)
        if name == "session_id" and self._numbers is not None:
            return self._numbers.of(column)
        if kind == "list":
            return self._lists(batch, column, name)
        if kind == "text":
            return _texts(column)
        if kind == "real":
            return self._reals(column, name)
        if name == "session_id" and column.null_count:
            column = column.fill_null(NO_SESSION)
        self._expect_all(column, name)
        if kind == "i64":
            return self._signed(column, name)
        if kind == "u64" and column.type != pa.uint64():
            column = column.cast(pa.uint64())
        return np.ascontiguousarray(column.to_numpy(zero_copy_only=False))

    def _reals(self, column: pa.Array, name: str) -> Any:
        reals = np.ascontiguousarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
        endless = np.isinf(reals)
        if name not in _TIMES and name not in self._core.left_out and endless.any():
            row = self._rows + int(endless.argmax()) + 1
            raise TraceError(f"row {row}, column {name!r}: inf is not allowed for {self._format}")
        return reals

    def _expect_all(self, column: pa.Array, name: str) -> None:
        if column.null_count:
            raise TraceError(
                f"row {self._rows + _first(column.is_null()) + 1}, column {name!r}: a missing value is "
                f"not allowed for {self._format}"
            )

    def _signed(self, column: pa.Array, name: str) -> Any:
        numbers = column.cast(pa.int64()).to_numpy()
        if name == "chat_id" and self._chats is not None:
            again = self._chats.again(numbers)
            if again.any():
                row = int(again.argmax())
                raise TraceError(
                    f"row {self._rows + row + 1}, column 'chat_id': {numbers[row]} is there twice, which is "
                    "not allowed for bailian; leave the column or the row out"
                )
        return np.ascontiguousarray(numbers).view(np.uint64)

    def _lists(self, batch: pa.RecordBatch, column: pa.ListArray, name: str) -> Any:
        offsets = column.offsets.to_numpy()
        values = column.values.to_numpy(zero_copy_only=False)
        if name == "hash_ids":
            inputs = batch.column("input_tokens").to_numpy()
            if self._counted_block:
                check_counts(np.diff(offsets), inputs, self._counted_block, self._rows, least=1)
            if self._blocks is not None:
                offsets, values = self._blocks.of(offsets, values, inputs, self._rows)
        return np.ascontiguousarray(offsets), np.ascontiguousarray(values)


def _is_signed(schema: pa.Schema, name: str) -> bool:
    return name in schema.names and bool(pa.types.is_signed_integer(schema.field(name).type))


def _texts(column: pa.Array) -> Any:
    """Offsets and bytes; a missing text is empty."""
    column = pc.fill_null(column, "")
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    return bounds, np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, dtype=np.uint8)


def _first(mask: pa.Array) -> int:
    return int(np.argmax(mask.to_numpy(zero_copy_only=False)))
