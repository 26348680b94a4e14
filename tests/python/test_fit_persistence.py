"""Lengths that last along sessions: known shares and memories are found again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from tracetide.fit.persistence import LAGS, autocorrelation, fitted, persistence_of, rank_scores

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def made(
    a: float, phi: float, *, clients: int, sessions: int, turns: int, seed: int
) -> tuple[Ints, Ints, Ints]:
    """(client, session, lengths) of z_k = sqrt(a) h_k + sqrt(1 - a) e_k; clients differ in their lengths."""
    draw = np.random.default_rng(seed)
    shape = (clients * sessions, turns)
    h = np.empty(shape)
    h[:, 0] = draw.standard_normal(shape[0])
    for k in range(1, turns):
        h[:, k] = phi * h[:, k - 1] + np.sqrt(1 - phi**2) * draw.standard_normal(shape[0])
    z = np.sqrt(a) * h + np.sqrt(1 - a) * draw.standard_normal(shape)
    client = np.repeat(np.arange(clients), sessions * turns)
    lengths = np.rint(np.exp(6 + 0.7 * z.ravel() + 0.5 * client)).astype(np.int64)
    return client, np.repeat(np.arange(shape[0]), turns), lengths


@pytest.mark.parametrize(("a", "phi"), [(0.6, 0.9), (0.4, 0.5), (0.8, 0.98), (0.3, 0.95)])
def test_known_shares_and_memories_are_found_again(a: float, phi: float) -> None:
    client, session, lengths = made(a, phi, clients=4, sessions=200, turns=24, seed=1)
    found = persistence_of(client, client, session, lengths)
    curve = np.array(LAGS)
    # The autocorrelation at every lag, and a: over fifty seeds the standard deviations are at most 0.017 and
    # 0.034.
    assert np.abs(found[0] * found[1] ** curve - a * phi**curve).max() < 0.07
    assert abs(found[0] - a) < 0.14


def test_nothing_lasts_where_lengths_are_independent() -> None:
    # One-sided three standard errors: a false alarm in one of 700 seeds.
    for seed in range(5):
        client, session, lengths = made(0.0, 0.5, clients=3, sessions=50, turns=10, seed=seed)
        assert persistence_of(client, client, session, lengths) == (0.0, 0.0)


def test_few_sessions_of_a_client_have_no_bias() -> None:
    # Each client's own mean makes products inside a session as negative as those over sessions.
    at_first = []
    for seed in range(20):
        client, session, lengths = made(0.0, 0.5, clients=40, sessions=5, turns=3, seed=seed)
        scores, _ = rank_scores(client, lengths)
        at_first.append(autocorrelation(client, session, scores)[0][0])
    # Twenty means of 400 pairs: a standard error of 0.012. Without the correction it is -0.07.
    assert abs(np.mean(at_first)) < 0.045


def test_clients_with_fewer_than_five_sessions_do_not_count() -> None:
    client, session, lengths = made(0.8, 0.9, clients=10, sessions=4, turns=20, seed=2)
    assert persistence_of(client, client, session, lengths) == (0.0, 0.0)
    assert persistence_of(client * 0, client * 0, session, lengths) != (0.0, 0.0)


def test_pairs_do_not_reach_over_sessions() -> None:
    session = np.repeat(np.arange(6), [1, 2, 3, 4, 5, 22])
    _, pairs = autocorrelation(session * 0, session, np.arange(session.size) % 7 - 3.0)
    assert pairs.tolist() == [sum(max(size - lag, 0) for size in (1, 2, 3, 4, 5, 22)) for lag in LAGS]


def test_scores_are_middle_ranks_of_a_group() -> None:
    scores, _ = rank_scores(
        np.array([1, 0, 1, 0, 0, 1, 0, 1, 2, 2]), np.array([7, 5, 3, 1, 9, 3, 2, 9, 4, 4])
    )
    # Ranks 2, 0.5, 0.5 and 3 of group 1; 2, 0, 3 and 1 of group 0; group 2 has one value.
    assert scores[[0, 2, 5, 7]] == pytest.approx(np.array([0.5, -1, -1, 1.5]) / np.sqrt(4.5 / 4))
    assert scores[[1, 3, 4, 6]] == pytest.approx(np.array([0.5, -1.5, 1.5, -0.5]) / np.sqrt(5 / 4))
    assert scores[8:].tolist() == [0, 0]


def test_ties_do_not_make_lengths_last_less() -> None:
    client, session, lengths = made(0.6, 0.9, clients=4, sessions=200, turns=24, seed=3)
    few = np.digitize(lengths, np.quantile(lengths, [0.5, 0.8, 0.9])) * 10
    one, tied = (persistence_of(client, client, session, each) for each in (lengths, few))
    # Up to 85 % of a client's requests have one value; over twenty seeds the standard deviations of the
    # differences are 0.012 and 0.005.
    assert abs(one[0] - tied[0]) < 0.05
    assert abs(one[1] - tied[1]) < 0.02


def test_an_exact_curve_is_fitted_exactly() -> None:
    curve = 0.35 * 0.9 ** np.array(LAGS)
    assert fitted(curve, np.full(len(LAGS), 100)) == pytest.approx((0.35, 0.9), abs=2e-3)
    # At most below 1.
    assert max(fitted(np.ones(len(LAGS)), np.full(len(LAGS), 100))) < 1


def test_without_requests_there_is_nothing() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert persistence_of(none, none, none, none) == (0.0, 0.0)
