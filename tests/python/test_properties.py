"""What holds for every profile and every job, on random small ones."""

import numpy as np
import oracle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_profiles import Client, IntegerPmf, Quantiles, RealPmf, build
from trace_tools import assert_same, columns, concatenate, nanoseconds
from tracetide import _core

# Derandomised: the same examples in every run.
thorough = settings(
    derandomize=True, deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)

weights = st.floats(0.01, 1)


@st.composite
def integer_laws(draw, top=2**32 - 1):
    values = sorted(draw(st.sets(st.integers(0, top), min_size=1, max_size=6)))
    return IntegerPmf(values, draw(st.lists(weights, min_size=len(values), max_size=len(values))))


@st.composite
def quantile_laws(draw, top=1e6):
    knots = sorted(draw(st.lists(st.floats(0, top), min_size=2, max_size=6)))
    minimum = draw(st.integers(0, 100))
    return Quantiles(knots, minimum, draw(st.integers(minimum, 2_000_000)))


@st.composite
def ratio_laws(draw):
    values = sorted(draw(st.sets(st.floats(0, 1), min_size=1, max_size=4)))
    return RealPmf(values, draw(st.lists(weights, min_size=len(values), max_size=len(values))))


token_laws = integer_laws() | quantile_laws()


@st.composite
def field_laws(draw, category):
    laws = {"output_tokens": draw(token_laws)}
    if category != "multimodal":
        laws["input_tokens"] = draw(token_laws)
    if category == "reason":
        laws["reason_ratio"] = draw(ratio_laws())
    if category == "multimodal":
        laws["text_tokens"] = draw(integer_laws(top=10**6))
        for kind in oracle.KINDS:
            laws[f"{kind}_count"] = draw(integer_laws(top=5))
            laws[f"{kind}_tokens"] = draw(integer_laws(top=10**6))
    return laws


def gap_laws(counts):
    """In renewal mode only families whose processes hold about as many requests as expected."""
    lowest = 0.3 if counts == "renewal" else 0.005
    shapes = st.floats(np.log(lowest), np.log(1e5)).map(lambda x: float(np.clip(np.exp(x), lowest, 1e5)))
    return st.just(("exponential", 1.0)) | st.tuples(st.sampled_from(["gamma", "weibull"]), shapes)


