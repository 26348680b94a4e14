"""The values of requests: every kind of distribution, epochs, reasoning, items, and independence."""

import numpy as np
import oracle
import pytest
from small_profiles import (
    MULTIMODAL,
    Client,
    IntegerPmf,
    Quantiles,
    RealPmf,
    build,
    constant,
    one_client,
    zipf,
)
from statistics_helpers import accept, chi_square, chi_square_values, poisson, uncorrelated
from trace_tools import cells_of, collect, item_lists, nanoseconds
from tracetide import _core

COUPLINGS = ("independent", "comonotonic")
DRAWS = 1_000_000


def draws(*, coupling="independent", seed=1, n=DRAWS, category="language", **fields):
    """The columns of n requests of one client."""
    profile = one_client(n / 100, window_s=100, category=category, **fields)
    return collect(profile, counts="pinned", coupling=coupling, seed=seed)


# PMFs

VALUES_ANYWHERE = np.array([0, 1, 255, 65_535, 65_536, 1_000_000, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1])
PMFS = {
    "two values": IntegerPmf([3, 9], [0.25, 0.75]),
    "zero probabilities": IntegerPmf([1, 2, 3, 4, 5], [0.0, 0.5, 0.0, 0.5, 0.0]),
    "sum far from 1": IntegerPmf([1, 2, 3], [3.0, 5.0, 2.0]),
    "sum nearly 1": IntegerPmf([10, 20], [0.3333, 0.6666]),
    "300 values": zipf(np.arange(7, 307)),
    "300 equal": IntegerPmf(np.arange(300) * 5, np.full(300, 1 / 300)),
    "30,000 values": zipf(np.arange(1, 30_001), 0.5),
    "150,000 values": zipf(np.arange(150_000), 1.0),
    "150,000 values, scattered": zipf(np.arange(150_000) * 28_000 + 13, 0.9),
    "anywhere": IntegerPmf(VALUES_ANYWHERE, np.arange(1, 11) / 55),
    "narrow but high": IntegerPmf([70_000, 70_001, 135_535], [0.2, 0.3, 0.5]),
    "just too wide for 16 bits": IntegerPmf([5, 70, 65_541], [0.1, 0.2, 0.7]),
}


@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("name", PMFS)
def test_pmf_is_drawn_with_its_probabilities(name, coupling):
    law = PMFS[name]
    trace = draws(coupling=coupling, input_tokens=law, output_tokens=PMFS["300 values"])
    assert trace["input_tokens"].dtype == np.uint32
    accept(chi_square_values(trace["input_tokens"], law.values, law.probabilities))
    accept(
        chi_square_values(trace["output_tokens"], PMFS["300 values"].values, PMFS["300 values"].probabilities)
    )


@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("value", [0, 1, 65_535, 65_536, 2**32 - 1])
def test_a_single_value_is_always_drawn(value, coupling):
    trace = draws(coupling=coupling, n=10_000, input_tokens=constant(value), output_tokens=constant(7))
    assert (trace["input_tokens"] == value).all()
    assert (trace["output_tokens"] == 7).all()


@pytest.mark.parametrize("rare_first", [True, False])
def test_a_probability_of_one_in_a_million_is_met(rare_first):
    # 20 million requests with two fields each: 40 rare values are expected.
    probabilities = [1e-6, 1 - 1e-6] if rare_first else [1 - 1e-6, 1e-6]
    law = IntegerPmf([100, 2000], probabilities)
    rare = 100 if rare_first else 2000
    profile = one_client(20_000, window_s=100, windows=10, input_tokens=law, output_tokens=law)
    seen = 0
    for batch in _core.Stream(_core.Job(profile, coupling="independent", seed=2), batch_size=0):
        seen += int(
            (batch.column("input_tokens") == rare).sum() + (batch.column("output_tokens") == rare).sum()
        )
    accept(poisson(seen, 40))


# Other kinds


