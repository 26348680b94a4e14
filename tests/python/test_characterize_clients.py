"""Findings on clients, items, reasoning and conversations, on traces whose truth is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import tracetide as tt
from hypothesis import given, settings
from hypothesis import strategies as st
from small_profiles import MULTIMODAL, Client, IntegerPmf, RealPmf, build, constant
from test_measures import parts, trace_of
from tracetide.characterize.clients import between_clients, explained_by_rates
from tracetide.characterize.reasoning import bimodality_coefficient, modes
from tracetide.columns import NO_SESSION, ListColumn
from tracetide.measures import client_cells, sampled_sessions
from tracetide.measures.client_cells import Cells, ClientCells
from tracetide.measures.sampled_sessions import SampledSessions, hashes
from tracetide.statistics.points import Points

SECOND = 10**9


# Cells


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 4)), min_size=1, max_size=60), st.integers(1, 5)
)
def test_cells_are_sums_by_client_and_interval(rows, pieces):
    rows.sort()
    time, client = np.array(rows, dtype=np.int64).T
    tokens = np.arange(1, time.size + 1)
    cells = ClientCells(["tokens"])
    for row in parts(np.arange(time.size), pieces):
        order = row[np.argsort(client[row], kind="stable")]
        cells.add(client[order].astype(np.uint32), time[order] * SECOND, [tokens[order]])
    for step in (60.0, 600.0, 3600.0):
        found = cells.at(step)
        assert found.step_s == step
        expected: dict[tuple[int, int], list[int]] = {}
        for second, who, value in zip(time.tolist(), client.tolist(), tokens.tolist(), strict=True):
            entry = expected.setdefault((who, int(second // step)), [0, 0])
            entry[0] += 1
            entry[1] += value
        assert list(zip(found.client.tolist(), found.step.tolist(), strict=True)) == sorted(expected)
        sums = [list(pair) for _, pair in sorted(expected.items())]
        assert np.stack([found.sums["requests"], found.sums["tokens"]], axis=1).tolist() == sums


def test_many_cells_become_longer_and_keep_their_sums(monkeypatch):
    monkeypatch.setattr(client_cells, "MOST_CELLS", 200)
    monkeypatch.setattr(client_cells, "_PENDING", 50)
    random = np.random.default_rng(1)
    time = np.sort(random.integers(0, 86_400, 5000)) * SECOND
    client = random.integers(0, 20, 5000).astype(np.uint32)
    cells = ClientCells([])
    for row in parts(np.arange(5000), 40):
        order = row[np.argsort(client[row], kind="stable")]
        cells.add(client[order], time[order], [])
    found = cells.at(60)
    assert found.step_s == 21_600
    assert found.client.size == 80
    assert found.by_client("requests", 20).tolist() == np.bincount(client).tolist()


# Clients


@pytest.fixture(scope="module")
def pool() -> tt.ClientPool:
    """Ten hours: a steady client of 6/s; a bursty one of 3/s in the first half, 0.5/s after; a rare one."""
    clients = [
        Client(6.0, fields={"input_tokens": constant(100), "output_tokens": constant(50)}),
        Client([3.0] * 5 + [0.5] * 5, "gamma", 0.25, {"input_tokens": IntegerPmf([900, 1100], [0.5, 0.5])}),
        Client([0.0] * 9 + [0.1], fields={"input_tokens": constant(7)}),
    ]
    return tt.ClientPool(build(clients, windows=10, window_s=3600), name="three")


def test_clients_are_told_by_their_rates(pool):
    found = tt.characterize(pool, seed=1)
    numbers, table = found["clients"], found.tables()["clients"].to_pandas().set_index("client")
    requests = {"client 0": 216_000, "client 1": 63_000, "client 2": 360}
    total = sum(requests.values())
    assert table["requests"].to_dict() == requests
    assert list(table.index) == list(requests)
    assert numbers["clients"] == 3
    assert numbers["top_shares"] == {"1": pytest.approx(216_000 / total)}
    assert numbers["clients_of_90_percent"] == 2
    assert numbers["step"] == 3600
    assert table["rate"].to_list() == pytest.approx([6, 1.75, 0.01])
    # 5 standard errors of the CV of n Exponential gaps, 1 / sqrt(n), and of Gamma(1/4) ones, which have CV 2.
    assert table.loc["client 0", "cv"] == pytest.approx(1, abs=5 / 216_000**0.5)
    assert table.loc["client 1", "cv"] == pytest.approx(2, abs=5 * 2.5 / 63_000**0.5 + 0.01)
    assert numbers["share_of_bursty"] >= 63_000 / total
    assert table.loc["client 0", "mean_input_tokens"] == 100
    assert table.loc["client 0", ["mean_input_tokens_low", "mean_input_tokens_high"]].to_list() == [100, 100]
    bursty = table.loc["client 1"]
    assert bursty["mean_input_tokens"] == pytest.approx(1000, abs=5 * 100 / 63_000**0.5)
    assert bursty["mean_input_tokens_low"] < bursty["mean_input_tokens"] < bursty["mean_input_tokens_high"]
    # Nearly all of the shift over the day is who sends, not what each sends.
    assert numbers["variance_between_clients"]["input_tokens"] > 0.99
    assert numbers["shift_explained_by_rates"]["input_tokens"] > 0.99
    top = found.tables()["top_clients"].to_pandas()
    of_bursty = top[top.client == "client 1"]
    assert of_bursty[of_bursty.start < 18_000].rate.mean() == pytest.approx(3, rel=0.01)
    assert of_bursty[of_bursty.start >= 18_000].rate.mean() == pytest.approx(0.5, rel=0.02)


def test_a_trace_of_one_client_has_no_clients():
    assert "clients" not in tt.characterize(trace_of(np.arange(50.0))).findings


def test_clients_that_change_and_clients_that_change_places():
    """Two clients that swap their lengths are not stable; two that swap their rates are."""
    client, step = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2] * 2)
    stable = Cells(3600, client, step, {
        "requests": np.array([1.0, 2, 5, 9, 5, 1]),
        "tokens": np.array([10.0, 20, 50, 900, 500, 100]),
    })  # fmt: skip
    assert between_clients(stable, stable.mean("tokens")) == pytest.approx(1)
    assert explained_by_rates(stable, "tokens") == pytest.approx(1)
    swapped = Cells(3600, client, step, {
        "requests": np.array([1.0, 2, 1, 1, 2, 1]),
        "tokens": np.array([10.0, 110, 100, 100, 110, 10]),
    })  # fmt: skip
    assert between_clients(swapped, swapped.mean("tokens")) == pytest.approx(0)


def test_too_many_clients_are_refused():
    trace = trace_of(np.arange(50.0), client_id=np.arange(50, dtype=np.uint32))
    assert tt.characterize(trace, max_clients=50)["clients"]["clients"] == 50
    with pytest.raises(ValueError, match="max_clients: column 'client_id' has more than 49 values"):
        tt.characterize(trace, max_clients=49)


# Items


def test_items_and_their_load():
    fields = {
        **MULTIMODAL,
        "text_tokens": IntegerPmf([10, 500], [0.5, 0.5]),
        "image_count": IntegerPmf([0, 1, 3], [0.5, 0.3, 0.2]),
        "image_tokens": IntegerPmf([256, 1024], [0.75, 0.25]),
        "audio_count": IntegerPmf([0, 1], [0.9, 0.1]),
        "audio_tokens": constant(75),
    }
    pool = tt.ClientPool(build([Client(5.0, fields=fields)], windows=4, category="multimodal"))
    found = tt.characterize(pool, seed=2)
    numbers, tables = found["modality"], found.tables()
    n = found.requests
    image = numbers["image"]
    assert image["share_of_requests"] == pytest.approx(0.5, abs=5 * 0.5 / n**0.5)
    assert image["items_per_request"]["mean"] == pytest.approx(0.9, abs=5 * 1.14 / n**0.5)
    assert list(image["standard_sizes"]) == ["256", "1024"]
    assert image["standard_sizes"]["256"] == pytest.approx(0.75, abs=5 * 0.44 / (0.9 * n) ** 0.5)
    assert image["tokens_per_item"]["mean"] == pytest.approx(448, abs=5 * 333 / (0.9 * n) ** 0.5)
    assert abs(image["text_spearman"]) < 5 / (0.5 * n) ** 0.5
    assert numbers["audio"]["share_of_requests"] == pytest.approx(0.1, abs=5 * 0.3 / n**0.5)
    assert "video" not in numbers
    assert tables["items_per_request_image"]["items"].to_pylist() == [0, 1, 3]
    trace = tt.generate(pool, seed=2)
    load = tables["modality_load"].to_pandas()
    seconds = numbers["step"]
    sums = {name: (load[f"{name}_tokens_per_s"] * seconds).sum() for name in ("text", "image", "audio")}
    assert sums["text"] == pytest.approx(trace.text_tokens.sum())
    assert sums["image"] == pytest.approx(trace.image_tokens.flat().sum())
    assert sums["text"] + sums["image"] + sums["audio"] == pytest.approx(trace.input_tokens.sum())
    items = trace.image_tokens.sums() + trace.audio_tokens.sums()
    share = items / trace.input_tokens
    assert numbers["item_share"]["mean"] == pytest.approx(share.mean(), abs=5e-4)
    assert numbers["item_share"]["quantiles"]["p50"] == pytest.approx(np.quantile(share, 0.5), abs=1e-3)


def test_text_is_what_items_leave_of_the_input():
    images = ListColumn(np.array([0, 2, 2], dtype=np.int32), np.array([30, 50], dtype=np.uint32))
    inputs = np.array([100, 20], dtype=np.uint32)
    found = tt.characterize(trace_of([0.0, 1.0], input_tokens=inputs, image_tokens=images))
    assert found["modality"]["item_share"]["mean"] == pytest.approx(0.4)
    with pytest.raises(tt.TraceError, match=r"row 1, column 'input_tokens': 79 is not allowed; .*tokens, 80"):
        tt.characterize(trace_of([0.0, 1.0], input_tokens=inputs - np.uint32(21), image_tokens=images))


# Reasoning


def test_a_ratio_of_two_modes_is_found():
    fields = {
        "reason_ratio": RealPmf([0.35, 0.4, 0.9, 0.95], [0.2, 0.2, 0.3, 0.3]),
        "output_tokens": constant(1000),
    }
    pool = tt.ClientPool(build([Client(5.0, fields=fields)], windows=4, category="reason"))
    found = tt.characterize(pool, seed=3)
    numbers = found["reasoning"]
    n = found.requests
    assert numbers["ratio_modes"] == pytest.approx([0.375, 0.925], abs=0.03)
    assert numbers["reason"]["mean"] == pytest.approx(705, abs=5 * 272 / n**0.5)
    assert numbers["answer"]["mean"] == pytest.approx(1000 - numbers["reason"]["mean"])
    assert numbers["ratio"]["quantiles"]["p10"] == 0.35
    assert numbers["bimodality_coefficient"] > 0.9
    assert numbers["reason_answer_spearman"] == pytest.approx(-1, abs=0.01)


def test_modes_and_bimodality_of_known_laws():
    random = np.random.default_rng(4)
    assert bimodality_coefficient(Points.of([0.0, 1.0], [3, 3])) == 1
    assert bimodality_coefficient(Points.of(np.linspace(0, 1, 1001))) == pytest.approx(5 / 9, abs=1e-3)
    # A normal law has 1/3; 5 standard errors of the kurtosis, sqrt(24 / n), on 1 / kurtosis.
    assert bimodality_coefficient(Points.of(random.normal(size=100_000))) == pytest.approx(1 / 3, abs=0.01)
    assert np.isnan(bimodality_coefficient(Points.of([2.0, 2.0])))
    assert modes(np.zeros(1001), 10) == []
    # Noise of few observations makes no modes.
    trace = trace_of(np.arange(300.0), output_tokens=np.full(300, 1000, dtype=np.uint32),
                     reason_tokens=random.integers(450, 550, 300).astype(np.uint32))  # fmt: skip
    assert len(tt.characterize(trace)["reasoning"]["ratio_modes"]) == 1


def test_reasons_must_be_part_of_the_output():
    trace = trace_of([0.0, 1.0], reason_tokens=np.array([3, 21], dtype=np.uint32))
    with pytest.raises(tt.TraceError, match=r"row 2, column 'output_tokens': 20 is not allowed"):
        tt.characterize(trace)


# Conversations


def test_turns_and_times_between_them():
    sessions = np.array([7, NO_SESSION, 7, 9, 7, 9, NO_SESSION, 5], dtype=np.uint64)
    trace = trace_of([0, 1, 10, 20, 40, 45, 50, 60], session_id=sessions)
    found = tt.characterize(trace)
    numbers = found["conversations"]
    assert (numbers["sessions"], numbers["conversations"], numbers["sessions_followed"]) == (3, 2, 1)
    assert numbers["share_of_requests"] == 5 / 8
    assert numbers["turns"]["mean"] == 2.5
    assert numbers["inter_turn_time"]["mean"] == pytest.approx((10 + 30 + 25) / 3, rel=1e-3)
    assert numbers["inter_turn_time"]["quantiles"]["p50"] == pytest.approx(25, rel=1 / 2048)
    # Conversations and single requests begin at 0, 1, 20, 50 and 60.
    starts = np.diff([0, 1, 20, 50, 60])
    assert numbers["cv_of_starts"] == pytest.approx(starts.std() / starts.mean())
    assert found.tables()["turns"].to_pydict() == {"turns": [2, 3], "share": [0.5, 0.5]}
    alone = trace_of([0, 1], session_id=np.array([1, 2], dtype=np.uint64))
    assert "conversations" not in tt.characterize(alone).findings


def test_generated_conversations_are_found_again():
    chat = tt.conversations(share=0.5, turns={2: 0.5, 6: 0.5}, think_time=tt.LogNormal(median=20, sigma=0.5),
                            new_tokens=50)  # fmt: skip
    pool = tt.ClientPool([tt.Client(rate=3, input_tokens=100, output_tokens=1, sessions=chat)])
    found = tt.characterize(pool, duration="6h", seed=5)["conversations"]
    # Requests of a session come together, so that the share of n requests has 5 sqrt(6 / 4 n).
    assert found["share_of_requests"] == pytest.approx(0.5, abs=5 * (6 / 4 / 64_800) ** 0.5 + 0.01)
    # Sessions that are not over at the end have fewer turns.
    assert found["turns"]["mean"] == pytest.approx(4, abs=5 * 2 / found["conversations"] ** 0.5 + 0.05)
    # A turn takes a little, then people think.
    assert 20 <= found["inter_turn_time"]["quantiles"]["p50"] < 23


@pytest.mark.parametrize("kind", [pa.uint64(), pa.string()])
def test_many_sessions_are_a_fair_sample(monkeypatch, kind):
    monkeypatch.setattr(sampled_sessions, "MOST_SESSIONS", 500)
    random = np.random.default_rng(6)
    turns = random.geometric(0.4, 6000)
    session = np.repeat(np.arange(6000), turns)
    time = np.repeat(np.sort(random.integers(0, 10**6, 6000)), turns) + random.integers(0, 1000, session.size)
    order = np.argsort(time, kind="stable")
    ids = pa.array(session[order]).cast(kind)
    followed = SampledSessions()
    for row in parts(np.arange(session.size), 30):
        has_one, _ = followed.add(ids.slice(row[0], row.size), time[order][row] * SECOND)
        assert has_one.all()
    assert followed.share == 1 / 16
    count = followed.turns.size
    # 5 standard deviations of a binomial number.
    assert count == pytest.approx(6000 / 16, abs=5 * (6000 / 16 * 15 / 16) ** 0.5)
    # Sessions are followed whole: each has the turns that it has in the trace.
    hashed, _ = hashes(pa.array(np.arange(6000)).cast(kind))
    expected = turns[(hashed & 15) == 0]
    assert sorted(followed.turns.tolist()) == sorted(expected.tolist())


def test_what_is_no_session():
    assert hashes(pa.array([1, None, NO_SESSION, 1], pa.uint64()))[1].tolist() == [True, False, False, True]
    assert hashes(pa.array(["a", None, "", "a"]))[1].tolist() == [True, False, False, True]
    one, other, same = hashes(pa.array([1, 2, 1], pa.uint64()))[0].tolist()
    assert one == same != other


# Pictures and the bundled profiles


@pytest.mark.parametrize("name", ["mm-omni", "deepseek-r1"])
def test_findings_of_every_category_are_drawn(name, tmp_path):
    pytest.importorskip("matplotlib")
    found = tt.characterize(name, rate=2.0, duration="2h")
    expected = {"gaps", "rates", "lengths", "correlation", "clients"}
    expected |= {"modality"} if name == "mm-omni" else {"reasoning", "conversations"}
    assert set(found.findings) == expected
    # Gaps, rates, lengths and correlation are drawn in test_characterize.py.
    for one in list(found.findings.values())[4:]:
        one.draw(tmp_path / f"{one.name}.svg")
        assert (tmp_path / f"{one.name}.svg").read_text().count("<path") > 20
