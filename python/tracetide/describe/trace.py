"""Statistics of a trace, from its columns, in one pass and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tracetide.base.errors import TraceError
from tracetide.columns import LIST_COLUMNS, TOKEN_COLUMNS, ListColumn, category_of
from tracetide.describe.arrivals import Arrivals
from tracetide.describe.description import Description, Lengths, RateCurve, TopClient
from tracetide.describe.weighted import lengths_of, top_shares
from tracetide.io.job_facts import facts_of
from tracetide.io.reading import TraceScan
from tracetide.io.reading.origin import check_origin
from tracetide.io.writing.hash_blocks import check_counts
from tracetide.measures.prefixes import DEFAULT_SIZES, LevelHits, PrefixCounts
from tracetide.passes.clients import ClientCodes
from tracetide.statistics.whole_numbers import WholeNumbers, points_of_counts
from tracetide.trace import Trace

_STEPS = 144
_TOP = 5
_MOST_CLIENTS = 2**32


def describe_trace(
    trace: Trace | TraceScan, name: str = "trace", *, cache_blocks: Iterable[int] = DEFAULT_SIZES
) -> Description:
    """Statistics of all requests.

    Kept are some 200 bytes for every client, the counts of different lengths, 120 bytes for every different
    block of prompts, and 16 MiB of counts over time; of a trace whose rows are not in the order of time also
    12 bytes for every request. The edges of the rate curve are exact to 2^-19 of the trace.

    Args:
        trace: in memory, or to be read in a stream.
        name: what to call it.
        cache_blocks: sizes of the prefix caches, in blocks, of which hit rates are given if the trace has
            `hash_ids`.

    Raises:
        ValueError: for a trace without requests; a TraceError for what is wrong in it.
    """
    measured = _Measured(trace, name, cache_blocks)
    for batch in _batches(trace, measured.columns):
        measured.add(batch)
    return measured.description()


def _batches(trace: Trace | TraceScan, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    if isinstance(trace, TraceScan):
        return trace.batches(columns)
    return iter(trace.to_arrow().select(columns).to_batches())


class _Measured:
    """What is counted of the requests."""

    def __init__(self, trace: Trace | TraceScan, name: str, cache_blocks: Iterable[int]) -> None:
        there = trace.columns
        client = next((column for column in ("client", "client_id") if column in there), None)
        self._name = name
        self._origin = trace.origin if isinstance(trace, TraceScan) else name
        self._metadata = trace.metadata
        self._codes = ClientCodes(client, most=_MOST_CLIENTS)
        self._requests = np.zeros(0, dtype=np.int64)
        self._arrivals = Arrivals(is_ordered=isinstance(trace, TraceScan) and trace.is_ordered)
        self._numbers = [_Numbers(column) for column in there if column in TOKEN_COLUMNS]
        self._items = [
            _Items(column) for column in there if column in LIST_COLUMNS and _has_lists(trace, column)
        ]
        self._category = category_of(column for column in there if column not in LIST_COLUMNS)
        self._prefixes = _Prefixes(trace, cache_blocks) if "hash_ids" in there else None
        ids = ["hash_ids"] if self._prefixes else []
        read = {"timestamp", client, *TOKEN_COLUMNS, *(column.column for column in self._items), *ids}
        self.columns = [column for column in there if column in read]

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next requests."""
        codes = self._codes.encode(batch)
        counts = np.bincount(codes, minlength=self._requests.size)
        counts[: self._requests.size] += self._requests
        self._requests = counts
        times = np.asarray(batch.column("timestamp").to_numpy(zero_copy_only=False))
        self._arrivals.add(times, codes)
        for numbers in self._numbers:
            numbers.add(batch)
        for items in self._items:
            items.add(batch)
        if self._prefixes:
            self._prefixes.add(batch)

    def description(self) -> Description:
        """Of all that was taken."""
        rows = int(self._requests.sum())
        if rows == 0:
            raise ValueError(f"{self._name}: a trace without requests cannot be described")
        arrivals = self._arrivals.result()
        if arrivals.requests == 0:
            raise TraceError(f"{self._origin}: no request has a time, which is not allowed")
        told = facts_of(self._metadata).duration
        if told is None:
            check_origin(self._origin, arrivals.first_s, arrivals.last_s)
        duration = arrivals.last_s if told is None else told
        end = max(duration, arrivals.last_s)
        rates = arrivals.rates(end, _STEPS)
        counts = self._requests
        burstiness, client_cvs = arrivals.burstiness(end), arrivals.client_cvs(end)
        dispersion = arrivals.dispersion(duration)
        details: dict[str, Any] = {"stationarity": burstiness.stationarity}
        if self._metadata:
            details["job"] = self._metadata
        if arrivals.requests < rows:
            details["without_time"] = rows - arrivals.requests
        if self._prefixes:
            details["prefixes"] = self._prefixes.to_dict()
        return Description(
            kind="trace",
            name=self._name,
            category=self._category,
            duration=duration,
            requests=rows,
            clients=counts.size,
            active_clients=counts.size,
            rate=_curve(rates, end, arrivals.requests),
            top=[
                TopClient(
                    self._client(code),
                    float(counts[code] / rows),
                    float(arrivals.by_client[code] / duration) if duration > 0 else float("nan"),
                    float(client_cvs[code]),
                )
                for code in self._busiest()
            ],
            top_shares=top_shares(counts.astype(np.float64)),
            burstiness={
                "cv": burstiness.cv,
                "window": burstiness.window_s,
                "rate_shift": burstiness.rate_shift,
                "dispersion": dispersion.value,
                "dispersion_step": dispersion.step_s,
            },
            lengths=self._lengths(),
            details=details,
        )

    def _busiest(self) -> npt.NDArray[np.int64]:
        order = self._codes.order() if self._codes.column else np.zeros(1, dtype=np.int64)
        return order[np.argsort(-self._requests[order], kind="stable")][:_TOP]

    def _client(self, code: int) -> str:
        if self._codes.column is None:
            return "0"
        value = self._codes.values[code]
        return "(none)" if value in (None, "") else str(value)

    def _lengths(self) -> list[Lengths]:
        found = [(column.column, [column.result()]) for column in self._numbers]
        found += [(column.column, column.results()) for column in self._items]
        places = {column: place for place, column in enumerate(self.columns)}
        return [one for _, some in sorted(found, key=lambda entry: places[entry[0]]) for one in some]


