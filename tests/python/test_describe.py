"""Statistics of pools and traces against values worked out by hand or by other means."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import tracetide as tt
from cli_tools import succeeds
from small_profiles import MULTIMODAL, Bins, Client, IntegerPmf, Quantiles, build, constant, one_client
from tracetide.cli.render import sparkline
from tracetide.describe import describe
from tracetide.describe.pool import describe_pool
from tracetide.describe.trace import describe_trace
from tracetide.readable import number


@pytest.fixture(scope="module")
def pool() -> tt.ClientPool:
    """Two hours: client 0 at 3/s, client 1 at 1/s in the second one, client 2 without lengths."""
    return tt.ClientPool(
        build(
            [
                Client(3.0, "gamma", 0.25, {"input_tokens": IntegerPmf([10, 20, 30, 40], [0.25] * 4)}),
                Client([0, 0, 1, 1], fields={"input_tokens": IntegerPmf([100], [1.0])}),
                Client([0, 0, 0, 2], fields=None),
                Client(0.0),
            ],
            window_s=1800,
            windows=4,
            epoch_windows=2,
        ),
        name="known",
    )


def test_a_pool_is_described_from_its_rates(pool):
    found = describe(pool)
    assert (found.kind, found.name, found.category) == ("profile", "known", "language")
    assert found.duration == 7200
    assert (found.clients, found.active_clients) == (4, 3)
    assert found.rate.rates == pytest.approx([3, 3, 4, 6])
    assert (found.rate.mean, found.rate.peak, found.rate.lowest) == pytest.approx((4, 6, 3))
    assert found.requests == pytest.approx(28_800)
    assert [client.name for client in found.top] == ["client 0", "client 1", "client 2"]
    assert [client.share for client in found.top] == pytest.approx([0.75, 0.125, 0.125])
    assert [client.rate for client in found.top] == pytest.approx([3, 0.5, 0.5])
    assert [client.cv for client in found.top] == pytest.approx([2, 1, 1])
    assert found.top_shares == pytest.approx({"1": 0.75})
    assert found.families == pytest.approx({"exponential": 0.25, "gamma": 0.75, "weibull": 0})
    assert found.burstiness == pytest.approx({"cv_mean": 1.75, "cv_p10": 1, "cv_p50": 2, "cv_p90": 2})
    assert found.left_out == ["client 2"]
    assert found.left_out_share == pytest.approx(0.125)


def test_lengths_are_weighted_by_requests(pool):
    found = {entry.name: entry for entry in describe(pool).lengths}
    # 21,600 requests of client 0 and 3,600 of client 1: 6 to 1.
    assert found["input_tokens"].mean == pytest.approx((6 * 25 + 100) / 7)
    assert found["input_tokens"].p50 == 30
    assert found["input_tokens"].p90 == 100
    assert found["input_tokens"].highest == 100
    assert found["output_tokens"].mean == 20


def test_a_span_is_described_alone(pool):
    found = describe(pool.span("0:15", "1:00"))
    assert found.rate.rates == pytest.approx([3, 3])
    assert found.requests == pytest.approx(2700 * 3)
    assert found.active_clients == 1
    assert found.left_out == []
    assert found.lengths[0].mean == 25


def test_quantile_knots_are_described():
    law = Quantiles([0.0, 100.0, 200.0], 0, 200)
    found = describe(tt.ClientPool(one_client(1.0, input_tokens=law), name="knots")).lengths[0]
    assert found.mean == pytest.approx(100)
    assert found.p50 == pytest.approx(100, abs=1)
    assert found.p90 == pytest.approx(180, abs=1)


def test_tokens_of_items_are_over_items():
    laws = {
        **MULTIMODAL,
        "image_count": IntegerPmf([0, 2], [0.5, 0.5]),
        "image_tokens": IntegerPmf([64], [1.0]),
    }
    many = {**laws, "image_count": IntegerPmf([9], [1.0]), "image_tokens": IntegerPmf([1000], [1.0])}
    pool = tt.ClientPool(build([Client(1.0, fields=laws), Client(1.0, fields=many)], category="multimodal"))
    found = {entry.name: entry for entry in describe(pool).lengths}
    assert found["image_count"].mean == pytest.approx(5)
    assert found["image_tokens per item"].mean == pytest.approx((64 * 1 + 1000 * 9) / 10)
    assert math.isnan(found["video_tokens per item"].mean)


def test_a_generated_trace_is_described_as_its_pool(pool):
    with pytest.warns(tt.MissingDataWarning):
        job = tt.Job(pool, seed=3)
    trace = job.generate()
    found = describe(trace)
    assert (found.kind, found.category, found.duration) == ("trace", "language", 7200)
    assert found.requests == len(trace)
    assert found.clients == 2
    assert sum(found.rate.rates) * found.rate.step == pytest.approx(len(trace))
    assert found.top[0].name == "0"
    assert found.top[0].share == pytest.approx((trace.client_id == 0).mean())
    assert found.top[0].cv == pytest.approx(2, rel=0.1)
    gaps = np.diff(trace.timestamp)
    assert found.burstiness["cv"] == pytest.approx(gaps.std() / gaps.mean())
    lengths = {entry.name: entry for entry in found.lengths}
    assert lengths["input_tokens"].mean == pytest.approx(trace.input_tokens.mean())
    assert lengths["input_tokens"].p90 == np.sort(trace.input_tokens)[math.ceil(0.9 * len(trace)) - 1]
    assert found.details["job"] == job.metadata()


def test_dispersion_is_one_for_a_poisson_process_and_zero_for_a_clock():
    def dispersion(times: np.ndarray) -> float:
        zeros = np.zeros(times.size, dtype=np.uint32)
        columns = {"timestamp": times, "client_id": zeros, "input_tokens": zeros, "output_tokens": zeros}
        return describe(tt.Trace(columns, {"duration": 10_000.0})).burstiness["dispersion"]

    rng = np.random.default_rng(1)
    assert dispersion(np.sort(rng.uniform(0, 10_000, 100_000))) == pytest.approx(1, abs=0.1)
    assert dispersion(np.arange(100_000) / 10 + 0.05) == pytest.approx(0)


def test_a_trace_of_one_request_is_described():
    one = np.ones(1, dtype=np.uint32)
    found = describe(
        tt.Trace({"timestamp": np.zeros(1), "client_id": one, "input_tokens": one, "output_tokens": one})
    )
    assert found.requests == 1
    assert math.isnan(found.burstiness["cv"])
    json.dumps(found.to_dict(), allow_nan=False)


def test_an_empty_trace_is_refused():
    none = np.zeros(0, dtype=np.uint32)
    with pytest.raises(ValueError, match="without requests"):
        describe(
            tt.Trace(
                {"timestamp": np.zeros(0), "client_id": none, "input_tokens": none, "output_tokens": none}
            )
        )


def test_a_description_is_json(pool):
    found = json.loads(json.dumps(describe(pool).to_dict(), allow_nan=False))
    assert found["rate"]["rates"] == pytest.approx([3, 3, 4, 6])
    assert found["details"]["provenance"] == {"name": "synthetic"}


def test_a_foreign_trace_needs_no_clients_and_only_its_lengths_are_described(tmp_path):
    path = tmp_path / "foreign.csv"
    path.write_text(
        "timestamp,session_id,input_tokens,output_tokens,delay\n0,7,10,1,\n1.5,7,20,2,0.5\n4,9,60,6,\n"
    )
    found = describe_trace(tt.read(path))
    assert [field.name for field in found.lengths] == ["input_tokens", "output_tokens"]
    assert found.lengths[0].mean == 30
    assert found.clients == 1
    found = describe_trace(tt.read(path, columns={"client": "session_id"}))
    assert [(client.name, client.share) for client in found.top] == [("7", 2 / 3), ("9", 1 / 3)]


def test_lengths_in_bins_are_described():
    fields = {"input_tokens": Bins([1, 3, 101], [0.5, 0.25, 0.25], 200), "output_tokens": constant(5)}
    found = describe(tt.ClientPool(build([Client(2.0, fields=fields)])))
    lengths = found.lengths[0]
    assert lengths.mean == pytest.approx(0.5 * 1.5 + 0.25 * 51.5 + 0.25 * 150.5)
    assert (lengths.p50, lengths.highest) == (2, 200)
    assert lengths.p90 in (160, 161)  # 0.9 is where one ends and the other begins


def test_a_sparkline_rises_with_its_values():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([5, 5]) == "██"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""
    assert len(sparkline(range(1000), width=56)) == 56


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (123.4, "123"),
        (1.2345, "1.23"),
        (0.00123, "0.00123"),
        (math.nan, "-"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_models_of_sessions_and_prompts_are_described() -> None:
    chat = tt.conversations(share=0.4, turns={2: 0.5, 6: 0.5}, think_time=5)
    prefixes = tt.Prefixes(share=0.5, levels=[tt.PromptLevel(tokens=10)])
    clients = [
        tt.Client(rate=3, input_tokens=100, output_tokens=1, sessions=chat, prefixes=prefixes),
        tt.Client(rate=1, input_tokens=100, output_tokens=1),
    ]
    details = describe_pool(tt.ClientPool(clients)).details
    assert details["sessions"] == {"share": pytest.approx(0.3), "turns_mean": pytest.approx(4)}
    assert details["prefixes_share"] == pytest.approx(0.375)
    plain = describe_pool(tt.load("m-small")).details
    assert "sessions" not in plain
    assert "prefixes_share" not in plain
    done = succeeds("describe", "deepseek-r1")
    assert b"10.0% of the requests, 3.5 turns each" in done.stdout
