"""What a job accepts, what it refuses and how it says so, and real data."""

import numpy as np
import pytest
from small_profiles import Client, build, one_client
from trace_tools import cells_of, collect, columns, nanoseconds
from tracetide import _core

NAN, INF = float("nan"), float("inf")


def refused(match, *, profile=None, error=ValueError, **options):
    with pytest.raises(error, match=match):
        _core.Job(profile if profile is not None else one_client(windows=4), **options)


@pytest.mark.parametrize("value", [0.0, -1.0, NAN, INF, -INF, 1e300])
@pytest.mark.parametrize("option", ["rate", "scale", "max_rate"])
def test_rates_must_be_positive_and_finite(option, value):
    text = {0.0: "0", -1.0: "-1", INF: "inf", -INF: "-inf", 1e300: "1e"}.get(value, "nan")
    refused(rf"{option}.*{text}", **{option: value})


@pytest.mark.parametrize("value", [-1.0, NAN, INF])
def test_rates_of_steps_and_points_must_be_finite_and_not_negative(value):
    text = {-1.0: "-1", INF: "inf"}.get(value, "nan")
    refused(rf"rate.*{text}", rate_steps=[1.0, value])
    refused(rf"rate.*{text}", rate_points=[(0.0, 1.0), (10.0, value)])


def test_rate_curves_must_not_be_empty():
    refused("rate", rate_steps=[])
    refused("rate", rate_points=[])


@pytest.mark.parametrize("times", [(10.0, 5.0), (5.0, 5.0), (NAN, 1.0), (-1.0, 5.0), (0.0, INF)])
def test_rate_points_must_have_rising_times(times):
    refused("rate.*time", rate_points=[(time, 1.0) for time in times])


@pytest.mark.parametrize("value", [0.0, -5.0, NAN, INF, 1e-12, 1e30])
def test_duration_must_be_positive_and_finite(value):
    refused(
        "duration.*"
        + {0.0: "0", -5.0: "-5", INF: "inf", 1e-12: "1e-12|9.99.*e-13", 1e30: "1e"}.get(value, "nan"),
        duration=value,
    )


@pytest.mark.parametrize(
    ("start", "end"),
    [
        *((start, None) for start in (-1.0, NAN, INF, 2400.0, 5000.0)),
        *((None, end) for end in (0.0, -1.0, NAN, INF, 2401.0)),
        (600.0, 600.0),
        (1200.0, 600.0),
    ],
)
def test_span_must_lie_inside_the_profile(start, end):
    refused("span", span_start=start, span_end=end)


def test_at_most_one_rate_option():
    options = {
        "rate": 1.0,
        "rate_steps": [1.0],
        "rate_points": [(0.0, 1.0)],
        "scale": 2.0,
        "max_rate": 5.0,
    }
    for one in options:
        for other in options:
            if one < other:
                refused("rate.*one", **{one: options[one], other: options[other]})


@pytest.mark.parametrize("option", ["counts", "coupling", "missing"])
def test_unknown_names_are_refused_with_the_known_ones(option):
    known = {
        "counts": "pinned.*renewal.*servegen",
        "coupling": "independent.*comonotonic",
        "missing": "nearest.*error",
    }
    refused(rf"(?s){option}.*nonsense.*{known[option]}", **{option: "nonsense"})
    refused(option, **{option: ""})


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "1"])
def test_seeds_are_64_bit_whole_numbers(seed):
    refused(None, error=(ValueError, TypeError, OverflowError), seed=seed)


def test_the_largest_seed_is_accepted():
    assert len(_core.collect(_core.Job(one_client(), seed=2**64 - 1))) == 600


def test_a_job_without_requests_is_refused():
    profile = build([Client(np.array([0.0, 0.0, 1.0, 1.0]))], window_s=10, windows=4)
    assert len(_core.collect(_core.Job(profile, counts="pinned"))) == 20
    refused("no request", profile=profile, span_end=20.0)
    refused("no request", profile=profile, span_end=20.0, rate=5.0)
    refused("no request", profile=profile, rate_steps=[1.0, 1.0, 0.0, 0.0])
    refused("no request", rate_points=[(0.0, 0.0)])


def test_servegen_mode_with_only_slow_clients_gives_an_empty_trace_or_is_refused():
    # Every client expects less than one request a window, so this mode sends none.
    profile = one_client(0.0005, window_s=1000, windows=3)
    try:
        job = _core.Job(profile, counts="servegen")
    except ValueError as error:
        assert "no request" in str(error)  # noqa: PT017
    else:
        assert job.count() == 0
        assert len(_core.collect(job)) == 0


def test_a_job_may_happen_to_have_no_requests():
    profile = one_client(1e-9, window_s=10, windows=3)
    for counts in ("pinned", "renewal"):
        batch = _core.collect(_core.Job(profile, counts=counts, seed=1))
        assert len(batch) == 0
        assert columns(batch)["timestamp"].shape == (0,)
        assert sum(map(len, _core.Stream(_core.Job(profile, counts=counts, seed=1)))) == 0


def test_missing_error_refuses_epochs_and_clients_without_distributions():
    sound = build([Client(1), Client(2)], windows=4, epoch_windows=2)
    assert len(_core.collect(_core.Job(sound, missing="error"))) > 0
    epoch = build([Client(1, fields=[{}, None]), Client(2)], windows=4, epoch_windows=2)
    refused("client 0.*epoch 1", profile=epoch, missing="error", error=_core.ProfileError)
    # Not where the client sends nothing.
    assert len(_core.collect(_core.Job(epoch, missing="error", span_end=1200.0))) > 0
    client = build([Client(1), Client(2, fields=None)], windows=4, epoch_windows=2)
    refused("client 1", profile=client, missing="error", error=_core.ProfileError)


