"""The conversations of the reasoning profiles: a model, as what is published of them is little."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.profile.distributions import LogNormal
from tracetide.profile.sessions import ServiceTime, Sessions, add_sessions, conversations

OUTPUT_TIME = {"deepseek-r1": 0.03, "deepqwen-r1": 0.015}
"""Seconds to decode a token, of each profile that has conversations."""

WHOLE_OUTPUT = 0.83
"""Share of the requests whose clients send back the whole output; others leave out the reasoning."""

_MOST_TURNS = 45
_SURVIVAL, _SHAPE = 0.3895, 0.55


def _turns() -> dict[float, float]:
    """A discrete Weibull law from 2 on: P(2 + j turns or more) = survival^(j^shape)."""
    more = np.arange(_MOST_TURNS - 1, dtype=np.float64)
    at_least = np.append(_SURVIVAL**more**_SHAPE, 0.0)
    # Rounded, so that the last bit of a platform's powers does not show in the file.
    return {2 + j: round(float(share), 9) for j, share in enumerate(-np.diff(at_least))}


def model_of(name: str, *, keep_reasoning: bool) -> Sessions:
    """The conversations of a profile, for clients that send reasoning back or leave it out."""
    return conversations(
        share=0.096,
        turns=_turns(),
        think_time=LogNormal(median=50, sigma=2.1),
        new_tokens=LogNormal(median=40, sigma=1.3),
        context_limit=65_536,
        service=ServiceTime(overhead=0.5, input_token=1e-4, output_token=OUTPUT_TIME[name]),
        keep_reasoning=keep_reasoning,
    )


def keeps_output(requests: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which clients send back whole outputs, by their requests: the largest ones that the share has room for
    leave out the reasoning.
    """
    room = (1 - WHOLE_OUTPUT) * requests.sum()
    keeps = np.ones(requests.size, dtype=bool)
    for client in np.argsort(-requests, kind="stable").tolist():
        if requests[client] <= room:
            keeps[client] = False
            room -= requests[client]
    return keeps


def add_conversations(builder: _core.ProfileBuilder, name: str, requests: npt.NDArray[np.float64]) -> None:
    """Gives every client of a profile its conversations, or nothing where the profile has none.

    Args:
        builder: has all clients already.
        name: of the profile.
        requests: expected in the period, of each client.
    """
    if name not in OUTPUT_TIME:
        return
    models = [add_sessions(builder, model_of(name, keep_reasoning=keeps)) for keeps in (False, True)]
    for client, keeps in enumerate(keeps_output(requests).tolist()):
        builder.set_session(client, models[keeps])


_RELEASE = "conversations released by the study's authors (1,616 in a day, 5,720 requests)"

ASSUMPTIONS = {
    "share": "9.6 % of deepseek-r1's requests (188,986 of 1,964,415 in 12 hours): arXiv 2505.09999",
    "turns": f"median 2, p90 7, at most 45, mean 3.54: {_RELEASE}; arXiv 2505.09999, finding 10: 3.5. "
    "chosen: a discrete Weibull law, P(2 + j or more) = 0.3895^(j^0.55), cut off at 45, has them all",
    "think time": "starts of turns are about 100 s apart, with a long tail: arXiv 2505.09999, of this model "
    f"in these days; p90 and p99 are 10 and 73 times the median: {_RELEASE}. chosen: log-normal from the end "
    "of a turn, 50 s in the median, sigma 2.1; with the service time that is 100 s, and 8 and 50 times. Not "
    "taken: the release's median of 308 s, of other traffic (inputs of 7,740 tokens in the median, here 208)",
    "new tokens": "chosen: log-normal, 40 in the median; a first turn has the client's own input, which in "
    "the record includes the history of later turns. Not taken: the release's growth of 2,106 tokens in the "
    "median, which is ten times an input here",
    "reasoning": f"the previous output comes back whole in 83 %: {_RELEASE}. chosen: clients with 83 % of "
    "the requests send back all of it, others leave out the reasoning, as the model's makers recommend; a "
    "model of sessions does one or the other in every turn, and the answer always comes back",
    "context limit and service time": "chosen: 65,536 tokens; 0.5 s, 0.1 ms an input and 30 ms an output "
    "token, 15 ms of the distilled model",
}
"""Where the numbers are from, kept in the profile."""
