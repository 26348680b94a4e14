"""The containers by name, imported when used."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from tracetide.formats.base import Container, Format

CONTAINERS = {
    "parquet": "tracetide.formats.parquet",
    "arrow": "tracetide.formats.arrow",
    "csv": "tracetide.formats.csv",
    "jsonl": "tracetide.formats.jsonl",
}


def container_of(format: Format) -> Container:
    """The module that writes a format's container."""
    return cast(Container, import_module(CONTAINERS[format.container]))
