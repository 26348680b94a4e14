"""The formats of traces, a module each; what reads, writes and checks them looks it up here.

A new one is a module and a line here; where the core writes its rows, also a file in
`cpp/src/writers/formats`.
"""

from __future__ import annotations

from tracetide.io.formats.aiperf_records import AIPERF_RECORDS
from tracetide.io.formats.azure import AZURE
from tracetide.io.formats.bailian import BAILIAN
from tracetide.io.formats.baseten import BASETEN
from tracetide.io.formats.blis import BLIS
from tracetide.io.formats.burstgpt import BURSTGPT
from tracetide.io.formats.description import Layout, TraceFormat
from tracetide.io.formats.llmservingsim import LLMSERVINGSIM, SESSION_LINES
from tracetide.io.formats.mooncake import MOONCAKE
from tracetide.io.formats.mooncake_delta import MOONCAKE_DELTA
from tracetide.io.formats.mooncake_session import MOONCAKE_SESSION
from tracetide.io.formats.native import NATIVE, TABLE
from tracetide.io.formats.servegen import SERVEGEN
from tracetide.io.formats.splitwise import SPLITWISE
from tracetide.io.formats.vidur import VIDUR

FORMATS: dict[str, TraceFormat] = {
    one.name: one
    for one in (
        NATIVE,
        MOONCAKE,
        MOONCAKE_SESSION,
        MOONCAKE_DELTA,
        BAILIAN,
        BURSTGPT,
        AZURE,
        VIDUR,
        BLIS,
        LLMSERVINGSIM,
        SPLITWISE,
        BASETEN,
        SERVEGEN,
        AIPERF_RECORDS,
        TABLE,
    )
}
"""All formats by name; `table` is a table of other columns, named by `columns=`."""

LAYOUTS: dict[str, Layout] = {one.name: one for one in (*FORMATS.values(), SESSION_LINES) if one.columns}
"""Those that are recognised by their columns."""

FORMAT_BLOCKS = {one.name: one.block_size for one in FORMATS.values() if one.block_size}
"""Tokens of a block of `hash_ids`, by format."""


FOR_TOOLS = {
    "aiperf": MOONCAKE_DELTA.name,
    "guidellm": MOONCAKE.name,
    "vllm": MOONCAKE.name,
    "sglang": MOONCAKE.name,
    "dynamo": MOONCAKE_SESSION.name,
    "aibrix": MOONCAKE.name,
    "inference-perf": AZURE.name,
    "splitwise-sim": SPLITWISE.name,
}
"""By tool that is no format's name, the one of its formats that tells it most of a trace."""


def written_as(kind: str) -> tuple[str, ...]:
    """The names of the formats of other tools that are written so; see `TraceFormat.written`."""
    return tuple(one.name for one in FORMATS.values() if one.written == kind)
