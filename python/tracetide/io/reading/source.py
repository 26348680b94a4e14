"""What a trace is read from: a text file, a binary file or a table in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from tracetide.base.errors import TraceError
from tracetide.io.reading.fields import Field
from tracetide.io.reading.place import Place

MOST_COLUMNS = 1 << 14
"""So many columns a text file may have; past it, it is none."""


class Source(Protocol):
    """A table that can be read by column.

    Attributes:
        origin: the file, or what it is, for messages.
        container: csv, jsonl, parquet, arrow or memory.
        types: the Arrow type of each column; of text what its first rows tell.
        repeated: the columns whose name another has, too.
        metadata: the job, or an empty mapping.
    """

    origin: str
    container: str
    types: Mapping[str, pa.DataType]
    repeated: frozenset[str]
    metadata: Mapping[str, Any]

    def raw(self, fields: Sequence[Field]) -> Iterator[tuple[Place, list[pa.Array]]]:
        """The columns of the fields, run by run, as the source has them or already in the fields' types."""

    def later_type(self, name: str) -> pa.DataType:
        """The type of a column whose type is null by the first rows; null if it has no values at all."""


def check_names(fields: Sequence[Field], names: Sequence[str], origin: str) -> None:
    """Refuse a field whose column has a name that is there more than once.

    Raises:
        TraceError: naming it.
    """
    for field in fields:
        count = names.count(field.source)
        if count > 1:
            raise TraceError(
                f"{origin}: column {field.source!r}: it is there {count} times; "
                "a column that is read must have a name of its own"
            )
