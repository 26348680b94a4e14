"""`tracetide.servegen`: what a program written for the reference code sees."""

from __future__ import annotations

import ast
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from servegen_folders import IDLE, Window, clients_of, write_folder
from servegen_folders import Client as FolderClient
from statistics_helpers import accept
from tracetide.servegen import ArrivalPat, Category, Client, ClientPool, generate_workload
from tracetide.servegen.clientpool import ClientPoolView
from tracetide.servegen.construct import Request
from tracetide.servegen.utils import (
    get_bounded_rate_fn,
    get_constant_rate_fn,
    get_scaled_rate_fn,
    sample_from_cdf,
    save_requests_to_csv,
)
from tracetide.servegen.workload_types import ClientWindow


def window(rate=1.0, cv=1.0, shape=1.0, name="Gamma"):
    return {"rate": rate, "cv": cv, "pat": (name, (shape, 1.0))}


def lengths(low, high):
    """Inputs and outputs that are `low` or `high`."""
    pdf = [0.0] * (high + 1)
    pdf[low] = pdf[high] = 0.5
    return {"input_tokens": pdf, "output_tokens": [0.0, 0.25, 0.75]}


@pytest.fixture
def pool() -> ClientPool:
    one = Client(
        1, {0: window(1, 0.5), 600: window(2, 1.5), 1200: None}, {0: lengths(1, 3), 600: lengths(5, 9)}
    )
    two = Client(2, {0: window(3, 1.0), 600: None, 1200: window(4, 2.0)}, {0: lengths(100, 300)})
    return ClientPool.from_clients(Category.LANGUAGE, "test", [one, two])


# Pools and views


def test_windows(pool):
    windows = pool.get()
    assert [(w.client_id, w.timestamp, w.window_size, w.rate, w.cv) for w in windows] == [
        (1, 0, 600, 1, 0.5), (1, 600, 600, 2, 1.5), (1, 1200, math.inf, None, None),
        (2, 0, 600, 3, 1.0), (2, 600, 600, None, None), (2, 1200, math.inf, 4, 2.0),
    ]  # fmt: skip
    assert all(isinstance(w, ClientWindow) for w in windows)
    assert windows[0].arrival_pat == ("Gamma", (1.0, 1.0))
    assert windows[0].dataset == lengths(1, 3)
    assert windows[2].dataset == lengths(5, 9)  # the last one at or before
    assert isinstance(windows[0].dataset["input_tokens"], list)


def test_spans_are_relative_and_cut_windows(pool):
    view = pool.span(300, 900)
    assert isinstance(view, ClientPoolView)
    assert [(w.client_id, w.timestamp, w.window_size) for w in view.get()] == [
        (1, 0, 300), (1, 300, 300), (2, 0, 300), (2, 300, 300),
    ]  # fmt: skip
    inner = view.span(300, 450)
    assert [(w.client_id, w.timestamp, w.window_size, w.rate) for w in inner.get()] == [(1, 0, 150, 2)]


def test_a_client_that_is_idle_throughout_is_left_out(pool):
    assert {w.client_id for w in pool.span(600, 1200).get()} == {1}


@pytest.mark.parametrize(
    ("apply", "kept"),
    [
        (lambda p: p.filter_by_cv(0.5, 1.0), [(1, 0), (2, 0)]),
        (lambda p: p.filter_by_avg_input_len(0, 3), [(1, 0)]),
        (
            lambda p: p.filter_by_avg_output_len(1.75, 1.75),
            [(1, 0), (1, 600), (1, 1200), (2, 0), (2, 600), (2, 1200)],
        ),
        (lambda p: p.filter_by_max_input_len(9), [(1, 0), (1, 600), (1, 1200)]),
        (lambda p: p.filter_by_max_output_len(1), []),
        (lambda p: p.filter(lambda w: w.rate is not None and w.rate > 2), [(2, 0), (2, 1200)]),
        (lambda p: p.filter_by_cv(0.5, 1.0).filter_by_max_input_len(9), [(1, 0)]),
    ],
)
def test_filters(pool, apply, kept):
    for start in (pool, pool.span(0, 1800)):
        assert [(w.client_id, w.timestamp) for w in apply(start).get()] == kept


