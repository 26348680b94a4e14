"""The containers by name, imported when used."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from tracetide.formats.base import Container, Format
from tracetide.formats.names import TOOL_TEXT

CONTAINERS = {
    "parquet": "tracetide.formats.parquet",
    "arrow": "tracetide.formats.arrow",
    "csv": "tracetide.formats.text",
    "jsonl": "tracetide.formats.text",
    "baseten.parquet": "tracetide.formats.baseten",
    "baseten.arrow": "tracetide.formats.baseten",
    **dict.fromkeys(TOOL_TEXT, "tracetide.formats.tool_text"),
}


def container_of(format: Format) -> Container:
    """The module that writes a format's container."""
    return cast(Container, import_module(CONTAINERS[format.container]))
