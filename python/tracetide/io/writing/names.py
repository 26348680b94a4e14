"""Which format a path or a name means."""

from __future__ import annotations

import os
from dataclasses import replace

from tracetide.io.formats import FOR_TOOLS, written_as
from tracetide.io.formats import FORMATS as TRACE_FORMATS
from tracetide.io.writing.base import Format

STDOUT = "-"
TEXT = ("csv", "jsonl")
BINARY = ("parquet", "arrow")
COMPRESSIONS = ("gz", "zst")
TOOL_TEXT = written_as("text")
"""Text formats of other tools."""
NATIVE = (*BINARY, *(name for text in TEXT for name in (text, *(f"{text}.{c}" for c in COMPRESSIONS))))
TOOL_TABLES = written_as("table")
"""Those that are Parquet or an Arrow file."""
FOLDERS = written_as("folder")
TOOLS = (*TOOL_TEXT, *TOOL_TABLES, *FOLDERS)
"""Formats of other tools, which a path does not tell."""
FORMATS = (*NATIVE, *TOOLS)
"""All names that `format=` takes; text formats also with `.gz` or `.zst`."""


def format_of(path: str | os.PathLike[str], name: str | None = None) -> Format:
    """The format for a path.

    Args:
        path: its ending counts, `.parquet`, `.arrow`, `.csv` or `.jsonl`; the last two also followed by
            `.gz` or `.zst`. `"-"` has none.
        name: a format that goes before the ending; the ending's `.gz` or `.zst` still counts. The name of a
            tool is that of the format that it reads.

    Raises:
        ValueError: naming what was given and what is allowed.
    """
    text = os.fspath(path)
    if name is not None and name.lower() in FOR_TOOLS:
        return replace(format_of(path, FOR_TOOLS[name.lower()]), tool=name.lower())
    container, compression = _split(os.path.basename(text).lower())
    if name is not None:
        own_container, own_compression = _split(f".{name.lower()}", (*TEXT, *BINARY, *TOOLS))
        if own_container is None or name.lower() != ".".join(filter(None, (own_container, own_compression))):
            known = ", ".join((*FORMATS, *FOR_TOOLS))
            raise ValueError(f"format: {name!r} is not known; it must be one of {known}")
        if own_container in TOOL_TABLES:
            if container not in BINARY:
                raise ValueError(
                    f"format: {own_container} is Parquet or an Arrow file, and the ending of {text!r} is not "
                    "allowed; it must be .parquet or .arrow"
                )
            own_container = f"{own_container}.{container}"
        container, compression = own_container, own_compression or compression
    if text == STDOUT and name is None:
        raise ValueError(f"format: standard output needs a format; it must be one of {', '.join(FORMATS)}")
    if container is None:
        raise ValueError(
            f"format: the ending of {text!r} is not known; it must be one of "
            f"{', '.join('.' + known for known in NATIVE)}, or name a format"
        )
    if compression and container not in (*TEXT, *TOOL_TEXT):
        why = "it is a folder" if container in FOLDERS else "it is compressed inside"
        raise ValueError(
            f"format: {container} is not written with .{compression}, because {why}; "
            f".gz and .zst are for {', '.join((*TEXT, *TOOL_TEXT))}"
        )
    if text == STDOUT and (container in FOLDERS or header_of(container)):
        raise ValueError(
            f"format: {container} is more than one file and cannot go to standard output; name a file"
        )
    return Format(container, compression)


def header_of(container: str) -> str:
    """What is in a second file beside it, if there is one."""
    return TRACE_FORMATS[container].header if container in TRACE_FORMATS else ""


def _split(name: str, known: tuple[str, ...] = (*TEXT, *BINARY)) -> tuple[str | None, str | None]:
    """Container and compression that a file name ends in."""
    stem, _, last = name.rpartition(".")
    compression = last if stem and last in COMPRESSIONS else None
    if compression:
        _, _, last = stem.rpartition(".")
        dotted = "." in stem
    else:
        dotted = "." in name
    return (last if dotted and last in known else None), compression
