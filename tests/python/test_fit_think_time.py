"""Growth of waits with lengths: known coefficients are found again, and none where there is none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from tracetide.fit.think_time import ThinkTime, non_negative

Floats = npt.NDArray[np.float64]


def made(b: float, c: float, turns: int, seed: int) -> tuple[Floats, Floats, Floats, Floats]:
    """(waits, outputs, new tokens, M) of wait = M (1 + b output + c new)."""
    draw = np.random.default_rng(seed)
    outputs, new = np.rint(draw.exponential(200, turns)), np.rint(draw.lognormal(4, 0.8, turns))
    base = draw.lognormal(2.5, 0.5, turns)
    return base * (1 + b * outputs + c * new), outputs, new, base


@pytest.mark.parametrize(("b", "c"), [(0.02, 0.01), (0.005, 0.03), (0.01, 0.0), (0.0, 0.02)])
def test_known_coefficients_are_found_again(b: float, c: float) -> None:
    waits, outputs, new, base = made(b, c, 20_000, seed=1)
    found = ThinkTime.of(waits, outputs, new)
    # Over a hundred seeds the standard deviations are at most 0.0014, 0.0022 and 0.05.
    assert abs(found.output - b) < 0.006
    assert abs(found.tokens - c) < 0.009
    assert abs(found.law(waits, outputs, new).mean() / base.mean() - 1) < 0.2


def test_waits_that_do_not_depend_on_lengths_stay_as_they_are() -> None:
    waits, outputs, new, _ = made(0.0, 0.0, 20_000, seed=2)
    found = ThinkTime.of(waits, outputs, new)
    assert found == ThinkTime(0.0, 0.0)
    assert np.array_equal(found.law(waits, outputs, new), waits)


def test_two_hundred_waits_are_needed() -> None:
    columns = made(0.02, 0.01, 200, seed=3)[:3]
    assert ThinkTime.of(*columns).output > 0
    assert ThinkTime.of(*(column[:199] for column in columns)) == ThinkTime()


def test_waits_in_proportion_to_lengths_keep_a_hundredth() -> None:
    draw = np.random.default_rng(4)
    outputs = np.rint(draw.exponential(200, 1000)) + 1
    found = ThinkTime.of(0.5 * outputs, outputs, np.zeros(1000))
    assert found.tokens == 0
    assert found.output == pytest.approx(0.5 / (0.01 * 0.5 * outputs.mean()))


def test_longer_waits_after_shorter_lengths_are_no_growth() -> None:
    draw = np.random.default_rng(5)
    outputs = np.rint(draw.exponential(200, 1000))
    assert ThinkTime.of(np.maximum(500 - outputs, 1), outputs, np.ones(1000)) == ThinkTime()


def test_sums_stand_for_the_rows() -> None:
    from scipy.optimize import nnls

    draw = np.random.default_rng(6)
    columns = np.stack([np.ones(50), draw.exponential(300, 50), draw.exponential(20, 50)])
    y = np.array([5.0, 0.02, -0.3]) @ columns + draw.exponential(4, 50)
    found, r2 = non_negative(columns @ columns.T, columns @ y, float(y @ y))
    direct, left = nnls(columns.T, y)
    assert found == pytest.approx(direct, rel=1e-8)
    assert found[2] == 0
    assert r2 == pytest.approx(1 - left**2 / ((y - y.mean()) ** 2).sum(), rel=1e-8)
