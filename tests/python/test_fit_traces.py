"""Public traces: what is generated from their fit is like them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tracetide as tt
from scipy import stats

AZURE = "AzureLLMInferenceTrace_conv.csv"
MOONCAKE = "conversation_trace.jsonl"


def trace_of(data_dir: Path, name: str) -> tt.Trace:
    path = data_dir / "traces" / name
    if not path.is_file():
        pytest.skip(f"no real data: {path} is not a file")
    return tt.read(path)


@pytest.mark.parametrize("window", [600, 60])
@pytest.mark.parametrize("name", [AZURE, MOONCAKE])
def test_generated_is_like_actual(data_dir, name, window):
    """Bounds are about twice what was measured, which is what two samples of one law show (docs/fit.md)."""
    actual = trace_of(data_dir, name)
    pool, report = tt.fit_with_report(actual, window=window, epoch=3600, latent=1)
    made = tt.generate(pool, duration=pool.provenance["duration"], seed=0)
    _, again = tt.fit_with_report(made, window=window, epoch=3600, latent=1)
    assert len(made) == pytest.approx(len(actual), abs=1)
    one, other = (frame.to_pandas().set_index("window") for frame in (report, again))
    assert np.allclose(one.rate, other.rate.reindex(one.index), atol=1.01 / window)
    cv = (other.cv.reindex(one.index) - one.cv).abs().mean()
    assert cv < 0.12
    for field in ("input_tokens", "output_tokens"):
        assert stats.ks_2samp(actual[field], made[field]).statistic < 0.025
        assert made[field].mean() == pytest.approx(actual[field].mean(), rel=0.03)
    rank = [stats.spearmanr(trace.input_tokens, trace.output_tokens)[0] for trace in (actual, made)]
    assert abs(rank[0] - rank[1]) < 0.04


def test_mooncake_prefixes_and_steps(data_dir):
    """Mooncake's times are in steps of 3 s, and 36.6 % of its blocks were seen before."""
    found = tt.fit(trace_of(data_dir, MOONCAKE)).provenance
    assert found["tick_ns"] == pytest.approx(3e9, rel=0.01)
    assert found["prefix"]["block_hit_rate"] == pytest.approx(0.366, abs=0.001)
    assert found["families"]["weibull"] < 0.1
