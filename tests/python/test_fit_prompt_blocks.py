"""Sessions found by what prompts have in common: conversations, documents, and what is neither."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tracetide as tt
from tracetide.fit.prompt_blocks import PromptBlocks

BLOCK = 16


def sessions_of(prompts: list[list[int]], tokens: list[int] | None = None) -> list[int]:
    """The number of each request's session, that of its first request."""
    counts = np.array([len(prompt) for prompt in prompts], dtype=np.int64)
    ids = np.array([block for prompt in prompts for block in prompt], dtype=np.int64)
    inputs = counts * BLOCK if tokens is None else np.array(tokens, dtype=np.int64)
    return PromptBlocks(counts, ids, inputs).sessions().tolist()


def test_a_conversation_is_a_session() -> None:
    prompts = [[1, 2, 3], [9, 8], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6]]
    assert sessions_of(prompts) == [0, 1, 0, 0]


def test_a_document_asked_several_times_is_a_session() -> None:
    document, other = list(range(10)), list(range(50, 60))
    prompts = [[*document, 100], [*other, 200, 201], [*document, 101], [*document, 102], [*other, 202]]
    assert sessions_of(prompts) == [0, 1, 0, 0, 1]


def test_what_is_shared_must_be_nearly_all_of_the_prompt_before() -> None:
    # 8 of 10 blocks, then 7 of 10.
    assert sessions_of([list(range(10)), [*range(8), 50, 51]]) == [0, 0]
    assert sessions_of([list(range(10)), [*range(7), 50, 51, 52]]) == [0, 1]


def test_the_latest_of_those_with_the_deepest_block_counts() -> None:
    # The last one shares two blocks with the first and three with the second.
    assert sessions_of([[1, 2], [1, 2, 3], [5, 6], [1, 2, 3, 4]]) == [0, 0, 2, 0]
    # It shares as much with both, but the later one is too long for it to be the same session.
    assert sessions_of([[1, 2], [1, 2, 3, 4, 5, 6], [1, 2, 7]]) == [0, 0, 2]


def test_a_partly_filled_block_counts_as_none() -> None:
    # Of the first prompt 4 whole blocks, of which all are shared; its last block has 3 tokens.
    prompts = [[1, 2, 3, 4, 90], [1, 2, 3, 4, 5, 6], [80], [80]]
    assert sessions_of(prompts, [4 * BLOCK + 3, 6 * BLOCK, 3, 3]) == [0, 0, 2, 3]


def test_a_system_prompt_makes_no_session() -> None:
    # Forty short questions behind the same four blocks, and a conversation that has them too.
    prompts = [[1, 2, 3, 4, 100 + k] for k in range(40)]
    prompts += [[1, 2, 3, 4, 100, 200]]
    assert sessions_of(prompts) == [*range(40), 0]


def test_a_long_conversation_is_no_system_prompt() -> None:
    # A third of all requests begin with its first blocks, on which always the same ones follow.
    chat = [list(range(k + 2)) for k in range(40)]
    others = [[1000 + 2 * k, 1001 + 2 * k] for k in range(80)]
    assert sessions_of([*chat, *others])[:40] == [0] * 40


def test_without_blocks_all_stand_alone() -> None:
    assert sessions_of([[], [], []], [5, 6, 7]) == [0, 1, 2]


def documents(questions: int, seed: int) -> dict[str, Any]:
    """A trace of 3,000 requests for 512 tokens each, 60 % of them about documents of 20 to 60 blocks."""
    draw = np.random.default_rng(seed)
    rows: list[tuple[float, int, int]] = []  # time, document, blocks
    for document in range(1800 // questions):
        start = draw.uniform(0, 3400)
        times = start + np.cumsum(draw.exponential(20, questions))
        rows += [(time, document, 20 + document % 41) for time in times]
    rows += [(time, -1, int(draw.integers(5, 60))) for time in draw.uniform(0, 3600, 1200)]
    rows.sort()
    prompts, own = [], 10**6
    for _, document, blocks in rows:
        shared = [document * 100 + k for k in range(blocks)] if document >= 0 else []
        prompts.append([*shared, *range(own, own + (2 if shared else blocks))])
        own += 100
    return {
        "timestamp": np.array([row[0] for row in rows]),
        "input_tokens": np.array([512 * len(prompt) for prompt in prompts], dtype=np.uint32),
        "output_tokens": np.full(len(rows), 10, dtype=np.uint32),
        "hash_ids": prompts,
    }


def test_documents_can_be_reused_in_a_generated_trace() -> None:
    import pyarrow as pa

    table = pa.table(documents(questions=6, seed=0))
    sizes = [1_000, 5_000, 20_000]
    again = tt.generate(tt.fit(table, sessions=True), seed=1, block_size=512)
    one, other = (tt.prefix_statistics(trace, sizes=sizes) for trace in (table, again))
    assert one.hit_rate > 0.4
    # Over ten seeds the largest difference is 0.019.
    for size in sizes:
        assert abs(one.hit_rates[size] - other.hit_rates[size]) < 0.04


def test_the_hit_rates_of_the_mooncake_synthetic_trace(data_dir: Any) -> None:
    path = data_dir / "traces" / "synthetic_trace.jsonl"
    if not path.is_file():
        pytest.skip(f"no real data: {path} is not a file")
    sizes = [1_000, 5_000, 20_000, 50_000]
    again = tt.generate(tt.fit(path, sessions=True), seed=1, block_size=512)
    one, other = (tt.prefix_statistics(each, sizes=sizes) for each in (path, again))
    for size in sizes:
        assert abs(one.hit_rates[size] - other.hit_rates[size]) < 0.08
