"""The same job gives the same bytes: for every number of threads, batch size and instruction set, and as
recorded in golden.json.

To record new digests, after a wanted change of the bytes and of the trace version:

    python tests/python/test_determinism.py --regenerate --reason "what changed and why"
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import tracetide as tt
from small_profiles import Bins, Client, IntegerPmf, Quantiles, RealPmf, build, zipf
from trace_tools import assert_same, collect, columns, concatenate, digest
from tracetide import _core

# A curve of a client made by hand is coarser than its windows, which is not what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore::tracetide.FlattenedRateWarning")

GOLDEN = Path(__file__).with_name("golden.json")

# Profiles use no elementary function, so that they are the same on every machine.

LENGTHS = {
    "input_tokens": zipf(np.arange(1, 2001) * 7),
    "output_tokens": Quantiles([1, 20, 90, 300.5, 1000, 70_000]),
}
LONG = {"input_tokens": zipf(np.arange(500) * 1000), "output_tokens": Quantiles([0.25, 7, 1e9], 3, 10**8)}
REASON = {**LENGTHS, "reason_ratio": RealPmf([0.125, 0.25, 0.75, 0.9375], [4, 2, 3, 3])}
ITEMS = {
    "text_tokens": zipf(np.arange(1, 300)),
    "output_tokens": Quantiles([1, 50, 400]),
    "image_count": IntegerPmf([0, 1, 2, 30], [5, 5, 4, 1]),
    "image_tokens": zipf([85, 340, 1196, 1230]),
    "audio_count": IntegerPmf([0, 1, 9], [8, 1, 1]),
    "audio_tokens": Quantiles([10, 100, 70_000]),
    "video_count": IntegerPmf([0, 2], [9, 1]),
    "video_tokens": zipf([100, 90_000]),
}
LAWS = [
    ("exponential", 1.0),
    ("gamma", 0.007),
    ("gamma", 0.3),
    ("gamma", 1.0),
    ("gamma", 7.5),
    ("gamma", 45_230.0),
    ("weibull", 0.15),
    ("weibull", 0.8),
    ("weibull", 7.9),
]


@functools.cache
def mixed(category="language"):
    """All families, skewed rates, idle windows, two epochs, one of them missing for some clients."""
    laws = {"language": LENGTHS, "reason": REASON, "multimodal": ITEMS}[category]
    other = {**laws, **LONG} if category == "language" else laws
    clients = []
    for number, (family, shape) in enumerate(LAWS):
        rates = np.where(np.arange(8) % (number + 2) == number % 3, 0.0, 40.0 / (number + 1))
        clients.append(Client(rates, family, shape, [laws, other] if number % 2 else [None, other]))
    clients += [Client(0.03125)] * 20 if category == "language" else []
    return build(clients, window_s=60, windows=8, epoch_windows=4, category=category)


@functools.cache
def correlated():
    """Reasoning clients with correlations of their own, and lengths in bins."""
    laws = {
        "input_tokens": Bins([1, 2, 3, 50, 3000], [0.25, 0.25, 0.125, 0.25, 0.125], 120_000),
        "output_tokens": Quantiles([1, 20, 90, 300.5, 1000, 70_000]),
        "reason_ratio": RealPmf([0.125, 0.25, 0.75, 0.9375], [4, 2, 3, 3]),
    }
    pairs = [("input_tokens", "output_tokens"), ("output_tokens", "reason_ratio")]
    return build(
        [
            Client(20.0, *LAWS[i], laws, dict.fromkeys(pairs[: i % 3], 0.75 - 0.125 * i))
            for i in range(len(LAWS))
        ],
        window_s=60,
        windows=4,
        category="reason",
    )


@functools.cache
def items_in_bins():
    """Items whose tokens are in bins."""
    bins = Bins([0, 1, 85, 90_000], [0.125, 0.5, 0.25, 0.125], 200_000)
    fields = {**ITEMS, "text_tokens": bins, "image_tokens": bins, "video_tokens": bins}
    return build([Client(25.0, *law, fields) for law in LAWS], window_s=60, windows=4, category="multimodal")


@functools.cache
def calm():
    """Families whose renewal processes hold about as many requests as expected."""
    clients = [
        Client(8.0 * (i + 1), family, shape, LENGTHS)
        for i, (family, shape) in enumerate(LAWS)
        if shape >= 0.3
    ]
    return build(clients, window_s=60, windows=8)


@functools.cache
def large():
    """One window that is too large to be made in one piece."""
    clients = [
        Client(400_000, fields=LENGTHS),
        Client(150_000, "gamma", 0.3, LONG),
        Client(50_000, "weibull", 0.8),
    ]
    return build(clients, window_s=2, windows=2)


@functools.cache
def many():
    """2,000 clients."""
    return build(
        [Client(4.0 / (i % 37 + 1), *LAWS[i % 9], LENGTHS) for i in range(2000)], window_s=20, windows=2
    )


@functools.cache
def by_hand():
    """Curves and laws, whose elementary functions are our own, added to resampled clients."""
    wave = tt.Daily(8, "0:05", 0.75) * tt.Linear([(0, 1), ("8min", 3)]) + tt.Spike(
        "2min", "30s", 40, ramp="20s"
    )
    chat = tt.Client(
        rate=wave,
        arrivals=tt.Gamma(cv=2),
        input_tokens=tt.Mixture([(0.75, tt.LogNormal(median=600, sigma=1.1)), (0.25, tt.Pareto(1.5, 4000))]),
        output_tokens=tt.Exponential(mean=300),
        correlations={("input_tokens", "output_tokens"): 0.5},
        limits={"output_tokens": (1, 4096)},
        count=2,
    )
    clients = tt.ClientPool([chat], window="20s", period="8min")
    return (clients + tt.ClientPool(mixed()).resample(12, seed=5)).profile


@functools.cache
def bursty(rate=8.0):
    """Gaps from tables, and rates with noise inside windows."""
    lengths = {"input_tokens": {5: 0.5, 900: 0.5}, "output_tokens": {1: 0.25, 70: 0.75}}
    on_and_off = tt.GapTable(-40, np.repeat([3.0, 0.0, 0.125], [16, 90, 8]))
    clients = [
        tt.Client(rate=rate, arrivals=on_and_off, modulation=tt.RateNoise(0.25, 10), **lengths),
        tt.Client(rate=4 * rate, arrivals=tt.Gamma(0.25), modulation=tt.RateNoise(0.875, 6), **lengths),
        tt.Client(rate=rate / 4, modulation=tt.RateNoise(0.3, 2), **lengths),
        tt.Client(rate=rate, arrivals=tt.GapTable(3, [1.0]), **lengths),
    ]
    return tt.ClientPool(clients, window="30s", period="4min").profile


POINTS = [(10.0, 30.0), (50.0, 30.0), (50.5, 400.0), (52.0, 400.0), (52.5, 0.0), (70.0, 0.0), (200.0, 90.0)]


CHAT = tt.conversations(
    share=0.5,
    turns={2: 0.5, 3: 0.25, 9: 0.25},
    think_time={0.5: 0.25, 20: 0.5, 200: 0.25},
    new_tokens={3: 0.5, 900: 0.5},
    context_limit=9000,
    at_limit="end",
    service=tt.ServiceTime(overhead=0.25, input_token=2.0**-14, output_token=2.0**-6),
)
SEARCH = tt.Tool(
    latency={0.25: 0.5, 8: 0.5}, tokens={400: 1}, calls={1: 0.5, 3: 0.5}, failure=0.25, retries=2
)
AGENT = tt.Sessions(
    share=0.75,
    turns={1: 0.25, 6: 0.75},
    steps=[
        SEARCH,
        tt.User(think_time={30: 1}, weight=0.5),
        tt.SubAgent(
            sessions=tt.Sessions(turns={2: 0.5, 5: 0.5}, steps=[SEARCH], first_tokens=50),
            calls={1: 0.5, 2: 0.5},
            weight=0.25,
        ),
    ],
    context_limit=40_000,
)


PROMPTS = tt.Prefixes(
    share=0.75,
    levels=[
        tt.PromptLevel(prompts=6, tokens={8: 0.5, 130: 0.5}, popularity=0),
        tt.PromptLevel(prompts=3, tokens={9: 0.5, 64: 0.5}, popularity=1),
    ],
)


def together(profile, sessions, prefixes=None):
    """All clients of a profile with a model of sessions, and of prompts."""
    return tt.ClientPool(profile).with_sessions(sessions).with_prefixes(prefixes).profile


JOBS = {
    "language, pinned, independent": lambda: (mixed(), {"counts": "pinned", "coupling": "independent"}),
    "language, pinned, comonotonic": lambda: (mixed(), {"counts": "pinned", "coupling": "comonotonic"}),
    "language, servegen, comonotonic": lambda: (mixed(), {"counts": "servegen", "coupling": "comonotonic"}),
    "language, renewal, independent": lambda: (calm(), {"counts": "renewal", "coupling": "independent"}),
    "language, renewal, comonotonic": lambda: (calm(), {"counts": "renewal", "coupling": "comonotonic"}),
    "language, constant rate, large seed": lambda: (mixed(), {"rate": 123.25, "seed": 2**64 - 3}),
    "language, repeated span, partial windows": lambda: (
        mixed(),
        {"span_start": 120.0, "span_end": 300.0, "duration": 450.5, "scale": 2.0, "seed": 5},
    ),
    "language, rate points": lambda: (calm(), {"rate_points": [(30.0, 5.0), (200.0, 300.0), (400.0, 1.0)]}),
    "language, large windows": lambda: (large(), {"counts": "pinned"}),
    "language, large windows, renewal": lambda: (large(), {"counts": "renewal", "seed": 6}),
    "language, many clients": lambda: (many(), {"counts": "pinned"}),
    "reason, pinned, independent": lambda: (mixed("reason"), {"coupling": "independent"}),
    "reason, servegen, comonotonic": lambda: (
        mixed("reason"),
        {"counts": "servegen", "coupling": "comonotonic"},
    ),
    "multimodal, pinned, independent": lambda: (mixed("multimodal"), {"coupling": "independent"}),
    "multimodal, servegen, comonotonic": lambda: (
        mixed("multimodal"),
        {"counts": "servegen", "coupling": "comonotonic"},
    ),
    "language, copula": lambda: (
        mixed(),
        {"coupling": "copula", "correlations": [("input_tokens", "output_tokens", 0.5)], "seed": 7},
    ),
    "reason, correlations of the profile, bins": lambda: (correlated(), {}),
    "reason, bins, comonotonic": lambda: (correlated(), {"coupling": "comonotonic"}),
    "by hand, resampled, added": lambda: (by_hand(), {"seed": 9}),
    "language, conversations": lambda: (together(mixed(), CHAT), {"seed": 11}),
    "language, conversations, renewal, points": lambda: (
        together(calm(), CHAT),
        {"rate_points": [(30.0, 5.0), (200.0, 300.0), (400.0, 1.0)], "seed": 12},
    ),
    "language, agents, repeated span, partial windows": lambda: (
        together(mixed(), AGENT),
        {"span_start": 90.0, "span_end": 300.0, "duration": 450.5, "scale": 2.0, "seed": 13},
    ),
    "language, agents, rates that fall": lambda: (
        together(mixed(), AGENT),
        {"rate_steps": [200.0, 20.0, 0.0, 50.0, 50.0, 0.5, 300.0, 100.0], "seed": 14},
    ),
    "language, conversations, large windows": lambda: (
        together(large(), tt.conversations(share=0.125, turns={2: 1}, think_time={0.5: 0.5, 3: 0.5})),
        {"counts": "pinned"},
    ),
    "reason, agents, copula": lambda: (together(correlated(), AGENT), {"seed": 15}),
    "multimodal, conversations": lambda: (
        together(mixed("multimodal"), tt.conversations(share=0.5, turns={2: 0.5, 4: 0.5}, think_time=25)),
        {"seed": 16},
    ),
    "language, hash ids alone": lambda: (mixed(), {"block_size": 256, "seed": 17}),
    "language, prefixes": lambda: (together(mixed(), None, PROMPTS), {"block_size": 64, "seed": 18}),
    "language, prefixes, conversations, renewal": lambda: (
        together(calm(), CHAT, PROMPTS),
        {"block_size": 16, "rate_points": [(30.0, 5.0), (200.0, 300.0), (400.0, 1.0)], "seed": 19},
    ),
    "language, prefixes, large windows": lambda: (
        together(
            large(), tt.conversations(share=0.125, turns={2: 1}, think_time={0.5: 0.5, 3: 0.5}), PROMPTS
        ),
        {"counts": "pinned", "block_size": 65_536, "duration": 2.0},
    ),
    "reason, prefixes, agents, rates that fall": lambda: (
        together(correlated(), AGENT, PROMPTS),
        {"rate_steps": [80.0, 5.0, 0.0, 50.0], "block_size": 512, "seed": 20},
    ),
    "multimodal, prefixes, conversations": lambda: (
        together(
            mixed("multimodal"), tt.conversations(share=0.5, turns={2: 0.5, 4: 0.5}, think_time=25), PROMPTS
        ),
        {"block_size": 32, "seed": 21},
    ),
    "bursts": lambda: (bursty(), {"seed": 22}),
    "bursts, half of the noise, repeated span, partial windows": lambda: (
        bursty(),
        {"span_start": 40.0, "span_end": 130.0, "duration": 250.5, "modulation": 0.5, "seed": 23},
    ),
    "bursts, renewal, points": lambda: (bursty(), {"counts": "renewal", "rate_points": POINTS, "seed": 24}),
    "bursts, servegen": lambda: (bursty(), {"counts": "servegen", "seed": 25}),
    "bursts, conversations, points": lambda: (together(bursty(), CHAT), {"rate_points": POINTS, "seed": 26}),
    "bursts, large windows, points": lambda: (
        bursty(),
        {"rate_points": [(0.0, 90_000.0), (20.0, 9e4), (20.1, 1e5), (59.0, 1.0)], "duration": 59.0},
    ),
    "multimodal, bins": lambda: (items_in_bins(), {"counts": "pinned"}),
    "multimodal, bins, copula": lambda: (
        items_in_bins(),
        {
            "coupling": "copula",
            "correlations": [
                ("text_tokens", "output_tokens", 0.5),
                ("image_count", "output_tokens", -0.25),
                ("image_count", "video_count", 0.875),
            ],
        },
    ),
}


@functools.cache
def reference(name):
    """The columns of a job, made by one thread."""
    profile, options = JOBS[name]()
    return collect(profile, threads=1, **options)


def job(name):
    profile, options = JOBS[name]()
    return _core.Job(profile, **options)


@pytest.mark.parametrize("name", JOBS)
def test_bytes_are_the_same_for_every_number_of_threads(name):
    expected = digest(reference(name))
    for threads in (2, 3, 8, 0):
        assert digest(columns(_core.collect(job(name), threads=threads))) == expected, f"{threads} threads"


def list_values(batch):
    found = [batch.column(name) for name in batch.names]
    return sum(column[1].size for column in found if isinstance(column, tuple))


@pytest.mark.parametrize("name", JOBS)
def test_bytes_are_the_same_for_every_batch_size(name):
    expected = digest(reference(name))
    rows = reference(name)["timestamp"].size
    for threads, batch_size in ((1, 0), (3, 0), (1, 1000), (2, 65_536), (8, 1009)):
        batches = list(_core.Stream(job(name), threads=threads, batch_size=batch_size))
        assert digest(concatenate(batches)) == expected, f"{threads} threads, batches of {batch_size}"
        sizes = np.array([len(batch) for batch in batches])
        assert [batch.first_request for batch in batches] == (np.cumsum(sizes) - sizes).tolist()
        if batch_size:
            lists = np.array([list_values(batch) for batch in batches])
            assert ((sizes == batch_size) | (lists >= 2**25))[:-1].all()
            assert sizes.max() <= batch_size
            assert name == "multimodal, prefixes, conversations" or len(batches) == -(-rows // batch_size)


@pytest.mark.parametrize("name", JOBS)
def test_shards_put_together_are_the_whole(name):
    made = job(name)
    for edges in ([0, 1, made.windows], [0, made.windows // 3, made.windows * 2 // 3, made.windows]):
        edges = sorted(set(edges))
        batches = []
        for first, last in itertools.pairwise(edges):
            batches += _core.Stream(made, threads=2, first_window=first, last_window=last)
        assert digest(concatenate(batches)) == digest(reference(name)), edges


def test_windows_that_a_job_does_not_have_are_refused():
    made = job("language, conversations")
    for first, last in ((8, 9), (3, 3), (5, 2)):
        with pytest.raises(ValueError, match="windows: "):
            _core.Stream(made, first_window=first, last_window=last)


@pytest.mark.parametrize("category", ["language", "reason", "multimodal"])
def test_bytes_are_the_same_for_batches_of_seven(category):
    options = {"counts": "pinned", "duration": 70.0, "rate": 30.0, "seed": 3}
    expected = collect(mixed(category), **options)
    batches = list(_core.Stream(_core.Job(mixed(category), **options), threads=2, batch_size=7))
    assert_same(concatenate(batches), expected)
    assert {len(batch) for batch in batches[:-1]} == {7}


@pytest.mark.parametrize("name", JOBS)
def test_bytes_are_the_same_for_every_instruction_set(name):
    expected = digest(reference(name))
    assert "baseline" in _core.kernel_levels()
    for level in _core.kernel_levels():
        assert digest(columns(_core.collect(job(name), threads=2, kernels=level))) == expected, level


def test_bytes_survive_the_profile_file():
    profile, options = JOBS["multimodal, pinned, independent"]()
    copy = _core.Profile.from_bytes(profile.to_bytes())
    assert_same(collect(copy, **options), collect(profile, **options))


def test_an_abandoned_stream_does_not_disturb_the_next():
    for _ in range(3):
        stream = _core.Stream(job("language, many clients"), threads=3, batch_size=100)
        next(stream)
        del stream
    assert digest(columns(_core.collect(job("language, many clients")))) == digest(
        reference("language, many clients")
    )


def test_different_seeds_give_different_traces():
    profile, _ = JOBS["language, pinned, independent"]()
    digests = {digest(collect(profile, seed=seed)) for seed in (0, 1, 2, 2**32, 2**32 + 1, 2**63, 2**64 - 1)}
    assert len(digests) == 7


@pytest.mark.parametrize("name", JOBS)
def test_digest_is_the_recorded_one(name):
    golden = json.loads(GOLDEN.read_text())
    assert golden["trace_version"] == _core.trace_version, "regenerate the digests for the new trace version"
    recorded = golden["digests"].get(name)
    assert recorded is not None, f"no digest is recorded for {name!r}; see the top of {Path(__file__).name}"
    assert digest(reference(name)) == recorded, "the bytes of this job have changed: raise the trace version"


def test_every_recorded_digest_belongs_to_a_job():
    assert set(json.loads(GOLDEN.read_text())["digests"]) <= set(JOBS)


def regenerate(reason: str) -> None:
    old = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {"digests": {}}
    digests = {name: digest(reference(name)) for name in JOBS}
    changed = [name for name, value in digests.items() if old["digests"].get(name) not in (None, value)]
    if changed and old.get("trace_version") == _core.trace_version:
        print(f"warning: {len(changed)} digests changed but the trace version is still {_core.trace_version}")
    reasons = {**old.get("reasons", {}), **dict.fromkeys(changed, reason)}
    golden = {"trace_version": _core.trace_version, "reasons": reasons, "digests": digests}
    GOLDEN.write_text(json.dumps(golden, indent=2) + "\n")
    print(f"{GOLDEN}: {len(digests)} digests, {len(changed)} changed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Record the digests of the golden jobs.")
    parser.add_argument("--regenerate", action="store_true", required=True)
    parser.add_argument("--reason", default="first record", help="why those that change do: kept for each")
    regenerate(parser.parse_args().reason)