def test_filtering_changes_a_view_but_never_a_pool(pool):
    view = pool.span(0, 1800)
    assert view.filter_by_cv(0.5, 1.0) is view
    assert len(view.get()) == 2
    assert len(pool.get()) == 6
    narrower = view.span(0, 600)
    narrower.filter_by_max_input_len(9)
    assert len(view.filters) == 1


def test_cdfs(pool):
    cdfs = pool.get_cdfs()
    assert set(cdfs) == {"rate", "cv", "input_tokens", "output_tokens"}
    values, shares = cdfs["rate"][0]
    assert (values.tolist(), shares.tolist()) == ([1, 3], [0.5, 1.0])
    values, shares = cdfs["cv"][0]
    assert (values.tolist(), shares.tolist()) == ([0.5, 1.0], [0.25, 1.0])
    values, shares = cdfs["input_tokens"]["p95"][0]
    assert (values.tolist(), shares.tolist()) == ([3, 300], [0.25, 1.0])
    values, shares = cdfs["input_tokens"]["avg"][600]  # client 2 is idle, and weighs nothing
    assert (values.tolist(), shares.tolist()) == ([7, 200], [1.0, 1.0])
    assert 1200 in cdfs["rate"]
    assert pool.filter_by_cv(9, 10).get_cdfs() == {}


# What is refused, in the reference's words


@pytest.mark.parametrize(
    ("client", "message"),
    [
        (Client(1, {600: window(), 0: window()}, {}), "Trace timestamps must be in ascending order"),
        (Client(1, {0: []}, {}), "Trace data at 0 must be a dictionary"),
        (Client(1, {0: {"rate": 1.0, "cv": 1.0}}, {}), "Trace data at 0 missing required fields: {'pat'}"),
        (Client(1, {0: window(rate=-1)}, {}), "Rate at 0 must be a non-negative number"),
        (Client(1, {0: window(rate="1")}, {}), "Rate at 0 must be a non-negative number"),
        (Client(1, {0: window(cv=-1)}, {}), "CV at 0 must be a non-negative number"),
        (Client(1, {0: {"rate": 1, "cv": 1, "pat": "Gamma"}}, {}), r"Pattern at 0 must be a tuple/list of"),
        (Client(1, {0: window(name="Poisson")}, {}), "Invalid arrival pattern at 0: Poisson"),
        (Client(1, {0: window(rate=math.inf)}, {}), "Rate at 0 must be a non-negative number"),
        (Client(1, {0: {"rate": 1, "cv": 1, "pat": ("Gamma", ())}}, {}), "Pattern at 0 must have a shape"),
        (Client(1, {0: None}, {600: {}, 0: {}}), "Dataset timestamps must be in ascending order"),
        (Client(1, {0: None}, {0: []}), "Dataset at 0 must be a dictionary"),
        (Client(1, {0: None}, {0: {"x": (1.0,)}}), "PDF for x at 0 must be a list"),
        (Client(1, {0: None}, {0: {"x": ["1"]}}), "PDF values for x at 0 must be numbers"),
        (Client(1, {0: None}, {0: {"x": [1.5, -0.5]}}), "PDF values for x at 0 must be non-negative"),
        (Client(1, {0: None}, {0: {"x": [0.5]}}), "PDF for x at 0 must sum to 1.0"),
    ],
)
def test_wrong_clients(client, message):
    with pytest.raises(ValueError, match=message):
        client.validate()
    with pytest.raises(ValueError, match=message):
        ClientPool.from_clients(Category.LANGUAGE, "m", [client])


