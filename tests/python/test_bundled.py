"""The bundled profiles and the script that makes them."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import tracetide as tt
from cli_tools import succeeds
from servegen_folders import FIELDS, IDLE, Client, Window, clients_of, pmfs, write_folder
from tracetide import _core
from tracetide.profile.bundled import bundled, bundled_path, distance, knots, law, make
from tracetide.profile.bundled.conversations import keeps_output
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
    profile = _core.Profile.open(str(bundled_path("m-small")))
    assert (profile.clients, profile.windows, profile.epochs) == (43, 2016, 56)
    assert (profile.window_ns, profile.epoch_ns) == (600 * 10**9, 6 * 3600 * 10**9)
    metadata = json.loads(profile.metadata)
    assert metadata["name"] == "m-small"
    assert metadata["repository"].endswith("alibaba/ServeGen")
    assert metadata["commit"] == "f891d11"
    assert metadata["license"] == "Apache-2.0"
    assert metadata["distance"]["fields"]["input_tokens"]["ks_mean"] < 0.004


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no bundled profile 'm-tiny'; there are: .*m-small"):
        bundled_path("m-tiny")


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
def test_every_category_is_made_with_its_arrivals(tmp_path: Path, category: str) -> None:
    clients = [*clients_of(category, windows=24), Client([Window()] * 24, None)]
    folder = write_folder(tmp_path, category=category, clients=clients)
    made, maker = make.make(folder)
    source = _core.Profile.read_servegen(str(folder))
    assert made.category == category
    assert (made.windows, made.window_ns, made.epochs, made.epoch_ns) == (
        (source.windows, source.window_ns, source.epochs, source.epoch_ns)
    )
    assert made.default_counts == "pinned"
    assert distance.same_arrivals(made, source)
    assert made.resolved(0, 3, "output_tokens") is None
    assert maker.summary()["clients_without_lengths"] == ["chunk-3"]
    assert maker.summary()["share_without_lengths"] == pytest.approx(
        sum(row["requests"] for row in maker.clients() if not row["has_lengths"])
        / sum(row["requests"] for row in maker.clients()),
        rel=1e-3,
    )


def test_arrivals_are_kept_as_published(tmp_path: Path) -> None:
    windows = [Window(1.0, 2.0, "Gamma", 0.5), Window(3.5, 1.0, "Weibull", 0.9), IDLE, Window(0.25)]
    made, _ = make.make(write_folder(tmp_path, clients=[Client(windows, [pmfs("language")])]))
    cells = made.cells()
    assert made.window_ns == 600 * 10**9
    assert cells["window"].tolist() == [0, 1, 3]
    assert cells["rate"][:2].tolist() == [1.0, 3.5]
    assert cells["family"][:2].tolist() == [1, 2]
    assert cells["shape"][:2].tolist() == [0.5, 0.9]
    assert cells["cv"][:2].tolist() == [2.0, 1.0]


def test_lengths_are_kept_by_epoch_where_they_are_recorded(tmp_path: Path) -> None:
    # Two days of six-hour epochs; nothing is recorded in the sixth.
    epochs = [{"input_tokens": {10 + 100 * e: 1.0}, "output_tokens": {1: 1.0}} for e in range(8)]
    epochs[5] = {"input_tokens": {}, "output_tokens": {}}
    folder = write_folder(tmp_path, clients=[Client([Window(1.0)] * 48, epochs)], window_s=3600)
    made, maker = make.make(folder)
    assert made.epochs == 8
    for epoch in range(8):
        id = made.resolved(epoch, 0, "input_tokens")
        assert id is not None
        assert made.distribution(id)["values"].tolist() == [10 + 100 * (4 if epoch == 5 else epoch)]
        assert (made.recorded(epoch, 0, "input_tokens") is None) == (epoch == 5)
    assert len(maker.distances()) == 14


def test_clients_with_more_requests_have_more_knots(tmp_path: Path) -> None:
    clients = [
        Client([Window(rate)] * 6, [{"input_tokens": uniform(first), "output_tokens": {1: 1.0}}])
        for first, rate in ((1, 100.0), (2, 0.5), (3, 0.001))
    ]
    made, maker = make.make(write_folder(tmp_path, clients=clients))
    counts = [len(made.distribution(made.recorded(0, n, "input_tokens"))["values"]) for n in range(3)]
    assert counts == [129, 65, 17]  # 129 * sqrt(0.005 / 0.02), rounded up
    distances = [row.ks for row in maker.distances() if row.field == "input_tokens"]
    assert all(ks <= 1 / (knots - 1) for ks, knots in zip(distances, counts, strict=True))


def uniform(first: int) -> dict[int, float]:
    return dict.fromkeys(range(first, first + 2000), 1 / 2000)


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
    assert len(report["clients"]) == 3
    assert len(report["fields"]) == 6
    assert {row["epoch"] for row in report["fields"]} == {0}
    assert json.loads(_core.Profile.open(str(output)).metadata)["commit"] == "abc"


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "x.tide"
    assert make.main([str(tmp_path / "none"), "-o", str(output)]) == 2
    assert "none" in capsys.readouterr().err
    folder = write_folder(tmp_path / "odd")
    assert make.main([str(folder), "-o", str(output), "--knots", "1"]) == 2
    assert "knots 1;" in capsys.readouterr().err
    assert not output.exists()


PUBLISHED = {"m-large", "m-mid", "m-small", "mm-image", "deepseek-r1"}
MODELLED = {"m-long", "m-rp", "m-code", "mm-audio", "mm-video", "mm-omni", "deepqwen-r1"}


def metadata_of(name: str) -> dict:
    return json.loads(_core.Profile.open(str(bundled_path(name))).metadata)


def test_the_twelve_workloads_take_at_most_twelve_megabytes_in_the_wheel() -> None:
    assert set(bundled()) == PUBLISHED | MODELLED
    files = [bundled_path(name).read_bytes() for name in bundled()]
    assert sum(map(len, files)) <= 16_000_000
    assert sum(len(zlib.compress(file, 6)) for file in files) <= 7_000_000


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_profiles_say_where_they_are_from_and_how_far_from_it(name: str) -> None:
    metadata = metadata_of(name)
    assert metadata["name"] == name
    assert "modelled" not in metadata
    assert metadata["repository"].endswith("alibaba/ServeGen")
    assert (metadata["commit"], metadata["license"]) == ("f891d11", "Apache-2.0")
    for row in metadata["distance"]["fields"].values():
        assert row["ks_mean"] < 0.008
        assert row["ks_max"] < 0.07


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


@pytest.mark.parametrize("model", make.BUNDLED)
def test_bundled_against_source(servegen_profile, model: str) -> None:
    name = Path(model).name
    made, source = _core.Profile.open(str(bundled_path(name))), servegen_profile(name)
    assert distance.same_arrivals(made, source)
    assert max(distance.ks_distances(made, source).values()) < 0.005


@pytest.mark.parametrize("model", ["reason/deepseek-r1", "multimodal/mm-image"])
def test_bundled_files_are_what_the_script_makes(data_dir: Path, model: str) -> None:
    folder = data_dir / "servegen" / model
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder")
    made, _ = make.make(folder)
    assert made.to_bytes() == bundled_path(folder.name).read_bytes()


@pytest.mark.parametrize("category", list(FIELDS))
def test_few_values_are_kept_as_they_are(tmp_path: Path, category: str) -> None:
    clients = clients_of(category, windows=24)
    folder = write_folder(tmp_path, category=category, clients=clients)
    made, maker = make.make(folder)
    found = distance.ks_distances(made, _core.Profile.read_servegen(str(folder)))
    assert max(found.values()) == pytest.approx(0, abs=1e-12)
    assert all(row.ks == 0 for row in maker.distances())
    kinds = {made.distribution(id)["kind"] for id in range(made.distributions)}
    assert kinds <= {"integer_pmf", "real_pmf"}


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
    assert distance.same_arrivals(first, first)
    assert not distance.same_arrivals(first, second)
    assert distance.ks_distances(first, second) == {
        "input_tokens": pytest.approx(0.3),
        "output_tokens": 0.0,
    }
    other = write_folder(tmp_path / "c", clients=[Client([Window()] * 6, [lengths])])
    assert not distance.same_arrivals(first, _core.Profile.read_servegen(str(other)))


def test_resolutions_give_knots_by_the_root_of_the_share() -> None:
    resolution = law.Resolution(knots=129)
    assert [resolution.knots_for(share) for share in (0.5, 0.02, 0.005, 0.0)] == [129, 129, 65, 17]
    assert law.Resolution(9).knots_for(0.0) == 9
    with pytest.raises(ValueError, match="knots 1;"):
        law.Resolution(knots=1)


def test_whole_outputs_come_back_in_five_requests_of_six() -> None:
    requests = np.array([40.0, 10.0, 5.0, 25.0, 9.0, 11.0])
    keeps = keeps_output(requests)
    assert keeps.tolist() == [True, True, False, True, True, False]
    assert requests[keeps].sum() / requests.sum() == pytest.approx(0.84)


def test_conversations_are_as_published() -> None:
    trace = tt.generate(tt.load("deepseek-r1"), duration="1d", seed=0)
    belongs = trace.session_id != tt.NO_SESSION
    assert belongs.mean() == pytest.approx(0.096, abs=0.001)
    order = np.flatnonzero(belongs)[np.lexsort((trace.turn[belongs], trace.session_id[belongs]))]
    session, start = trace.session_id[order], trace.timestamp[order]
    inputs, outputs = (getattr(trace, name)[order].astype(int) for name in ("input_tokens", "output_tokens"))
    reason = trace.reason_tokens[order].astype(int)
    _, first, turns = np.unique(session, return_index=True, return_counts=True)
    whole = turns[(trace.turn[order][first] == 1) & (start[first] < 64_800)]  # with six hours to go on in
    assert (np.median(whole), np.quantile(whole, 0.9), whole.max()) == (2, 7, 45)
    # 25,000 conversations with a standard deviation of 3.9; some turns come too late.
    assert whole.mean() == pytest.approx(3.54, abs=0.1)
    follows = session[1:] == session[:-1]
    apart = np.diff(start)[follows]
    assert np.median(apart) == pytest.approx(100, rel=0.05)
    assert np.quantile(apart, 0.9) > 7 * np.median(apart)
    added = (inputs[1:] - inputs[:-1] - outputs[:-1])[follows]
    assert (added >= 0).mean() == pytest.approx(0.83, abs=0.02)
    assert (added + reason[:-1][follows] >= 0).mean() > 0.98  # all but those at the limit of the context


def test_outputs_of_the_distilled_model_are_near_the_published_thinking_trace() -> None:
    outputs = tt.generate(tt.load("deepqwen-r1"), duration="1d", seed=0).output_tokens
    assert outputs.mean() == pytest.approx(3651, rel=0.05)
    assert np.median(outputs) == pytest.approx(1665, rel=0.05)
    assert np.quantile(outputs, 0.99) == pytest.approx(34_529, rel=0.15)  # the limit is 32,768
    assert outputs.max() <= 32_768


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
