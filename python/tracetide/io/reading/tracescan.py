"""A trace that is read in a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracetide.base.errors import TraceError
from tracetide.columns import category_of
from tracetide.columns.session_numbers import session_numbers
from tracetide.io.formats import FORMAT_BLOCKS
from tracetide.io.job_facts import facts_of
from tracetide.io.reading.convert import Times, converter
from tracetide.io.reading.fields import REQUIRED, TYPES, Field
from tracetide.io.reading.place import Place
from tracetide.io.reading.plan import CHAT, PARENT, REASON_RATIO, Plan
from tracetide.io.reading.sessions import ChatSessions, TurnCounter, WholePrompts
from tracetide.io.reading.source import Source

_SORTED_ROWS = 1 << 18


class TraceScan:
    """The requests of a file or a table, read in a stream in bounded memory.

    It can be gone through any number of times, except for a `pyarrow.RecordBatchReader`, which ends.
    It is also Arrow data (`__arrow_c_stream__`) for polars, DuckDB, pyarrow and pandas.

    Attributes:
        origin: the file, or what kind of table it is.
        format: native, table, or that of another tool, as in docs/formats.md.
        container: csv, jsonl, parquet, arrow or memory.
        category: language, reason (it has `reason_tokens`) or multimodal (it has lists of items).
        schema: the Arrow schema of its batches.
        metadata: the job that made it, if the file tells, or an empty dict.
        is_ordered: whether its rows are in the order of their times.
        block_size: tokens of a block of `hash_ids`, as was stated, or as the job or the format has them;
            0: not known.
        has_own_block_size: whether it was stated.
    """

    def __init__(
        self,
        source: Source,
        plan: Plan,
        *,
        rebase: bool,
        strict: bool = True,
        sort: bool = False,
        block_size: int = 0,
    ) -> None:
        """A scan of the plan's columns; see `scan`. With `strict=False` times may decrease, and a session may
        begin without one.
        """
        self._source = source
        self._plan = plan
        self._rebase = rebase or plan.layout.rebase
        self._has_ratio = REASON_RATIO in plan.layout.columns
        self.origin = source.origin
        self.format = plan.layout.name.removesuffix("-sessions")
        self.is_ordered = plan.layout.ordered or sort
        self._strict = strict
        self._sort = sort
        self.container = source.container
        self.metadata: dict[str, Any] = dict(source.metadata)
        self.has_own_block_size = block_size > 0
        told = facts_of(self.metadata, source.origin).block_size
        self.block_size = block_size or told or FORMAT_BLOCKS.get(self.format, 0)
        self.schema: pa.Schema = pa.schema([_arrow_field(field) for field in self._given()])
        self.category = category_of(self.schema.names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.schema.names)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The requests as record batches with native names, types and units.

        Args:
            columns: only these, in this order; others are neither read nor checked. By default all.

        Raises:
            ValueError: for a column that is not there.
            TraceError: at the first value that is not allowed, naming row and column; or for no rows.
        """
        schema = self.schema
        if columns is not None:
            unknown = [name for name in columns if name not in schema.names]
            if unknown:
                raise ValueError(
                    f"columns: {unknown[0]!r} is not a column; there are {', '.join(schema.names)}"
                )
            schema = pa.schema([schema.field(name) for name in columns])
        return self._sorted(schema) if self._sort else self._batches(schema)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self.batches()

    def reader(self, columns: Sequence[str] | None = None) -> pa.RecordBatchReader:
        """The same batches as a `pyarrow.RecordBatchReader`."""
        schema = self.schema if columns is None else pa.schema([self.schema.field(c) for c in columns])
        return pa.RecordBatchReader.from_batches(schema, self.batches(columns))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """For everything that takes Arrow data."""
        return self.reader().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"<TraceScan of {self.origin} ({self.format}): {', '.join(self.columns)}>"

    def _given(self) -> list[Field]:
        """The fields of the batches: those that are read, with sessions made from what the format tells."""
        fields = list(self._plan.fields)
        if self._plan.layout.sessions == "parents":
            chat = next(f for f in fields if f.name == "session_id")
            fields = [replace(f, type=pa.uint64()) if f is chat else f for f in fields if f.name != CHAT]
            fields.insert(len(fields) - 1, replace(chat, name=CHAT))
        fields = [
            Field("reason_tokens", f.source, "tokens", TYPES["tokens"])
            if self._has_ratio and f.name == REASON_RATIO
            else f
            for f in fields
        ]
        names = [field.name for field in fields]
        if self._plan.layout.sessions == "turns" and "turn" not in names:
            at = names.index("session_id") + 1
            fields.insert(at, Field("turn", "turn", "turn", TYPES["turn"]))
        return fields

    def _sorted(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """All rows in the order of their times; those of one time, and later turns without, as they come."""
        needed = [name for name in ("timestamp", "session_id") if name in self.schema.names]
        names = [*schema.names, *(name for name in needed if name not in schema.names)]
        every = pa.schema([self.schema.field(name) for name in names])
        table = pa.Table.from_batches(self._batches(every), every).combine_chunks()
        times = table.column("timestamp").to_numpy()
        order = np.argsort(self._places(times, table), kind="stable")
        yield from table.select(schema.names).take(order).to_batches(_SORTED_ROWS)

    def _places(self, times: Any, table: pa.Table) -> Any:
        """The time of each row, or where it has none, that of the turn before it."""
        if not np.isnan(times).any():
            return times
        sessions = np.arange(times.size)
        if "session_id" in table.column_names:
            sessions = session_numbers(table.column("session_id").combine_chunks())
        order = np.argsort(sessions, kind="stable")
        with_time = np.maximum.accumulate(np.where(np.isnan(times[order]), 0, np.arange(times.size)))
        found = np.empty_like(times)
        found[order] = np.where(
            sessions[order] == sessions[order][with_time], times[order][with_time], np.nan
        )
        if np.isnan(found).any():
            row = int(np.isnan(found).argmax())
            raise TraceError(
                f"{self.origin}: row {row + 1} has no time, nor has a turn before it; it cannot be sorted"
            )
        return found

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        fields = self._read_for(schema.names)
        ordered = self._strict and self.is_ordered and not self._sort
        origin = None if ordered else self._earliest(fields)
        converters = [
            converter(field, rebase=self._rebase, ordered=ordered, origin=origin) for field in fields
        ]
        sessions = _Sessions(self._plan.layout.sessions, schema.names, strict=self._strict)
        prompts = WholePrompts() if self._plan.layout.deltas else None
        rows = 0
        for place, arrays in self._source.raw(fields):
            made = {
                field.name: convert(array, place)
                for field, convert, array in zip(fields, converters, arrays, strict=True)
            }
            if prompts is not None and "input_tokens" in made and "session_id" in made:
                _complete_prompts(prompts, made, place)
            sessions.complete(made, place)
            if self._plan.layout.sessions == "rounds" and "delay" in made:
                made["delay"] = _later_delays(made["delay"], made["turn"])
            if self._has_ratio and REASON_RATIO in made:
                made["reason_tokens"] = _reason_tokens(made.pop(REASON_RATIO), made["output_tokens"], place)
            yield pa.RecordBatch.from_arrays([made[name] for name in schema.names], schema=schema)
            rows += len(arrays[0])
        if not rows:
            raise TraceError(f"{self.origin}: a trace without rows is not allowed")

    def _earliest(self, fields: Sequence[Field]) -> Any:
        """What times are counted from where the first row need not be the earliest; None: they are not."""
        for field in fields:
            if field.kind == "time" and (self._rebase or self._has_dates(field)):
                times = Times(field, rebase=True, ordered=False)
                found = (times.earliest(array, place) for place, (array,) in self._source.raw([field]))
                return min((one for one in found if one is not None), default=None)
        return None

    def _has_dates(self, field: Field) -> bool:
        return field.unit == "date" or bool(pa.types.is_temporal(self._source.types[field.source]))

    def _read_for(self, names: Sequence[str]) -> list[Field]:
        """The fields that must be read for these columns."""
        needed = set(names)
        if self._plan.layout.sessions == "parents" and needed & {"session_id", CHAT}:
            needed |= {"session_id", "turn", PARENT}
        if self._plan.layout.sessions == "turns":
            needed |= {"session_id"} | ({"timestamp"} if "turn" in needed else set())
        if self._plan.layout.deltas and needed & {"input_tokens", "text_tokens"}:
            needed |= {"session_id", "input_tokens", "output_tokens"}
        if self._has_ratio and "reason_tokens" in needed:
            needed |= {REASON_RATIO, "output_tokens"}
        if self._plan.layout.sessions == "rounds" and "delay" in needed:
            needed.add("turn")
        found = [field for field in self._plan.fields if field.name in needed]
        return found or [field for field in self._plan.fields if field.name in REQUIRED][:1]


class _Sessions:
    """Makes session ids and turns for the formats that do not have them."""

    def __init__(self, rule: str, names: Sequence[str], *, strict: bool) -> None:
        self._strict = strict
        self._chats = ChatSessions() if rule == "parents" and {"session_id", CHAT} & {*names} else None
        self._counter = TurnCounter() if rule == "turns" else None
        self._wants_turn = "turn" in names

    def complete(self, made: dict[str, pa.Array], place: Place) -> None:
        if self._chats is not None:
            made[CHAT] = made["session_id"]
            chats = made[CHAT].to_numpy()
            if chats.size and chats.min() < 0:
                row = int(np.argmax(chats < 0))
                place.fail(row, CHAT, int(chats[row]), "it must be a whole number from 0 on")
            turns = made["turn"].to_numpy().astype(np.int64) if "turn" in made else None
            found = self._chats.sessions(chats, made[PARENT].to_numpy(), turns, place)
            made["session_id"] = pa.array(found)
        if self._counter is not None and self._wants_turn:
            turns = self._counter.turns(made["session_id"], place)
            made.setdefault("turn", pa.array(turns))
            nulls = made["timestamp"].is_null().to_numpy(zero_copy_only=False)
            wrong = nulls & (turns == 1)
            if self._strict and wrong.any():
                place.missing(int(np.argmax(wrong)), "timestamp")


def _later_delays(delays: pa.Array, turns: pa.Array) -> pa.Array:
    """Without those of first rounds, which have nobody to wait for and 0 in their place."""
    return pc.if_else(pc.greater(turns, 1), delays, pa.scalar(None, delays.type))


def _complete_prompts(prompts: WholePrompts, made: dict[str, pa.Array], place: Place) -> None:
    """Inputs as whole prompts; what came before counts as text."""
    new, outputs = (made[name].to_numpy().astype(np.int64) for name in ("input_tokens", "output_tokens"))
    sessions = made["session_id"]
    if pa.types.is_string(sessions.type):  # CSV has an empty text for none
        sessions = pc.if_else(pc.equal(sessions, ""), pa.scalar(None, pa.string()), sessions)
    whole = prompts.of(sessions, new, outputs, place)
    made["input_tokens"] = pa.array(whole, pa.uint32())
    if "text_tokens" in made:
        made["text_tokens"] = pa.array(made["text_tokens"].to_numpy() + whole - new, pa.uint32())


def _reason_tokens(ratios: pa.Array, output: pa.Array, place: Place) -> pa.Array:
    """Of the output, from 0 to all of it."""
    ratio = ratios.cast(pa.float64()).to_numpy(zero_copy_only=False)
    wrong = ~((ratio >= 0) & (ratio <= 1))
    if wrong.any():
        row = int(wrong.argmax())
        place.fail(row, REASON_RATIO, float(ratio[row]), "it must be from 0 to 1")
    return pa.array(np.rint(ratio * output.to_numpy()).astype(np.uint32))


def _arrow_field(field: Field) -> pa.Field:
    return pa.field(field.name, field.type, nullable=field.nullable)