@st.composite
def jobs(draw):
    category = draw(st.sampled_from(["language", "reason", "multimodal"]))
    counts = draw(st.sampled_from(["pinned", "renewal", "servegen"]))
    windows = draw(st.integers(1, 6))
    epoch_windows = draw(st.integers(1, windows))
    epochs = -(-windows // epoch_windows)
    window_s = draw(st.sampled_from([1e-6, 0.01, 1.0, 7.5, 600.0]))
    clients = []
    for number in range(draw(st.integers(1, 5))):
        family, shape = draw(gap_laws(counts))
        rates = [draw(st.sampled_from([0.0, 0.3, 2.0, 11.25, 40.0])) / window_s for _ in range(windows)]
        rates[0] = max(rates[0], (1.7 if number == 0 else 0.0) / window_s)
        fields = [draw(st.none() | field_laws(category)) for _ in range(epochs)]
        if number == 0 and not any(fields):
            fields[0] = draw(field_laws(category))
        clients.append(Client(np.array(rates), family, shape, fields))
    profile = build(
        clients, window_s=window_s, windows=windows, epoch_windows=epoch_windows, category=category
    )
    options = {"counts": counts, "seed": draw(st.integers(0, 2**64 - 1))}
    options["coupling"] = draw(st.sampled_from(["independent", "comonotonic"]))
    if draw(st.booleans()):
        # Half windows too, past the end of the period.
        options["duration"] = draw(st.integers(2, 4 * windows)) / 2 * window_s
    rate = draw(st.none() | st.sampled_from(["rate", "scale", "max_rate", "rate_steps"]))
    if rate == "rate_steps":
        options[rate] = [draw(st.sampled_from([0.5, 3.0, 20.0])) / window_s for _ in range(3)]
    elif rate is not None:
        options[rate] = draw(st.sampled_from([0.5, 3.0, 20.0])) / (1.0 if rate == "scale" else window_s)
    return profile, options


def support(profile, epoch, client, field):
    law = profile.distribution(profile.resolved(epoch, client, field))
    return law["minimum"], law["maximum"]


def check_values(profile, trace, window, client):
    epoch = window * profile.window_ns // profile.epoch_ns % profile.epochs
    for one_epoch, one_client in np.unique(np.stack([epoch, client]), axis=1).T:
        here = (epoch == one_epoch) & (client == one_client)
        for field in set(profile.fields) & set(trace):
            low, high = support(profile, one_epoch, one_client, field)
            column = trace[field]
            values = (
                column[1][np.repeat(here, np.diff(column[0]))] if isinstance(column, tuple) else column[here]
            )
            assert ((values >= np.floor(low + 0.5)) & (values <= np.floor(high + 0.5))).all(), field
            if not isinstance(column, tuple):
                law = profile.distribution(profile.resolved(one_epoch, one_client, field))
                if law["kind"] == "integer_pmf":
                    assert np.isin(values, law["values"]).all(), field


@thorough
@given(jobs())
def test_every_trace_keeps_the_contracts(job_of):
    profile, options = job_of
    job = _core.Job(profile, **options)
    batch = _core.collect(job, threads=2)
    trace = columns(batch)
    ns = nanoseconds(trace)
    client = trace["client_id"].astype(np.int64)

    # Whole nanoseconds in [0, duration), ordered by time and client.
    assert ((ns >= 0) & (ns < job.duration_ns)).all()
    step, tie = np.diff(ns), np.diff(client)
    assert (step >= 0).all()
    assert (tie[step == 0] >= 0).all()

    # Only clients that are active in the window and not left out.
    starts = job.window_starts_ns
    assert starts.size == job.windows + 1
    job_window = np.searchsorted(starts, ns, side="right") - 1
    window = job_window % profile.windows
    cells = profile.cells()
    rates = np.zeros((profile.windows, profile.clients))
    rates[cells["window"], cells["client"]] = cells["rate"]
    assert (rates[window, client] > 0).all()
    assert not np.isin(client, job.left_out).any()

    check_values(profile, trace, window, client)
    if "reason_tokens" in trace:
        assert (trace["reason_tokens"] <= trace["output_tokens"]).all()

    if options["counts"] != "renewal":
        assert job.count() == len(batch)
    if options["counts"] == "pinned":
        totals = np.bincount(job_window, minlength=job.windows)
        kept = rates.copy()
        kept[:, job.left_out] = 0
        seconds = np.diff(starts) / 1e9
        index = np.arange(job.windows) % profile.windows
        if "rate" in options:
            target = np.full(job.windows, options["rate"])
        elif "rate_steps" in options:
            target = np.array(options["rate_steps"])[np.arange(job.windows) % 3]
        else:
            native = rates.sum(axis=1)
            factor = options.get("scale", 1.0)
            if "max_rate" in options:
                factor = min(1.0, options["max_rate"] / native.max())
            target = native[index] * factor
        target = np.where(kept.sum(axis=1)[index] > 0, target, 0)
        assert (np.abs(totals - target * seconds) < 1 + 1e-6).all()
        assert abs(job.expected - (target * seconds).sum()) <= 1e-6 * (1 + job.expected)


@thorough
@given(jobs(), st.sampled_from([1, 3, 50]), st.sampled_from([1, 2, 5]))
def test_batches_make_up_the_whole(job_of, batch_size, threads):
    profile, options = job_of
    job = _core.Job(profile, **options)
    whole = columns(_core.collect(job, threads=1))
    batches = list(_core.Stream(job, threads=threads, batch_size=batch_size))
    if batches:
        assert_same(concatenate(batches), whole)
    else:
        assert whole["timestamp"].size == 0