def test_wrong_pools():
    good = Client(1, {0: window(), 600: window()}, {0: lengths(1, 2)})
    other = Client(2, {0: window(), 1200: window()}, {})
    with pytest.raises(
        ValueError, match=r"Client 2 has different trace timestamps .* Expected \[0, 600\], got \[0, 1200\]"
    ):
        ClientPool(Category.LANGUAGE, "m", clients={1: good, 2: other})
    late = Client(2, {0: window(), 600: window()}, {1200: lengths(1, 2)})
    with pytest.raises(
        ValueError, match=r"Client 2 has dataset timestamps that are not in trace timestamps: \[1200\]"
    ):
        ClientPool(Category.LANGUAGE, "m", clients={1: good, 2: late})
    with pytest.raises(ValueError, match="Duplicate client ID: 1"):
        ClientPool.from_clients(Category.LANGUAGE, "m", [good, good])
    with pytest.raises(ValueError, match="at least one client"):
        ClientPool.from_clients(Category.LANGUAGE, "m", [])


# Generating


def times(requests):
    return np.array([request.timestamp for request in requests])


def test_requests(pool):
    requests = generate_workload(pool, {0: 8.0, 600: 5.0, 1200: 4.0}, 1800, seed=1)
    assert all(type(request) is Request for request in requests)
    assert [request.request_id for request in requests] == list(range(len(requests)))
    at = times(requests)
    assert (np.diff(at) >= 0).all()
    # Of ceil(rate * 600) the last is dropped: shares 2 and 6, then 5 and 4.
    assert [int(((at >= t) & (at < t + 600)).sum()) for t in (0, 600, 1200)] == [1199 + 3599, 2999, 2399]
    assert type(requests[0].data["input_tokens"]) is int
    late = {request.data["input_tokens"] for request in requests if request.timestamp >= 1200}
    assert late == {100, 300}
    assert list(requests[0].data) == ["input_tokens", "output_tokens"]


def test_one_random_number_decides_all_fields():
    pdf = [0.0, 0.5, 0.5]
    client = Client(1, {0: window()}, {0: {"input_tokens": pdf, "output_tokens": pdf, "extra": pdf}})
    pool = ClientPool.from_clients(Category.LANGUAGE, "m", [client])
    requests = generate_workload(pool, {0: 10.0}, 100, seed=1)
    assert len(requests) == 999
    assert {tuple(request.data.values()) for request in requests} == {(1, 1, 1), (2, 2, 2)}


def test_lengths_follow_their_pdf(pool):
    requests = generate_workload(pool.span(0, 600), {0: 80.0}, 600, seed=3)
    outputs = np.bincount([request.data["output_tokens"] for request in requests])
    accept(stats.chisquare(outputs[1:], np.array([0.25, 0.75]) * len(requests)).pvalue)


def test_seeds(pool):
    rates = get_constant_rate_fn(pool, 5.0)
    one, two = (generate_workload(pool, rates, 1800, seed=7) for _ in range(2))
    assert one == two
    assert one != generate_workload(pool, rates, 1800, seed=8)
    assert generate_workload(pool, rates, 1800) != generate_workload(pool, rates, 1800)


def test_views_and_durations(pool):
    view = pool.span(300, 1800)
    requests = generate_workload(view, {0: 8.0, 300: 5.0}, 600, seed=1)
    at = times(requests)
    assert [int((at < 300).sum()), int((at >= 300).sum())] == [599 + 1799, 1499]
    assert at.max() < 600
    assert {request.data["input_tokens"] for request in requests if request.timestamp >= 300} == {5, 9}


def test_filtered_clients_leave_their_share_to_the_others(pool):
    requests = generate_workload(pool.span(0, 600).filter_by_max_input_len(9), {0: 8.0}, 600, seed=1)
    assert len(requests) == 4799
    assert {request.data["input_tokens"] for request in requests} == {1, 3}


