"""Traces with conversations at another rate."""

from __future__ import annotations

import errno
import math
import os
from contextlib import nullcontext
from typing import Any

import numpy as np
import pyarrow.csv as pa_csv
import pytest
import tracetide as tt
from cli_tools import fails, succeeds
from hypothesis import given, settings
from hypothesis import strategies as st
from tracetide.columns import ListColumn
from tracetide.upsampling import METHODS
from tracetide.upsampling.sessions import Sessions


def trace_of(times, sessions, **more) -> tt.Trace:
    n = len(times)
    return tt.Trace(
        {
            "timestamp": np.array(times, dtype=np.float64),
            "client_id": np.zeros(n, dtype=np.uint32),
            "input_tokens": np.arange(1, n + 1, dtype=np.uint32),
            "output_tokens": np.ones(n, dtype=np.uint32),
            "session_id": sessions,
            **more,
        }
    )


CHATS = trace_of(
    [0, 10, 20, 30, 90, 100],
    np.array([7, 8, 7, 9, 8, 7], dtype=np.uint64),
    delay=np.array([np.nan, np.nan, 5.0, np.nan, 6.0, 7.0]),
    request_id=np.arange(6, dtype=np.uint64),
)


def test_naive_scales_all_times():
    found = tt.upsample(CHATS, 2, method="naive")
    assert found.timestamp.tolist() == [0, 5, 10, 15, 45, 50]
    assert found.session_id.tolist() == [7, 8, 7, 9, 8, 7]
    assert np.array_equal(found.delay, [np.nan, np.nan, 2.5, np.nan, 3, 3.5], equal_nan=True)


def test_itt_keeps_the_times_between_turns():
    found = tt.upsample(CHATS, 2)
    # Session 7 begins at 0, session 8 at 5, session 9 at 15; turns of 7 at +20 and +100, of 8 at +80.
    assert found.timestamp.tolist() == [0, 5, 15, 20, 85, 100]
    assert found.session_id.tolist() == [7, 8, 9, 7, 8, 7]
    assert found.input_tokens.tolist() == [1, 2, 4, 3, 5, 6]
    assert np.array_equal(found.delay, [np.nan, np.nan, np.nan, 5, 6, 7], equal_nan=True)


def test_positions_and_the_job_are_no_longer_true():
    found = tt.upsample(CHATS, 2)
    assert "request_id" not in found
    assert found.metadata == {"upsampled": {"factor": 2.0, "method": "itt"}, "of": {}}


def test_lists_move_with_their_requests():
    items = ListColumn(np.array([0, 1, 1, 3, 3, 4, 6], dtype=np.int32), np.arange(6, dtype=np.uint32))
    found = tt.upsample(trace_of(CHATS.timestamp, CHATS.session_id, hash_ids=items), 2)
    assert [found.hash_ids[row].tolist() for row in range(6)] == [[0], [], [], [1, 2], [3], [4, 5]]


@pytest.mark.parametrize(
    "sessions",
    [
        np.array(["a", "", "a", ""], dtype=object),
        np.array(["a", None, "a", None], dtype=object),
        np.array([1.0, np.nan, 1.0, np.nan]),
    ],
)
def test_requests_without_a_session_are_on_their_own(sessions):
    trace = trace_of([0, 4, 6, 8], sessions)
    found = Sessions.of(trace)
    assert found.turns.tolist() == [2, 1, 1]
    assert tt.upsample(trace, 4).timestamp.tolist() == [0, 1, 2, 6]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 5)), min_size=1, max_size=40),
    st.floats(0.01, 100),
    st.sampled_from(METHODS),
)
def test_sessions_stay_whole(rows, factor, method):
    rows.sort()
    trace = trace_of([t / 1e3 for t, _ in rows], np.array([s for _, s in rows], dtype=np.uint64))
    found = tt.upsample(trace, factor, method=method)
    assert (np.diff(found.timestamp) >= 0).all()
    assert sorted(found.input_tokens.tolist()) == trace.input_tokens.tolist()
    scale = factor if method == "naive" else 1.0
    for session in set(trace.session_id.tolist()):
        old, new = (one.timestamp[one.session_id == session] for one in (trace, found))
        assert new[0] == pytest.approx(old[0] / factor, abs=2e-9)
        assert np.diff(new) == pytest.approx(np.diff(old) / scale, abs=2e-9, rel=1e-9)


def chats(n=2000, seed=1):
    """Conversations that begin at random over 100,000 s, with log-normal times between turns."""
    random = np.random.default_rng(seed)
    turns = random.geometric(0.3, n)
    session = np.repeat(np.arange(n, dtype=np.uint64), turns)
    steps = random.lognormal(np.log(60), 1, session.size)
    first = np.append(True, np.diff(session) > 0)
    steps[first] = 0
    since = np.cumsum(steps)
    time = np.repeat(random.uniform(0, 1e5, n), turns) + since - np.repeat(since[first], turns)
    order = np.argsort(time)
    return trace_of(np.round(time - time.min(), 9)[order], session[order])


