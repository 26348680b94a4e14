"""Which format a source has, and which of its columns are which."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from tracetide.base.errors import TraceError
from tracetide.base.wording import Option, Told
from tracetide.io.formats import FORMATS, LAYOUTS
from tracetide.io.formats.description import Layout, Unit
from tracetide.io.formats.native import TABLE
from tracetide.io.reading.fields import NATIVE, OWN_BLOCKS, REQUIRED, TYPES, UNITS, Field, Kind
from tracetide.io.reading.source import Source

_UNIT_NAMES = (*UNITS, "date")
_WITH_UNIT = ("timestamp", "delay")

READABLE = (*(name for name in LAYOUTS if name in FORMATS), TABLE.name)
"""What `format=` takes."""

CHAT = "chat_id"
PARENT = "parent_chat_id"
"""Names of the fields that sessions are made from, which keep a tree of chats that sessions cannot tell."""

REASON_RATIO = "reason_ratio"
"""Name of the field of BLIS that becomes tokens of reasoning."""


@dataclass(frozen=True)
class Plan:
    """What is read from a source.

    Attributes:
        layout: the format.
        fields: the columns, in the order of `fields.NATIVE`, then further ones.
    """

    layout: Layout
    fields: tuple[Field, ...]

    def with_own_blocks(self) -> Plan:
        """The same, with `hash_ids` as the source has them, as lists of uint64."""
        fields = [replace(f, type=OWN_BLOCKS) if f.kind == "blocks" else f for f in self.fields]
        return replace(self, fields=tuple(fields))

    def with_deltas(self) -> Plan:
        """The same, with inputs that are what a turn adds to the prompts and answers before."""
        return replace(self, layout=replace(self.layout, deltas=True))


def plan_of(
    source: Source,
    format: str | None,
    columns: Mapping[str, str] | None,
    units: Mapping[str, str] | None,
) -> Plan:
    """The plan for a source; see `scan` for the arguments and errors."""
    columns, units = dict(columns or {}), dict(units or {})
    layout = _layout(source, format, columns)
    units = _units(units, layout, columns, source)
    fields = [*_fields(source, layout, columns, units)]
    names = source.types if layout.name == "native" else NATIVE
    order = {name: position for position, name in enumerate(names)}
    fields.sort(key=lambda field: order.get(field.name, len(order)))
    return Plan(layout, tuple(fields))


def _layout(source: Source, format: str | None, columns: Mapping[str, str]) -> Layout:
    if format is not None and format not in READABLE:
        near = difflib.get_close_matches(format, READABLE, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        allowed = f": {format!r} is not known; it must be one of {', '.join(READABLE)}{hint}"
        raise ValueError(Told(Option("format"), allowed))
    if format == "table" or (format is None and all(name in columns for name in REQUIRED)):
        absent = [name for name in REQUIRED if name not in columns]
        if absent:
            needed = f": {absent[0]!r} is missing; a table needs {', '.join(REQUIRED)}"
            raise ValueError(Told(Option("columns"), needed))
        return TABLE
    own_layout = getattr(source, "layout", None)
    if own_layout is not None:
        return LAYOUTS[own_layout]
    if format is not None:
        layout = LAYOUTS[format]
        if source.container not in layout.containers:
            raise TraceError(
                f"{source.origin}: {source.container} is not allowed for {format}; "
                f"it must be {' or '.join(sorted(layout.containers))}"
            )
        return layout
    return _recognised(source, columns)


def _recognised(source: Source, columns: Mapping[str, str]) -> Layout:
    """The only format whose marks are there, leaving out one that another of them extends."""
    found = [
        layout
        for layout in LAYOUTS.values()
        if source.container in layout.containers and _marks(layout, columns) <= set(source.types)
    ]
    found = [one for one in found if not any(other.extends == one.name for other in found)]
    if len(found) == 1:
        return found[0]
    if found:
        names = " and of ".join(layout.name for layout in found)
        hint = Option("format", found[0].name)
        raise TraceError(
            Told(f"{source.origin}: its columns are those of {names}; say which it is with ", hint)
        )
    raise TraceError(Told(f"{source.origin}: ", _not_recognised(source)))


def _marks(layout: Layout, columns: Mapping[str, str]) -> frozenset[str]:
    """The marks but those of columns that are named otherwise; dates are what their formats are known by."""
    if layout.rebase:
        return layout.marks
    return layout.marks - {layout.columns[name] for name in columns if name in REQUIRED}


def _not_recognised(source: Source) -> str:
    names = list(source.types)
    shown = ", ".join(repr(name) for name in names[:20]) or "none at all"
    shown += ", ..." if len(names) > 20 else ""
    if {"timestamp", "input_length", "output_length"} <= set(names) and source.container == "jsonl":
        return Told(
            "without 'hash_ids' it may be mooncake (milliseconds) or another format (seconds); say which "
            "with ",
            Option("format", "mooncake"),
            ", or name ",
            Option("columns"),
            " and ",
            Option("units"),
        )
    for layout in sorted(LAYOUTS.values(), key=lambda layout: -len(layout.marks)):
        absent = sorted(layout.marks - set(names))
        if len(absent) == 1 and len(layout.marks) > 2 and source.container in layout.containers:
            return f"the column {absent[0]!r} is missing for {layout.name}; there are {shown}"
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        return f"the only column is {names[0][:60]!r}; values must be separated by commas"
    return Told(
        f"its columns are those of no known format: {shown}; say which are which, for example ",
        Option("columns", dict.fromkeys(REQUIRED, ...)),
        ", ",
        Option("units", {"timestamp": "s"}),
    )


def _units(
    units: Mapping[str, str], layout: Layout, columns: Mapping[str, str], source: Source
) -> dict[str, str]:
    for name, unit in units.items():
        if name not in _WITH_UNIT:
            message = f": {name!r} has no unit; it must be one of {', '.join(_WITH_UNIT)}"
            raise ValueError(Told(Option("units"), message))
        if unit not in _UNIT_NAMES or (name == "delay" and unit == "date"):
            known_units = ", ".join(_UNIT_NAMES if name == "timestamp" else UNITS)
            message = f": {unit!r} is not known for {name!r}; it must be one of {known_units}"
            raise ValueError(Told(Option("units"), message))
    known = {"timestamp": layout.unit, "delay": layout.delay_unit, **units}
    for name in _WITH_UNIT:
        if name in columns and name not in units:
            if not pa.types.is_temporal(source.types.get(columns[name], pa.null())):
                message = (
                    f": the unit of {name!r} (column {columns[name]!r}) is not given; "
                    f"it must be one of {', '.join(_UNIT_NAMES)}, for example "
                )
                raise ValueError(Told(Option("units"), message, Option("units", {name: "ms"})))
            known[name] = "date"
    return known


def _fields(
    source: Source, layout: Layout, columns: Mapping[str, str], units: Mapping[str, str]
) -> Iterable[Field]:
    wanted = {**layout.columns, **_riding(layout), **columns}
    taken = set()
    for name, column in wanted.items():
        if column not in source.types:
            if name == "delay" and layout.sessions == "turns":
                yield Field(name, column, "delay", TYPES["delay"], layout.delay_unit, nullable=True)
                continue  # first turns have none, and may be more than the first rows tell
            if name in columns or name in layout.columns.keys() - layout.optional:
                raise TraceError(f"{source.origin}: {_absent(column, name, layout, source)}")
            continue
        taken.add(column)
        if pa.types.is_integer(source.types[column]):
            name = layout.whole.get(name, name)
        if name not in columns and layout.name == "native" and not _can_be(name, source.types[column]):
            continue
        yield _field(source, layout, name, column, units)
    if layout.name == "native":
        for name, kind in source.types.items():
            if name not in taken and name not in source.repeated and _is_number(kind):
                yield Field(name, name, "number", kind, nullable=True)
    if layout.sessions == "parents":
        yield Field(PARENT, "parent_chat_id", "number", pa.int64())


def _riding(layout: Layout) -> dict[str, str]:
    """Native columns under their own names, as far as they are neither the format's own nor left out."""
    if not layout.rides:
        return {}
    return {name: name for name in NATIVE if name not in layout.columns and name not in layout.without}