def test_a_profile_without_any_distribution_is_refused():
    refused("distribution", profile=build([Client(fields=None), Client(fields=None)]))


@pytest.mark.parametrize("option", ["threads", "batch_size"])
def test_stream_options_must_not_be_negative(option):
    job = _core.Job(one_client())
    with pytest.raises((ValueError, TypeError, OverflowError)):
        _core.Stream(job, **{option: -1})


def test_unknown_kernels_are_refused_with_the_known_ones():
    job = _core.Job(one_client())
    for make in (_core.collect, _core.Stream):
        with pytest.raises(ValueError, match=r"(?s)kernels.*nonsense.*baseline"):
            make(job, kernels="nonsense")


def test_a_job_keeps_what_it_was_given():
    profile = build([Client(1), Client(2)], window_s=100, windows=7)
    job = _core.Job(profile, rate=5.0, duration=333.5, seed=3, counts="renewal", coupling="comonotonic")
    assert job.profile.client_names == ["client 0", "client 1"]
    assert (job.counts, job.coupling) == ("renewal", "comonotonic")
    assert job.duration_ns == 333_500_000_000
    assert job.windows == 4
    assert job.left_out == []
    assert job.left_out_share == 0
    assert job.empty_windows == 0
    assert job.expected == pytest.approx(5 * 333.5)


def test_a_job_can_be_run_many_times():
    job = _core.Job(one_client(), seed=4)
    first, second = _core.collect(job), _core.collect(job)
    np.testing.assert_array_equal(first.column("timestamp"), second.column("timestamp"))


# Real data

DAY = 86_400.0
# category, clients, clients without a dataset file, days, requests at the native rate (millions)
MODELS = {
    "m-large": ("language", 162, 15, 14, 236.9),
    "m-mid": ("language", 109, 35, 14, 2165),
    "m-small": ("language", 43, 5, 14, 1421),
    "deepseek-r1": ("reason", 73, 0, 1, 1.38),
    "mm-image": ("multimodal", 35, 0, 1, 0.82),
}


@pytest.mark.parametrize("model", MODELS)
def test_real_profiles_have_the_published_size(servegen_profile, model):
    category, clients, without, days, requests = MODELS[model]
    profile = servegen_profile(model)
    assert profile.category == category
    assert profile.clients == clients
    assert profile.default_counts == "pinned"
    assert profile.period_ns == days * DAY * 1e9
    job = _core.Job(profile)
    assert len(job.left_out) == without
    assert (job.left_out_share > 0) == (without > 0)
    assert job.expected == pytest.approx(requests * 1e6, rel=0.01)
    assert abs(job.count() - job.expected) <= job.windows


@pytest.mark.parametrize("model", MODELS)
def test_real_profiles_make_exact_totals_at_a_constant_rate(servegen_profile, model):
    profile = servegen_profile(model)
    trace = collect(profile, rate=100.0, span_start=DAY / 2, duration=3600.0, seed=1)
    assert abs(trace["timestamp"].size - 360_000) <= 1
    per_window = np.bincount(nanoseconds(trace) // profile.window_ns, minlength=6)
    assert (np.abs(per_window - 60_000) <= 1).all()
    assert (trace["input_tokens"] > 0).mean() > 0.99


@pytest.mark.parametrize("model", MODELS)
def test_real_profiles_pin_every_client_to_its_recorded_rate(servegen_profile, model):
    profile = servegen_profile(model)
    scale = {"m-mid": 0.01, "m-small": 0.01, "m-large": 0.05}.get(model, 1.0)
    hours = 12.0
    job = _core.Job(profile, scale=scale, duration=hours * 3600, seed=2)
    counts = cells_of(profile, columns(_core.collect(job)), job.windows).counts
    cells = profile.cells()
    native = np.zeros((profile.windows, profile.clients))
    native[cells["window"], cells["client"]] = cells["rate"]
    native = native[: job.windows]
    kept = native.copy()
    kept[:, job.left_out] = 0
    some = kept.sum(axis=1) > 0
    expected = kept[some] * (native[some].sum(axis=1) / kept[some].sum(axis=1))[:, None] * scale * 600
    counts = counts[some]
    assert (np.abs(counts - expected) < 1 + 1e-6).all()
    assert (np.abs(counts.sum(axis=1) - expected.sum(axis=1)) < 1 + 1e-6).all()
    assert job.left_out_share == pytest.approx(1 - kept.sum() / native.sum())


def test_real_reasoning_is_a_part_of_the_output(servegen_profile):
    trace = collect(servegen_profile("deepseek-r1"), duration=7200.0, seed=3)
    assert (trace["reason_tokens"] <= trace["output_tokens"]).all()
    assert trace["reason_tokens"].any()


def test_real_images_are_a_part_of_the_input(servegen_profile):
    trace = collect(servegen_profile("mm-image"), duration=7200.0, seed=4)
    offsets, values = trace["image_tokens"]
    images = np.diff(np.concatenate([[0], np.cumsum(values, dtype=np.int64)])[offsets])
    np.testing.assert_array_equal(trace["input_tokens"], trace["text_tokens"] + images)
    assert np.diff(offsets).max() > 1
