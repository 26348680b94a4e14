"""Serving one instance iteration by iteration, in plain Python: the peer of the core's simulation.

Chunked prefill, first come first served, with a KV cache that is never full: what `provision.py` compares.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence

from tracetide.provision import Instance

PICOSECONDS = 10**12


def serve(
    times_ns: Sequence[int], inputs: Sequence[int], outputs: Sequence[int], instance: Instance
) -> tuple[list[int], list[int]]:
    """First tokens and ends, in picoseconds, by request."""
    base, per_prompt, per_pair, per_sequence, per_context = (
        round(value * PICOSECONDS) for value in vars(instance.cost).values()
    )
    first: list[int] = [0] * len(times_ns)
    end: list[int] = [0] * len(times_ns)
    waiting: deque[int] = deque()
    decoding: list[tuple[int, int]] = []  # a heap of (iteration at which it ends, request)
    prefilling: tuple[int, int] | None = None  # a request, and the tokens that are computed
    clock = iteration = context = arrived = 0
    while True:
        while arrived < len(times_ns) and times_ns[arrived] * 1000 <= clock:
            waiting.append(arrived)
            arrived += 1
        if not waiting and not decoding and prefilling is None:
            if arrived == len(times_ns):
                return first, end
            clock = times_ns[arrived] * 1000
            continue
        budget = instance.max_batch_tokens - len(decoding)
        sequences = len(decoding)
        duration = base + per_sequence * sequences + per_context * (context + sequences)
        complete: list[int] = []
        while budget > 0:
            if prefilling is None:
                running = sequences + len(complete)
                if not waiting or running >= instance.max_sequences:
                    break
                prefilling = (waiting.popleft(), 0)
            request, done = prefilling
            tokens = min(inputs[request] - done, budget)
            duration += per_prompt * tokens + per_pair * (tokens * done + tokens * (tokens + 1) // 2)
            budget -= tokens
            prefilling = (request, done + tokens)
            if done + tokens == inputs[request]:
                complete.append(request)
                prefilling = None
        clock += duration
        if sequences:
            iteration += 1
            context += sequences
            while decoding and decoding[0][0] == iteration:
                _, request = heapq.heappop(decoding)
                context -= inputs[request] + outputs[request] - 1
                end[request] = clock
        for request in complete:
            first[request] = clock
            if outputs[request] == 1:
                end[request] = clock
            else:
                context += inputs[request]
                heapq.heappush(decoding, (iteration + outputs[request] - 1, request))
