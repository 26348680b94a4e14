"""Latent clients: how many are found, and what a trace from the fit has."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import tracetide as tt
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tracetide.fit.density import held_out_score
from tracetide.fit.latent import LatentSample
from tracetide.fit.latent_guard import common_of
from tracetide.fit.ranks import Ranks

HOUR = 3600
NS = 1_000_000_000
Floats = npt.NDArray[np.float64]


def table(time: Any, inputs: Any, outputs: Any) -> pa.Table:
    order = np.argsort(time, kind="stable")
    whole = [
        np.maximum(np.rint(np.asarray(column)[order]), 1).astype(np.uint32) for column in (inputs, outputs)
    ]
    return pa.table(
        {"timestamp": np.asarray(time)[order], "input_tokens": whole[0], "output_tokens": whole[1]}
    )


def mixture(
    centres: list[tuple[float, float]], seed: int = 1, requests: int = 8000, length: float = HOUR
) -> pa.Table:
    """Sources of log-normal lengths around centres, of as many requests, at even rates."""
    draw = np.random.default_rng(seed)
    source = draw.integers(0, len(centres), requests)
    lengths = np.exp(np.array(centres)[source] + 0.3 * draw.standard_normal((requests, 2)))
    return table(draw.random(requests) * length, lengths[:, 0], lengths[:, 1])


def l1_of_ranks(one: Any, other: Any, cells: int = 8) -> float:
    """Of 2: the distance of joint ranks."""
    grids = []
    for trace in (one, other):
        place = [
            (stats.rankdata(np.asarray(trace[name]), "ordinal") - 1) * cells // len(trace[name])
            for name in ("input_tokens", "output_tokens")
        ]
        grids.append(np.histogram2d(*place, bins=cells, range=[(0, cells)] * 2)[0] / place[0].size)
    return float(np.abs(grids[0] - grids[1]).sum())


def rate_and_output(trace: Any, step: float = 10) -> float:
    """Spearman's correlation of how many requests come in a step and their mean output."""
    at = (np.asarray(trace["timestamp"]) // step).astype(int)
    counts, sums = np.bincount(at), np.bincount(at, np.asarray(trace["output_tokens"]))
    return float(stats.spearmanr(counts[counts > 0], (sums / np.maximum(counts, 1))[counts > 0]).statistic)


FOUR = [(4.0, 7.0), (5.5, 4.0), (7.0, 6.0), (8.0, 3.0)]


def test_sources_are_found_and_joint_lengths_come_back() -> None:
    actual = mixture(FOUR)
    assert abs(stats.spearmanr(actual["input_tokens"], actual["output_tokens"]).statistic) > 0.3
    made = {}
    for latent in (1, "auto"):
        pool = tt.fit(actual, latent=latent, duration=HOUR)
        made[latent] = l1_of_ranks(actual, tt.generate(pool, duration=HOUR, seed=0))
    assert pool.client_names == ["latent 1", "latent 2", "latent 3", "latent 4"]
    assert pool.provenance["latent_clients"] == 4
    rates = [float(pool.profile.cells()["rate"][pool.profile.cells()["client"] == k].sum()) for k in range(4)]
    assert rates == sorted(rates, reverse=True)
    assert made[1] > 0.5
    assert made["auto"] < 0.1  # two samples of one law have 0.07 +- 0.007


@pytest.mark.parametrize("correlation", [0.0, 0.7, -0.5])
def test_what_a_copula_has_stays_one_client(correlation: float) -> None:
    draw = np.random.default_rng(5)
    x, e = draw.standard_normal((2, 6000))
    y = correlation * x + np.sqrt(1 - correlation**2) * e
    pool = tt.fit(table(draw.random(6000) * HOUR, np.exp(6 + x), np.exp(4 + y)), duration=HOUR)
    assert pool.client_names == ["whole"]
    assert pool.provenance["latent_clients"] == 0


def test_one_bursty_source_is_not_split_unless_told() -> None:
    """All requests come in bursts, of which each has both kinds of them."""
    draw = np.random.default_rng(6)
    burst = np.repeat(np.sort(draw.random(150)) * HOUR * 0.99, 50)
    lengths = np.exp(np.array([(4.0, 7.0), (7.0, 4.0)])[draw.integers(0, 2, burst.size)] + 0.2)
    lengths *= np.exp(0.3 * draw.standard_normal(lengths.shape))
    actual = table(burst + 20 * draw.random(burst.size), lengths[:, 0], lengths[:, 1])
    assert tt.fit(actual).client_names == ["whole"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tt.TracetideWarning)  # that it is not like the trace then
        assert tt.fit(actual, latent=2).client_names == ["latent 1", "latent 2"]


def moved(draw: np.random.Generator, requests: int, phase: float) -> npt.NDArray[np.int64]:
    """Times in an hour at a rate that doubles and vanishes every 40 s."""
    time = draw.random(4 * requests) * HOUR
    kept = draw.random(time.size) < 0.5 * (1 + np.sin(2 * np.pi * time / 40 + phase))
    return np.rint(time[kept] * NS).astype(np.int64)


def joined(parts: list[npt.NDArray[np.int64]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    time = np.concatenate(parts)
    order = np.argsort(time, kind="stable")
    return time[order], np.repeat(np.arange(len(parts)), [part.size for part in parts])[order]


def test_the_guard_knows_one_source_independent_ones_and_those_that_make_room() -> None:
    draw = np.random.default_rng(7)
    options = {"window_ns": 600 * NS, "tick_ns": 1}
    together = joined([moved(draw, 3000, 0.0), moved(draw, 3000, 0.0)])
    found = common_of(*together, 2, **options)
    assert (found.is_one_source, found.is_negative) == (True, False)
    found = common_of(*joined([moved(draw, 3000, 0.0), moved(draw, 3000, np.pi)]), 2, **options)
    assert (found.is_one_source, found.is_negative) == (False, True)
    even = [np.rint(draw.random(3000) * HOUR * NS).astype(np.int64) for _ in range(3)]
    found = common_of(*joined(even), 3, **options)
    assert (found.is_one_source, found.is_negative) == (False, False)


def test_the_guard_is_seldom_wrong_about_independent_sources() -> None:
    """Both at 3 standard errors: 0.3 % of traces, so more than 3 of 100 come by chance once in 3,000 runs."""
    wrong = 0
    for seed in range(100):
        draw = np.random.default_rng(seed)
        even = [np.rint(draw.random(1000) * HOUR * NS).astype(np.int64) for _ in range(2)]
        found = common_of(*joined(even), 2, window_ns=600 * NS, tick_ns=1)
        wrong += found.is_one_source or found.is_negative
    assert wrong <= 3


def test_small_groups_join_the_nearest() -> None:
    actual = mixture([(4.0, 7.0), (7.0, 4.0)], requests=1000)
    assert len(tt.fit(actual, latent=16, min_lengths=1)) == 16
    pool = tt.fit(actual, latent=16, min_lengths=200)
    assert 2 <= len(pool) <= 5
    cells = pool.profile.cells()
    assert min(np.bincount(cells["client"], cells["rate"] * 600)) > 199
    assert tt.fit(actual, min_lengths=600).client_names == ["whole"]


def test_the_profile_does_not_depend_on_how_the_trace_is_stored(tmp_path: Path) -> None:
    actual = mixture(FOUR, requests=3000)
    found = set()
    for rows in (3000, 777):
        pool = tt.fit(pa.Table.from_batches(actual.to_batches(max_chunksize=rows)))
        found.add(tuple(pool.profile.cells()["rate"].tolist()))
    assert len(found) == 1
    reader = pa.RecordBatchReader.from_batches(actual.schema, actual.to_batches())
    with pytest.raises(tt.TraceError, match="it can be read only once"):
        tt.fit(reader)
    reader = pa.RecordBatchReader.from_batches(actual.schema, actual.to_batches())
    assert tt.fit(reader, latent=1).client_names == ["whole"]


def test_clients_of_a_column_are_as_they_are() -> None:
    actual = mixture(FOUR, requests=3000)
    names = np.array(["a", "b", "c"])[np.random.default_rng(3).integers(0, 3, 3000)]
    named = actual.append_column("client", pa.array(names))
    assert sorted(tt.fit(named).client_names) == ["a", "b", "c"]
    assert sorted(tt.fit(named, latent=1).client_names) == ["a", "b", "c"]
    assert tt.fit(named, client="whole").client_names[0] == "latent 1"
    with pytest.raises(
        ValueError, match="latent: 4 is not allowed, as the clients are those of column 'client'"
    ):
        tt.fit(named, latent=4)
    for wrong in (0, 65, "none", True):
        with pytest.raises(ValueError, match=f"latent: {wrong!r} is not allowed; it must be"):
            tt.fit(actual, latent=wrong)


def test_requests_in_sessions_are_a_client_of_their_own() -> None:
    draw = np.random.default_rng(8)
    alone = mixture([(4.0, 7.0), (7.0, 4.0)], requests=4000)
    start = np.sort(draw.random(600)) * HOUR * 0.9
    turns = pa.table({
        "timestamp": np.concatenate([start, start + 30, start + 60]),
        "input_tokens": np.repeat([300, 500, 700], 600).astype(np.uint32),
        "output_tokens": np.full(1800, 100, dtype=np.uint32),
        "session_id": np.tile(np.arange(600), 3),
    })  # fmt: skip
    alone = alone.append_column("session_id", pa.array(np.arange(600, 4600)))
    both = pa.concat_tables([alone, turns]).sort_by("timestamp")
    pool = tt.fit(both, sessions=True, duration=HOUR)
    assert pool.client_names == ["latent 1", "latent 2", "sessions"]
    made = tt.generate(pool, duration=HOUR, seed=0)
    assert len(made) == pytest.approx(5800, rel=0.005)  # the last sessions go on after the end
    client = np.asarray(made["client_id"])
    _, counts = np.unique(np.asarray(made["session_id"])[client == 2], return_counts=True)
    assert counts.sum() == pytest.approx(1800, rel=0.02)
    assert counts.mean() == pytest.approx(3.0, rel=0.02)
    assert set(np.asarray(made["output_tokens"])[client == 2].tolist()) == {100}


def test_a_failed_request_is_of_no_latent_client() -> None:
    actual = mixture([(4.0, 7.0), (7.0, 4.0)], requests=4000)
    outputs = actual["output_tokens"].to_numpy().copy()
    outputs[::8] = 0
    failing = actual.set_column(2, "output_tokens", pa.array(outputs))
    with pytest.warns(tt.EmptyRequestWarning):
        pool = tt.fit(failing, duration=HOUR)
    assert pool.client_names == ["latent 1", "latent 2", "failed"]
    made = tt.generate(pool, duration=HOUR, seed=0)
    assert (np.asarray(made["output_tokens"]) == 0).sum() == pytest.approx(500, abs=1)


def test_a_long_trace_is_judged_by_a_sample() -> None:
    actual = mixture(FOUR, requests=300_000)
    assert len(tt.fit(actual)) == 4


def test_the_score_of_known_densities() -> None:
    """Of two squares the log density is log 2; of even ranks it is 0, less what 46 counted shares cost."""
    draw = np.random.default_rng(9)
    n = 20_000
    rank, fold = draw.random((2, n)), draw.random(n) < 0.5
    one = np.zeros(n, dtype=np.int64)
    assert held_out_score(rank, one, 1, fold) == pytest.approx(0.0, abs=0.01)
    half = draw.integers(0, 2, n)
    squares = (half + draw.random((2, n))) / 2
    assert held_out_score(squares, half, 2, fold) == pytest.approx(np.log(2), abs=0.01)
    assert held_out_score(squares, one, 1, fold) < 0.55


class _Rows:
    """What a sample takes of a piece."""

    first_row = 0

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.time_ns = np.rint(table["timestamp"].to_numpy() * NS).astype(np.int64)

    def column(self, name: str) -> Any:
        return self._table[name].to_numpy()


def test_clients_that_make_room_for_each_other_may_have_no_noise_of_their_own() -> None:
    draw = np.random.default_rng(10)
    time, source = joined([moved(draw, 3000, 0.0), moved(draw, 3000, np.pi)])
    lengths = np.exp(np.array([(4.0, 7.0), (7.0, 4.0)])[source] + 0.3 * draw.standard_normal((time.size, 2)))
    for times, wanted in ((time / NS, False), (draw.random(time.size) * HOUR, True)):
        sample = LatentSample()
        sample.add(_Rows(table(times, lengths[:, 0], lengths[:, 1])))  # type: ignore[arg-type]
        found = sample.find(None, least=100, window_ns=600 * NS)
        assert found is not None
        assert len(found) == 2
        assert found.is_modulated is wanted


def public(data_dir: Path, name: str) -> tt.Trace:
    path = data_dir / "traces" / name
    if not path.is_file():
        pytest.skip(f"no real data: {path} is not a file")
    return tt.read(path)


def test_azure_conversations_come_back(data_dir: Path) -> None:
    """Joint lengths, and that answers are short where requests are many: 0.82 and 0.02 with one client."""
    actual = public(data_dir, "AzureLLMInferenceTrace_conv.csv")
    pool = tt.fit(actual)
    assert 8 <= len(pool) <= 16
    made = [tt.generate(pool, duration=pool.duration, seed=seed) for seed in range(3)]
    assert np.median([l1_of_ranks(actual, one) for one in made]) < 0.12
    assert np.median([rate_and_output(one) for one in made]) == pytest.approx(
        rate_and_output(actual), abs=0.08
    )


@pytest.mark.parametrize("name", ["AzureLLMInferenceTrace_code.csv", "conversation_trace.jsonl"])
def test_traces_that_are_one_client(data_dir: Path, name: str) -> None:
    assert tt.fit(public(data_dir, name)).client_names == ["whole"]


@given(
    st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 9), min_size=1, max_size=30),
    st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 9), min_size=1, max_size=30),
)
def test_ranks_are_those_of_scipy_whatever_is_in_the_table(sample: list[int], values: list[int]) -> None:
    found = Ranks(np.array(sample)).of(np.array(values))
    wanted = [stats.percentileofscore(sample, value, "mean") / 100 for value in values]
    assert found == pytest.approx(wanted)