def test_what_cannot_be_generated(pool):
    with pytest.raises(ValueError, match="Duration must be positive"):
        generate_workload(pool, {0: 1.0}, 0)
    with pytest.raises(ValueError, match="duration: inf is not allowed"):
        generate_workload(pool, {0: 1.0}, math.inf)
    assert ClientPool.from_clients(Category.LANGUAGE, "m", [Client(1, {}, {})]).get() == []
    with pytest.raises(
        ValueError,
        match=r"Rate function timestamps don't match pool timestamps. Expected \[0, 600, 1200\], got \[0\]",
    ):
        generate_workload(pool, {0: 1.0}, 1800)
    with pytest.raises(ValueError, match=r"rate_fn at 0: -1\.0 is not allowed"):
        generate_workload(pool.span(0, 600), {0: -1.0}, 600)
    with pytest.raises(ValueError, match="rate_fn at 0: inf is not allowed"):
        generate_workload(pool.span(0, 600), {0: math.inf}, 600)
    none = Client(7, {0: window(), 600: window()}, {600: lengths(1, 2)})
    without = ClientPool.from_clients(Category.LANGUAGE, "m", [none])
    with pytest.raises(ValueError, match="No dataset found for client 7 at timestamp 0"):
        generate_workload(without, {0: 1.0, 600: 1.0}, 1200)
    assert generate_workload(pool.filter_by_cv(8, 9), {}, 600) == []
    assert generate_workload(pool.span(0, 600), {0: 0.0}, 600) == []
    mixed = [Client(1, {0: window()}, {0: lengths(1, 2)}), Client(2, {0: window()}, {0: {"x": [0.0, 1.0]}})]
    with pytest.raises(ValueError, match="Client 2 at timestamp 0 has the fields"):
        generate_workload(ClientPool.from_clients(Category.LANGUAGE, "m", mixed), {0: 1.0}, 600)


def test_a_last_window_lasts_as_long_as_the_duration(pool):
    """Windows of 600, 600 and 3000 s are no grid; each is made on its own."""
    requests = generate_workload(pool, {0: 8.0, 600: 5.0, 1200: 4.0}, 4200, seed=1)
    at = times(requests)
    assert (np.diff(at) >= 0).all()
    assert [int(((at >= a) & (at < b)).sum()) for a, b in ((0, 600), (600, 1200), (1200, 4200))] == [
        1199 + 3599, 2999, 11999,
    ]  # fmt: skip
    assert not np.isin(at[at < 600], at[(at >= 600) & (at < 1200)] - 600).any()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_counts_of_any_windows(data):
    """As many requests as the reference makes, whatever the windows, rates, span and duration."""
    steps = data.draw(
        st.one_of(
            st.lists(st.sampled_from([60, 90, 150]), min_size=1, max_size=5),
            st.integers(1, 6).map(lambda n: [60] * n),
        )
    )
    starts = np.concatenate([[0], np.cumsum(steps)]).tolist()[:-1]
    rate = st.one_of(st.none(), st.sampled_from([0.5, 1.0, 3.0]))
    clients = []
    for number in range(data.draw(st.integers(1, 3))):
        rates = data.draw(st.lists(rate, min_size=len(starts), max_size=len(starts)))
        trace = {ts: window(r, shape=0.7) if r else None for ts, r in zip(starts, rates, strict=True)}
        clients.append(Client(number, trace, {0: lengths(number + 1, number + 5)}))
    pool = ClientPool.from_clients(Category.LANGUAGE, "m", clients)
    begin = data.draw(st.sampled_from([0, 30, 60]))
    duration = data.draw(st.sampled_from([20, 60, 200, 500]))
    view = pool.span(begin, math.inf)
    windows = view.span(0, duration).get()
    rate_fn = {w.timestamp: float(data.draw(st.sampled_from([0.0, 0.7, 5.0]))) for w in windows}
    requests = generate_workload(view, rate_fn, duration, seed=data.draw(st.integers(0, 2**32)))
    at = times(requests)
    assert (np.diff(at) >= 0).all()
    for ts in rate_fn:
        group = [w for w in windows if w.timestamp == ts and w.rate]
        total = sum(w.rate for w in group)
        size = group[0].window_size if group else 0
        expected = sum(max(math.ceil(round(rate_fn[ts] * w.rate / total * size, 9)) - 1, 0) for w in group)
        assert int(((at >= ts) & (at < ts + size)).sum()) == expected
    assert len(requests) == 0 or at.max() < duration


# Model folders


