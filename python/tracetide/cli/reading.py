"""How a trace is read: options of every command that reads one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from tracetide.cli.parameters import BlockSize

if TYPE_CHECKING:
    from tracetide.io.reading import TraceScan

FromBlockSize = Annotated[
    BlockSize,
    Parameter(
        name="--from-block-size",
        help="Tokens of a block of the trace's `hash_ids`; 0: as its job or its format has them.",
    ),
]


@Parameter(name="*")
@dataclass(frozen=True)
class Columns:
    """Which columns of a trace are which, as for `tracetide.scan`."""

    from_: Annotated[
        str | None,
        Parameter(name=("--from", "--format"), help="The format of the trace, whatever its columns."),
    ] = None
    column: Annotated[
        list[str] | None,
        Parameter(
            name="--column",
            negative="",
            help="NAME=COLUMN: which column has a native one's values, such as input_tokens=prompt_len; "
            "may be given several times.",
        ),
    ] = None
    unit: Annotated[
        list[str] | None,
        Parameter(
            name="--unit",
            negative="",
            help="Of the times of a table: s, ms, us, ns or date; that of delays as delay=UNIT.",
        ),
    ] = None

    def options(self) -> dict[str, Any]:
        """As arguments of `tracetide.scan`.

        Raises:
            ValueError: naming an option and what is wrong in it.
        """
        units = [entry if "=" in entry else f"timestamp={entry}" for entry in self.unit or []]
        return {
            "format": self.from_,
            "columns": _pairs("--column", self.column or [], "NAME=COLUMN"),
            "units": _pairs("--unit", units, "a unit, or NAME=UNIT"),
        }


@Parameter(name="*")
@dataclass(frozen=True)
class Reading(Columns):
    """The columns of a trace, and what is done about its times."""

    rebase: Annotated[
        bool,
        Parameter(
            name="--rebase", negative="", help="Count times from the first request, as Unix times need."
        ),
    ] = False
    sort: Annotated[
        bool,
        Parameter(name="--sort", negative="", help="Put rows into the order of their times, in memory."),
    ] = False

    def options(self) -> dict[str, Any]:
        """As arguments of `tracetide.scan`."""
        return {**super().options(), "rebase": self.rebase, "sort": self.sort}

    def scan(self, trace: str, *, block_size: int = 0) -> TraceScan:
        """The trace, opened."""
        from tracetide.io.reading import scan

        return scan(trace, **self.options(), block_size=block_size)

    def refuse_for(self, what: str, *, block_size: int = 0) -> None:
        """Refuse options of reading for what is no trace.

        Raises:
            ValueError: naming the first that is given.
        """
        given = {
            "--from": self.from_,
            "--column": self.column,
            "--unit": self.unit,
            "--rebase": self.rebase,
            "--sort": self.sort,
            "--from-block-size": block_size,
        }
        for option, value in given.items():
            if value:
                raise ValueError(f"{option}: not allowed; it is for traces, and {what!r} is a profile")


@Parameter(name="*")
@dataclass(frozen=True)
class ReadingBesideFormat(Reading):
    """The same for a command whose `--format` is that of its output."""

    from_: Annotated[
        str | None, Parameter(name="--from", help="The format of TRACE, whatever its columns.")
    ] = None


def is_trace(what: str) -> bool:
    """Whether it is to be read as a trace: a file that is no profile, or a name that only a trace has."""
    from tracetide.io.writing import format_of
    from tracetide.profile.bundled import is_profile

    if is_profile(what):
        return False
    if os.path.exists(what):
        return True
    try:
        format_of(what)
    except ValueError:
        return False
    return True


def _pairs(option: str, given: list[str], allowed: str) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for entry in given:
        name, equals, value = entry.partition("=")
        if not (name and equals and value):
            raise ValueError(f"{option}: {entry!r} is not allowed; it must be {allowed}")
        if name in found:
            raise ValueError(f"{option}: {name!r} is there twice; each name may be given once")
        found[name] = value
    return found or None
