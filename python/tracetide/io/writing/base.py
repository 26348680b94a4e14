"""What formats, their sources and their sinks are to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from tracetide.io.formats import FORMAT_BLOCKS
from tracetide.io.formats.tools import BLOCKS

if TYPE_CHECKING:
    import pyarrow as pa

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the rows and bytes written so far."""


class Written(NamedTuple):
    """What was written.

    Attributes:
        rows: how many requests.
        bytes: how many bytes, of all files.
        left_out: the columns that the format has no place for, or can tell only in part.
        without_tokens: requests without input or output in a format that wants at least 1 token: they have
            1 in the file.
        split_turns: turns that begin a session of their own, in a format that tells what a turn adds to
            those before, because their prompt does not go on with these.
    """

    rows: int
    bytes: int
    left_out: tuple[str, ...] = ()
    without_tokens: int = 0
    split_turns: int = 0


class Loss(NamedTuple):
    """What is not in a file; see `Written`."""

    left_out: tuple[str, ...] = ()
    without_tokens: int = 0
    split_turns: int = 0


@dataclass(frozen=True)
class Format:
    """A container or another tool's format, and for text a compression.

    Attributes:
        container: a container; the name of a tool's format, with a container where it may have several.
        compression: `gz` or `zst`.
        tool: the tool that it was asked for by, in the place of the format's name.
    """

    container: str
    compression: str | None = None
    tool: str = ""

    @property
    def name(self) -> str:
        """As in `--format`: `"csv"`, `"csv.gz"`, `"mooncake"`."""
        tool = self.container.partition(".")[0]
        return f"{tool}.{self.compression}" if self.compression else tool

    @property
    def tool_block(self) -> int:
        """Tokens of a block of `hash_ids` that the tool takes, if not the format's own; else 0."""
        return BLOCKS.get(self.tool, 0)

    @property
    def block_size(self) -> int:
        """Tokens of a block of `hash_ids`, where the format has them; else 0."""
        return self.tool_block or FORMAT_BLOCKS.get(self.container.partition(".")[0], 0)

    @property
    def is_binary(self) -> bool:
        """Whether it is not for a terminal."""
        return self.compression is not None or self.container.rpartition(".")[2] in ("parquet", "arrow")


@dataclass(frozen=True)
class ToolOptions:
    """What formats of other tools may be told.

    Attributes:
        hash_ids: whether they have `hash_ids`: the trace's own, or ids that are used once.
        block_size: tokens of a block of `hash_ids`; 0: the format's own.
    """

    hash_ids: bool = True
    block_size: int = 0


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
    """Where requests come from: a job, a trace or a scan."""

    @property
    def schema(self) -> pa.Schema:
        """Of the batches, with the job as metadata if there is one."""

    @property
    def threads(self) -> int:
        """How many threads may work on it; 0 means all cores."""

    @property
    def block_size(self) -> int:
        """Tokens of a block of its hash ids; 0: not known."""

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of `rows` rows but the last, or as they come for `rows=0`.

        Raises:
            ValueError: if a job has no requests.
        """

    def text(self, container: str) -> Iterator[tuple[int, bytes]]:
        """Native columns as formatted (rows, bytes), with the header first where there is one."""

    def tool_text(self, name: str, options: ToolOptions) -> ToolText:
        """In another tool's format."""


@dataclass(frozen=True)
class ToolText:
    """Text in another tool's format.

    Attributes:
        pieces: (rows, bytes), with the header first where there is one.
        loss: what it does not tell; known when all pieces have been taken.
    """

    pieces: Iterator[tuple[int, bytes]]
    loss: Callable[[], Loss]


class Container(Protocol):
    """Writing one container."""

    def write(
        self,
        source: Source,
        format: Format,
        options: ToolOptions,
        sink: Sink,
        written: Callable[[int], None],
    ) -> Loss:
        """Write all requests, calling `written` with the rows of every piece."""
