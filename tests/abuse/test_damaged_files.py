"""Damaged files of every format that is read: each gives what it holds, or one line."""

from __future__ import annotations

import numpy as np
import pytest
import readers
import tracetide as tt
from hostile import FILES, in_time, within_limits
from platforms import posix_only

pytestmark = [pytest.mark.abuse, posix_only]

TRACES = readers.seeds()
TOML = b"""
name = "w"
window = "10min"
[[clients]]
name = "c"
count = 2
rate = { kind = "sum", of = [0.5, { kind = "daily", mean = 2, peak = "14:00", swing = 0.8 }] }
output_tokens = 7
[clients.input_tokens]
law = "mixture"
weights = [0.9, 0.1]
components = [{ law = "lognormal", median = 9, sigma = 1.1 }, { law = "pareto", alpha = 1.6, minimum = 4 }]
[clients.sessions]
turns = { law = "pmf", values = [2, 3], probabilities = [0.5, 0.5] }
think_time = 5
"""
YAML = b"""
clients:
  - &c
    name: c
    rate: {kind: daily, mean: 2, peak: 14:00}
    input_tokens: 3
    output_tokens: {law: exponential, mean: 300}
  - <<: *c
    name: d
    limits: {input_tokens: [1, 9]}
"""
WORKLOADS = {"toml": TOML, "yaml": YAML}


@pytest.mark.parametrize("name", TRACES)
def test_damaged_traces(name, tmp_path):
    random = np.random.default_rng(sum(name.encode()))
    path = tmp_path / "trace"
    with within_limits():
        for number in range(FILES):
            path.write_bytes(readers.damaged(random, [TRACES[name]]))
            try:
                with in_time():
                    readers.look_at(path, tmp_path, readers.FORMATS[number % len(readers.FORMATS)])
            except OSError as error:
                readers.check_message(error)


@pytest.mark.parametrize("name", ["tide", *WORKLOADS])
def test_damaged_profiles(name, tmp_path):
    random = np.random.default_rng(sum(name.encode()))
    path = tmp_path / f"w.{name}"
    if name == "tide":
        source = tmp_path / "source.toml"
        source.write_bytes(TOML)
        tt.load(source).write(path)
    else:
        path.write_bytes(WORKLOADS[name])
    sound = path.read_bytes()
    with within_limits():
        for _ in range(FILES):
            path.write_bytes(readers.damaged(random, [sound]))
            try:
                with in_time():
                    pool = tt.load(path)
                    assert pool.provenance is not None
                    tt.Job(pool, scale=1.0, duration=1)
            except (tt.ProfileError, ValueError, OSError) as error:
                readers.check_message(error)
