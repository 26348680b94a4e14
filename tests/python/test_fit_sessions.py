"""Conversations and system prompts, found again in traces that were made from known ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tracetide as tt
from cli_tools import succeeds

CHAT = tt.conversations(
    share=0.4,
    turns={2: 0.5, 3: 0.3, 8: 0.2},
    think_time=tt.LogNormal(median=30, sigma=0.7),
    new_tokens={70: 0.5, 500: 0.5},
    wait_from="start",
)
PREFIXES = tt.Prefixes(share=0.75, levels=[tt.PromptLevel(prompts=4, tokens=256, popularity=1)])


def trace_of(sessions: tt.Sessions, prefixes: tt.Prefixes | None = PREFIXES, **options: Any) -> tt.Trace:
    client = tt.Client(
        rate=8,
        input_tokens=tt.LogNormal(median=900, sigma=0.4),
        output_tokens=tt.Exponential(mean=100),
        sessions=sessions,
        prefixes=prefixes,
        limits={"input_tokens": (400, 5_000)},
    )
    chosen = {"duration": "2h", "seed": 1, "block_size": 64, **options}
    return tt.generate(tt.ClientPool([client]), **chosen)


def without(trace: tt.Trace, *names: str) -> tt.Trace:
    return tt.Trace({name: trace[name] for name in trace.columns if name not in names})


def laws(pool: tt.ClientPool) -> tuple[dict[str, Any], dict[int, float], float, float]:
    """The model, its turns, and the means of the waits (s) and of the new tokens."""
    (model,) = pool.profile.session_models()
    means = pool.profile.statistics(np.array([0.5]))["mean"]
    turns = pool.profile.distribution(model["turns"])
    found = dict(zip(turns["values"].tolist(), turns["probabilities"].tolist(), strict=True))
    step = model["steps"][0]
    return model, found, means[step["wait"]] / 1000, means[step["tokens"]]


@pytest.mark.parametrize("hidden", [(), ("session_id", "turn", "delay")], ids=["by session", "by hash ids"])
def test_conversations_are_found_again(hidden: tuple[str, ...]) -> None:
    pool = tt.fit(without(trace_of(CHAT), *hidden), sessions=True)
    model, turns, wait, new = laws(pool)
    assert abs(model["share"] - 0.4) < 0.02
    assert abs(turns[2] - 0.5) < 0.04
    assert abs(turns[3] - 0.3) < 0.04
    assert abs(turns[8] - 0.2) < 0.04
    assert abs(wait / (30 * np.exp(0.7**2 / 2)) - 1) < 0.05
    assert abs(new - 285) < 9
    assert model["waits_from_start"] == 1
    assert model["forgets"] == 0
    (prompts,) = pool.profile.prompt_models()
    assert abs(prompts["share"] - 0.75) < 0.03
    ((popularity, number, _),) = prompts["levels"]
    assert number == 4
    assert abs(popularity - 1) < 0.15


def test_a_round_trip_keeps_what_a_cache_can_reuse() -> None:
    trace = trace_of(CHAT)
    sizes = [100, 1_000, 10_000, 100_000]
    again = tt.generate(tt.fit(without(trace, "turn", "delay"), sessions=True), duration="2h", block_size=64)
    one, other = (tt.prefix_statistics(each, sizes=sizes) for each in (trace, again))
    assert abs(one.hit_rate - other.hit_rate) < 0.03
    for size in sizes:
        assert abs(one.hit_rates[size] - other.hit_rates[size]) < 0.03


def test_the_mooncake_round_trip(data_dir: Any) -> None:
    path = data_dir / "traces" / "conversation_trace.jsonl"
    if not path.is_file():
        pytest.skip(f"no real data: {path} is not a file")
    sizes = [1_000, 5_000, 20_000, 50_000, 100_000]
    pool = tt.fit(path, sessions=True)
    again = tt.generate(pool, seed=1, block_size=512)
    one, other = (tt.prefix_statistics(each, sizes=sizes) for each in (path, again))
    assert abs(one.hit_rate - other.hit_rate) < 0.03
    for size in sizes:
        assert abs(one.hit_rates[size] - other.hit_rates[size]) < 0.03
    # How far apart uses of a block are, as a distribution.
    length = max(len(one.reuse_distances), len(other.reuse_distances))
    curves = [
        np.cumsum(np.pad(each.reuse_distances, (0, length - len(each.reuse_distances)))) / each.blocks
        for each in (one, other)
    ]
    assert np.abs(curves[0] - curves[1]).max() < 0.03


def test_logs_without_history_are_seen() -> None:
    user = tt.User(think_time=20, tokens={50: 0.5, 400: 0.5})
    model = tt.Sessions(share=0.5, turns=3, steps=[user], carry_context=False, first_tokens=225)
    trace = trace_of(model, None)
    found, turns, wait, new = laws(tt.fit(without(trace, "hash_ids"), sessions=True))
    assert found["forgets"] == 1
    assert turns[3] > 0.97
    assert wait == pytest.approx(20, abs=0.5)
    assert abs(new - 225) < 5


def test_reasoning_is_not_taken_for_history() -> None:
    client = tt.Client(
        rate=8,
        input_tokens=500,
        output_tokens={1000: 1},
        reason_ratio={0.75: 1},
        sessions=tt.conversations(share=0.5, turns=3, think_time=10, new_tokens=30),
    )
    trace = tt.generate(tt.ClientPool([client]), duration="1h", seed=2)
    _, _, _, new = laws(tt.fit(trace, sessions=True))
    assert new == pytest.approx(30, abs=0.5)


def test_growth_of_waits_and_lasting_lengths_are_found_again() -> None:
    chat = tt.conversations(
        share=0.7,
        turns={4: 0.5, 24: 0.5},
        think_time=tt.LogNormal(median=10, sigma=0.4),
        new_tokens=tt.LogNormal(median=80, sigma=0.6),
        wait_from="start",
        wait_output=0.02,
        wait_tokens=0.01,
        persistence={"output_tokens": (0.6, 0.9)},
    )
    trace = trace_of(chat, None)
    model, _, wait, _ = laws(tt.fit(trace, sessions=True))
    # Over ten seeds the standard deviations are at most 0.0008, 0.0005, 0.33 s, 0.010 and 0.006.
    assert abs(model["steps"][0]["wait_output"] - 0.02) < 0.003
    assert abs(model["steps"][0]["wait_tokens"] - 0.01) < 0.004
    assert abs(wait - 10 * np.exp(0.4**2 / 2)) < 1.3
    share, memory = model["persistence"]["output_tokens"]
    assert abs(share - 0.6) < 0.04
    assert abs(memory - 0.9) < 0.04


def test_waits_and_lengths_that_do_neither_have_no_such_model() -> None:
    model, _, _, _ = laws(tt.fit(trace_of(CHAT), sessions=True))
    assert model["persistence"] == {}
    assert (model["steps"][0]["wait_output"], model["steps"][0]["wait_tokens"]) == (0, 0)


def test_the_waits_of_bidaw(data_dir: Any) -> None:
    path = data_dir / "traces" / "bidaw_sub.csv"
    if not path.is_file():
        pytest.skip(f"no real data: {path} is not a file")
    from pyarrow import csv
    from scipy import stats

    table = csv.read_csv(path)
    users = np.unique(table["session_id"])
    fitted = np.isin(table["session_id"], users[::2])
    pool = tt.fit(table.filter(fitted), sessions=True, client="whole")
    trace = tt.generate(pool, seed=1)
    # Of users that were not fitted.
    actual = waits_of(*(table.filter(~fitted)[name].to_numpy() for name in COLUMNS))
    new = waits_of(*(trace[name] for name in COLUMNS))
    assert stats.ks_2samp(actual[0], new[0]).statistic < 0.03
    for place in (1, 2):
        one, other = (stats.spearmanr(made[0], made[place]).statistic for made in (actual, new))
        assert abs(one - other) < 0.08


COLUMNS = ("timestamp", "session_id", "input_tokens", "output_tokens")


def waits_of(time: Any, session: Any, inputs: Any, outputs: Any) -> tuple[Any, Any, Any]:
    """Waits from turn to turn (s), outputs before them, and new tokens after them."""
    order = np.lexsort((time, session))
    order = order[session[order] != tt.NO_SESSION]
    time, session, inputs, outputs = time[order], session[order], inputs[order], outputs[order]
    follows = np.flatnonzero(session[1:] == session[:-1]) + 1
    before = outputs[follows - 1].astype(np.int64)
    new = inputs[follows].astype(np.int64) - inputs[follows - 1] - before
    return time[follows] - time[follows - 1], before, np.maximum(new, 0)


# Without its sessions the trace is a sum that one client cannot be, and the fit says so.
@pytest.mark.filterwarnings("ignore::tracetide.DispersionWarning")
def test_without_sessions_there_is_no_model(tmp_path: Any) -> None:
    trace = trace_of(CHAT, duration="20min")
    assert tt.fit(trace).profile.session_models() == []
    plain = without(trace, "session_id", "turn", "delay", "hash_ids")
    assert tt.fit(plain, sessions=True).profile.session_models() == []
    with pytest.raises(ValueError, match="sessions: 1 is not allowed"):
        tt.fit(plain, sessions=1)  # type: ignore[arg-type]
    trace.write(tmp_path / "t.parquet")
    succeeds("fit", "t.parquet", "--sessions", "-o", "p.tide", cwd=tmp_path)
    pool = tt.load(tmp_path / "p.tide")
    assert len(pool.profile.session_models()) == 1
    assert len(pool.profile.prompt_models()) == 1


@pytest.mark.parametrize("format", ["bailian", "burstgpt", "mooncake"])
def test_files_of_other_tools(tmp_path: Any, format: str) -> None:
    trace = trace_of(CHAT, block_size=16 if format == "bailian" else 512, duration="40min")
    rows = []
    chat: dict[int, int] = {}
    for row in range(len(trace)):
        time, inputs, outputs = trace.timestamp[row], trace.input_tokens[row], trace.output_tokens[row]
        session, ids = int(trace.session_id[row]), trace.hash_ids[row].tolist()
        if format == "bailian":
            parent = chat.get(session, -1)
            if session != tt.NO_SESSION:
                chat[session] = row
            turn = 1 if parent < 0 else int(trace.turn[row])
            rows.append(
                f'{{"chat_id": {row}, "parent_chat_id": {parent}, "timestamp": {time:.6f}, "input_length": '
                f'{inputs}, "output_length": {outputs}, "type": "text", "turn": {turn}, "hash_ids": {ids}}}'
            )
        elif format == "mooncake":
            rows.append(
                f'{{"timestamp": {time * 1000:.0f}, "input_length": {inputs}, "output_length": {outputs}, '
                f'"hash_ids": {ids}}}'
            )
        else:
            name = "" if session == tt.NO_SESSION else str(session)
            rows.append(f"{time:.6f},{name},0.5,GPT-4,{inputs},{outputs},{inputs + outputs},Conversation log")
    if format == "burstgpt":
        rows.insert(
            0,
            "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type",
        )
    path = tmp_path / ("t.csv" if format == "burstgpt" else "t.jsonl")
    path.write_text("\n".join(rows) + "\n")
    pool = tt.fit(path, sessions=True, client="whole")
    model, turns, wait, _ = laws(pool)
    assert abs(model["share"] - 0.4) < 0.03
    assert abs(turns[2] - 0.5) < 0.05
    assert abs(wait / (30 * np.exp(0.7**2 / 2)) - 1) < 0.06
    # Prompts of 256 tokens are less than a block of Mooncake's.
    assert (pool.profile.prompt_models() == []) == (format != "bailian")
