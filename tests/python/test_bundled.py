"""The bundled profiles and the script that makes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from servegen_folders import FIELDS, IDLE, Client, Window, clients_of, pmfs, write_folder
from tracetide import _core
from tracetide.profiles import bundled, bundled_path, knots, make


def law_of(quantiles: np.ndarray, whole: bool, n: int = 400_000) -> np.ndarray:
    """Draws at evenly spaced u, as the sampler makes them."""
    u = (np.arange(n) + 0.5) / n
    x = np.interp(u * (len(quantiles) - 1), np.arange(len(quantiles)), quantiles)
    return np.floor(x + 0.5) if whole else x


def random_pmf(seed: int, whole: bool) -> knots.Pmf:
    generator = np.random.default_rng(seed)
    size = int(generator.integers(1, 400))
    raw = np.exp(generator.normal(5, 1.5, size)) if whole else generator.random(size)
    values = np.unique(np.floor(raw) if whole else raw)
    masses = generator.pareto(0.8, len(values)) + 1e-3
    return knots.Pmf(values, masses / masses.sum())


def test_m_small_is_there_with_its_provenance() -> None:
    assert "m-small" in bundled()
    path = bundled_path("m-small")
    assert path.stat().st_size <= 500_000
    profile = _core.Profile.open(str(path))
    assert (profile.clients, profile.windows, profile.epochs) == (43, 336, 4)
    assert (profile.window_ns, profile.epoch_ns) == (3600 * 10**9, 6 * 3600 * 10**9)
    metadata = json.loads(profile.metadata)
    assert metadata["name"] == "m-small"
    assert metadata["repository"].endswith("alibaba/ServeGen")
    assert metadata["commit"] == "f891d11"
    assert metadata["license"] == "Apache-2.0"
    assert metadata["distance"]["fields"]["input_tokens"]["ks_max"] < 0.01


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no bundled profile 'm-tiny'; there are: .*m-small"):
        bundled_path("m-tiny")


def test_m_small_is_what_the_script_makes(data_dir: Path) -> None:
    folder = data_dir / "servegen" / "language" / "m-small"
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder")
    made, maker = make.make(folder)
    opened = _core.Profile.open(str(bundled_path("m-small")))
    # Not byte by byte: exp and log differ in the last bit between NumPy's builds.
    for name, column in made.cells().items():
        np.testing.assert_allclose(column, opened.cells()[name], rtol=1e-12)
    assert made.distributions == opened.distributions
    summary = maker.summary()
    assert summary["rate_error_max"] < 1e-12
    for row in summary["fields"].values():
        assert row["ks_mean"] < 0.006
        assert row["ks_max"] < 0.01
        assert abs(row["mean_error"]) < 0.001


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_knots_are_near_and_their_distance_is_that_of_the_draws(seed: int, whole: bool) -> None:
    pmf = random_pmf(seed, whole)
    fitted = knots.fit(pmf, 65, whole=whole)
    assert np.all(np.diff(fitted) >= 0)
    assert fitted[0] >= pmf.values[0]
    assert fitted[-1] <= pmf.values[-1]
    distance = knots.ks_distance(fitted, pmf, whole=whole)
    assert distance <= 1 / 64 + 1e-9
    draws = np.sort(law_of(fitted, whole))
    at = np.searchsorted(draws, pmf.values, side="right") / len(draws) - pmf.cumulative
    below = np.searchsorted(draws, pmf.values) / len(draws) - (pmf.cumulative - pmf.probabilities)
    assert distance == pytest.approx(max(abs(at).max(), abs(below).max()), abs=1e-4)
    assert knots.mean_of(fitted) == pytest.approx(draws.mean(), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("value", [0, 1, 77])
def test_a_constant_is_fitted_exactly(value: int) -> None:
    pmf = knots.Pmf(np.array([float(value)]), np.array([1.0]))
    assert knots.fit(pmf, 9, whole=True).tolist() == [value] * 9


@pytest.mark.parametrize("category", list(FIELDS))
def test_every_category_is_made(tmp_path: Path, category: str) -> None:
    clients = [*clients_of(category, windows=24), Client([Window()] * 24, None)]
    made, maker = make.make(write_folder(tmp_path, category=category, clients=clients))
    assert made.category == category
    assert (made.windows, made.epochs, made.clients) == (4, 1, 4)
    assert made.default_counts == "pinned"
    assert made.resolved(0, 3, "output_tokens") is None
    assert maker.summary()["clients_without_lengths"] == ["chunk-3"]
    for client in range(3):
        for field in FIELDS[category]:
            id = made.recorded(0, client, field)
            assert id is not None
            assert made.distribution(id)["kind"] == "quantiles"


def test_hours_keep_the_rate_and_take_the_family_with_most_requests(tmp_path: Path) -> None:
    hour = [
        Window(1.0, 2.0, "Gamma", 0.5),
        Window(3.0, 4.0, "Gamma", 2.0),
        Window(3.5, 1.0, "Weibull", 0.9),
        IDLE,
        IDLE,
        IDLE,
    ]
    clients = [Client(hour + [IDLE] * 6, [pmfs("language")])]
    made, maker = make.make(write_folder(tmp_path, clients=clients))
    cells = made.cells()
    assert cells["window"].tolist() == [0]
    assert cells["rate"][0] == pytest.approx(7.5 / 6)
    assert cells["family"][0] == 1
    assert cells["shape"][0] == pytest.approx(0.5**0.25 * 2.0**0.75)
    assert cells["cv"][0] == pytest.approx((1 * 2 + 3 * 4 + 3.5 * 1) / 7.5)
    assert maker.client_distances[0].requests == pytest.approx(7.5 * 600)


def test_parts_of_the_day_mix_the_days_by_requests(tmp_path: Path) -> None:
    # Two days of four windows a part of the day; lengths by day part and day; the second day sends thrice.
    windows = [Window(1.0)] * 24 + [Window(3.0)] * 24
    epochs = [{"input_tokens": {10 + 100 * e: 1.0}, "output_tokens": {1: 1.0}} for e in range(8)]
    folder = write_folder(tmp_path, clients=[Client(windows, epochs)], window_s=3600)
    made, _ = make.make(folder)
    assert made.epochs == 4
    for part in range(4):
        id = made.recorded(part, 0, "input_tokens")
        assert id is not None
        draws = law_of(made.distribution(id)["values"], whole=True)
        assert (draws <= 10 + 100 * part).mean() == pytest.approx(0.25, abs=1 / 128)
        assert (draws >= 410 + 100 * part).mean() == pytest.approx(0.75, abs=1 / 128)


def test_the_command_writes_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clients = clients_of("language", windows=12)
    folder = write_folder(tmp_path / "small", clients=clients)
    output = tmp_path / "small.tide"
    assert make.main([str(folder), "-o", str(output), "--knots", "17"]) == 0
    table = capsys.readouterr().out
    assert "chunk-2" in table
    assert f"{output.stat().st_size} bytes" in table
    assert make.main([str(folder), "-o", str(output), "--json", "--commit", "abc"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["summary"]["clients"] == 3
    assert len(report["fields"]) == 6
    assert json.loads(_core.Profile.open(str(output)).metadata)["commit"] == "abc"


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "x.tide"
    assert make.main([str(tmp_path / "none"), "-o", str(output)]) == 2
    assert "none" in capsys.readouterr().err
    folder = write_folder(tmp_path / "odd", window_s=700)
    assert make.main([str(folder), "-o", str(output)]) == 2
    assert "windows that divide an hour" in capsys.readouterr().err
    assert not output.exists()