def known_patterns(category="language", count=3):
    """Without Exponential, which the reference does not know."""
    return [
        replace(
            client,
            windows=[
                replace(w, family="Gamma" if w.family == "Exponential" else w.family) for w in client.windows
            ],
        )
        for client in clients_of(category, count)
    ]


@pytest.fixture(params=["language", "reason", "multimodal"])
def folder_pool(request, tmp_path, monkeypatch):
    category = request.param
    monkeypatch.chdir(tmp_path)
    folder = write_folder(
        tmp_path / "data" / category / "model", category=category, clients=known_patterns(category)
    )
    return folder, ClientPool(Category(category), "model")


def as_the_reference_reads(folder, number):
    """The dataset of a client, from its file."""
    dataset = {}
    for ts, fields in json.loads((folder / f"chunk-{number}-dataset.json").read_text()).items():
        pdfs = {field: ast.literal_eval(text) for field, text in fields.items()}
        if not all(pdfs.values()):
            continue
        dataset[int(ts)] = {
            field: [pdf.get(n, 0.0) for n in range(max(pdf) + 1)]
            if isinstance(next(iter(pdf)), int)
            else list(pdf.values())
            for field, pdf in pdfs.items()
        }
    return dataset


def test_a_folder_has_the_clients_of_its_files(folder_pool):
    folder, pool = folder_pool
    assert list(pool.clients) == [0, 1, 2]
    pool.validate()
    for number, client in pool.clients.items():
        assert isinstance(client, Client)
        expected = as_the_reference_reads(folder, number)
        assert client.dataset.keys() == expected.keys()
        for ts, fields in expected.items():
            assert client.dataset[ts].keys() == fields.keys()
            for field, pdf in fields.items():
                assert client.dataset[ts][field] == pytest.approx(pdf, rel=1e-12)
        rows = (folder / f"chunk-{number}-trace.csv").read_text().splitlines()
        assert len(client.trace) == len(rows)
        ts, rate, cv, name, shape, scale = rows[0].split(",")
        found = client.trace[int(float(ts))]
        assert found is None or found == {
            "rate": float(rate), "cv": float(cv), "pat": (name, (float(shape), float(scale))),
        }  # fmt: skip


def test_a_folder_generates(folder_pool):
    _, pool = folder_pool
    category = pool.category.value
    end = max(pool.clients[0].trace) + 600
    view = pool.span(0, end)
    rates = get_scaled_rate_fn(view, 3.0)
    missing = sorted({w.timestamp for w in view.get()} - set(rates))
    requests = generate_workload(view, {**rates, **dict.fromkeys(missing, 0.0)}, end, seed=1)
    assert len(requests) > 100
    data = requests[0].data
    if category == "multimodal":
        assert set(data) == {"text_tokens", "output_tokens", "image_tokens", "audio_tokens", "video_tokens"}
        assert all(isinstance(request.data["image_tokens"], list) for request in requests)
        assert any(len(request.data["image_tokens"]) > 0 for request in requests)
    elif category == "reason":
        # The reference spreads the places of a list evenly from 0 to 1.
        assert {request.data["reason_ratio"] for request in requests} == {0.0, 0.5, 1.0}
        assert type(data["reason_ratio"]) is float
    else:
        assert set(data) == {"input_tokens", "output_tokens"}


def test_where_folders_are_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRACETIDE_DATA", raising=False)
    with pytest.raises(ValueError, match=re.escape(f"Data directory not found: {Path('data/language/m')}")):
        ClientPool(Category.LANGUAGE, "m")
    folder = write_folder(tmp_path / "there" / "language" / "m")
    with pytest.raises(ValueError, match="Invalid arrival pattern at 0: Exponential"):
        ClientPool(Category.LANGUAGE, "m", base_dir="there")
    write_folder(folder, clients=known_patterns())
    monkeypatch.setenv("TRACETIDE_DATA", str(tmp_path / "there"))
    assert len(ClientPool(Category.LANGUAGE, "m").clients) == 3
    assert len(ClientPool(Category.LANGUAGE, "m", base_dir="there").clients) == 3
    (tmp_path / "there" / "language" / "m" / "chunk-1-trace.csv").unlink()
    with pytest.raises(ValueError, match=r"Trace file not found for client 1: chunk-1-trace\.csv"):
        ClientPool(Category.LANGUAGE, "m")
    (tmp_path / "empty" / "language" / "m").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"there are no chunk-<i>-dataset\.json files"):
        ClientPool(Category.LANGUAGE, "m", base_dir="empty")


