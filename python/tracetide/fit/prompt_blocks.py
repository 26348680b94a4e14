"""Prompts as the blocks that they share: sessions by common prefix, and system prompts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracetide.fit.counted_laws import counted
from tracetide.profile.prompts.models import MOST_PROMPTS, Prefixes, PromptLevel

Ints = npt.NDArray[np.int64]

_BRANCHES = 8
"""On the last block of a system prompt at least so many different ones follow."""
_PROMPT_SHARE = 0.01
"""A system prompt is what at least this part of the sessions begins with ..."""
_PROMPT_SESSIONS = 8
"""... and at least so many."""
_COMMON = 0.8
"""A request goes on with another one if it has at least this part of that one's whole blocks."""
_BLOCK_SIZES: tuple[int, ...] = tuple(2**k for k in range(17))


class PromptBlocks:
    """Hash ids as flat arrays: for every block its id, its request and its place in the prompt."""

    def __init__(self, counts: Ints, ids: Ints, inputs: Ints) -> None:
        self.ids = np.unique(ids, return_inverse=True)[1].astype(np.int64)
        self.size = _block_size(counts, inputs)
        self.starts = np.cumsum(counts) - counts
        self.request = np.repeat(np.arange(counts.size), counts)
        self.place = np.arange(ids.size) - self.starts[self.request]
        self.whole = np.minimum(inputs // self.size, counts)

    def sessions(self) -> Ints:
        """The number of each request's session.

        A request goes on with the latest one that holds the deepest block of its prompt that was seen
        before, if what they share is longer than the system prompt and nearly all of that one's prompt. So a
        document that is asked about several times is a session, as is a conversation.
        """
        parent = np.arange(self.whole.size)
        if not self.ids.size:
            return parent
        before = self._holder_before()
        seen = np.flatnonzero(before >= 0)
        # Blocks of a prompt are in their order: of several, the deepest comes last.
        at = seen[np.append(self.request[seen][1:] != self.request[seen][:-1], True)[: seen.size]]
        request, other, common = self.request[at], before[at], self.place[at] + 1
        goes_on = (common > self._prompt_depth()[request]) & (common >= _COMMON * self.whole[other])
        # Nothing is said by a prompt without a whole block.
        goes_on &= self.whole[other] > 0
        parent[request[goes_on]] = other[goes_on]
        while True:
            further = parent[parent]
            if np.array_equal(further, parent):
                return parent
            parent = further

    def _holder_before(self) -> Ints:
        """By block, the latest earlier request that has it; -1 for none."""
        order = np.argsort(self.ids, kind="stable")
        same = np.flatnonzero(self.ids[order[1:]] == self.ids[order[:-1]])
        before = np.full(self.ids.size, -1)
        before[order[same + 1]] = self.request[order[same]]
        before[before == self.request] = -1
        return before

    def _prompt_depth(self) -> Ints:
        """By request, how many blocks its system prompt has.

        A document that is asked about has many different successors too, but is not what so many of all
        requests begin with; a long conversation is, but has hardly any.
        """
        least = max(_PROMPT_SESSIONS, _PROMPT_SHARE * self.whole.size)
        ends = (np.bincount(self.ids) >= least) & (self._branches() >= _BRANCHES)
        at = np.flatnonzero(ends[self.ids])
        depth = np.zeros(self.whole.size, dtype=np.int64)
        np.maximum.at(depth, self.request[at], self.place[at] + 1)
        return depth

    def _branches(self) -> Ints:
        """By id, how many different blocks follow on it."""
        follows = np.flatnonzero(self.request[1:] == self.request[:-1])
        size = np.int64(self.ids.max() + 1) if self.ids.size else np.int64(1)
        pairs = np.unique(self.ids[follows] * size + self.ids[follows + 1])
        return np.bincount(pairs // size, minlength=int(size)).astype(np.int64)

    def prefixes(self, number: Ints) -> Prefixes | None:
        """What many sessions begin with: blocks that come in so many of them, from the first on."""
        size = np.int64(self.ids.max() + 1) if self.ids.size else np.int64(1)
        pairs = np.unique(number[self.request] * size + self.ids)
        in_sessions = np.bincount(pairs % size, minlength=int(size))
        first = np.unique(number, return_index=True)[1]
        least = max(_PROMPT_SESSIONS, _PROMPT_SHARE * first.size)
        common = in_sessions[self.ids] >= least
        # The first place where a prompt is not common.
        depth = np.full(self.whole.size, np.iinfo(np.int64).max)
        np.minimum.at(depth, self.request[~common], self.place[~common])
        depth = np.minimum(depth, self.whole)[first]
        begins = first[depth > 0]
        if not begins.size:
            return None
        prompt = self.ids[self.starts[begins] + depth[depth > 0] - 1]
        _, sessions = np.unique(prompt, return_counts=True)
        lengths, counts = np.unique(depth[depth > 0], return_counts=True)
        return Prefixes(
            share=begins.size / first.size,
            levels=[
                PromptLevel(
                    prompts=min(sessions.size, MOST_PROMPTS),
                    tokens=counted(lengths * self.size, counts),
                    popularity=_zipf_exponent(sessions),
                )
            ],
        )


def _block_size(counts: Ints, inputs: Ints) -> int:
    """Tokens of a block: the power of two with which most prompts have as many blocks as they need."""
    fits = [int(np.count_nonzero(-(-inputs // size) == counts)) for size in _BLOCK_SIZES]
    return _BLOCK_SIZES[fits.index(max(fits))]


def _zipf_exponent(counts: Ints) -> float:
    """The slope of the logarithm of how often over that of the rank."""
    ranked = np.sort(counts)[::-1].astype(np.float64)
    if ranked.size < 2:
        return 0.0
    rank = np.log(np.arange(1, ranked.size + 1))
    slope = np.polyfit(rank, np.log(ranked), 1, w=np.sqrt(ranked))[0]
    return float(np.clip(-slope, 0.0, 10.0))
