"""`generate --method naive`: the workload as one client."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tracetide as tt
from cli_tools import fails, succeeds
from small_profiles import Client, build, constant


@pytest.fixture(scope="module")
def profile(tmp_path_factory) -> Path:
    """An hour: a client of short inputs, one of long ones, and one without lengths."""
    path = tmp_path_factory.mktemp("profiles") / "three.tide"
    clients = [
        Client(3.0, fields={"input_tokens": constant(10)}),
        Client(1.0, "gamma", 0.2, {"input_tokens": constant(1000)}),
        Client(2.0, fields=None),
    ]
    build(clients, windows=6).write(str(path))
    return path


def test_naive_is_the_collapsed_pool(profile, tmp_path):
    done = succeeds("generate", profile, "--method", "naive", "--seed", "3", "-o", "n.parquet", cwd=tmp_path)
    found = tt.read(tmp_path / "n.parquet")
    assert found == tt.generate(tt.load(profile).collapse(), seed=3)
    assert len(found) == 6 * 3600
    assert set(found.client_id.tolist()) == {0}
    # 4 standard deviations of a share of 3/4 in 21,600 requests: a false alarm of 6e-5.
    assert np.mean(found.input_tokens == 10) == pytest.approx(0.75, abs=4 * (0.75 * 0.25 / 21_600) ** 0.5)
    assert "1 of 3 clients are left out" in done.stderr.decode()


def test_naive_is_of_what_is_left_after_narrowing(profile, tmp_path):
    succeeds("generate", profile, "--method", "naive", "--top", "1", "--rate", "2", "--burstiness", "0.5",
             "-o", "n.arrow", cwd=tmp_path)  # fmt: skip
    pool = tt.load(profile).top(1).collapse().with_arrivals(tt.Gamma(0.5))
    assert tt.read(tmp_path / "n.arrow") == tt.generate(pool, rate=2)


def test_other_methods_are_refused(profile):
    fails("generate", profile, "--method", "poisson", "-o", "x.csv", says=["--method", "naive"])