def test_the_comparison_tells_what_naive_does():
    comparison = tt.compare_upsampling(chats(), 4)
    original, itt, naive = comparison.table().to_pylist()
    assert [row["version"] for row in (original, itt, naive)] == ["original", "itt", "naive"]
    assert itt["itt_p50"] == pytest.approx(original["itt_p50"], rel=1e-6)
    assert naive["itt_p50"] == pytest.approx(original["itt_p50"] / 4, rel=1e-6)
    assert original["itt_ks"] == 0
    assert itt["itt_ks"] < 0.01
    assert naive["itt_ks"] > 0.4
    assert naive["rate"] == pytest.approx(4 * original["rate"], rel=1e-6)
    assert naive["cv"] == pytest.approx(original["cv"], rel=1e-6)
    assert itt["rate"] == pytest.approx(4 * original["rate"], rel=0.1)


def test_the_step_of_the_clock_is_not_taken_for_bursts():
    # Poisson at 5/s written in whole seconds: five requests a second at one time, but a CV of 1. It is within
    # 0.06 of it in all but 1 of 10^4 such traces (standard error 0.014).
    rng = np.random.default_rng(5)
    times = np.floor(np.cumsum(rng.exponential(0.2, 5000)))
    trace = trace_of(times, np.arange(5000, dtype=np.uint64) // 2)
    rows = tt.compare_upsampling(trace, 2).table().to_pylist()
    assert rows[0]["cv"] == pytest.approx(1, abs=0.06)


def test_the_figure(tmp_path):
    pytest.importorskip("matplotlib")
    tt.compare_upsampling(chats(100), 2).draw(tmp_path / "f.svg")
    assert (tmp_path / "f.svg").read_text().count("naive") >= 1


def test_a_figure_is_there_when_it_is_complete(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    def breaks_off(self: Figure, to: Any, **options: Any) -> None:
        with open(to, "wb") if isinstance(to, str | os.PathLike) else nullcontext(to) as file:
            file.write(b"half a picture")
        raise OSError(errno.ENOSPC, "No space left on device")

    comparison = tt.compare_upsampling(chats(100), 2)
    comparison.draw(tmp_path / "f.png")
    before = (tmp_path / "f.png").read_bytes()
    monkeypatch.setattr(Figure, "savefig", breaks_off)
    with pytest.raises(OSError, match="No space"):
        comparison.draw(tmp_path / "f.png")
    assert (tmp_path / "f.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["f.png"]


def test_another_ending_of_the_figure_is_refused_before_anything_is_written(tmp_path):
    chats(100).write(tmp_path / "a.parquet")
    options = ["--factor", "2", "--figure", "f.jpg"]
    fails("upsample", "a.parquet", "b.csv", *options, says=["'f.jpg' is not allowed"], cwd=tmp_path)
    assert not (tmp_path / "b.csv").exists()


def test_the_command_line(tmp_path):
    chats(200).write(tmp_path / "a.parquet")
    done = succeeds(
        "upsample", "a.parquet", "b.arrow", "--factor", "2", "--compare", "t.csv", cwd=tmp_path
    )  # fmt: skip
    trace = tt.read(tmp_path / "a.parquet")
    assert tt.read(tmp_path / "b.arrow") == tt.upsample(trace, 2)
    assert done.stderr.decode().startswith("b.arrow: ")
    table = pa_csv.read_csv(tmp_path / "t.csv")
    assert table["version"].to_pylist() == ["original", "itt", "naive"]
    succeeds("upsample", "a.parquet", "n.csv", "--factor", "2", "--method", "naive", "--quiet", cwd=tmp_path)
    plain = tt.Trace({name: trace[name] for name in trace.columns if name != "session_id"})
    plain.write(tmp_path / "plain.csv")
    fails("upsample", "plain.csv", "x.csv", "--factor", "2", says=["session_id: missing"], cwd=tmp_path)
    fails(
        "upsample", "a.parquet", "x.csv", "--factor", "0", says=["--factor: 0 is not allowed"], cwd=tmp_path
    )
    fails("upsample", "a.parquet", "x.txt", "--factor", "2", says=["x.txt"], cwd=tmp_path)
    assert not list(tmp_path.glob("x.*"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tt.upsample(CHATS, 0), "factor: 0 is not allowed; it must be a number above 0"),
        (lambda: tt.upsample(CHATS, math.inf), "factor: inf is not allowed"),
        (lambda: tt.upsample(CHATS, "2"), "factor: '2' is not allowed"),
        (
            lambda: tt.upsample(CHATS, 2, method="x"),
            "method: 'x' is not allowed; it must be one of itt, naive",
        ),
        (lambda: tt.upsample(trace_of([0, np.nan], np.array([1, 1], dtype=np.uint64)), 2), "row 2 has none"),
        (
            lambda: tt.compare_upsampling(trace_of([0, 1], np.array([1, 2], dtype=np.uint64)), 2),
            "no conversation has",
        ),
    ],
)
def test_what_is_wrong_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_trace_without_conversations_can_only_be_scaled():
    plain = tt.Trace(
        {name: CHATS[name] for name in ("timestamp", "client_id", "input_tokens", "output_tokens")}
    )
    with pytest.raises(ValueError, match="session_id: missing"):
        tt.upsample(plain, 2)
    assert tt.upsample(plain, 2, method="naive").timestamp[-1] == 50
