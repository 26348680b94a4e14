"""What a trace is read from: a text file, a binary file or a table in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from tracetide.readers.fields import Field
from tracetide.readers.place import Place


class Source(Protocol):
    """A table that can be read by column.

    Attributes:
        origin: the file, or what it is, for messages.
        container: csv, jsonl, parquet, arrow or memory.
        types: the Arrow type of each column; of text what its first rows tell.
        metadata: the job, or an empty mapping.
    """

    origin: str
    container: str
    types: Mapping[str, pa.DataType]
    metadata: Mapping[str, Any]

    def raw(self, fields: Sequence[Field]) -> Iterator[tuple[Place, list[pa.Array]]]:
        """The columns of the fields, run by run, as the source has them or already in the fields' types."""

    def later_type(self, name: str) -> pa.DataType:
        """The type of a column whose type is null by the first rows; null if it has no values at all."""
