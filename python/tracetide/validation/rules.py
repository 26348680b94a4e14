"""The tools, the formats that they read, and the rules that they break on."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from tracetide.io.formats import FORMATS
from tracetide.io.formats.tools import TOOLS

READERS = MappingProxyType(
    {tool: frozenset(one.name for one in FORMATS.values() if tool in one.readers) for tool in TOOLS}
)
"""By tool, the formats that it reads rightly."""

_ALL = frozenset(READERS)
_DATASETS = frozenset({"tracetide"})
"""No tool of others has rules for them: what is wrong is wrong for every reader."""


@dataclass(frozen=True)
class Rule:
    """A rule of a format.

    Attributes:
        name: what findings call it.
        text: what must be.
        tools: those that need it.
        is_note: whether it is only worth knowing: no tool fails, and none reads something wrong.
    """

    name: str
    text: str
    tools: frozenset[str] = _ALL
    is_note: bool = False


RULES = {
    rule.name: rule
    for rule in (
        Rule("readable", "every value is of its column's type and range, and nothing needed is missing"),
        Rule("time-order", "no row is before the row above; most readers neither sort nor notice"),
        Rule("time-origin", "the first row is at 0; readers wait until the first request", is_note=True),
        Rule("tokens", "every request has at least 1 input and 1 output token"),
        Rule(
            "no-tokens",
            "requests without input or output tokens are in the file, as in recorded ones that "
            "failed; some readers refuse or skip them",
            is_note=True,
        ),
        Rule(
            "hash-missing",
            "every row has hash_ids; without, prompts are empty or the row is refused",
            frozenset({"guidellm", "dynamo", "vllm", "sglang"}),
        ),
        Rule(
            "hash-count",
            "there are as many hash_ids as blocks of the input",
            frozenset({"guidellm", "aiperf", "dynamo", "vllm", "sglang"}),
        ),
        Rule(
            "hash-range",
            "hash_ids are below 2^31",
            frozenset({"guidellm", "aiperf", "dynamo", "vllm", "sglang"}),
        ),
        Rule(
            "hash-fill",
            "an id is a block of one size for ever: a partly filled last one never comes back "
            "as a full one or with another fill",
            frozenset({"aiperf", "guidellm"}),
        ),
        Rule(
            "block-size",
            "hash_ids stand for 128 tokens each, which SGLang makes of every id, whatever the input",
            frozenset({"sglang"}),
        ),
        Rule(
            "response",
            "every row of a BurstGPT file has a response; AIPerf refuses a file for one that has none",
            frozenset({"aiperf"}),
        ),
        Rule("session-start", "the first turn of a session has a timestamp", frozenset({"dynamo", "aiperf"})),
        Rule("session-delay", "later turns of a session have a delay", frozenset({"dynamo"})),
        Rule(
            "column-order",
            "columns that are read by position stand where they must",
            frozenset({"vllm", "inference-perf", "aibrix", "blis", "splitwise-sim"}),
        ),
        Rule("column-missing", "no column that a reader needs is missing"),
        Rule(
            "model",
            "vLLM keeps only rows of the model GPT-4 with a response",
            frozenset({"vllm"}),
            is_note=True,
        ),
        Rule("totals", "columns that say the same agree"),
        Rule("constant", "columns that must have one value have it", frozenset({"splitwise-sim", "blis"})),
        Rule("header-file", "a BLIS trace has a YAML header, of microseconds", frozenset({"blis"})),
        Rule(
            "header-keys",
            "a BLIS header has keys that BLIS knew in August 2026; it refuses others",
            frozenset({"blis"}),
            is_note=True,
        ),
        Rule(
            "round-order",
            "the rounds of a session are 0, 1, 2 and so on, which BLIS needs when they wait for each other",
            frozenset({"blis"}),
        ),
        Rule(
            "served-model",
            "no row names a model; BLIS drops requests for another than the one that it serves",
            frozenset({"blis"}),
            is_note=True,
        ),
        Rule("chat-twice", "no chat_id is there twice", is_note=True),
        Rule("parent-order", "the parent of a chat is above it, so that there are no circles", is_note=True),
        Rule("parent-missing", "the parent of a chat is in the file", is_note=True),
        Rule("turn-order", "the turn of a chat is the next of its parent's", is_note=True),
        Rule("chat-branches", "no chat has several children, which make a tree of it", is_note=True),
        Rule("format", "the tool reads this format"),
        Rule("part-missing", "every part of a data set is there", _DATASETS),
        Rule("part-altered", "every part of a data set has the bytes that were written", _DATASETS),
        Rule("part-unknown", "a data set has no other Parquet files", _DATASETS),
    )
}
"""All rules by name."""
