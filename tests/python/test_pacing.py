"""Requests when they are due: each once, in order, never early; how late is measured, not asserted."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest
import tracetide as tt
from format_traces import job, pool


def test_every_request_comes_once_in_order_and_not_early():
    made = tt.Job(pool("language"), rate=500, duration=2, seed=4)
    trace = made.generate()
    start = time.monotonic()
    found = [(request, time.monotonic() - start) for request in tt.pace(made)]
    assert [request.number for request, _ in found] == list(range(len(trace)))
    assert [request.timestamp for request, _ in found] == trace.timestamp.tolist()
    assert [request.input_tokens for request, _ in found] == trace.input_tokens.tolist()
    assert [request.output_tokens for request, _ in found] == trace.output_tokens.tolist()
    assert [request.client_id for request, _ in found] == trace.client_id.tolist()
    assert all(request.due == request.timestamp for request, _ in found)
    assert all(request.late >= 0 for request, _ in found)
    assert all(request.due <= now for request, now in found)


def test_speed_is_seconds_of_the_job_in_one_of_the_clock():
    made = tt.Job(pool("language"), rate=20, duration=60, seed=4)
    start = time.monotonic()
    last = max(request.due for request in tt.pace(made, speed=60))
    assert 0.9 < last < 1
    assert 0.9 < time.monotonic() - start < 5
    with pytest.raises(ValueError, match="speed: 0"):
        next(tt.pace(made, speed=0))


def test_further_columns_are_attributes():
    request = next(iter(tt.pace(job("multimodal", block_size=64), speed=1000)))
    trace = job("multimodal", block_size=64).generate()
    assert request.text_tokens == trace.text_tokens[0]
    assert request.image_tokens == trace.image_tokens[0].tolist()
    assert request.hash_ids == trace.hash_ids[0].tolist()
    with pytest.raises(AttributeError, match="no column 'session_id'"):
        _ = request.session_id
    assert repr(request).startswith("<PacedRequest 0, due at ")


def test_sessions_are_none_where_a_request_has_none():
    made = job("sessions")
    trace = made.generate()
    found = list(tt.pace(made, speed=1e6))
    ids = [None if id == tt.NO_SESSION else id for id in trace.session_id.tolist()]
    assert [request.session_id for request in found] == ids
    assert [request.delay is None for request in found] == np.isnan(trace.delay).tolist()
    assert [request.turn for request in found] == trace.turn.tolist()


def test_a_loop_can_be_left_and_requests_kept():
    kept = []
    for request in tt.pace(tt.Job(pool("language"), rate=1e4, duration=1000), speed=1e3):
        kept.append(request)
        if len(kept) == 1000:
            break
    assert [request.number for request in kept] == list(range(1000))


def test_asyncio_goes_on_meanwhile():
    made = tt.Job(pool("language"), rate=200, duration=1, seed=4)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async def main() -> list[int]:
        task = asyncio.create_task(tick())
        found = [request.number async for request in tt.pace_async(made)]
        task.cancel()
        return found

    assert asyncio.run(main()) == list(range(200))
    assert ticks > 20


def test_an_error_in_the_making_is_raised():
    big = tt.Client(rate=50, input_tokens=tt.Constant(1_000_000), output_tokens=tt.Constant(1))
    made = tt.Job(tt.ClientPool([big]), duration=3600, block_size=1)
    with pytest.raises(ValueError, match=r"2\^31"):
        for _ in tt.pace(made, speed=1e9):
            pass