def quantiles_pmf(law, values):
    """P(value) of a piecewise-linear quantile function, rounded half up and clamped."""
    knots = np.asarray(law.values, dtype=float)
    points = np.concatenate([[-np.inf], np.asarray(values)[:-1] + 0.5, [np.inf]])
    low, high = knots[:-1, None], knots[1:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.clip((points - low) / (high - low), 0, 1)
    below = np.where(high == low, points > low, below)
    return np.diff(below.mean(axis=0))


QUANTILES = {
    "uniform": Quantiles([0, 100]),
    "skewed": Quantiles([1, 2, 4, 9, 30, 200]),
    "with atoms": Quantiles([5, 5, 5, 40, 40, 90]),
    "fractions": Quantiles([0.2, 1.7, 1.9, 6.31]),
    "clamped": Quantiles([0, 50, 100, 150], minimum=20, maximum=110),
    "clamped below 1": Quantiles([0, 0.2, 8], minimum=1),
}


@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("name", QUANTILES)
def test_quantiles_are_interpolated_rounded_and_clamped(name, coupling):
    law = QUANTILES[name]
    trace = draws(coupling=coupling, input_tokens=law)
    low = int(max(np.floor(law.values[0] + 0.5), law.minimum))
    high = int(min(np.floor(law.values[-1] + 0.5), law.maximum))
    values = np.arange(low, high + 1)
    accept(chi_square_values(trace["input_tokens"], values, quantiles_pmf(law, values)))


def test_quantiles_reach_the_largest_token_count():
    trace = draws(n=100_000, input_tokens=Quantiles([0, 2**32 - 1]))
    values = trace["input_tokens"].astype(float)
    accept(chi_square(np.histogram(values, bins=64, range=(0, 2**32))[0], np.ones(64)))


# Epochs and clients


def test_each_epoch_and_client_has_its_own_distributions():
    def law(base):
        return {
            "input_tokens": zipf(base + np.arange(20)),
            "output_tokens": zipf(base + 5000 + np.arange(20)),
        }

    clients = [
        Client(200, fields=[law(1000 * client + 100 * epoch) for epoch in range(3)]) for client in range(3)
    ]
    profile = build(clients, window_s=10, windows=12, epoch_windows=4)
    trace = collect(profile, counts="pinned", seed=3)
    epoch = nanoseconds(trace) // profile.epoch_ns
    base = 1000 * trace["client_id"].astype(np.int64) + 100 * epoch
    weights = 1 / np.arange(1, 21)
    for name, offset in (("input_tokens", 0), ("output_tokens", 5000)):
        rank = trace[name] - base - offset
        assert ((rank >= 0) & (rank < 20)).all()
        accept(chi_square(np.bincount(rank, minlength=20), weights), name)


def test_missing_epochs_use_the_nearest_earlier_else_the_nearest_later():
    def law(value):
        return {"input_tokens": constant(value), "output_tokens": constant(value + 1)}

    clients = [
        Client(5, fields=[None, None, law(20), None, law(40), None]),
        Client(5, fields=[law(0), None, None, law(30), None, None]),
    ]
    profile = build(clients, window_s=10, windows=6, epoch_windows=1)
    trace = collect(profile, counts="pinned", seed=4)
    epoch = nanoseconds(trace) // profile.epoch_ns
    expected = np.array([[20, 20, 20, 20, 40, 40], [0, 0, 0, 30, 30, 30]])[trace["client_id"], epoch]
    np.testing.assert_array_equal(trace["input_tokens"], expected)
    np.testing.assert_array_equal(trace["output_tokens"], expected + 1)


def test_a_client_without_distributions_leaves_its_share_to_the_others():
    profile = build([Client(1), Client(6, fields=None), Client(3)], window_s=100, windows=3)
    job = _core.Job(profile, rate=10.0, counts="pinned")
    assert job.left_out == [1]
    assert job.left_out_share == pytest.approx(0.6)
    counts = cells_of(profile, collect(profile, rate=10.0, counts="pinned")).counts
    assert (np.abs(counts - [250, 0, 750]) <= 1).all()
    # With native rates too: the total is the profile's own.
    assert (np.abs(cells_of(profile, collect(profile, counts="pinned")).counts - [250, 0, 750]) <= 1).all()


def test_epochs_repeat_with_the_profile():
    fields = [{"input_tokens": constant(1)}, {"input_tokens": constant(2)}]
    profile = build([Client(5, fields=fields)], window_s=10, windows=2, epoch_windows=1)
    trace = collect(profile, duration=60.0, counts="pinned")
    np.testing.assert_array_equal(trace["input_tokens"], 1 + (nanoseconds(trace) // 10**10) % 2)


# Reasoning


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_reason_tokens_are_the_ratio_of_the_output_rounded(coupling):
    ratios, weights = np.array([0.05, 0.1, 0.85, 0.9, 1.0]), np.array([0.25, 0.2, 0.3, 0.2, 0.05])
    outputs = np.arange(1000, 3000)
    trace = draws(
        category="reason",
        coupling=coupling,
        output_tokens=IntegerPmf(outputs, np.ones(2000)),
        reason_ratio=RealPmf(ratios, weights),
    )
    output, reason = trace["output_tokens"].astype(float), trace["reason_tokens"].astype(float)
    drawn = np.abs(reason[:, None] / output[:, None] - ratios).argmin(axis=1)
    np.testing.assert_array_equal(reason, np.floor(ratios[drawn] * output + 0.5))
    accept(chi_square(np.bincount(drawn, minlength=5), weights))
    accept(chi_square_values(trace["output_tokens"], outputs, np.ones(2000)))
    if coupling == "independent":
        accept(uncorrelated(drawn, output))


def test_extreme_reasoning_ratios():
    for ratio, expected in ((0.0, 0), (1.0, 4_000_000_000), (0.25, 1_000_000_000)):
        trace = draws(
            category="reason",
            n=100,
            output_tokens=constant(4_000_000_000),
            reason_ratio=RealPmf([ratio], [1]),
        )
        assert (trace["reason_tokens"] == expected).all()


def test_small_outputs_round_their_reasoning_half_up():
    trace = draws(category="reason", n=100, output_tokens=constant(5), reason_ratio=RealPmf([0.5], [1]))
    assert (trace["reason_tokens"] == 3).all()


# Multimodal

ITEMS = {
    "text_tokens": zipf(np.arange(1, 200)),
    "output_tokens": zipf(np.arange(1, 100)),
    "image_count": IntegerPmf([0, 1, 2, 7, 49], [0.3, 0.4, 0.2, 0.08, 0.02]),
    "image_tokens": IntegerPmf([85, 340, 1196, 1230], [0.1, 0.2, 0.4, 0.3]),
    "audio_count": IntegerPmf([0, 3], [0.5, 0.5]),
    "audio_tokens": zipf(np.arange(100, 140)),
    "video_count": IntegerPmf([0, 1], [0.9, 0.1]),
    "video_tokens": IntegerPmf([70_000, 200_000], [0.5, 0.5]),
}


@pytest.fixture(scope="module", params=COUPLINGS)
def items_trace(request):
    return draws(category="multimodal", coupling=request.param, n=300_000, **ITEMS)


def test_item_lists_are_consistent(items_trace):
    n = items_trace["timestamp"].size
    total = items_trace["text_tokens"].astype(np.int64)
    for kind in oracle.KINDS:
        offsets, values = items_trace[f"{kind}_tokens"]
        assert offsets.dtype == np.int32
        assert values.dtype == np.uint32
        assert offsets.size == n + 1
        assert offsets[0] == 0
        assert offsets[-1] == values.size
        assert (np.diff(offsets) >= 0).all()
        total += np.diff(np.concatenate([[0], np.cumsum(values, dtype=np.int64)])[offsets])
    np.testing.assert_array_equal(items_trace["input_tokens"], total)


def test_item_counts_and_sizes_follow_their_laws(items_trace):
    for kind in oracle.KINDS:
        offsets, values = items_trace[f"{kind}_tokens"]
        counts, sizes = ITEMS[f"{kind}_count"], ITEMS[f"{kind}_tokens"]
        accept(chi_square_values(np.diff(offsets), counts.values, counts.probabilities), f"{kind} counts")
        accept(chi_square_values(values, sizes.values, sizes.probabilities), f"{kind} sizes")
    for name in ("text_tokens", "output_tokens"):
        accept(chi_square_values(items_trace[name], ITEMS[name].values, ITEMS[name].probabilities), name)


def test_every_place_in_an_item_list_has_the_same_law(items_trace):
    offsets, values = items_trace["image_tokens"]
    many = offsets[:-1][np.diff(offsets) == 49]
    assert many.size > 5000
    lists = values[many[:, None] + np.arange(49)]
    sizes = ITEMS["image_tokens"]
    for place in (0, 1, 2, 3, 4, 5, 31, 32, 48):
        accept(chi_square_values(lists[:, place], sizes.values, sizes.probabilities), f"item {place}")
    for first, second in ((0, 1), (1, 2), (3, 4), (4, 5), (0, 48), (1, 5)):
        accept(uncorrelated(lists[:, first], lists[:, second]), f"items {first} and {second}")
    accept(uncorrelated(lists[:-1, 48], lists[1:, 0]), "last item and the first of the next request")
    accept(uncorrelated(lists[:-1, 1], lists[1:, 1]), "second items of consecutive requests")


def test_multimodal_fields_are_independent_of_each_other():
    trace = draws(category="multimodal", n=200_000, seed=6, **ITEMS)
    counts = [np.diff(trace[f"{kind}_tokens"][0]) for kind in oracle.KINDS]
    accept(uncorrelated(counts[0], counts[1]))
    accept(uncorrelated(counts[0], counts[2]))
    accept(uncorrelated(trace["text_tokens"], counts[0]))
    accept(uncorrelated(trace["text_tokens"], trace["output_tokens"]))
    offsets, values = trace["audio_tokens"]
    some = np.diff(offsets) > 0
    accept(uncorrelated(trace["text_tokens"][some], values[offsets[:-1][some]]), "text and first audio item")
    images, image_values = trace["image_tokens"]
    both = some & (np.diff(images) > 0)
    accept(
        uncorrelated(image_values[images[:-1][both]], values[offsets[:-1][both]]),
        "first image and audio item",
    )


def test_requests_without_items_are_text_only():
    trace = draws(category="multimodal", n=1000, **{**MULTIMODAL, "text_tokens": constant(77)})
    assert (trace["input_tokens"] == 77).all()
    assert all(not len(items) for items in item_lists(trace["image_tokens"]))
    assert len(item_lists(trace["video_tokens"])) == 1000


# Independence

WIDE = {"input_tokens": Quantiles([0, 4e9]), "output_tokens": Quantiles([0, 4e9])}


def test_fields_gaps_and_neighbours_are_independent():
    profile = one_client(100, "gamma", 0.7, window_s=2000, **WIDE)
    trace = collect(profile, counts="renewal", coupling="independent", seed=7)
    gaps = np.diff(nanoseconds(trace))
    first, second = trace["input_tokens"], trace["output_tokens"]
    accept(uncorrelated(first, second), "fields")
    accept(uncorrelated(gaps, first[1:]), "gap before and input")
    accept(uncorrelated(gaps, first[:-1]), "gap after and input")
    accept(uncorrelated(gaps, second[1:]), "gap before and output")
    for lag in (1, 2, 4, 7, 8, 31, 32):
        accept(uncorrelated(first[:-lag], first[lag:]), f"input at lag {lag}")
        accept(uncorrelated(first[:-lag], second[lag:]), f"input and output at lag {lag}")
        accept(uncorrelated(gaps[:-lag], gaps[lag:]), f"gaps at lag {lag}")


def test_clients_windows_repetitions_and_seeds_are_independent():
    profile = build([Client(20, fields=WIDE), Client(20, fields=WIDE)], window_s=100, windows=20)

    def inputs(seed):
        trace = collect(profile, duration=4000.0, counts="pinned", coupling="independent", seed=seed)
        order = np.lexsort([trace["timestamp"], trace["client_id"]])
        return trace["input_tokens"][order].reshape(2, 40, 2000)

    some = inputs(8)
    accept(uncorrelated(some[0].ravel(), some[1].ravel()), "clients")
    accept(uncorrelated(some[:, :-1].ravel(), some[:, 1:].ravel()), "windows")
    accept(uncorrelated(some[:, :20].ravel(), some[:, 20:].ravel()), "repetitions")
    for other in (9, 8 + 2**32, 2**64 - 8):
        accept(uncorrelated(some.ravel(), inputs(other).ravel()), f"seeds 8 and {other}")
