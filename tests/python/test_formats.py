"""What is known of the formats (`tracetide.io.formats`), against the page on them and the core."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from tracetide import _core
from tracetide.io.formats import FORMATS, LAYOUTS
from tracetide.io.formats.description import TraceFormat
from tracetide.io.formats.tools import TOOLS, File, Replay
from tracetide.io.writing.containers import CONTAINERS
from tracetide.io.writing.names import TOOL_TEXT
from tracetide.io.writing.names import TOOLS as WRITTEN

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
ROWS = {
    cells[1].partition(":")[0].strip(" `"): cells
    for line in PAGE.read_text(encoding="utf-8").split("\n## ", 1)[0].splitlines()
    if line.startswith("| ") and (cells := line.split("|"))[1] != " format "
}


def replayed(format: TraceFormat) -> list[Replay]:
    return format.replay(File("/data/t.parquet", format.block_size, "10"))


def test_the_page_has_every_format_and_no_other():
    assert list(ROWS) == ["native", *WRITTEN]


@pytest.mark.parametrize("name", ROWS)
def test_the_page_says_what_is_known(name):
    known, cells = FORMATS[name], ROWS[name]
    named = {tool.name for tool in TOOLS.values() if tool.name in cells[6]}
    assert {one.tool for one in replayed(known)} <= named <= {TOOLS[tool].name for tool in known.readers}
    assert not known.block_size or f"{known.block_size} tokens" in cells[5] or "as above" in cells[5]


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_read_written_and_replayed_by_what_is_there(name):
    known = FORMATS[name]
    assert {one.tool for one in replayed(known)} <= {TOOLS[tool].name for tool in known.readers}
    assert {*known.misread} <= TOOLS.keys()
    assert not {*known.misread} & {*known.readers}
    assert {*known.misread_turns} <= TOOLS.keys()
    assert not {*known.misread_turns} & {*known.readers}
    assert {*known.without, *known.whole} <= {"session_id", "delay", "type", "client", "hash_ids"}
    assert known.optional <= known.columns.keys()
    assert known.marks <= {*known.columns.values(), "parent_chat_id", "prompt_length"}
    assert known.written != "folder" or name not in LAYOUTS
    for container in (one for one in CONTAINERS if one.partition(".")[0] == name):
        assert callable(import_module(CONTAINERS[container]).write)


def test_the_core_writes_the_same_formats():
    with pytest.raises(ValueError, match=f"must be one of {', '.join(TOOL_TEXT)}$"):
        _core.RowWriter("mooncak", [])
