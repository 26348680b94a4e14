"""Requests without output or without input in a fit: events with both of their lengths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tracetide as tt

HOUR = 3600


def log(clients: list[str] | None, seed: int = 1, rows: int = 6000) -> pa.Table:
    """A fifth of the requests has no output, a third of these no input either; 1 in 40 has no input only."""
    draw = np.random.default_rng(seed)
    inputs, outputs = draw.integers(50, 500, rows), draw.integers(1, 100, rows)
    kind = draw.random(rows)
    outputs[kind < 0.2] = 0
    inputs[(kind < 0.067) | (kind > 0.975)] = 0
    columns = {
        "timestamp": np.sort(draw.random(rows)) * HOUR,
        "input_tokens": inputs,
        "output_tokens": outputs,
    }
    if clients is not None:
        columns["client"] = np.array(clients)[draw.integers(0, len(clients), rows)]
    return pa.table(columns)


def shares(trace: Any) -> list[float]:
    """Of requests with neither, without output only, without input only."""
    no_input, no_output = np.asarray(trace["input_tokens"]) == 0, np.asarray(trace["output_tokens"]) == 0
    return [(no_input & no_output).mean(), (~no_input & no_output).mean(), (no_input & ~no_output).mean()]


@pytest.mark.parametrize("clients", [None, ["a", "b", "c"]], ids=["whole", "by client"])
def test_a_generated_trace_has_the_same_share_of_each_kind(clients: list[str] | None) -> None:
    actual = log(clients)
    with pytest.warns(tt.EmptyRequestWarning, match="the profile makes as many of them, by clients of their"):
        pool = tt.fit(actual, duration=HOUR, latent=1 if clients is None else "auto")
    made = tt.generate(pool, duration=HOUR, seed=3)
    # Without output: as many to the request. Which of them have no input is drawn, within 4 standard errors.
    one, other = np.array(shares(actual)), np.array(shares(made))
    assert abs(one[:2].sum() - other[:2].sum()) < 0.001
    assert abs(one[2] - other[2]) < 0.001
    assert np.abs(one - other)[:2].max() < 4 * np.sqrt(2 * 0.2 * 0.8 / 6000)
    names = ["whole"] if clients is None else ["c", "c (failed)", "a", "a (failed)", "b", "b (failed)"]
    assert pool.client_names == [*names, "failed", "no input"]
    failed = int((np.asarray(actual["output_tokens"]) == 0).sum())
    assert pool.provenance["rows_failed"] == failed
    assert pool.provenance["rows_empty"] > failed


def test_failed_requests_of_a_client_have_their_own_rates_and_lengths() -> None:
    draw = np.random.default_rng(2)
    time = np.sort(draw.random(4000)) * HOUR
    is_b = draw.random(4000) < 0.5
    # Those of "b" fail in the second half, with long inputs.
    failed = is_b & (time > HOUR / 2)
    trace = pa.table({
        "timestamp": time, "client": np.where(is_b, "b", "a"),
        "input_tokens": np.where(failed, 9000, 100), "output_tokens": np.where(failed, 0, 50),
    })  # fmt: skip
    with pytest.warns(tt.EmptyRequestWarning):
        pool = tt.fit(trace, duration=HOUR, min_lengths=40)
    assert sorted(pool.client_names) == ["a", "b", "b (failed)", "failed"]
    made = tt.generate(pool, duration=HOUR, seed=0)
    is_failed = np.asarray(made["output_tokens"]) == 0
    assert set(np.asarray(made["input_tokens"])[is_failed].tolist()) == {9000}
    assert set(np.asarray(made["input_tokens"])[~is_failed].tolist()) == {100}
    assert is_failed.sum() == pytest.approx(failed.sum(), abs=1)
    assert np.asarray(made["timestamp"])[is_failed].min() > HOUR / 2 - 600
    by_client = dict(zip(pool.client_names, np.bincount(made["client_id"]), strict=True))
    assert by_client["failed"] == pytest.approx(40, abs=1)


def test_a_trace_of_failed_requests_only_is_one_client() -> None:
    trace = log(None, rows=500).set_column(2, "output_tokens", pa.array([0] * 500))
    with pytest.warns(tt.EmptyRequestWarning, match="500 of 500 requests, 100 %"):
        assert tt.fit(trace).client_names == ["failed"]


def test_clients_by_number_have_their_failed_ones_beside_them() -> None:
    trace = log(["x"])
    trace = trace.set_column(
        3, "client_id", pa.array(np.random.default_rng(4).integers(0, 3, 6000), pa.uint32())
    )
    with pytest.warns(tt.EmptyRequestWarning):
        names = tt.fit(trace).client_names
    shared = ["failed", "no input"]
    assert names[:4] == ["client 0", "client 0 (failed)", "client 1", "client 1 (failed)"]
    with pytest.warns(tt.EmptyRequestWarning):
        names = tt.fit(trace, top_clients=1).client_names
    assert names == ["client 2", "client 2 (failed)", "rest", "rest (failed)", "rest (no input)", *shared]


def test_few_failed_requests_are_one_client() -> None:
    clients = [f"user {i}" for i in range(40)]
    with pytest.warns(tt.EmptyRequestWarning):
        pool = tt.fit(log(clients), duration=HOUR)
    assert len(pool) == 42
    assert pool.client_names[-2:] == ["failed", "no input"]


def test_batches_do_not_matter_nor_do_clients_that_only_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    from tracetide.passes import pieces

    actual = log(["a", "b"])
    alone = pa.table({
        "timestamp": actual["timestamp"], "input_tokens": actual["input_tokens"],
        "output_tokens": actual["output_tokens"],
        "client": pa.array(["b" if out else "a" for out in actual["output_tokens"].to_pylist()]),
    })  # fmt: skip
    for trace in (actual, alone):
        found = set()
        for rows in (6000, 999):
            cut = pa.RecordBatchReader.from_batches(trace.schema, trace.to_batches(max_chunksize=rows))
            with pytest.warns(tt.EmptyRequestWarning):
                pool = tt.fit(cut, duration=HOUR)
            found.add((tuple(pool.client_names), pool.profile.cells()["rate"].tobytes()))
        assert len(found) == 1
    assert pool.client_names == ["b", "b (no input)", "a (failed)", "failed", "no input"]
    monkeypatch.setattr(pieces, "PIECE_ROWS", 700)
    with pytest.warns(tt.EmptyRequestWarning):
        again = tt.fit(alone, duration=HOUR)
    assert again.client_names == pool.client_names
    assert again.profile.cells()["rate"].tolist() == pool.profile.cells()["rate"].tolist()


def test_parametric_lengths_of_failed_requests_are_0() -> None:
    with pytest.warns(tt.EmptyRequestWarning):
        pool = tt.fit(log(["a", "b"]), duration=HOUR, lengths="parametric")
    made = tt.generate(pool, duration=HOUR, seed=1)
    assert sum(shares(made)[:2]) == pytest.approx(0.2, abs=0.02)


def test_failed_requests_in_sessions_keep_their_lengths(tmp_path: Path) -> None:
    chat = tt.conversations(share=0.6, turns={2: 0.5, 5: 0.5}, think_time=20, new_tokens=100)
    client = tt.Client(rate=2, input_tokens=900, output_tokens=100, sessions=chat)
    made = tt.generate(tt.ClientPool([client]), duration="1h", seed=1)
    columns = {
        name: np.array(made[name]) for name in ("timestamp", "input_tokens", "output_tokens", "session_id")
    }
    columns["output_tokens"][::10] = 0
    with pytest.warns(tt.EmptyRequestWarning):
        pool = tt.fit(pa.table(columns), duration=HOUR, sessions=True)
    again = tt.generate(pool, duration=HOUR, seed=2)
    assert (np.asarray(again["output_tokens"]) == 0).mean() == pytest.approx(0.1, abs=0.005)
