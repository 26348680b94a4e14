"""What is known of a format: how it is read, written and checked, and how tools replay it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tracetide.io.formats.tools import File, Replay

Unit: TypeAlias = Literal["s", "ms", "us", "ns", "date"]
Sessions: TypeAlias = Literal["", "parents", "turns", "rounds"]

TABLES = frozenset({"csv", "jsonl", "parquet", "arrow", "memory"})
"""Every container: text files, binary files, and tables in memory."""
JSONL = frozenset({"jsonl"})
CSV = frozenset({"csv"})


@dataclass(frozen=True)
class Layout:
    """How a format is read.

    Attributes:
        name: as in `format=`.
        columns: by native name, the column of the source; those that it may lack are in `optional`.
        marks: the columns that it is recognised by.
        containers: what may hold it.
        unit: of `timestamp`.
        delay_unit: of `delay`.
        optional: native names that the source may lack as a whole.
        rides: whether further columns may be there under their native names.
        without: native names of which that is not so.
        whole: by native name, that of a column which has whole numbers instead of texts.
        nullable_labels: whether rows may lack texts.
        rebase: whether times are always counted from the first row, because they are dates.
        sparse: whether rows after the first of a session may lack `timestamp`.
        sessions: how sessions are made: from parent ids, by counting turns, or not at all; by rounds their
            turns count from 0, and a first one has a delay of 0.
        deltas: whether the input of a turn is what it adds to the prompts and answers before.
        extends: the format that a file of this one has the marks of as well.
        ordered: whether times may not decrease; where rows stand by session, they may.
    """

    name: str
    columns: Mapping[str, str] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()
    containers: frozenset[str] = TABLES
    unit: Unit = "s"
    delay_unit: Unit = "s"
    optional: frozenset[str] = frozenset()
    rides: bool = False
    without: frozenset[str] = frozenset()
    whole: Mapping[str, str] = field(default_factory=dict)
    nullable_labels: bool = False
    rebase: bool = False
    sparse: bool = False
    sessions: Sessions = ""
    deltas: bool = False
    extends: str = ""
    ordered: bool = True


@dataclass(frozen=True, kw_only=True)
class TraceFormat(Layout):
    """All that is known of a format.

    Attributes:
        written: as text, whose rows the core writes (`cpp/src/writers/formats`), as a table (Parquet or an
            Arrow file, by a module of its name in `io.writing`), or as a folder. Native ones have no name of
            their own to be written by.
        block_size: tokens of a block of `hash_ids`.
        header: the text of a second file beside it, with the ending `.yaml`.
        header_keys: those that its readers know.
        needs_ids: whether every row has `hash_ids`, and at least one token each of input and output.
        from_zero: whether readers count times from 0, and not from the first row.
        readers: the tools that read it rightly.
        misread: by tool that would take it, why it must not be given it.
        misread_turns: the same of a file in which a session has several rows.
        replay: what the tools that replay it are told.
        positions: the columns that are read by position.
        behind: further columns that may be there, by the one that they then stand behind.
        alone: whether there are no columns but these.
        needed: columns that a loader needs and reading does not.
        equal: pairs of columns that say the same.
        constants: what a column must be.
        names_no_model: whether readers drop rows that name a model.
        kept_model: the only model whose rows readers keep, if they have a response.
    """

    written: Literal["", "text", "table", "folder"] = "text"
    block_size: int = 0
    header: str = ""
    header_keys: frozenset[str] = frozenset()
    needs_ids: bool = False
    from_zero: bool = False
    readers: tuple[str, ...] = ()
    misread: Mapping[str, str] = field(default_factory=dict)
    misread_turns: Mapping[str, str] = field(default_factory=dict)
    replay: Callable[[File], list[Replay]] = lambda file: []
    positions: Sequence[str] = ()
    behind: Mapping[str, str] = field(default_factory=dict)
    alone: bool = False
    needed: Sequence[str] = ()
    equal: Sequence[tuple[str, str]] = ()
    constants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    names_no_model: bool = False
    kept_model: str = ""
