"""Sessions of clients by idle time: found exactly, and their starts and gaps in what is generated."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import tracetide as tt
from cli_tools import fails, succeeds
from tracetide.fit.idle_time import SessionStarts, sessions_by_idle_time

NS = 10**9


def found(client: list[int], seconds: list[float], idle: float) -> list[int]:
    time = np.rint(np.array(seconds) * NS).astype(np.int64)
    return sessions_by_idle_time(np.array(client, dtype=np.uint32), time, round(idle * NS)).tolist()


def test_requests_of_a_client_less_than_that_apart_are_a_session() -> None:
    assert found([0, 1, 0, 1, 0, 1], [0, 50, 599, 600, 1199, 1201], 600) == [0, 1, 0, 1, 4, 5]


def test_a_session_goes_on_for_as_long_as_no_gap_is_idle() -> None:
    assert found([7] * 5, [0, 599.9, 1199.8, 1799.7, 2400], 600) == [0, 0, 0, 0, 4]


def test_of_no_requests_there_are_no_sessions() -> None:
    assert found([], [], 600) == []


def test_windows_without_a_start_keep_their_requests() -> None:
    number = np.array([0, 1, 0, 1, 0, 5, 5])
    window = np.array([0, 0, 1, 1, 2, 2, 4])
    starts = SessionStarts(number, window)
    # Windows 1 and 4 have no start; of window 2 it is the second row.
    assert np.flatnonzero(starts._chosen).tolist() == [0, 1, 2, 3, 5, 6]


def sittings(clients: int, hours: int, seed: int) -> dict[str, npt.NDArray[Any]]:
    """A trace of clients that come for 1, 4 or 10 requests a minute or so apart."""
    draw = np.random.default_rng(seed)
    rows = []
    for client in range(clients):
        time = draw.exponential(7200)
        while time < hours * 3600:
            times = time + np.cumsum(np.append(0, draw.lognormal(4, 0.6, draw.choice([0, 3, 9]))))
            rows += [(at, client) for at in times[times < hours * 3600]]
            time = times[-1] + 900 + draw.exponential(7200)
    rows.sort()
    return {
        "timestamp": np.array([row[0] for row in rows]),
        "client": np.array([f"user {row[1]}" for row in rows]),
        "input_tokens": draw.integers(10, 500, len(rows)).astype(np.uint32),
        "output_tokens": draw.integers(10, 500, len(rows)).astype(np.uint32),
    }


def gaps(time: npt.NDArray[Any], client: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The gaps of clients, and whether each is from one window of 10 min to the next."""
    code = np.unique(client, return_inverse=True)[1]
    order = np.lexsort((time, code))
    same = code[order][1:] == code[order][:-1]
    return np.diff(time[order])[same], np.diff(time[order] // 600)[same] == 1


def test_a_client_that_comes_for_a_while_does_so_in_what_is_generated() -> None:
    columns = sittings(clients=300, hours=24, seed=1)
    trace = pa.table(columns)
    pool = tt.fit(trace, sessions="10min")
    (model,) = pool.profile.session_models()
    turns = pool.profile.distribution(model["turns"])
    shares = dict(zip(turns["values"].tolist(), turns["probabilities"].tolist(), strict=True))
    # Sessions of one request are those that stand alone.
    assert abs(model["share"] - 14 / 15) < 0.01
    assert abs(shares[4] - 0.5) < 0.03
    assert abs(shares[10] - 0.5) < 0.04
    assert (model["waits_from_start"], model["forgets"]) == (1, 1)
    waits = pool.profile.statistics(np.array([0.5]))["mean"][model["steps"][0]["wait"]] / 1000
    assert abs(waits / np.exp(4 + 0.6**2 / 2) - 1) < 0.03
    again = tt.generate(pool, seed=1)
    assert abs(len(again) / len(trace) - 1) < 0.02
    plain = tt.generate(tt.fit(trace), seed=1)
    (actual, at_edge), (new, new_at_edge), (old, old_at_edge) = (
        gaps(columns["timestamp"], columns["client"]),
        gaps(again.timestamp, again.client_id),
        gaps(plain.timestamp, plain.client_id),
    )
    assert abs(np.median(new) / np.median(actual) - 1) < 0.1
    assert abs(np.mean(new < 60) - np.mean(actual < 60)) < 0.05
    # Gaps from window to window, which a profile without sessions has anyhow.
    assert abs(np.median(new[new_at_edge]) / np.median(actual[at_edge]) - 1) < 0.25
    assert np.median(old[old_at_edge]) > 2 * np.median(actual[at_edge])


def test_a_window_of_several_pieces_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    from tracetide.passes import pieces

    # Two clients that begin in one window and go on in it for longer than a piece.
    times = np.sort(np.random.default_rng(8).uniform(0, 600, 1000))
    columns = {
        "timestamp": np.append(times, [605.0, 1700.0]),
        "client": np.array(["a", "b"] * 501),
        "input_tokens": np.full(1002, 10, dtype=np.uint32),
        "output_tokens": np.full(1002, 10, dtype=np.uint32),
    }
    monkeypatch.setattr(pieces, "PIECE_ROWS", 64)
    monkeypatch.setattr(pieces, "MOST_ROWS", 128)
    _, report = tt.fit_with_report(pa.table(columns), sessions="10min")
    window, rate = report.windows["window"].to_numpy(), report.windows["rate"].to_numpy()
    assert np.bincount(window, rate)[:2] * 600 == pytest.approx([1000, 1])


def test_lengths_that_last_while_a_client_is_there_are_found() -> None:
    columns = sittings(clients=300, hours=24, seed=5)
    order = np.lexsort((columns["timestamp"], columns["client"]))
    gap = np.diff(columns["timestamp"][order], prepend=0)
    is_new = (np.abs(gap) >= 600) | np.append(
        True, np.diff(np.unique(columns["client"][order], return_inverse=True)[1]) > 0
    )
    draw = np.random.default_rng(6)
    # All of a session: a share of 0.5 with a memory of nearly 1.
    common = draw.standard_normal(order.size)[np.cumsum(is_new) - 1]
    z = np.sqrt(0.5) * common + np.sqrt(0.5) * draw.standard_normal(order.size)
    columns["input_tokens"][order] = np.exp(6 + z).astype(np.uint32)
    pool = tt.fit(pa.table(columns), sessions="10min")
    (model,) = pool.profile.session_models()
    # Outputs are independent.
    assert set(model["persistence"]) == {"input_tokens"}
    share, memory = model["persistence"]["input_tokens"]
    # Ten seeds give 0.454 and 0.990, as a client's ranks are among its own few sessions; the standard
    # deviations are 0.013 and 0.005.
    assert abs(share - 0.454) < 0.06
    assert memory > 0.96


def test_windows_have_as_many_requests_as_in_the_trace() -> None:
    columns = sittings(clients=200, hours=6, seed=2)
    pool, report = tt.fit_with_report(pa.table(columns), sessions="10min")
    expected = np.bincount((columns["timestamp"] // 600).astype(int))
    windows = report.windows
    rates = np.bincount(windows["window"], windows["rate"].to_numpy())
    # All but the last, which is not over.
    assert rates[:-1] * 600 == pytest.approx(expected[:-1])
    # The report counts what the gaps are from: starts.
    assert sum(windows["requests"].to_pylist()) < 0.3 * len(columns["timestamp"])
    assert pool.provenance["options"]["sessions"] == 600
    assert pool.provenance["rows_used"] == len(columns["timestamp"])


def test_what_does_not_go_together_is_refused() -> None:
    columns = sittings(clients=20, hours=4, seed=3)
    plain = pa.table({name: column for name, column in columns.items() if name != "client"})
    with pytest.raises(
        ValueError, match=r"sessions: an idle time is not allowed, as .* has one client; name"
    ):
        tt.fit(plain, sessions="10min")
    told = pa.table({**columns, "session_id": np.arange(len(columns["timestamp"]))})
    with pytest.raises(ValueError, match=r"as .* has sessions by 'session_id'; use sessions=True"):
        tt.fit(told, sessions="10min")
    for wrong in (600, 1, None, 2.5):
        with pytest.raises(
            ValueError, match=f"sessions: {wrong!r} is not allowed; it must be True, False or"
        ):
            tt.fit(plain, sessions=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="sessions: 'soon' is not allowed"):
        tt.fit(plain, sessions="soon")


def test_the_command_takes_both_forms(tmp_path: Any) -> None:
    import pyarrow.parquet as pq

    pq.write_table(pa.table(sittings(clients=60, hours=4, seed=4)), tmp_path / "t.parquet")
    succeeds("fit", "t.parquet", "--sessions", "10min", "-o", "p.tide", cwd=tmp_path)
    (model,) = tt.load(tmp_path / "p.tide").profile.session_models()
    assert model["forgets"] == 1
    succeeds("fit", "t.parquet", "--sessions", "-o", "none.tide", cwd=tmp_path)
    assert tt.load(tmp_path / "none.tide").profile.session_models() == []
    fails(
        "fit",
        "t.parquet",
        "--sessions",
        "soon",
        "-o",
        "p.tide",
        cwd=tmp_path,
        says=["sessions: 'soon' is not allowed"],
    )
