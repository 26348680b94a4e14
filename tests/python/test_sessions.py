"""Conversations and agents: what the model says is what the trace has, and the rate stays what it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tracetide as tt
from cli_tools import run, succeeds
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statistics_helpers import accept
from tracetide import _core
from tracetide.profile.sessions import agents

SERVICE = tt.ServiceTime(overhead=0.25, input_token=2.0**-12, output_token=2.0**-7)
CHAT = tt.conversations(
    share=0.4,
    turns={2: 0.5, 3: 0.3, 8: 0.2},
    think_time=tt.LogNormal(median=30, sigma=0.7),
    new_tokens={7: 0.5, 90: 0.5},
    service=SERVICE,
)


def pool_of(sessions: tt.Sessions | None, **fields: Any) -> tt.ClientPool:
    """One client with 20 requests/s, in windows of a minute."""
    options: dict[str, Any] = {
        "rate": 20,
        "input_tokens": {100: 0.5, 300: 0.5},
        "output_tokens": {5: 0.5, 64: 0.5},
    }
    return tt.ClientPool([tt.Client(**{**options, **fields}, sessions=sessions)], window="1min", period="1h")


def sessions_of(trace: tt.Trace) -> Iterator[tt.Trace]:
    """The requests of each session, by turn, of sessions of which all is in the trace."""
    member = np.flatnonzero(trace.session_id != tt.NO_SESSION)
    order = member[np.lexsort((trace.turn[member], trace.session_id[member]))]
    starts = np.flatnonzero(np.diff(trace.session_id[order], prepend=np.uint64(0)))
    for rows in np.split(order, starts[1:]):
        if trace.turn[rows[0]] == 1:
            yield tt.Trace({name: trace[name][rows] for name in trace.columns if name[-6:] != "_items"})


def counts(trace: tt.Trace, edges: Any) -> Any:
    return np.histogram(trace.timestamp, edges)[0]


def test_turns_shares_waits_and_contexts_are_those_of_the_model() -> None:
    trace = tt.generate(pool_of(CHAT), duration="3h", seed=1)
    member = trace.session_id != tt.NO_SESSION
    assert abs(member.mean() - 0.4) < 0.01
    assert (trace.turn[~member] == 1).all()
    assert np.isnan(trace.delay[~member]).all()
    assert np.array_equal(np.isnan(trace.delay), trace.turn == 1)
    early = [s for s in sessions_of(trace) if s.timestamp[0] < 7200]
    turns = np.bincount([len(s) for s in early], minlength=9)
    # One in ten thousand requests comes so late that it is left out.
    whole = turns[[2, 3, 8]]
    assert 0 <= len(early) - whole.sum() <= len(early) / 1000
    accept(stats.chisquare(whole, np.array([0.5, 0.3, 0.2]) * whole.sum()).pvalue, "turns")
    waits = []
    for s in early:
        assert s.turn.tolist() == list(range(1, len(s) + 1))
        assert (s.client_id == 0).all()
        added = np.diff(s.input_tokens.astype(np.int64)) - s.output_tokens[:-1]
        assert set(added.tolist()) <= {7, 90}
        assert s.input_tokens[0] in (100, 300)
        served = 0.25 + s.input_tokens[:-1] / 2**12 + s.output_tokens[:-1] / 2**7
        np.testing.assert_allclose(np.diff(s.timestamp), served + s.delay[1:], atol=2e-9)
        waits.append(s.delay[1:])
    accept(stats.kstest(np.concatenate(waits), stats.lognorm(0.7, scale=30).cdf).pvalue, "think time")


def test_first_turns_begin_as_bursty_as_the_client_sends() -> None:
    pool = pool_of(CHAT, arrivals=tt.Gamma(cv=3))
    trace = tt.generate(pool, duration="5h", seed=2, counts="pinned")
    starts = trace.timestamp[(trace.turn == 1) & (trace.session_id != tt.NO_SESSION)]
    gaps = np.diff(starts)
    assert 2.4 < gaps.std() / gaps.mean() < 3.3


def test_waits_can_count_from_the_start_of_a_turn() -> None:
    model = tt.conversations(
        share=1, turns=4, think_time=tt.Uniform(5, 9), wait_from="start", service=SERVICE
    )
    trace = tt.generate(pool_of(model), duration="20min", seed=3)
    for s in sessions_of(trace):
        assert ((np.diff(s.timestamp) >= 4.999) & (np.diff(s.timestamp) <= 9.001)).all()
        served = 0.25 + s.input_tokens[:-1] / 2**12 + s.output_tokens[:-1] / 2**7
        expected = np.maximum(np.diff(s.timestamp) - served, 0)
        np.testing.assert_allclose(s.delay[1:], expected, atol=3e-9)


@pytest.mark.parametrize(("share", "counting"), [(0.3, "pinned"), (1.0, "pinned"), (0.3, "renewal")])
def test_the_rate_is_met_in_every_window_however_it_moves(share: float, counting: str) -> None:
    model = tt.conversations(
        share=share, turns={2: 0.5, 6: 0.5}, think_time=tt.Exponential(mean=40), service=SERVICE
    )
    pool = pool_of(model) + pool_of(None, rate=1)
    rates = np.array([60, 60, 60, 5, 5, 5, 0, 0, 30, 120, 120, 60] * 5, dtype=float)
    edges = np.arange(0, 3601, 60.0)
    seeds = range(40)
    total = sum(counts(tt.generate(pool, rate=rates, seed=seed, counts=counting), edges) for seed in seeds)
    assert (total[rates == 0] == 0).all()
    on = rates > 0
    expected = rates[on] * 60 * len(seeds)
    # A session's requests come together: the variance is up to 6 + 1 times that of single requests.
    z = (total[on] - expected) / np.sqrt(expected * 7)
    accept(stats.chi2.sf((z**2).sum(), on.sum()), "every window")
    accept(2 * stats.norm.sf(abs(total.sum() - expected.sum()) / np.sqrt(expected.sum() * 7)), "all windows")
    assert abs(total.sum() / expected.sum() - 1) < 0.004


def test_a_span_that_cuts_windows_keeps_the_rate() -> None:
    pool = pool_of(CHAT).span(90, 475.5)
    edges = np.arange(0, 1201, 50.0)
    seeds = range(30)
    total = sum(counts(tt.generate(pool, duration=1200, seed=seed), edges) for seed in seeds)
    z = (total - 1000 * len(seeds)) / np.sqrt(1000 * len(seeds) * 7)
    accept(stats.chi2.sf((z**2).sum(), z.size), "every 50 s")


def test_the_start_is_in_the_midst_of_things() -> None:
    trace = tt.generate(pool_of(CHAT), duration="10min", seed=4)
    first = trace[: np.searchsorted(trace.timestamp, 10)]
    assert (first.turn > 1).any()
    last = trace.turn[trace.timestamp > 590]
    expected = np.array([(first.turn > 1).mean(), (last > 1).mean()])
    assert abs(expected[0] - expected[1]) < 0.15


def test_session_ids_are_unique_and_do_not_depend_on_the_duration() -> None:
    short = tt.generate(pool_of(CHAT), duration="20min", seed=5)
    long = tt.generate(pool_of(CHAT), duration="1h", seed=5)
    ids = long.session_id[(long.turn == 1) & (long.session_id != tt.NO_SESSION)]
    assert np.unique(ids).size == ids.size
    whole = short.timestamp < 1199
    for name in ("timestamp", "session_id", "turn", "input_tokens"):
        assert np.array_equal(short[name][whole], long[name][: whole.sum()])


def test_a_context_limit_cuts_off_or_begins_anew() -> None:
    options: dict[str, Any] = {"share": 1, "turns": 12, "think_time": 1, "context_limit": 700}
    cut = tt.generate(pool_of(tt.conversations(**options)), duration="5min", seed=6)
    assert cut.input_tokens.max() == 700
    anew = tt.generate(pool_of(tt.conversations(**options, at_limit="end")), duration="5min", seed=6)
    assert anew.input_tokens.max() <= 700
    # The same requests at the same times, under other sessions.
    assert np.array_equal(cut.timestamp, anew.timestamp)
    starts = (anew.turn == 1) & (anew.session_id != tt.NO_SESSION)
    assert starts.sum() > 2 * ((cut.turn == 1) & (cut.session_id != tt.NO_SESSION)).sum()
    assert np.unique(anew.session_id[starts]).size == starts.sum()
    for s in sessions_of(anew):
        assert s.turn.tolist() == list(range(1, len(s) + 1))
        assert s.input_tokens[0] in (100, 300)


@pytest.mark.parametrize("keep", [False, True])
def test_reasoning_is_dropped_from_or_kept_in_the_context(keep: bool) -> None:
    model = tt.conversations(share=1, turns=3, think_time=5, new_tokens=10, keep_reasoning=keep)
    trace = tt.generate(pool_of(model, reason_ratio={0.25: 0.5, 0.75: 0.5}), duration="5min", seed=7)
    for s in sessions_of(trace):
        carried = s.output_tokens - (0 if keep else s.reason_tokens)
        assert np.array_equal(np.diff(s.input_tokens.astype(np.int64)), carried[:-1].astype(np.int64) + 10)


def test_turns_of_a_multimodal_client_bring_items_of_their_own() -> None:
    fields = {
        "input_tokens": None,
        "text_tokens": {20: 1},
        "image_count": {0: 0.5, 2: 0.5},
        "image_tokens": {85: 0.5, 1000: 0.5},
    }
    model = tt.conversations(share=0.5, turns=3, think_time=5)
    trace = tt.generate(pool_of(model, **fields), duration="10min", seed=8)
    items = trace.image_tokens.sums().astype(np.int64)
    assert np.array_equal(trace.input_tokens, trace.text_tokens + items)
    member = trace.session_id != tt.NO_SESSION
    later = member & (trace.turn > 1)
    assert 0.4 < (trace.image_tokens.lengths()[later] == 2).mean() < 0.6
    order = np.lexsort((trace.turn, trace.session_id))
    order = order[member[order]]
    same = np.diff(trace.session_id[order]) == 0
    grown = np.diff(trace.input_tokens[order].astype(np.int64))[same]
    added = 20 + items[order][1:][same]
    assert np.array_equal(grown, trace.output_tokens[order][:-1][same] + added)


def test_turns_can_begin_anew() -> None:
    user = tt.User(think_time=5, tokens=44)
    model = tt.Sessions(share=1, turns=3, steps=[user], carry_context=False)
    job = tt.Job(pool_of(model), duration="5min", seed=6, block_size=10)
    trace = job.generate()
    assert set(trace.input_tokens[trace.turn > 1].tolist()) == {44}
    assert tt.prefix_statistics(trace).hits == 0


def test_tools_run_side_by_side_fail_and_are_tried_again() -> None:
    tool = tt.Tool(latency={1: 0.5, 2: 0.5}, tokens=100, calls=2, failure=0.5, retries=1, failure_tokens=7)
    model = tt.Sessions(turns=2, steps=[tool])
    trace = tt.generate(pool_of(model), duration="1h", seed=9)
    added, waits = [], []
    for s in sessions_of(trace):
        if len(s) == 2:
            added.append(int(s.input_tokens[1]) - int(s.input_tokens[0]) - int(s.output_tokens[0]))
            waits.append(s.delay[1])
    # Each of two calls works in the end with probability 3/4.
    found = np.array([added.count(14), added.count(107), added.count(200)])
    assert found.sum() == len(added)
    accept(stats.chisquare(found, np.array([1, 6, 9]) / 16 * len(added)).pvalue, "outputs")
    # One call: 1 or 2 s where the first try works, the sum of two where not.
    single = {1: 0.25, 2: 0.25 + 0.125, 3: 0.25, 4: 0.125}
    below = np.cumsum(list(single.values()))
    expected = np.diff(below**2, prepend=0) * len(waits)
    accept(stats.chisquare(np.bincount(np.rint(waits).astype(int))[1:], expected).pvalue, "slowest call")


def test_sub_agents_work_side_by_side_and_answer() -> None:
    worker = tt.Sessions(turns=3, steps=[tt.Tool(latency=1, tokens=10)], first_tokens=50)
    lead = tt.Sessions(turns=2, steps=[tt.SubAgent(sessions=worker, latency=0.5, calls=2)], service=SERVICE)
    trace = tt.generate(pool_of(lead), duration="10min", seed=10)
    by_id = {int(s.session_id[0]): s for s in sessions_of(trace)}
    checked = 0
    for first, s in by_id.items():
        if len(s) != 2 or first + 1 not in by_id or s.input_tokens[0] == 50:
            continue
        workers = [by_id[first + 1], by_id[first + 2]]
        end = s.timestamp[0] + 0.25 + s.input_tokens[0] / 2**12 + s.output_tokens[0] / 2**7
        for one in workers:
            assert one.input_tokens[0] == 50
            assert one.timestamp[0] == pytest.approx(end + 0.5, abs=3e-9)
            assert np.diff(one.timestamp).tolist() == pytest.approx([1, 1], abs=3e-9)
        answers = sum(int(one.output_tokens[-1]) for one in workers)
        assert int(s.input_tokens[1]) - int(s.input_tokens[0]) - int(s.output_tokens[0]) == answers
        assert s.timestamp[1] == pytest.approx(end + 2.5, abs=3e-9)
        checked += 1
    assert checked > 500
    # A lead agent makes 2 requests and its two workers 6: all belong to sessions.
    assert abs(len(trace) / 12000 - 1) < 0.05


@pytest.mark.parametrize("name", list(agents.PRESETS))
def test_presets_keep_the_rate_and_their_share(name: str) -> None:
    pool = pool_of(agents.PRESETS[name](0.8))
    trace = tt.generate(pool, duration="4h", seed=11)
    assert abs(len(trace) / (20 * 4 * 3600) - 1) < 0.03
    assert abs((trace.session_id != tt.NO_SESSION).mean() - 0.8) < 0.03
    assert trace.turn.max() > 5


def test_conversations_can_be_declined_and_cannot_be_had_without_a_model() -> None:
    pool, plain = pool_of(CHAT), pool_of(None)
    declined = tt.generate(pool, duration="5min", seed=12, conversations=False)
    assert declined == tt.generate(plain, duration="5min", seed=12)
    assert tt.Job(pool, duration="5min").conversations
    assert tt.Job(pool, duration="5min").count() is None
    assert not tt.Job(pool, duration="5min", counts="servegen").conversations
    with pytest.raises(ValueError, match=r"conversations: true is not allowed.*no model"):
        tt.Job(plain, duration="5min", conversations=True)
    with pytest.raises(ValueError, match="servegen"):
        tt.Job(pool, duration="5min", counts="servegen", conversations=True)
    with pytest.raises(ValueError, match="conversations: 1 is not allowed"):
        tt.Job(pool, conversations=1)  # type: ignore[arg-type]
    assert tt.Job(pool, duration="5min").metadata()["conversations"] is True
    assert tt.Job(pool, duration="5min", conversations=False).metadata()["conversations"] is False
    assert "conversations" not in tt.Job(plain, duration="5min").metadata()


def test_a_model_survives_files_copies_and_reshaping(tmp_path: Any) -> None:
    pool = pool_of(CHAT) + pool_of(agents.web_search(0.5), rate=2)
    pool.write(tmp_path / "p.tide")
    again = tt.load(tmp_path / "p.tide")
    assert again.profile.session_models() == pool.profile.session_models()
    assert again.profile.client_sessions().tolist() == [0, 1]
    assert again.select([1]).profile.client_sessions().tolist() == [0, 1]
    more = again.resample(8, seed=1)
    assert set(more.profile.client_sessions().tolist()) == {0, 1}
    assert tt.Job(more, duration="5min").conversations
    split = pool + tt.ClientPool(
        [tt.Client(rate=1, input_tokens=1, output_tokens=1)], window="30s", period="1h"
    )
    assert split.profile.client_sessions().tolist() == [0, 1, 0xFFFFFFFF]
    models = split.profile.session_models()
    # The web search of the second client calls the model of its sub-agents.
    assert [step["child"] for step in models[1]["steps"]] == [0xFFFFFFFF, 2]
    assert tt.generate(pool.with_sessions(None), duration="5min") == tt.generate(
        pool, duration="5min", conversations=False
    )
    assert tt.load("m-small").with_sessions(CHAT).provenance == tt.load("m-small").provenance


LASTING = tt.conversations(
    share=1,
    turns=10,
    think_time=tt.Exponential(mean=5),
    wait_from="start",
    wait_output=0.004,
    wait_tokens=0.01,
    persistence={"input_tokens": (0.7, 0.9), "output_tokens": (0.5, 0.6)},
)
LENGTHS = {"input_tokens": tt.Exponential(mean=200), "output_tokens": tt.LogNormal(median=100, sigma=1)}


def test_waits_grow_with_lengths_and_lengths_last() -> None:
    trace = tt.generate(pool_of(LASTING, **LENGTHS), duration="2h", seed=1)
    whole = [s for s in sessions_of(trace) if len(s) == 10]
    inputs = np.stack([s.input_tokens for s in whole]).astype(np.float64)
    outputs = np.stack([s.output_tokens for s in whole]).astype(np.float64)
    new = np.diff(np.concatenate([np.zeros((len(whole), 1)), inputs], axis=1))
    new[:, 1:] -= outputs[:, :-1]
    waits = np.diff(np.stack([s.timestamp for s in whole]))
    growth = 1 + 0.004 * outputs[:, :-1] + 0.01 * new[:, 1:]
    # Exponential think times are of whole milliseconds.
    accept(stats.kstest((waits / growth).ravel(), stats.expon(scale=5).cdf).pvalue, "think time")
    # The regression that a fit makes, weighted by the spread of the waits.
    columns = np.stack([np.ones(waits.size), outputs[:, :-1].ravel(), new[:, 1:].ravel()], axis=1)
    weighted = columns / growth.reshape(-1, 1)
    found = np.linalg.lstsq(weighted, (waits / growth).ravel(), rcond=None)[0]
    errors = 5 * np.sqrt(np.diag(np.linalg.inv(weighted.T @ weighted)))
    accept(stats.chi2.sf((((found - [5, 0.02, 0.05]) / errors) ** 2).max(), 1), "growth")
    assert found[1:] / found[0] == pytest.approx([0.004, 0.01], rel=0.1)
    for lengths, law, (share, memory) in (
        (new, LENGTHS["input_tokens"], (0.7, 0.9)),
        (outputs, LENGTHS["output_tokens"], (0.5, 0.6)),
    ):
        # Turn 1 of every session; those of one session are not independent.
        rng = np.random.default_rng(1)
        spread = lengths[:, 0] - 0.5 + rng.random(len(whole))
        accept(stats.kstest(spread, lambda x, law=law: law.cdf(x)).pvalue, "law of the lengths")
        scores = stats.norm.ppf(law.cdf(np.maximum(lengths - 0.5 + rng.random(lengths.shape), 1e-3)))
        for distance in (1, 3):
            measured = np.corrcoef(scores[:, :-distance].ravel(), scores[:, distance:].ravel())[0, 1]
            assert measured == pytest.approx(share * memory**distance, abs=0.03)


def test_what_lasts_does_not_depend_on_threads_or_parts() -> None:
    pool = pool_of(LASTING, **LENGTHS, correlations={("input_tokens", "output_tokens"): 0.4})
    job = tt.Job(pool, duration="10min", seed=3)
    trace = job.generate(threads=1)
    assert trace == job.generate(threads=3)
    parts = [shard.generate() for shard in job.shards(3)]
    for name in ("timestamp", "input_tokens", "output_tokens", "session_id"):
        assert np.array_equal(np.concatenate([part[name] for part in parts]), trace[name])
    longer = tt.Job(pool, duration="20min", seed=3).generate()[: len(trace)]
    assert np.array_equal(longer.input_tokens[:-50], trace.input_tokens[:-50])


def test_users_wait_by_lengths_and_tools_do_not() -> None:
    tool = tt.Tool(latency=3, tokens=50)
    model = tt.Sessions(turns=6, steps=[tool, tt.User(think_time=1)], wait_output=1, wait_from="start")
    waits = {False: 0, True: 0}
    for s in sessions_of(tt.generate(pool_of(model, rate=5), duration="10min", seed=4)):
        for before, wait in zip(s.output_tokens[:-1], np.diff(s.timestamp), strict=True):
            is_tool = abs(wait - 3) < 1e-6
            assert is_tool or wait == pytest.approx(1 + int(before))
            waits[is_tool] += 1
    assert min(waits.values()) > 100
    with pytest.raises(ValueError, match=r"wait_output: 1\.0 is not allowed without a User"):
        tt.Sessions(turns=2, steps=[tool], wait_output=1)


def test_what_lasts_survives_files_copies_and_reshaping(tmp_path: Any) -> None:
    worker = tt.Sessions(
        turns=3,
        steps=[tt.Tool(latency=1, tokens=10)],
        first_tokens=50,
        persistence={"output_tokens": (0.2, 0.3)},
    )
    agent = tt.Sessions(turns=2, steps=[tt.SubAgent(sessions=worker), tt.User(think_time=1)], wait_tokens=0.5)
    pool = pool_of(agent) + pool_of(LASTING, rate=2)
    pool.write(tmp_path / "p.tide")
    again = tt.load(tmp_path / "p.tide")
    for same in (again, again.resample(2, seed=1), again.with_arrivals(tt.Gamma(cv=2))):
        models = same.profile.session_models()
        assert [model["persistence"] for model in models] == [
            {},
            {"output_tokens": (0.2, 0.3)},
            LASTING.persistence,
        ]
        waits = [[(step["wait_output"], step["wait_tokens"]) for step in model["steps"]] for model in models]
        assert waits == [[(0, 0), (0, 0.5)], [(0, 0)], [(0.004, 0.01)]]
    assert (tmp_path / "p.tide").read_bytes()[16] == 2
    plain = pool.with_sessions(None)
    assert plain.profile.to_bytes()[16] == 1
    zero = tt.conversations(share=0.4, turns=3, think_time=5, persistence={"input_tokens": (0, 0.5)})
    bare = tt.conversations(share=0.4, turns=3, think_time=5)
    assert pool_of(zero).profile.to_bytes() == pool_of(bare).profile.to_bytes()
    split = again + tt.ClientPool(
        [tt.Client(rate=1, input_tokens=1, output_tokens=1)], window="30s", period="1h"
    )
    assert split.profile.session_models()[2]["persistence"] == LASTING.persistence
    with pytest.raises(ValueError, match='persistence: field "text_tokens"; allowed: input_tokens'):
        pool_of(tt.conversations(share=1, turns=2, think_time=1, persistence={"text_tokens": (0.1, 0.1)}))


@pytest.mark.parametrize("format", ["parquet", "arrow", "csv", "jsonl"])
def test_files_hold_the_columns_exactly(tmp_path: Any, format: str) -> None:
    job = tt.Job(pool_of(CHAT), duration="3min", seed=13)
    trace = job.generate()
    path = tmp_path / f"t.{format}"
    job.write(path)
    assert dict(tt.Trace.read(path)._columns).keys() == dict(trace._columns).keys()
    assert tt.Trace.read(path) == trace
    again = tmp_path / f"again.{format}"
    trace.write(again)
    assert again.read_bytes() == path.read_bytes()


def test_missing_values_are_null_in_files(tmp_path: Any) -> None:
    tt.Job(pool_of(CHAT), duration="1min", seed=14).write(tmp_path / "t.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert {row["session_id"] is None for row in rows} == {True, False}
    assert all((row["delay"] is None) == (row["turn"] == 1) for row in rows)
    table = tt.generate(pool_of(CHAT), duration="1min", seed=14).to_arrow()
    assert table["session_id"].null_count == sum(row["session_id"] is None for row in rows)


def test_the_command_line_uses_them_unless_told_not_to(tmp_path: Any) -> None:
    base = ["generate", "deepseek-r1", "--rate", "20", "--duration", "10min", "--quiet", "-o"]
    succeeds(*base, "with.csv", cwd=tmp_path)
    succeeds(*base, "without.csv", "--no-conversations", cwd=tmp_path)
    assert (
        (tmp_path / "with.csv")
        .read_text()
        .startswith("timestamp,client_id,input_tokens,output_tokens,reason_tokens,session_id,turn,delay\n")
    )
    assert "session_id" not in (tmp_path / "without.csv").read_text()
    done = run("generate", "m-small", "--duration", "1min", "--conversations", "-o", "x.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert b"no model of conversations" in done.stderr


@pytest.mark.parametrize("name", ["deepseek-r1", "deepqwen-r1"])
def test_the_reasoning_profiles_have_conversations(name: str) -> None:
    trace = tt.generate(tt.load(name), rate=50, duration="8h", seed=15)
    member = trace.session_id != tt.NO_SESSION
    assert abs(member.mean() - 0.096) < 0.005
    turns = [len(s) for s in sessions_of(trace) if s.timestamp[0] < 4 * 3600]
    assert abs(np.mean(turns) - 3.54) < 0.1


def test_reason_ratios_stay_bimodal_and_reason_and_answer_go_together() -> None:
    # Figure 13c of the study: short conclusions and long elaborations, with few requests in between.
    trace = tt.generate(tt.load("deepseek-r1"), rate=50, duration="1d", seed=17)
    busiest = np.bincount(trace.client_id).argmax()
    for member in (trace.session_id == tt.NO_SESSION, trace.session_id != tt.NO_SESSION):
        chosen = member & (trace.client_id == busiest) & (trace.output_tokens > 50)
        ratio = trace.reason_tokens[chosen] / trace.output_tokens[chosen]
        low, between, high = (np.mean((ratio >= at) & (ratio < at + 0.1)) for at in (0.3, 0.55, 0.85))
        assert between < 0.85 * min(low, high)
    answer = trace.output_tokens - trace.reason_tokens
    assert stats.spearmanr(trace.reason_tokens, answer).statistic > 0.3
    coupled = tt.generate(
        tt.load("deepseek-r1"),
        rate=20,
        duration="1h",
        seed=18,
        coupling={("output_tokens", "reason_ratio"): -0.6},
    )
    ratio = coupled.reason_tokens / np.maximum(coupled.output_tokens, 1)
    plain = trace.reason_tokens / np.maximum(trace.output_tokens, 1)
    assert (
        stats.spearmanr(coupled.output_tokens, ratio).statistic
        < stats.spearmanr(trace.output_tokens, plain).statistic - 0.2
    )


def test_several_kinds_of_items_in_one_turn() -> None:
    fields = {
        "input_tokens": None,
        "text_tokens": 20,
        **{f"{kind}_count": {0: 0.5, 2: 0.5} for kind in ("image", "audio", "video")},
        **{f"{kind}_tokens": {85: 0.5, 1196: 0.5} for kind in ("image", "audio", "video")},
    }
    model = tt.conversations(share=0.6, turns=3, think_time=5)
    trace = tt.generate(pool_of(model, **fields), duration="10min", seed=8)
    counts = [trace[f"{kind}_tokens"].lengths() for kind in ("image", "audio", "video")]
    for member in (trace.turn == 1, trace.turn > 1):
        all_kinds = np.mean([(np.minimum.reduce(counts)[member] > 0).mean()])
        assert abs(all_kinds - 0.125) < 0.02
        for kind in ("image", "audio", "video"):
            assert set(trace[f"{kind}_tokens"].flat().tolist()) == {85, 1196}


def test_conversations_make_bursty_arrivals_smoother() -> None:
    pool = pool_of(
        tt.conversations(share=0.6, turns=4, think_time=tt.Exponential(mean=60)), arrivals=tt.Gamma(cv=3)
    )
    cv = {}
    for on in (True, False):
        gaps = np.diff(tt.generate(pool, duration="5h", seed=16, counts="pinned", conversations=on).timestamp)
        cv[on] = gaps.std() / gaps.mean()
    assert cv[False] > 2.7
    assert cv[True] < 0.75 * cv[False]


WRONG: list[tuple[str, Any, str]] = [
    ("turns", {"turns": {0: 0.5, 2: 0.5}}, "turns: .* its values must be from 1 to 4096"),
    ("one turn", {"turns": {1: 0.5, 2: 0.5}}, "a conversation has at least 2 turns"),
    ("many turns", {"turns": 5000}, "turns: 5000"),
    ("share", {"share": 1.5}, "share: 1.5 is not allowed"),
    ("negative wait", {"think_time": tt.Uniform(-1, 5)}, "think_time: .* must be from 0"),
    ("no law", {"think_time": "long"}, "think_time: 'long' is not allowed"),
    ("limit", {"context_limit": 0}, "context_limit: 0 is not allowed"),
    ("at limit", {"at_limit": "stop"}, "at_limit: 'stop' is not allowed"),
    ("wait from", {"wait_from": "middle"}, "wait_from: 'middle' is not allowed"),
    ("service", {"service": 3}, "service: 3 is not allowed"),
    ("reasoning", {"keep_reasoning": 1}, "keep_reasoning: 1 is not allowed"),
    ("growth", {"wait_output": -0.1}, "wait_output: -0.1 is not allowed"),
    ("no growth", {"wait_tokens": float("nan")}, "wait_tokens: nan is not allowed"),
    ("no mapping", {"persistence": 0.5}, "persistence: 0.5 is not allowed"),
    ("no field", {"persistence": {"tokens": (0, 0)}}, "persistence: 'tokens' is not allowed"),
    ("items", {"persistence": {"image_tokens": (0, 0)}}, "persistence: 'image_tokens' is not allowed"),
    ("no pair", {"persistence": {"input_tokens": 0.5}}, "persistence of input_tokens: 0.5 is not allowed"),
    ("share 1", {"persistence": {"input_tokens": (1, 0)}}, "input_tokens: share: 1 is not allowed"),
    ("memory", {"persistence": {"input_tokens": (0.5, -1)}}, "input_tokens: memory: -1 is not allowed"),
]


@pytest.mark.parametrize(("change", "message"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_wrong_models_are_refused(change: dict[str, Any], message: str) -> None:
    options: dict[str, Any] = {"share": 0.5, "turns": 2, "think_time": 10}
    with pytest.raises(ValueError, match=message):
        tt.conversations(**{**options, **change})


def test_wrong_steps_are_refused() -> None:
    with pytest.raises(ValueError, match=r"steps: .* at least one"):
        tt.Sessions(turns=2, steps=[])
    with pytest.raises(ValueError, match="failure: 1"):
        tt.Tool(latency=1, tokens=1, failure=1)
    with pytest.raises(ValueError, match="retries: 99"):
        tt.Tool(latency=1, tokens=1, retries=99)
    with pytest.raises(ValueError, match="calls: 0"):
        tt.Tool(latency=1, tokens=1, calls=0)
    with pytest.raises(ValueError, match="weight: 0"):
        tt.User(think_time=1, weight=0)
    with pytest.raises(ValueError, match="sessions: 'x'"):
        tt.SubAgent(sessions="x")  # type: ignore[arg-type]
    inner = tt.Sessions(turns=4096, steps=[tt.Tool(latency=1, tokens=1)])
    huge = tt.Sessions(turns=4096, steps=[tt.SubAgent(sessions=inner)])
    with pytest.raises(tt.ProfileError, match="requests in a session with its sub-agents; allowed: at most"):
        pool_of(huge)
    tools = tt.Tool(latency=1, tokens=1, calls=64, failure=0.9, retries=15)
    inner = tt.Sessions(turns=1000, steps=[tools])
    outer = tt.Sessions(turns=400, steps=[tt.SubAgent(sessions=inner)])
    assert pool_of(inner).category == "language"
    with pytest.raises(
        tt.ProfileError, match="turns, calls, retries and sub-agents allow up to 408167823 calls"
    ):
        pool_of(outer)
    chain = tt.Sessions(turns=1, steps=[tt.Tool(latency=1, tokens=1)])
    for _ in range(60):  # 2^60 ways through it
        chain = tt.Sessions(turns=1, steps=[tt.SubAgent(sessions=chain), tt.SubAgent(sessions=chain)])
    assert len(tt.generate(pool_of(chain), duration=60)) > 0
    with pytest.raises(ValueError, match="sessions: 5 is not allowed"):
        pool_of(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="sessions: 5 is not allowed"):
        pool_of(None).with_sessions(5)  # type: ignore[arg-type]


def wrong_profile(model: dict[str, Any], step: dict[str, Any]) -> None:
    builder = _core.ProfileBuilder(
        "language",
        window_ns=10**9,
        windows=1,
        epoch_ns=10**9,
        epochs=1,
        default_counts="pinned",
        metadata="{}",
    )
    builder.add_client("a")
    one = builder.add_integer_pmf(np.array([1], dtype=np.uint32), np.ones(1))
    builder.add_real_pmf(np.array([0.5]), np.ones(1))
    for field in ("input_tokens", "output_tokens"):
        builder.set_field(0, 0, field, one)
    none = 0xFFFFFFFF
    good_model: dict[str, Any] = {
        **{"share": 0.5, "overhead": 0.0, "input_time": 0.0, "output_time": 0.0, "turns": one},
        **{"first_tokens": none, "context_limit": 0, "restarts": 0, "waits_from_start": 0},
        **{"keeps_reasoning": 0, "forgets": 0},
    }
    good_step: dict[str, Any] = {
        **{"weight": 1.0, "failure": 0.0, "wait": one, "tokens": none, "calls": none, "child": none},
        **{"failure_tokens": none, "retries": 0},
    }
    builder.add_session_model({**good_model, **model}, [{**good_step, **step}])
    builder.set_session(0, 0)
    builder.build()


@pytest.mark.parametrize(
    ("model", "step", "message"),
    [
        ({"share": float("nan")}, {}, "SESSION_MODELS: entry 0: share nan"),
        ({"turns": 9}, {}, "turns: distribution 9; there are 2"),
        ({"turns": 1}, {}, "turns: distribution 1 is neither"),
        ({"overhead": -1.0}, {}, "overhead -1 s"),
        ({"restarts": 2}, {}, "a flag is neither 0 nor 1"),
        ({}, {"child": 0}, "SESSION_STEPS: entry 0: sub-agent of model 0; one after the step's own"),
        ({}, {"weight": 0.0}, "weight 0"),
        ({}, {"failure": 1.0}, "failure 1"),
        ({}, {"retries": 16}, "16 retries"),
        ({}, {"wait": 0xFFFFFFFF}, "wait: distribution 4294967295"),
    ],
)
def test_wrong_models_in_a_profile_are_refused(
    model: dict[str, Any], step: dict[str, Any], message: str
) -> None:
    with pytest.raises(tt.ProfileError, match=message):
        wrong_profile(model, step)


@settings(max_examples=25, deadline=None)
@given(
    share=st.floats(0.01, 1),
    turns=st.dictionaries(st.integers(1, 9), st.floats(0.1, 1), min_size=1, max_size=4),
    wait=st.floats(0, 300),
    calls=st.integers(1, 3),
    child=st.booleans(),
    limit=st.sampled_from([None, 50, 2000]),
    at_limit=st.sampled_from(["truncate", "end"]),
    seed=st.integers(0, 2**64 - 1),
)
def test_any_model_gives_sound_traces_that_do_not_depend_on_threads(
    share: float, turns: Any, wait: float, calls: int, child: bool, limit: Any, at_limit: str, seed: int
) -> None:
    tool = tt.Tool(latency=wait, tokens=3, calls=calls, failure=0.3, retries=1)
    steps: list[Any] = [tool, tt.User(think_time=wait / 2)]
    if child:
        inner = tt.Sessions(turns={1: 1, 2: 1}, steps=[tool], context_limit=limit, at_limit=at_limit)
        steps.append(tt.SubAgent(sessions=inner, calls=calls))
    model = tt.Sessions(share=share, turns=turns, steps=steps, context_limit=limit, at_limit=at_limit)
    job = tt.Job(pool_of(model, rate=5), duration=150, seed=seed)
    trace = job.generate(threads=1)
    assert trace == job.generate(threads=3)
    assert (np.lexsort((trace.client_id, trace.timestamp)) == np.arange(len(trace))).all()
    assert ((trace.timestamp >= 0) & (trace.timestamp < 150)).all()
    assert (trace.input_tokens >= 1).all()
    assert limit is None or trace.input_tokens[trace.session_id != tt.NO_SESSION].max(initial=0) <= limit
    member = trace.session_id != tt.NO_SESSION
    pairs = np.stack([trace.session_id[member], trace.turn[member]])
    assert np.unique(pairs, axis=1).shape[1] == member.sum()


def test_payloads_have_bytes_where_asked(tmp_path: Any) -> None:
    fields = {
        "input_tokens": None,
        "text_tokens": 20,
        "image_count": {0: 0.5, 3: 0.5},
        "image_tokens": {85: 0.5, 1196: 0.5},
        "video_count": 1,
        "video_tokens": 4_000_000,
    }
    model = tt.conversations(share=0.6, turns=3, think_time=5)
    job = tt.Job(
        pool_of(model, **fields), duration="3min", seed=19, payload_bytes={"image": 240.25, "video": 5000}
    )
    trace = job.generate()
    assert "audio_bytes" not in trace
    assert np.array_equal(trace.image_bytes.offsets, trace.image_tokens.offsets)
    assert set(trace.image_bytes.flat().tolist()) == {20421, 287339}
    assert set(trace.video_bytes.flat().tolist()) == {2**32 - 1}
    assert job.metadata()["payload_bytes"] == [240.25, 0.0, 5000.0]
    plain = tt.generate(job.pool, duration="3min", seed=19)
    assert np.array_equal(trace.timestamp, plain.timestamp)
    for format in ("csv", "jsonl", "parquet", "arrow"):
        job.write(tmp_path / f"t.{format}")
        trace.write(tmp_path / f"again.{format}")
        assert (tmp_path / f"again.{format}").read_bytes() == (tmp_path / f"t.{format}").read_bytes()
        assert tt.Trace.read(tmp_path / f"t.{format}") == trace
    succeeds(
        *("generate", "mm-image", "--rate", "5", "--duration", "1min", "--payload-bytes", "image=240"),
        *("-o", "cli.csv", "--quiet"),
        cwd=tmp_path,
    )
    assert (tmp_path / "cli.csv").read_text().partition("\n")[0].endswith(",image_bytes")
    assert run("generate", "mm-image", "--payload-bytes", "image", "-o", "x.csv").returncode == 2
    first = json.loads((tmp_path / "t.jsonl").read_text().partition("\n")[0])
    assert len(first["image_bytes"]) == len(first["image_tokens"])


@pytest.mark.parametrize("wrong", [3, {"picture": 1}, {"image": 0}, {"image": "big"}, {"image": 1e10}])
def test_wrong_payload_bytes_are_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="payload_bytes: "):
        tt.Job(tt.load("mm-image"), duration=60, payload_bytes=wrong)
    with pytest.raises(ValueError, match=r"payload_bytes: .* not multimodal"):
        tt.Job(pool_of(None), duration=60, payload_bytes={"image": 1})


def test_agents_within_agents_are_limited():
    sessions = tt.Sessions(turns=1, steps=[tt.User(think_time=1)])
    for _ in range(63):
        sessions = tt.Sessions(turns=1, steps=[tt.SubAgent(sessions=sessions)])
    pool = tt.ClientPool([tt.Client(rate=1, input_tokens=1, output_tokens=1, sessions=sessions)])
    assert len(pool.profile.session_models()) == 64
    with pytest.raises(ValueError, match=r"steps: agents .* nested too deeply; 64 levels are allowed"):
        tt.Sessions(turns=1, steps=[tt.SubAgent(sessions=sessions)])


def test_a_context_that_is_no_number_of_tokens_is_refused() -> None:
    sessions = tt.conversations(share=1, turns=4, think_time=1, new_tokens=2**31)
    client = tt.Client(rate=1, input_tokens=100, output_tokens=1, sessions=sessions)
    pool = tt.ClientPool([client], window="10min", period="10min")
    with pytest.raises(ValueError, match=r"input_tokens: a turn of a session would have 4294967\d+"):
        tt.generate(pool, duration=600)
