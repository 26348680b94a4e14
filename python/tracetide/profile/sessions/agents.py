"""Agents: presets whose every number names its source.

Published figures are rare and of other models than yours: where there is none, a number is chosen, and says
so. What matters most to a server is in them all: many calls of the model in one session, a context that grows
with every tool's output, and short waits. Take one as it is, or as an example to write your own.
"""

from __future__ import annotations

from collections.abc import Callable

from tracetide.profile.distributions import LogNormal, Uniform
from tracetide.profile.sessions.models import ServiceTime, Sessions, SubAgent, Tool

SERVICE = ServiceTime(overhead=0.2, input_token=1e-4, output_token=0.02)
"""Chosen: 50 tokens/s of decoding and 10,000 tokens/s of prefill, as one busy GPU serves a mid-size model."""

_CONTEXT = 200_000


def web_search(share: float = 1.0) -> Sessions:
    """A research agent that searches the web, itself and by sub-agents side by side.

    - Sub-agents: 3 to 5 side by side, each with 3 to 10 tool calls, up to 3 of them in parallel: Anthropic,
      "How we built our multi-agent research system" (2025).
    - Turns of the lead agent: 2 to 7; ReAct (Yao et al., ICLR 2023) finds that more than 7 steps do not help
      on HotpotQA.
    - A search takes 1.2 s in the median: Wikipedia's API in Kim et al., "The Cost of Dynamic Reasoning"
      (arXiv 2506.04301); its spread is chosen.
    - Chosen: 1,500 tokens a page in the median; a tenth of the lead's steps start sub-agents; 5 % of tries
      fail and are repeated twice; prompts of 2,000 (lead) and 800 tokens (sub-agent); service times.
    """
    search = Tool(
        name="search",
        latency=LogNormal(median=1.2, sigma=0.6),
        tokens=LogNormal(median=1500, sigma=0.8),
        calls={1: 0.5, 2: 0.3, 3: 0.2},
        failure=0.05,
        retries=2,
        failure_tokens=30,
        weight=0.9,
    )
    reader = Sessions(
        turns=dict.fromkeys(range(4, 12), 1 / 8),
        steps=[search],
        first_tokens=LogNormal(median=800, sigma=0.3),
        context_limit=_CONTEXT,
        service=SERVICE,
    )
    return Sessions(
        share=share,
        turns=dict.fromkeys(range(2, 8), 1 / 6),
        steps=[search, SubAgent(sessions=reader, calls={3: 1 / 3, 4: 1 / 3, 5: 1 / 3}, weight=0.1)],
        first_tokens=LogNormal(median=2000, sigma=0.3),
        context_limit=_CONTEXT,
        service=SERVICE,
    )


def code(share: float = 1.0) -> Sessions:
    """A coding agent that reads, edits and tests a repository.

    - Turns: 15 in the median; SWE-agent (Yang et al., NeurIPS 2024) takes 12 steps in the median where it
      succeeds and 21 on average where it does not. The spread is chosen.
    - The task: 195 words on average in SWE-bench (Jimenez et al., ICLR 2024), about 260 tokens; the rest of
      the first input, instructions and tools, is chosen.
    - What a tool shows: SWE-agent's viewer has 100 lines, about 1,000 tokens, of which the median is chosen
      to be 400.
    - Chosen: 0.2 s to read or edit, 8 s to run tests, three times as rare; 10 % of the test runs end in a
      time-out of their own and are repeated once; service times.
    """
    return Sessions(
        share=share,
        turns=LogNormal(median=15, sigma=0.6),
        steps=[
            Tool(
                name="read or edit",
                latency=LogNormal(median=0.2, sigma=0.8),
                tokens=LogNormal(median=400, sigma=0.9),
                weight=3,
            ),
            Tool(
                name="test",
                latency=LogNormal(median=8, sigma=1.0),
                tokens=LogNormal(median=600, sigma=1.0),
                failure=0.1,
                retries=1,
                failure_tokens=50,
            ),
        ],
        first_tokens=LogNormal(median=4000, sigma=0.4),
        context_limit=_CONTEXT,
        service=SERVICE,
    )


def database(share: float = 1.0) -> Sessions:
    """An agent that answers questions with SQL.

    - Turns: 2 to 10, the limit of InterCode-SQL (Yang et al., NeurIPS 2023); how often each is chosen.
    - First input: schemas of Spider 2.0 (Lei et al., ICLR 2025) have often more than 1,000 columns; 6 tokens
      a column and a prompt of 1,000 tokens are chosen.
    - Chosen: queries of 0.3 s in the median with a long tail; results of 200 tokens in the median; a quarter
      of the queries are wrong and answered with an error of 60 tokens; service times.
    """
    return Sessions(
        share=share,
        turns={turns: 0.75**turns for turns in range(2, 11)},
        steps=[
            Tool(
                name="query",
                latency=LogNormal(median=0.3, sigma=1.2),
                tokens=LogNormal(median=200, sigma=1.2),
                failure=0.25,
                failure_tokens=60,
            ),
            Tool(name="describe", latency=0.05, tokens=Uniform(200, 1500), weight=0.3),
        ],
        first_tokens=LogNormal(median=7000, sigma=0.5),
        context_limit=_CONTEXT,
        service=SERVICE,
    )


PRESETS: dict[str, Callable[[float], Sessions]] = {
    "web-search": web_search,
    "code": code,
    "database": database,
}
"""The agents by name, each a function of the share."""
