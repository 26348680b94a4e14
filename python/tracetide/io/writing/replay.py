"""How the tools that read a format are told to replay a file."""

from __future__ import annotations

import os

from tracetide.io.formats import FORMATS
from tracetide.io.formats.native import NATIVE
from tracetide.io.formats.tools import TOOLS, File, Replay
from tracetide.io.writing.base import Format


def replay_commands(
    path: str | os.PathLike[str],
    format: Format,
    *,
    hash_ids: bool = True,
    block_size: int = 0,
    rows: int | None = None,
) -> list[Replay]:
    """For every tool that reads the format and is told by a command line or a configuration.

    Args:
        path: the file.
        format: its format.
        hash_ids: whether it has hash ids.
        block_size: tokens of a block of them, if not what the format expects.
        rows: how many requests it has; if not known, the user fills them in.

    Returns:
        Nothing for files that are packed, which must be unpacked first, and for standard output.
    """
    path = os.fspath(path)
    if format.compression is not None or path == "-":
        return []
    known = FORMATS.get(format.name, NATIVE)
    block = block_size or format.tool_block or known.block_size
    told = known.replay(File(path, block, "ROWS" if rows is None else str(rows)))
    if format.tool:
        told = [one for one in told if one.tool == TOOLS[format.tool].name]
    return [one for one in told if hash_ids or not one.needs_ids]
