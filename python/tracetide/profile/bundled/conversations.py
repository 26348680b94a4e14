"""The conversations of the reasoning profiles: a model, as what is published of them is little."""

from __future__ import annotations

from tracetide.profile.distributions import LogNormal
from tracetide.profile.sessions import ServiceTime, Sessions, conversations

_MOST_TURNS = 40
_MORE = 0.6  # a mean of 2 + 0.6 / 0.4 = 3.5 turns

CONVERSATIONS: dict[str, Sessions] = {
    name: conversations(
        share=0.1,
        turns={2 + more: _MORE**more for more in range(_MOST_TURNS - 1)},
        think_time=LogNormal(median=100, sigma=1.1),
        new_tokens=LogNormal(median=40, sigma=1.3),
        context_limit=65_536,
        service=ServiceTime(overhead=0.5, input_token=1e-4, output_token=0.03),
    )
    for name in ("deepseek-r1", "deepqwen-r1")
}
"""By the name of the profile."""

ASSUMPTIONS = {
    "share and turns": "almost 10 % of deepseek-r1's requests, 3.5 turns on average: arXiv 2505.09999, "
    "finding 10; a geometric law is chosen",
    "think time": "chosen: log-normal, 100 s in the median, from the end of a turn; the study shows one law "
    "for all conversations and no figures",
    "new tokens": "chosen: log-normal, 40 in the median; a first turn has the client's own input, which in "
    "the record includes the history of later turns",
    "reasoning": "chosen: dropped from the context, as the model's makers recommend",
    "context limit and service time": "chosen: 65,536 tokens; 0.5 s, 0.1 ms an input and 30 ms an output "
    "token",
}
"""Where the numbers are from, kept in the profile."""
