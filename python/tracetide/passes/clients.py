"""Clients of a trace: a number for each value of a column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tracetide.base.wording import Option, Told

Codes = npt.NDArray[np.uint32]

REST = "rest"
WHOLE = "whole"
"""The name of the only client of a trace without clients."""


class ClientCodes:
    """Gives each value of a column a code, in the order in which they first come.

    Attributes:
        column: the column; None: one client for all rows.
        values: the values so far, by code.
    """

    def __init__(
        self, column: str | None, *, most: int, kept: Mapping[Any, int] | None = None, option: str = "client"
    ) -> None:
        """Codes of a column.

        Args:
            column: its name in the batches.
            most: more clients than this are an error.
            kept: the codes of the clients to keep, if all others are to be one client, the last.
            option: what to name in errors.
        """
        self.column = column
        self.values: list[Any] = []
        self._most = most
        self._codes: dict[Any, int] = dict(kept or {})
        self._rest = len(self._codes) if kept is not None else None
        if kept is not None:
            self.values = [*kept]
        self._option = option
        self.has_rest = False

    def encode(self, batch: pa.RecordBatch) -> Codes:
        """The codes of the rows of a batch.

        Raises:
            ValueError: for more than `most` clients.
        """
        if self.column is None:
            return np.zeros(batch.num_rows, dtype=np.uint32)
        encoded = pc.dictionary_encode(batch.column(self.column), null_encoding="encode")
        if self._rest is not None:
            table = self._kept(encoded.dictionary.to_pylist())
        else:
            table = self._all(encoded.dictionary.to_pylist())
        found: Codes = table[encoded.indices.to_numpy()]
        return found

    def _kept(self, found: list[Any]) -> Codes:
        assert self._rest is not None
        table = np.fromiter((self._codes.get(value, self._rest) for value in found), np.uint32, len(found))
        self.has_rest = self.has_rest or bool((table == self._rest).any())
        return table

    def _all(self, found: list[Any]) -> Codes:
        codes = self._codes
        table = np.fromiter((codes.setdefault(value, len(codes)) for value in found), np.uint32, len(found))
        if len(codes) > len(self.values):
            self.values.extend(value for value in found if codes[value] >= len(self.values))
        if len(codes) > self._most:
            raise ValueError(
                Told(
                    Option(self._option),
                    f": column {self.column!r} has more than {self._most:,} values, which is not allowed; "
                    "merge all but the busiest clients with ",
                    Option("top_clients"),
                    ", or raise ",
                    Option("max_clients"),
                )
            )
        return table

    def __len__(self) -> int:
        """How many clients there are."""
        if self.column is None:
            return 1
        return len(self.values) + int(self.has_rest)

    def names(self) -> list[str]:
        """The clients' names, by code."""
        if self.column is None:
            return [WHOLE]
        prefix = "client " if self.column == "client_id" else ""
        names = ["(none)" if value in (None, "") else f"{prefix}{value}" for value in self.values]
        return [*names, REST] if self.has_rest else names

    def order(self) -> npt.NDArray[np.int64]:
        """The codes in the order of clients in the profile: `client_id` ascending, others as they came."""
        rows = np.arange(len(self))
        if self.column != "client_id":
            return rows
        last = np.iinfo(np.int64).max
        numbers = [last if value is None else int(value) for value in self.values]
        return np.argsort(np.array(numbers + [last] * int(self.has_rest), dtype=np.int64), kind="stable")
