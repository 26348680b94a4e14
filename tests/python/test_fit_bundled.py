"""A million requests of a bundled profile give it back: rates, shapes, and every distribution."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import tracetide as tt
from scipy import special
from statistics_helpers import accept
from tracetide.profile.bundled import bundled


def with_answers(trace):
    table = trace.to_arrow()
    at = table.schema.get_field_index("output_tokens")
    return tt.read(
        table.set_column(
            at, table.schema.field(at), pc.max_element_wise(table.column(at), pa.scalar(1, pa.uint32()))
        )
    )


@pytest.fixture(scope="module")
def both():
    if "m-small" not in bundled():
        pytest.skip("the profiles are not bundled in this build")
    original = tt.load("m-small")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tt.TracetideWarning)
        trace = tt.generate(original, scale=0.0007, seed=0)
        # The few answers of no token would be clients of their own.
        trace = with_answers(trace)
        return original, trace, tt.fit_with_report(trace, window=600, min_lengths=1)


def aligned(original, fitted):
    """Cells of both, row by row, with the numbers of the original's clients."""
    names = np.array([int(name.split()[1]) for name in fitted.client_names])
    one, other = original.profile.cells(), fitted.profile.cells()
    keys = [one["window"].astype(np.int64) << 32 | one["client"]]
    keys.append(other["window"].astype(np.int64) << 32 | names[other["client"]])
    at = np.searchsorted(keys[0], keys[1])
    assert np.array_equal(keys[0][at], keys[1])
    return {name: column[at] for name, column in one.items()}, other


def test_rates_and_shapes(both):
    original, trace, (pool, report) = both
    one, other = aligned(original, pool)
    requests = other["rate"] * 600
    assert requests.sum() == pytest.approx(len(trace))
    # Counts are pinned, so a client's requests in a window are its share of them to one request.
    cells = original.profile.cells()
    has_lengths = original.profile.ids(True)[0, :, 0] != 0xFFFFFFFF
    rate = np.bincount(cells["window"], cells["rate"] * has_lengths[cells["client"]])
    total = np.bincount(other["window"], requests)
    expected = total[one["window"]] * one["rate"] / rate[one["window"]]
    assert np.abs(requests - expected).max() < 2
    frame = report.to_pandas()
    for number, family in ((1, "gamma"), (2, "weibull")):
        rows = np.flatnonzero((one["family"] == number) & (requests > 150))
        error = np.log(frame[f"shape_{family}"].to_numpy()[rows] / one["shape"][rows])
        assert rows.size > 200
        assert abs(error.mean()) < 0.02
        assert error.std() < 0.12


def test_every_distribution(both):
    """The largest of all Kolmogorov-Smirnov statistics, whose law is that for continuous values or below."""
    original, _, (pool, report) = both
    ours, theirs = pool.profile, original.profile
    statistics = []
    for row in report.lengths.to_pylist():
        number, name, field = pool.client_names.index(row["client"]), row["client"].split()[1], row["field"]
        found = ours.distribution(ours.recorded(row["epoch"], number, field))
        law = theirs.distribution(theirs.resolved(row["epoch"] % theirs.epochs, int(name), field))
        points = np.unique(np.append(found["values"], found["values"] - 1.0))
        distance = np.abs(cdf(found, points) - cdf(law, points)).max()
        statistics.append(distance * np.sqrt(row["observations"]))
    largest = max(statistics)
    accept(min(1.0, len(statistics) * special.kolmogorov(largest)), f"the largest of {len(statistics)}")


def cdf(law, x):
    """P(X <= x) at whole numbers."""
    if law["kind"] != "quantiles":
        assert law["kind"] == "integer_pmf"
        return np.append(0, np.cumsum(law["probabilities"]))[np.searchsorted(law["values"], x, side="right")]
    knots, share = law["values"], np.linspace(0, 1, law["values"].size)
    edge = np.nextafter(x + 0.5, -np.inf)  # draws are rounded half up
    at = np.searchsorted(knots, edge, side="right")
    low, high = np.clip(at - 1, 0, knots.size - 1), np.clip(at, 0, knots.size - 1)
    width = np.maximum(knots[high] - knots[low], 1e-300)
    inside = share[low] + (edge - knots[low]) / width * (share[high] - share[low])
    return np.where(at == 0, 0.0, np.where(at == knots.size, 1.0, inside))
