"""The containers by name, imported when used."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from tracetide.io.writing.base import Container, Format
from tracetide.io.writing.names import BINARY, TOOL_TABLES, TOOL_TEXT

CONTAINERS = {
    "parquet": "tracetide.io.writing.parquet",
    "arrow": "tracetide.io.writing.arrow",
    "csv": "tracetide.io.writing.text",
    "jsonl": "tracetide.io.writing.text",
    **{f"{name}.{table}": f"tracetide.io.writing.{name}" for name in TOOL_TABLES for table in BINARY},
    **dict.fromkeys(TOOL_TEXT, "tracetide.io.writing.tool_text"),
}


def container_of(format: Format) -> Container:
    """The module that writes a format's container."""
    return cast(Container, import_module(CONTAINERS[format.container]))
