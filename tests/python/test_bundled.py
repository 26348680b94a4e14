"""The bundled profiles and the script that makes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tracetide as tt
from cli_tools import succeeds
from servegen_folders import FIELDS, IDLE, Client, Window, clients_of, pmfs, write_folder
from tracetide import _core
from tracetide.profile.bundled import bundled, bundled_path, distance, knots, make
from tracetide.profile.bundled.conversations import CONVERSATIONS
from tracetide.profile.bundled.modelled import WORKLOADS, construct


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


PUBLISHED = {"m-large", "m-mid", "m-small", "mm-image", "deepseek-r1"}
MODELLED = {"m-long", "m-rp", "m-code", "mm-audio", "mm-video", "mm-omni", "deepqwen-r1"}


def metadata_of(name: str) -> dict:
    return json.loads(_core.Profile.open(str(bundled_path(name))).metadata)


def test_the_twelve_workloads_take_at_most_five_megabytes() -> None:
    assert set(bundled()) == PUBLISHED | MODELLED
    assert sum(bundled_path(name).stat().st_size for name in bundled()) <= 5_000_000


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_profiles_say_where_they_are_from_and_how_far_from_it(name: str) -> None:
    metadata = metadata_of(name)
    assert metadata["name"] == name
    assert "modelled" not in metadata
    assert metadata["repository"].endswith("alibaba/ServeGen")
    assert (metadata["commit"], metadata["license"]) == ("f891d11", "Apache-2.0")
    for row in metadata["distance"]["fields"].values():
        assert row["ks_mean"] < 0.01
        assert row["ks_max"] < 0.035
    if name != "m-small":
        assert max(metadata["distance"]["whole"]["ks"].values()) < 0.005


@pytest.mark.parametrize("name", sorted(MODELLED))
def test_modelled_profiles_say_so_with_a_reason_for_what_is_assumed(name: str) -> None:
    metadata = metadata_of(name)
    assert metadata["modelled"] is True
    assert metadata["description"] == "arXiv 2505.09999"
    assert {"rate", "lengths"} <= set(metadata["assumptions"])
    for reason in metadata["assumptions"].values():
        assert "arXiv 2505.09999" in reason or "chosen: " in reason


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_modelled_profiles_are_as_their_description_says(workload) -> None:
    profile = _core.Profile.open(str(bundled_path(workload.name)))
    assert (profile.category, profile.clients) == (workload.category, workload.clients)
    assert (profile.windows, profile.epochs) == (24 * workload.days, 4)
    cells = profile.cells()
    assert cells["rate"].sum() / profile.windows == pytest.approx(workload.rate, rel=1e-5)
    requests = np.sort(np.bincount(cells["client"], cells["rate"]))[::-1]
    assert 0.1 < requests[0] / requests.sum() < 0.5
    assert requests[:5].sum() / requests.sum() > 0.35
    by_hour = np.bincount(cells["window"] % 24, cells["rate"], minlength=24)
    assert abs(int(by_hour.argmax()) - int(np.argmax(workload.hours))) <= 6


def test_the_modelled_files_are_what_their_script_makes() -> None:
    # A third of a second; `python -m tracetide.profile.bundled.modelled -o FOLDER` renews them.
    for workload in WORKLOADS:
        assert construct(workload).to_bytes() == bundled_path(workload.name).read_bytes(), workload.name


def test_code_is_written_on_weekdays_and_role_play_in_the_evening() -> None:
    def curve(name: str) -> np.ndarray:
        cells = _core.Profile.open(str(bundled_path(name))).cells()
        return np.bincount(cells["window"], cells["rate"], minlength=168).reshape(7, 24)

    code, play = curve("m-code"), curve("m-rp")
    assert code[5:].mean() < 0.35 * code[:5].mean()
    assert code[:5, 9:18].mean() > 5 * code[:5, :6].mean()
    assert play[:, 19:23].mean() > 1.5 * play.mean()
    assert play[5:].mean() > play[:5].mean()


def test_reason_and_answer_correlate_more_than_in_the_published_profile() -> None:
    from scipy.stats import spearmanr

    def correlation(name: str) -> float:
        trace = tt.generate(tt.load(name), rate=1, duration="1d", seed=0)
        return spearmanr(trace.reason_tokens, trace.output_tokens - trace.reason_tokens).statistic

    assert correlation("deepqwen-r1") > correlation("deepseek-r1") > 0.2


def test_every_bundled_profile_generates() -> None:
    for name in sorted(PUBLISHED | MODELLED):
        pool = tt.load(name)
        if name in {"m-large", "m-mid", "m-small"}:
            with pytest.warns(UserWarning, match="are left out"):
                trace = tt.generate(pool, rate=5, duration="1h", seed=0)
        else:
            trace = tt.generate(pool, rate=5, duration="1h", seed=0)
        assert len(trace) > 5000
        assert trace.input_tokens.min() >= 0


@pytest.mark.parametrize("model", list(make.BUNDLED))
def test_bundled_against_source(data_dir: Path, servegen_profile, model: str) -> None:
    name = Path(model).name
    found = distance.compare(_core.Profile.open(str(bundled_path(name))), servegen_profile(name))
    assert found.share_error < 1e-12
    assert found.curve_error < 1e-9
    assert found.curve_error_within < 0.15
    assert max(found.ks.values()) < 0.005


@pytest.mark.parametrize("model", ["reason/deepseek-r1", "multimodal/mm-image"])
def test_other_categories_are_what_the_script_makes(data_dir: Path, model: str) -> None:
    folder = data_dir / "servegen" / model
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder")
    made, _ = make.make(folder, resolution=make.BUNDLED[model], sessions=CONVERSATIONS.get(folder.name))
    assert made.session_models() == _core.Profile.open(str(bundled_path(folder.name))).session_models()
    opened = _core.Profile.open(str(bundled_path(folder.name)))
    assert made.distributions == opened.distributions
    for column, values in made.cells().items():
        np.testing.assert_allclose(values, opened.cells()[column], rtol=1e-12)


@pytest.mark.parametrize("category", list(FIELDS))
def test_few_values_are_kept_as_they_are(tmp_path: Path, category: str) -> None:
    clients = clients_of(category, windows=24)
    folder = write_folder(tmp_path, category=category, clients=clients)
    made, maker = make.make(folder, resolution=make.Resolution(least=9, exact=True))
    source = _core.Profile.read_servegen(str(folder))
    found = distance.compare(made, source)
    assert max(found.ks.values()) == pytest.approx(0, abs=1e-12)
    assert all(row.ks == pytest.approx(0, abs=1e-12) for row in maker.field_distances)
    kinds = {made.distribution(id)["kind"] for id in range(made.distributions)}
    assert kinds <= {"integer_pmf", "real_pmf"}
    assert "whole" in json.loads(made.metadata)["distance"]


def test_distances_see_what_differs(tmp_path: Path) -> None:
    lengths = {"input_tokens": {10: 0.5, 20: 0.5}, "output_tokens": {1: 1.0}}
    shifted = {"input_tokens": {10: 0.2, 20: 0.8}, "output_tokens": {1: 1.0}}
    folders = [
        write_folder(
            tmp_path / name, clients=[Client([Window(rate)] * 6, [pmf]), Client([Window(1.0)] * 6, None)]
        )
        for name, rate, pmf in (("a", 1.0, lengths), ("b", 3.0, shifted))
    ]
    first, second = (_core.Profile.read_servegen(str(folder)) for folder in folders)
    found = distance.compare(first, second)
    assert found.share_error == pytest.approx(0.25)
    assert found.curve_error == pytest.approx(0.5)
    assert found.ks == {"input_tokens": pytest.approx(0.3), "output_tokens": 0.0}
    other = write_folder(tmp_path / "c", clients=[Client([Window()] * 6, [lengths])])
    with pytest.raises(ValueError, match="same clients"):
        distance.compare(first, _core.Profile.read_servegen(str(other)))


def test_resolutions_give_knots_by_the_root_of_the_share() -> None:
    resolution = make.Resolution(knots=129, least=33)
    assert [resolution.knots_for(share) for share in (0.5, 0.01, 0.0025, 0.0)] == [129, 129, 65, 33]
    assert make.Resolution().knots_for(0.0) == 129
    with pytest.raises(ValueError, match="least knots 200"):
        make.Resolution(knots=129, least=200)
    with pytest.raises(ValueError, match="knots 1;"):
        make.Resolution(knots=1)


def test_the_distance_of_two_pmfs() -> None:
    first = knots.Pmf(np.array([1.0, 2.0]), np.array([0.5, 0.5]))
    second = knots.Pmf(np.array([1.0, 3.0]), np.array([0.3, 0.7]))
    assert knots.pmf_distance(first, second) == pytest.approx(0.7)
    assert knots.pmf_distance(first, first) == 0.0


def test_the_list_tells_modelled_from_published_and_what_is_left_out() -> None:
    lines = {line.split()[0]: line for line in succeeds("profiles").stdout.decode().splitlines()}
    assert set(lines) == {"name", *bundled()}
    assert "modelled: arXiv 2505.09999" in lines["m-code"]
    assert "published: alibaba/ServeGen f891d11, Apache-2.0" in lines["m-large"]
    assert "37%" in lines["m-large"]
    assert "image_tokens" not in lines["mm-audio"]
    entries = {entry["name"]: entry for entry in json.loads(succeeds("profiles", "--json").stdout)}
    assert {name for name, entry in entries.items() if entry["origin"] == "modelled"} == MODELLED
    assert {name for name, entry in entries.items() if entry["origin"] == "published"} == PUBLISHED
