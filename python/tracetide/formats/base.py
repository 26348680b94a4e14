"""What formats, their sources and their sinks are to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from tracetide.trace import Requests

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the rows and bytes written so far."""


class Written(NamedTuple):
    """What was written."""

    rows: int
    bytes: int


@dataclass(frozen=True)
class Format:
    """A container and, for text, a compression."""

    container: str
    compression: str | None = None

    @property
    def name(self) -> str:
        """As in `--format`: `"csv"`, `"csv.gz"`."""
        return f"{self.container}.{self.compression}" if self.compression else self.container

    @property
    def is_binary(self) -> bool:
        """Whether it is not for a terminal."""
        return self.compression is not None or self.container in ("parquet", "arrow")


class Sink(Protocol):
    """Where bytes go, in order."""

    def write(self, data: Any, /) -> int:
        """Write all of a bytes-like object."""

    def tell(self) -> int:
        """The bytes written so far."""


class SinkFile:
    """The file object that pyarrow expects, around a sink that stays open."""

    closed = False

    def __init__(self, sink: Sink) -> None:
        """A file that writes into `sink`."""
        self.write = sink.write
        self.tell = sink.tell

    def flush(self) -> None:
        """Do nothing: the sink's owner flushes it."""

    def close(self) -> None:
        """Do nothing: the sink's owner closes it."""


class Source(Protocol):
    """Where requests come from: a job or a trace."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The job."""

    @property
    def threads(self) -> int:
        """How many threads may work on it; 0 means all cores."""

    def batches(self, rows: int) -> Iterator[Requests]:
        """At least one batch; all but the last have `rows` rows, or as they come for `rows=0`."""

    def text(self, container: str) -> Iterator[tuple[int, bytes]]:
        """Formatted (rows, bytes), with the header first where there is one."""


class Container(Protocol):
    """Writing one container."""

    def write(self, source: Source, sink: Sink, written: Callable[[int], None]) -> None:
        """Write all requests, calling `written` with the rows of every piece."""