class _Numbers:
    """The lengths of a column."""

    def __init__(self, column: str, name: str | None = None) -> None:
        self.column = column
        self._name = name or column
        self._counts = WholeNumbers()
        self._size = 0
        self._highest = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self.add_values(batch.column(self.column).drop_null().to_numpy(zero_copy_only=False))

    def add_values(self, values: npt.NDArray[Any]) -> None:
        if values.dtype.kind == "f":  # of a trace in memory, where a missing number is NaN
            values = values[~np.isnan(values)]
        if values.size:
            self._counts.add(values)
            self._size += values.size
            self._highest = max(self._highest, int(values.max()))

    def result(self) -> Lengths:
        if not self._size:
            return Lengths(self._name, *[float("nan")] * 5)
        points = points_of_counts(self._counts.counts())
        found = lengths_of(self._name, points.values, points.weights)
        mean = self._counts.sum / self._size
        return Lengths(self._name, mean, found.p50, found.p90, found.p99, float(self._highest))


class _Items:
    """How many items requests have, and how long these are."""

    def __init__(self, column: str) -> None:
        self.column = column
        self._items = _Numbers(column, column.replace("_tokens", "_items"))
        self._tokens = _Numbers(column, f"{column} per item")

    def add(self, batch: pa.RecordBatch) -> None:
        lists = batch.column(self.column)
        self._items.add_values(lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
        self._tokens.add_values(lists.flatten().to_numpy(zero_copy_only=False))

    def results(self) -> list[Lengths]:
        return [self._items.result(), self._tokens.result()]


class _Prefixes:
    """The reuse of prompt blocks."""

    def __init__(self, trace: Trace | TraceScan, cache_blocks: Iterable[int]) -> None:
        self._counts = PrefixCounts(cache_blocks)
        facts = facts_of(trace.metadata)
        self._levels = LevelHits(facts.prompt_blocks) if facts.block_size else None
        self._block_size = trace.block_size
        self._is_stated = isinstance(trace, TraceScan) and trace.has_own_block_size
        self._origin = trace.origin if isinstance(trace, TraceScan) else "the trace"
        self._rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        lists = batch.column("hash_ids")
        lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        values = lists.flatten().to_numpy(zero_copy_only=False).astype(np.uint32, copy=False)
        self._check(lengths, batch.column("input_tokens").to_numpy())
        self._counts.add(np.append(0, np.cumsum(lengths)).astype(np.int32), values)
        if self._levels:
            self._levels.add(values)
        self._rows += lengths.size

    def _check(self, lengths: npt.NDArray[Any], inputs: npt.NDArray[Any]) -> None:
        """A size that was stated must be theirs; one that was only supposed is not told if it is not."""
        if not self._block_size:
            return
        try:
            check_counts(lengths, inputs, self._block_size, self._rows)
        except TraceError as error:
            if self._is_stated:
                raise TraceError(f"{self._origin}: {error}") from None
            self._block_size = 0

    def to_dict(self) -> dict[str, Any]:
        found = self._counts.result().to_dict()
        if self._block_size:
            found["block_size"] = self._block_size
        if self._levels:
            found["hits_by_level"] = self._levels.shares()
        return found


def _has_lists(trace: Trace | TraceScan, column: str) -> bool:
    if isinstance(trace, TraceScan):
        return bool(pa.types.is_list(trace.schema.field(column).type))
    return isinstance(trace[column], ListColumn)


def _curve(rates: npt.NDArray[np.float64], end: float, requests: int) -> RateCurve:
    if end <= 0:
        return RateCurve(0.0, [], float("nan"), float("nan"), float("nan"))
    return RateCurve(end / _STEPS, rates.tolist(), requests / end, float(rates.max()), float(rates.min()))
