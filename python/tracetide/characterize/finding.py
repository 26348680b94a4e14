"""What an accumulator takes, and what it finds."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tracetide.base.errors import TraceError
from tracetide.base.vocabulary import KINDS
from tracetide.charts.chart import Chart
from tracetide.measures.gaps import Gaps
from tracetide.passes.pieces import Piece

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Part:
    """A piece of the trace, with what several accumulators derive from it.

    Attributes:
        piece: the requests.
        gap_s: float64, the gap before each; NaN before the first of all.
        client_gap_s: the same of each client, in the order of `piece.by_client`.
    """

    def __init__(self, piece: Piece, gaps: Gaps, origin: str) -> None:
        self.piece = piece
        self.gap_s = gaps.add(piece.time_ns)
        self.client_gap_s = gaps.by_client(piece.by_client)
        self._origin = origin

    def __len__(self) -> int:
        return len(self.piece)

    def __contains__(self, name: object) -> bool:
        return name in self.piece.table.column_names

    def column(self, name: str) -> npt.NDArray[Any]:
        """A column of numbers."""
        return self.piece.column(name)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of items that the trace has."""
        return tuple(kind for kind in KINDS if f"{kind}_tokens" in self)

    def items(self, kind: str) -> tuple[Ints, npt.NDArray[np.uint32]]:
        """How many items each request has, and the tokens of all."""
        return self._items[kind]

    def item_tokens(self, kind: str) -> Ints:
        """The tokens of all items of each request: int64."""
        return self._item_tokens[kind]

    @cached_property
    def _items(self) -> dict[str, tuple[Ints, npt.NDArray[np.uint32]]]:
        return {kind: self.piece.lists(f"{kind}_tokens") for kind in self.kinds}

    @cached_property
    def _item_tokens(self) -> dict[str, Ints]:
        return {kind: _sums(*self._items[kind]) for kind in self.kinds}

    @cached_property
    def all_items(self) -> Ints:
        """The tokens of the items of all kinds of each request: int64."""
        total = np.zeros(len(self), dtype=np.int64)
        for kind in self.kinds:
            total += self._item_tokens[kind]
        self._check(total, "input_tokens", "it must be at least the sum of its items' tokens")
        return total

    @cached_property
    def text(self) -> Ints:
        """The tokens of the text of each request, as given, or what the items leave of the input: int64."""
        if "text_tokens" in self:
            return self.column("text_tokens").astype(np.int64)
        return self.column("input_tokens").astype(np.int64) - self.all_items

    @cached_property
    def reason(self) -> Ints:
        """The tokens of reasoning of each request: int64."""
        found = self.column("reason_tokens").astype(np.int64)
        self._check(found, "output_tokens", "it must be at least reason_tokens, which are part of it")
        return found

    def _check(self, part: Ints, column: str, allowed: str) -> None:
        whole = self.column(column)
        if (part > whole).any():
            row = int((part > whole).argmax())
            raise TraceError(
                f"{self._origin}: row {self.piece.row[row] + 1}, column {column!r}: {whole[row]} is "
                f"not allowed; {allowed}, {part[row]}"
            )


@dataclass(frozen=True)
class Whole:
    """What is known of the trace after its last piece.

    Attributes:
        duration_s: seconds.
        requests: how many.
        client_names: by code.
        clock_s: the step in which times are recorded, seconds.
    """

    duration_s: float
    requests: int
    client_names: list[str]
    clock_s: float


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        name: of the finding, and of its picture.
        figures: of the study.
        numbers: plain values for JSON.
        tables: pyarrow Tables by name, from which the picture is drawn.
        make_chart: describes the picture of a finding.
    """

    name: str
    figures: str
    numbers: dict[str, Any]
    tables: dict[str, Any]
    make_chart: Callable[[Finding], Chart]

    @property
    def chart(self) -> Chart:
        """Its picture as data."""
        return self.make_chart(self)

    def draw(self, path: str | os.PathLike[str]) -> None:
        """Draw it: `.png`, `.svg` or `.pdf`; needs matplotlib."""
        from tracetide.charts.picture import draw

        draw(self.chart, path)


class Accumulator(Protocol):
    """Takes the parts of a trace, and then tells what it found."""

    def add(self, part: Part) -> None:
        """Take the next part."""

    def result(self, whole: Whole) -> Finding | None:
        """The finding, once, after all parts; None where there is nothing of its kind."""


def quantile_numbers(
    found: Any, levels: tuple[float, ...] = (0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
) -> dict[str, float]:
    """Quantiles by name: p1, p10, p50 ...; of `Points`."""
    return {
        f"p{100 * level:g}": float(value)
        for level, value in zip(levels, found.quantiles(levels), strict=True)
    }


def table_of(columns: dict[str, Any]) -> Any:
    """Arrays of one length as a pyarrow Table, in which NaN is null."""
    import pyarrow as pa

    arrays = {name: np.asarray(column) for name, column in columns.items()}
    return pa.table(
        {name: pa.array(array, from_pandas=array.dtype.kind == "f") for name, array in arrays.items()}
    )


def arrays_of(table: Any) -> dict[str, npt.NDArray[Any]]:
    """The columns of a pyarrow Table; null is NaN."""
    return {name: np.asarray(table.column(name).to_numpy()) for name in table.column_names}


def _sums(counts: Ints, values: npt.NDArray[np.uint32]) -> Ints:
    """The sums of runs of values."""
    running = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    ends = np.cumsum(counts)
    sums: Ints = running[ends] - running[ends - counts]
    return sums