def test_clients_without_a_dataset_file_are_not_there(tmp_path):
    clients = [*known_patterns(count=1), FolderClient((Window(), IDLE, IDLE, IDLE), None)]
    write_folder(tmp_path / "language" / "m", clients=clients)
    assert list(ClientPool(Category.LANGUAGE, "m", base_dir=str(tmp_path)).clients) == [0]


def test_real_data(data_dir, monkeypatch):
    folder = data_dir / "servegen" / "reason" / "deepseek-r1"
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder")
    monkeypatch.setenv("TRACETIDE_DATA", str(data_dir))
    pool = ClientPool(Category.REASON, "deepseek-r1")
    number = next(iter(pool.clients))
    expected = as_the_reference_reads(folder, number)
    found = pool.clients[number].dataset
    assert found.keys() == expected.keys()
    for ts, fields in expected.items():
        for field, pdf in fields.items():
            assert found[ts][field] == pytest.approx(pdf, rel=1e-9), (ts, field)
    view = pool.span(36000, 37800)
    requests = generate_workload(view, get_constant_rate_fn(view, 20.0), 1800, seed=0)
    # Each client loses one a window.
    assert 36000 - 3 * len(pool.clients) <= len(requests) <= 36000


# Utilities


def test_rate_functions(pool):
    assert get_constant_rate_fn(pool, 10.0) == {0: 10.0, 600: 10.0, 1200: 10.0}
    assert get_scaled_rate_fn(pool, 2.0) == {0: 8, 600: 4, 1200: 8}
    assert get_bounded_rate_fn(pool, 50.0) == {0: 4, 600: 2, 1200: 4}
    assert get_bounded_rate_fn(pool, 2.0) == {0: 2, 600: 1, 1200: 2}
    nothing = pool.filter_by_cv(8, 9)
    for rates in (
        get_constant_rate_fn(nothing, 1),
        get_scaled_rate_fn(nothing, 1),
        get_bounded_rate_fn(nothing, 1),
    ):
        assert rates == {}


def test_samples_of_a_cdf():
    cdf = np.array([1, 2, 3, 4]), np.array([0.1, 0.3, 0.6, 1.0])
    samples = sample_from_cdf(cdf, 20_000, np.random.RandomState(1))
    accept(stats.chisquare(np.bincount(samples)[1:], np.array([0.1, 0.2, 0.3, 0.4]) * 20_000).pvalue)
    assert sample_from_cdf(cdf).shape == (1,)
    assert sample_from_cdf((np.array([]), np.array([])), 5).size == 0
    assert sample_from_cdf((np.array([7]), np.array([0.5])), 50).tolist() == [7] * 50


def test_requests_as_csv(tmp_path):
    requests = [
        Request(0, 0.5, {"input_tokens": 10, "output_tokens": 20}),
        Request(1, 1.25, {"input_tokens": 15, "output_tokens": 25}),
    ]
    save_requests_to_csv(requests, tmp_path / "r.csv")
    rows = (tmp_path / "r.csv").read_text().splitlines()
    assert rows == ["request_id,timestamp,input_tokens,output_tokens", "0,0.5,10,20", "1,1.25,15,25"]
    with pytest.raises(ValueError, match="No requests to save"):
        save_requests_to_csv([], tmp_path / "e.csv")
    assert not (tmp_path / "e.csv").exists()


def test_patterns():
    assert [pattern.value for pattern in ArrivalPat] == ["Gamma", "Weibull"]
    assert [category.value for category in Category] == ["language", "multimodal", "reason"]