def _absent(column: str, name: str, layout: Layout, source: Source) -> str:
    near = difflib.get_close_matches(column, list(source.types), 1)
    there = ", ".join(repr(known) for known in list(source.types)[:20]) or "none"
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"the column {column!r} is missing, for {name} of {layout.name}; there are {there}{hint}"


def _field(source: Source, layout: Layout, name: str, column: str, units: Mapping[str, str]) -> Field:
    found = source.types[column]
    if name == "session_id" and pa.types.is_null(found):
        found = source.later_type(column)
    kind: Kind = NATIVE.get(name, "number" if _is_number(found) else "label")
    nullable = kind in ("delay", "number") or (kind == "time" and layout.sparse)
    nullable = nullable or (name == "session_id" and layout.sessions != "parents")
    nullable = nullable or (kind == "label" and layout.nullable_labels)
    unit: Unit = "s"
    if name in _WITH_UNIT:
        unit = units[name]  # type: ignore[assignment]
    if kind == "turn" and layout.sessions == "rounds":
        kind = "round"
    made = Field(name, column, kind, TYPES.get(kind, pa.string()), unit, nullable)
    if kind == "number":
        return replace(made, type=pa.float64() if name in NATIVE else found)
    if kind != "label":
        return made
    if layout.sessions == "parents" and name == "session_id":
        return replace(made, type=pa.int64())
    if source.container == "csv":
        # CSV has no types, and an id that looks like a number may be 007: only session ids under their
        # native name are numbers. Those from 2^63 on look like floats to pyarrow.
        is_native = name == column == "session_id" and name not in layout.columns
        is_number = is_native and (_is_number(found) or pa.types.is_null(found))
        return replace(made, type=pa.uint64()) if is_number else made
    if pa.types.is_integer(found):
        return replace(made, type=pa.uint64() if name == "session_id" else found)
    return made


def _can_be(name: str, kind: pa.DataType) -> bool:
    """Whether a further column of a native name can be that; `type` or `model` may be anything elsewhere."""
    return NATIVE[name] != "label" or not (pa.types.is_nested(kind) or pa.types.is_temporal(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
