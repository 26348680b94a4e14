"""What do conversations, agents and hash ids cost, next to requests that stand alone?

All make the same job, of the same rate. A share of a tenth is that of the reasoning profiles.
"""

from __future__ import annotations

from typing import Any

import pytest
import tracetide as tt
from profiles import Spec, synthetic

WINDOWS = 12
CHAT = tt.conversations(
    share=0.1,
    turns={2 + more: 0.6**more for more in range(20)},
    think_time=tt.LogNormal(median=60, sigma=1),
    new_tokens=tt.LogNormal(median=40, sigma=1),
    service=tt.ServiceTime(overhead=0.5, output_token=0.03),
)
PREFIXES = tt.Prefixes(share=0.8, levels=[tt.PromptLevel(prompts=20, tokens={1: 0.5, 300: 0.5})])
KINDS: dict[str, tuple[tt.Sessions | None, tt.Prefixes | None, int | None]] = {
    "alone": (None, None, None),
    "conversations": (CHAT, None, None),
    "agents": (tt.agents.code(0.1), None, None),
    "hash_ids": (None, None, 512),
    "prefixes": (None, PREFIXES, 512),
    "conversations_and_prefixes": (CHAT, PREFIXES, 512),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threads", [1, 0], ids=["1_thread", "all_threads"])
def test_sessions(measure: Any, requests_wanted: int, kind: str, threads: int) -> None:
    sessions, prefixes, block_size = KINDS[kind]
    pool = synthetic(Spec()).with_sessions(sessions).with_prefixes(prefixes)
    seconds = WINDOWS * pool.window
    job = tt.Job(pool, rate=requests_wanted / seconds, duration=seconds, block_size=block_size)
    made = measure(
        f"sessions, {threads or 'all'} threads", lambda: sum(map(len, job.stream(threads=threads)))
    )
    assert made == pytest.approx(requests_wanted, rel=0.1)
