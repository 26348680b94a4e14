"""Hash ids: every rule that readers of traces rely on, and the reuse that the model says."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
import tracetide as tt
from cli_tools import succeeds
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statistics_helpers import accept
from tracetide import _core
from tracetide.measures.prefixes import LevelHits

CHAT = tt.conversations(
    share=0.5,
    turns={2: 0.5, 6: 0.5},
    think_time=tt.Exponential(mean=20),
    new_tokens=tt.Exponential(mean=60),
    context_limit=4000,
    service=tt.ServiceTime(output_token=0.01),
)
PREFIXES = tt.Prefixes(
    share=0.8,
    levels=[
        tt.PromptLevel(prompts=5, tokens=tt.Uniform(100, 400), popularity=1.2),
        tt.PromptLevel(prompts=4, tokens=tt.Uniform(20, 90)),
    ],
)


class Checker:
    """The rules of the tools' readers, batch by batch; knows nothing of how ids are made.

    - as many ids as blocks, the last of which may be partly filled;
    - an id is always the same block: behind the same block, and as full; a partly filled one comes once;
    - ids are below 2^31, and all from `first_free` on to the highest are used.
    """

    def __init__(self, block_size: int, most: int) -> None:
        self.block_size = block_size
        self.before = np.full(most, -2, dtype=np.int32)  # the id before, -1 at the beginning
        self.filled = np.zeros(most, dtype=np.int32)
        self.seen = np.zeros(most, dtype=np.int32)
        self.rows = 0

    def add(self, requests: Any) -> None:
        ids = requests["hash_ids"].flat().astype(np.int64)
        lengths = requests["hash_ids"].lengths()
        inputs = requests["input_tokens"].astype(np.int64)
        assert (inputs >= 1).all()
        assert np.array_equal(lengths, -(-inputs // self.block_size))
        assert ids.max() < 2**31
        ends = np.cumsum(lengths)
        starts = ends - lengths
        before = np.concatenate([[-1], ids[:-1]])
        before[starts] = -1
        filled = np.full(ids.size, self.block_size)
        filled[ends - 1] = (inputs - 1) % self.block_size + 1
        new = self.before[ids] == -2
        self.before[ids[new]], self.filled[ids[new]] = before[new], filled[new]
        assert np.array_equal(self.before[ids], before), "an id stands for two blocks"
        assert np.array_equal(self.filled[ids], filled), "an id stands for blocks of two sizes"
        used, times = np.unique(ids, return_counts=True)
        self.seen[used] += times.astype(np.int32)
        self.rows += inputs.size

    def finish(self, first_free: int) -> None:
        partial = (self.seen > 0) & (self.filled < self.block_size)
        assert (self.seen[partial] == 1).all(), "a partly filled block comes again"
        used = np.flatnonzero(self.seen)
        assert np.array_equal(used[used >= first_free], np.arange(first_free, used[-1] + 1)), (
            "ids are not dense"
        )


def pool_of(
    sessions: tt.Sessions | None = CHAT, prefixes: tt.Prefixes | None = PREFIXES, **fields: Any
) -> Any:
    options: dict[str, Any] = {
        "rate": 20,
        "input_tokens": tt.LogNormal(median=800, sigma=1),
        "output_tokens": tt.Exponential(mean=100),
    }
    return tt.ClientPool([tt.Client(**{**options, **fields}, sessions=sessions, prefixes=prefixes)])


def check(job: tt.Job, trace: Any = None) -> tt.Trace:
    trace = job.generate() if trace is None else trace
    checker = Checker(job.block_size, int(trace.hash_ids.flat().max()) + 1)
    checker.add(trace)
    checker.finish(job.core.prompt_blocks[-1] if job.core.prompt_blocks else 0)
    return trace


def test_ten_million_rows_follow_every_rule() -> None:
    chat = tt.conversations(
        share=0.3, turns={2: 0.5, 5: 0.5}, think_time=30, new_tokens=200, context_limit=4000
    )
    pool = pool_of(chat, rate=500) + pool_of(None, None, rate=55)
    job = tt.Job(pool, duration="5h", seed=1, block_size=512)
    checker = Checker(512, 40_000_000)
    for batch in job.stream():
        checker.add(batch)
    assert checker.rows > 9_900_000
    checker.finish(job.core.prompt_blocks[-1])


@pytest.mark.parametrize("block_size", [1, 16, 512, 100_000])
def test_every_block_size_follows_the_rules_and_changes_nothing_else(block_size: int) -> None:
    job = tt.Job(pool_of(), duration="5min", seed=2, block_size=block_size)
    trace = check(job)
    plain = tt.generate(pool_of(), duration="5min", seed=2, prefixes=False)
    assert "hash_ids" not in plain
    assert all(np.array_equal(trace[name], plain[name], equal_nan=name == "delay") for name in plain.columns)


def test_turns_share_what_they_begin_with() -> None:
    trace = check(tt.Job(pool_of(), duration="10min", seed=3, block_size=16))
    order = np.lexsort((trace.turn, trace.session_id))
    checked = 0
    for one, other in itertools.pairwise(order.tolist()):
        same = trace.session_id[one] == trace.session_id[other] != tt.NO_SESSION
        if same and trace.turn[other] == trace.turn[one] + 1 and trace.input_tokens[other] < 4000:
            whole = int(trace.input_tokens[one]) // 16
            assert np.array_equal(trace.hash_ids[one][:whole], trace.hash_ids[other][:whole])
            assert not set(trace.hash_ids[one][whole:].tolist()) & set(trace.hash_ids[other].tolist())
            checked += 1
    assert checked > 1000


def test_prompts_are_as_popular_as_their_law_and_levels_are_nested() -> None:
    prefixes = tt.Prefixes(
        share=0.75,
        levels=[
            tt.PromptLevel(prompts=3, tokens=128, popularity=1),
            tt.PromptLevel(prompts=2, tokens=64, popularity=0),
        ],
    )
    job = tt.Job(pool_of(None, prefixes, input_tokens=1000), duration="1h", seed=4, block_size=64)
    trace = check(job)
    assert job.core.prompt_blocks == [6, 12]
    first, third = (
        trace.hash_ids.values[trace.hash_ids.offsets[:-1]],
        trace.hash_ids.values[trace.hash_ids.offsets[:-1] + 2],
    )
    counts = np.array([(first == 2 * k).sum() for k in range(3)])
    expected = 0.75 * np.array([1, 1 / 2, 1 / 3]) / (11 / 6) * len(trace)
    rest = len(trace) - counts.sum()
    accept(stats.chisquare([*counts, rest], [*expected, 0.25 * len(trace)]).pvalue, "popularity")
    for k in range(3):
        second = third[first == 2 * k]
        assert set(second.tolist()) == {6 + 2 * k, 7 + 2 * k}
        accept(stats.binomtest(int((second == 6 + 2 * k).sum()), second.size, 0.5).pvalue, "second level")


def test_prompts_belong_to_the_profile_and_not_to_the_seed() -> None:
    jobs = [tt.Job(pool_of(), duration="1min", seed=seed, block_size=16) for seed in (1, 2)]
    assert jobs[0].core.prompt_blocks == jobs[1].core.prompt_blocks
    two = tt.ClientPool([tt.Client(rate=1, input_tokens=5000, output_tokens=1, prefixes=PREFIXES, count=2)])
    trace = check(tt.Job(two, duration="20min", seed=5, block_size=16))
    shared = trace.hash_ids.flat()
    mine = np.repeat(trace.client_id, trace.hash_ids.lengths())
    assert not set(shared[mine == 0].tolist()) & set(shared[mine == 1].tolist())


def test_a_prompt_longer_than_the_input_is_left_out() -> None:
    prefixes = tt.Prefixes(levels=[tt.PromptLevel(tokens=100), tt.PromptLevel(tokens=400)])
    pool = pool_of(None, prefixes, input_tokens={50: 0.25, 300: 0.25, 900: 0.5})
    job = tt.Job(pool, duration="10min", seed=6, block_size=10)
    trace = check(job)
    assert job.core.prompt_blocks == [10, 50]
    shared = np.array([int((row < 50).sum()) for row in trace.hash_ids])
    assert set(shared[trace.input_tokens == 50].tolist()) == {0}
    assert set(shared[trace.input_tokens == 300].tolist()) == {10}
    assert set(shared[trace.input_tokens == 900].tolist()) == {50}


def test_hit_rates_are_those_of_the_model() -> None:
    prefixes = tt.Prefixes(levels=[tt.PromptLevel(prompts=2, tokens=320)])
    trace = check(tt.Job(pool_of(None, prefixes, input_tokens=1000), duration="30min", block_size=32))
    # Of 32 blocks ten are of one of two prompts.
    found = tt.prefix_statistics(trace, sizes=[10])
    assert found.hit_rate == pytest.approx((10 * len(trace) - 20) / (32 * len(trace)))
    counted = LevelHits([20])
    counted.add(trace.hash_ids.flat())
    levels = counted.shares()
    assert levels == {"level 1": pytest.approx(found.hit_rate), "sessions": 0}


def test_files_hold_hash_ids_and_describe_says_where_hits_come_from(tmp_path: Any) -> None:
    job = tt.Job(pool_of(), duration="3min", seed=7)
    assert job.block_size == 512
    trace = job.generate()
    for format in ("parquet", "arrow", "csv", "jsonl"):
        job.write(tmp_path / f"t.{format}")
        assert tt.Trace.read(tmp_path / f"t.{format}") == trace
        trace.write(tmp_path / f"again.{format}")
        assert (tmp_path / f"again.{format}").read_bytes() == (tmp_path / f"t.{format}").read_bytes()
    pool_of().write(tmp_path / "p.tide")
    succeeds(
        "generate",
        "p.tide",
        "--duration",
        "3min",
        "--seed",
        "7",
        "-o",
        "cli.parquet",
        "--quiet",
        cwd=tmp_path,
    )
    assert (tmp_path / "cli.parquet").stat().st_size > 0
    done = succeeds("describe", "t.parquet", "--json", cwd=tmp_path)
    levels = json.loads(done.stdout)["details"]["prefixes"]["hits_by_level"]
    assert set(levels) == {"level 1", "level 2", "sessions"}
    assert sum(levels.values()) == pytest.approx(tt.prefix_statistics(trace).hit_rate)
    base = ["generate", "p.tide", "--duration", "1min", "--quiet", "-o"]
    succeeds(*base, "no.csv", "--no-prefixes", cwd=tmp_path)
    assert "hash_ids" not in (tmp_path / "no.csv").read_text()
    succeeds(*base, "own.csv", "--no-prefixes", "--block-size", "64", cwd=tmp_path)
    assert (tmp_path / "own.csv").read_text().partition("\n")[0].endswith(",delay,hash_ids")


def test_options_are_checked_and_kept() -> None:
    assert tt.Job(pool_of(), duration=60).metadata()["block_size"] == 512
    assert "block_size" not in tt.Job(pool_of(), duration=60, prefixes=False).metadata()
    assert tt.Job(pool_of(), duration=60, prefixes=False).metadata()["prefixes"] is False
    for wrong in (0, -1, 2**32, 1.5, True):
        with pytest.raises(ValueError, match=r"block_size: .* is not allowed"):
            tt.Job(pool_of(), duration=60, block_size=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"prefixes: true is not allowed.*no model"):
        tt.Job(pool_of(None, None), duration=60, prefixes=True)
    with pytest.raises(
        tt.ProfileError, match="its prompts have at least 500 tokens, the inputs of its clients at most 100"
    ):
        tt.Job(pool_of(None, tt.Prefixes(levels=[tt.PromptLevel(tokens=500)]), input_tokens=100), duration=60)
    with pytest.raises(ValueError, match="more than 2\\^31 different blocks"):
        tt.generate(pool_of(None, None, rate=5e5, input_tokens=10_000), duration=1, block_size=1)


def test_wrong_models_are_refused() -> None:
    with pytest.raises(ValueError, match="prompts: 0"):
        tt.PromptLevel(prompts=0, tokens=1)
    with pytest.raises(ValueError, match="tokens: 0"):
        tt.PromptLevel(tokens=0)
    with pytest.raises(ValueError, match="popularity: -1"):
        tt.PromptLevel(tokens=1, popularity=-1)
    with pytest.raises(ValueError, match="levels: "):
        tt.Prefixes(levels=[])
    with pytest.raises(ValueError, match="levels: "):
        tt.Prefixes(levels=[tt.PromptLevel(tokens=1)] * 4)
    with pytest.raises(ValueError, match="share: 2"):
        tt.Prefixes(share=2, levels=[tt.PromptLevel(tokens=1)])
    with pytest.raises(ValueError, match="prefixes: 3 is not allowed"):
        pool_of(None, 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="prefixes: 3 is not allowed"):
        pool_of().with_prefixes(3)
    many = tt.Prefixes(
        levels=[tt.PromptLevel(prompts=5000, tokens=1), tt.PromptLevel(prompts=5000, tokens=1)]
    )
    with pytest.raises(tt.ProfileError, match="more than 2\\^24 system prompts"):
        tt.Job(pool_of(None, many), duration=60)


@pytest.mark.parametrize(
    ("share", "level", "message"),
    [
        (float("nan"), (1.0, 1, 0), "PROMPT_MODELS: entry 0: share nan"),
        (1.0, (-1.0, 1, 0), "exponent -1"),
        (1.0, (1.0, 0, 0), "0 prompts"),
        (1.0, (1.0, 1, 7), "distribution 7; there are 1"),
    ],
)
def test_wrong_models_in_a_profile_are_refused(share: float, level: Any, message: str) -> None:
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
    builder.add_integer_pmf(np.array([1], dtype=np.uint32), np.ones(1))
    builder.set_prompts(0, builder.add_prompt_model(share, [level]))
    with pytest.raises(tt.ProfileError, match=message):
        builder.build()


def test_models_survive_files_copies_and_reshaping(tmp_path: Any) -> None:
    pool = pool_of() + pool_of(None, None)
    pool.write(tmp_path / "p.tide")
    again = tt.load(tmp_path / "p.tide")
    assert again.profile.prompt_models() == pool.profile.prompt_models()
    assert again.profile.client_prompts().tolist() == [0, 0xFFFFFFFF]
    assert again.resample(4, seed=1).profile.client_prompts().tolist().count(0) == 2
    bare = again.with_prefixes(None)
    assert bare.profile.prompt_models() == []
    assert tt.generate(bare, duration="1min") == tt.generate(again, duration="1min", prefixes=False)


@settings(max_examples=20, deadline=None)
@given(
    levels=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 300)), min_size=1, max_size=3),
    share=st.floats(0, 1),
    turns=st.integers(1, 6),
    at_limit=st.sampled_from(["truncate", "end"]),
    child=st.booleans(),
    block_size=st.integers(1, 700),
    seed=st.integers(0, 2**64 - 1),
)
def test_any_model_follows_the_rules(
    levels: Any, share: float, turns: int, at_limit: str, child: bool, block_size: int, seed: int
) -> None:
    tool = tt.Tool(latency=2, tokens=33, calls=2)
    steps: list[Any] = [tool]
    if child:
        steps.append(tt.SubAgent(sessions=tt.Sessions(turns=2, steps=[tool], first_tokens=77), calls=2))
    sessions = tt.Sessions(share=0.5, turns=turns, steps=steps, context_limit=1500, at_limit=at_limit)
    prefixes = tt.Prefixes(
        share=share, levels=[tt.PromptLevel(prompts=prompts, tokens=tokens) for prompts, tokens in levels]
    )
    job = tt.Job(pool_of(sessions, prefixes, rate=3), duration=90, seed=seed, block_size=block_size)
    trace = check(job, job.generate(threads=1))
    assert trace == job.generate(threads=3)
