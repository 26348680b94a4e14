"""Small traces for tests of formats, and what is held of a trace in a format."""

from __future__ import annotations

from typing import Any

import numpy as np
import tracetide as tt
from hypothesis import strategies as st
from small_profiles import MULTIMODAL, IntegerPmf, RealPmf, one_client

LENGTHS = IntegerPmf([20, 33, 700, 5000], [0.4, 0.3, 0.2, 0.1])
TOOL_TEXT = (
    "mooncake",
    "mooncake-session",
    "mooncake-delta",
    "bailian",
    "burstgpt",
    "azure",
    "vidur",
    "blis",
    "llmservingsim",
    "splitwise",
)
TOOLS = (*TOOL_TEXT, "baseten")
KINDS = ("language", "reason", "multimodal", "sessions")


def ending(format: str) -> str:
    """A file name's ending that the format allows."""
    return ".parquet" if format == "baseten" else ".txt"


def pool(kind: str) -> tt.ClientPool:
    laws = {"input_tokens": LENGTHS, "output_tokens": LENGTHS}
    category = "language" if kind == "sessions" else kind
    if kind == "reason":
        laws["reason_ratio"] = RealPmf([0.1, 0.9], [0.5, 0.5])
    if kind == "multimodal":
        laws = {**MULTIMODAL, "image_count": IntegerPmf([0, 1, 3], [0.3, 0.4, 0.3])}
        laws |= {
            "image_tokens": IntegerPmf([256, 512], [0.5, 0.5]),
            "audio_count": IntegerPmf([0, 2], [0.5, 0.5]),
        }
    made = tt.ClientPool(one_client(50.0, "gamma", 0.5, category=category, **laws), name=kind)
    if kind == "sessions":
        chat = tt.conversations(share=0.6, turns={2: 0.5, 4: 0.5}, think_time=5.0, new_tokens=30)
        made = made.with_sessions(chat)
    return made


def job(kind: str, **options: Any) -> tt.Job:
    """About 3,000 requests."""
    return tt.Job(pool(kind), duration=60, seed=3, **options)


def uint32(values: Any) -> Any:
    return np.asarray(values, dtype=np.uint32)


@st.composite
def traces(draw: st.DrawFn) -> tt.Trace:
    """Any small trace: whole nanoseconds, in order, with some of the columns."""
    rows = draw(st.integers(1, 12))
    numbers = st.integers(0, 2**32 - 1)
    times = sorted(draw(st.lists(st.integers(0, 10**15), min_size=rows, max_size=rows)))
    columns: dict[str, Any] = {
        "timestamp": np.array(times) / 1e9,
        "client_id": uint32(draw(st.lists(numbers, min_size=rows, max_size=rows))),
        "input_tokens": uint32(draw(st.lists(st.integers(1, 3000), min_size=rows, max_size=rows))),
        "output_tokens": uint32(draw(st.lists(st.integers(1, 2**32 - 1), min_size=rows, max_size=rows))),
    }
    if draw(st.booleans()):
        share = draw(st.lists(st.floats(0, 1), min_size=rows, max_size=rows))
        columns["reason_tokens"] = (columns["output_tokens"] * np.array(share)).astype(np.uint32)
    if draw(st.booleans()):
        counts = draw(st.lists(st.integers(0, 3), min_size=rows, max_size=rows))
        items = draw(st.lists(numbers, min_size=sum(counts), max_size=sum(counts)))
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        columns["image_tokens"] = tt.ListColumn(offsets, uint32(items))
    if draw(st.booleans()):
        columns |= sessions(draw, rows)
    return tt.Trace(columns)


def sessions(draw: st.DrawFn, rows: int) -> dict[str, Any]:
    """Turns in order; every turn but a first one has a delay in whole nanoseconds."""
    ids = draw(st.lists(st.sampled_from([tt.NO_SESSION, 0, 7, 2**36 - 1]), min_size=rows, max_size=rows))
    delays = draw(st.lists(st.integers(0, 10**13), min_size=rows, max_size=rows))
    seen: dict[int, int] = {}
    turn, delay = [], []
    for id, wait in zip(ids, delays, strict=True):
        seen[id] = 1 if id == tt.NO_SESSION else seen.get(id, 0) + 1
        turn.append(seen[id])
        delay.append(wait / 1e9 if seen[id] > 1 else np.nan)
    return {
        "session_id": np.array(ids, dtype=np.uint64),
        "turn": np.array(turn, dtype=np.uint16),
        "delay": np.array(delay),
    }
