"""Reading ServeGen model folders."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from servegen_folders import FIELDS, IDLE, Client, Window, clients_of, pmfs, write_folder, write_raw
from tracetide import _core

TRACE = "0,1,1,Gamma,1,1\n600,0,0,,0,0\n"
DATASET = '{"0": {"input_tokens": "{1: 1.0}", "output_tokens": "{2: 1.0}"}}'


def read(folder: Path, threads: int = 0) -> _core.Profile:
    return _core.Profile.read_servegen(str(folder), threads=threads)


@pytest.mark.parametrize("category", list(FIELDS))
def test_every_category_is_found_and_read(tmp_path: Path, category: str) -> None:
    profile = read(write_folder(tmp_path / "model", category=category))
    assert profile.category == category
    assert sorted(profile.fields) == sorted(FIELDS[category])
    assert profile.default_counts == "pinned"
    assert profile.client_names == ["chunk-0", "chunk-1", "chunk-2"]
    assert json.loads(profile.metadata)["name"] == "model"
    for client in range(3):
        for name, pmf in pmfs(category, 1 + client).items():
            id = profile.recorded(0, client, name)
            assert id is not None
            found = profile.distribution(id)
            assert dict(zip(found["values"].tolist(), found["probabilities"].tolist(), strict=True)) == pmf


@pytest.mark.parametrize("name", ["chunk-00-trace.csv", "chunk-01-dataset.json", "chunk-+1-trace.csv"])
def test_a_client_whose_number_is_written_otherwise_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_folder(tmp_path / "model")
    (folder / name).write_text(TRACE)
    with pytest.raises(_core.ProfileError, match=re.escape(name) + ".* without leading zeros"):
        read(folder)


def test_grids_windows_and_idle_windows(tmp_path: Path) -> None:
    windows = [IDLE, Window(2.0, 5.5, "Gamma", 0.007), Window(3.0, 0.1, "Weibull", 7.9), IDLE]
    epochs = [{}, pmfs("language")]
    profile = read(write_folder(tmp_path, clients=[Client(windows, epochs)], window_s=300))
    assert profile.window_ns == 300 * 10**9
    assert profile.period_ns == 1200 * 10**9
    assert (profile.epochs, profile.epoch_ns) == (2, 600 * 10**9)
    cells = profile.cells()
    assert cells["window"].tolist() == [1, 2]
    assert cells["rate"].tolist() == [2.0, 3.0]
    assert cells["cv"].tolist() == [5.5, 0.1]
    assert cells["shape"].tolist() == [0.007, 7.9]
    assert cells["family"].tolist() == [1, 2]
    assert profile.recorded(0, 0, "input_tokens") is None
    assert profile.resolved(0, 0, "input_tokens") == profile.recorded(1, 0, "input_tokens")


def test_an_epoch_with_only_some_fields_counts_as_missing(tmp_path: Path) -> None:
    whole = pmfs("language")
    epochs = [whole, {"input_tokens": {5: 1.0}}]
    profile = read(write_folder(tmp_path, clients=[Client(epochs=epochs)]))
    assert profile.recorded(1, 0, "input_tokens") is not None
    assert profile.recorded(1, 0, "output_tokens") is None
    for name in whole:
        assert profile.resolved(1, 0, name) == profile.recorded(0, 0, name)


def test_clients_are_in_order_of_their_numbers(tmp_path: Path) -> None:
    clients = dict(zip((10, 9, 100), clients_of("language"), strict=True))
    profile = read(write_folder(tmp_path, clients=clients))
    assert profile.client_names == ["chunk-9", "chunk-10", "chunk-100"]
    assert profile.cells()["rate"][:3].tolist() == [2.0, 1.0, 3.0]


def test_a_client_without_dataset_keeps_its_windows(tmp_path: Path) -> None:
    profile = read(write_folder(tmp_path, clients=[Client(epochs=[pmfs("language")]), Client(epochs=None)]))
    assert profile.cells()["client"].tolist() == [0, 1] * 4
    assert profile.resolved(0, 1, "input_tokens") is None


def test_the_image_depends_neither_on_threads_nor_on_where_the_folder_is(tmp_path: Path) -> None:
    clients = clients_of("language", 9)
    first = write_folder(tmp_path / "a" / "model", clients=clients)
    second = write_folder(tmp_path / "elsewhere" / "model", clients=clients)
    image = read(first, 1).to_bytes()
    for threads in (0, 2, 3, 8):
        assert read(first, threads).to_bytes() == image
    assert read(second).to_bytes() == image
    assert str(tmp_path).encode() not in image


def test_probabilities_are_kept_as_they_are_and_zeros_dropped(tmp_path: Path) -> None:
    text = DATASET.replace("{1: 1.0}", "{9: 0.25, 3: 0.7499, 5: 0.0}")
    found = read(write_raw(tmp_path, trace=TRACE, dataset=text)).distribution(0)
    assert found["values"].tolist() == [3, 9]
    assert found["probabilities"].tolist() == [0.7499, 0.25]


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        read(tmp_path / "none")
    assert caught.value.filename == str(tmp_path / "none")
    with pytest.raises(_core.ProfileError, match=r"no file chunk-<i>-trace.csv"):
        read(tmp_path)
    write_raw(tmp_path, dataset=DATASET)
    with pytest.raises(_core.ProfileError, match=r"chunk-0-dataset.json without its chunk-0-trace.csv"):
        read(tmp_path)
    with pytest.raises(_core.ProfileError, match="not a folder"):
        read(tmp_path / "chunk-0-dataset.json")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1200,1,1,Gamma,1", "5 columns"),
        ("1200,nan,1,Gamma,1,1", 'rate "nan"; allowed: requests/s from 0 to 1e12'),
        ("1200,-3,1,Gamma,1,1", 'rate "-3"'),
        ("1200,1e13,1,Gamma,1,1", 'rate "1e13"'),
        ("1200,1,1,Pareto,1,1", 'family "Pareto"; allowed: Exponential, Gamma, Weibull, or empty'),
        ("1200,1,1,,1,1", 'rate "1" without a family'),
        ("1200,1,1,Gamma,0.001,1", 'shape "0.001"; allowed: from 0.005 to 1e5'),
        ("600,1,1,Gamma,1,1", 'start "600" s; 1200 expected'),
        ("1201,1,1,Gamma,1,1", 'start "1201" s; 1200 expected'),
    ],
)
def test_wrong_rows_name_file_line_value_and_what_is_allowed(tmp_path: Path, row: str, message: str) -> None:
    write_raw(tmp_path, trace=TRACE + row + "\n", dataset=DATASET)
    with pytest.raises(_core.ProfileError, match=re.escape("chunk-0-trace.csv:3: " + message)):
        read(tmp_path)


def test_grids_that_differ_between_clients_are_refused(tmp_path: Path) -> None:
    write_raw(tmp_path, trace=TRACE, dataset=DATASET)
    write_raw(tmp_path, trace=TRACE.replace("600", "300"), number=1)
    with pytest.raises(_core.ProfileError, match=r"chunk-1-trace.csv:2: windows of 300 s; 600 s expected"):
        read(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "{1: 0.5, 1: 0.5}",
        "{1: {2: 1.0}}",
        "{1: 1e400}",
        "{1: -1.0, 2: 2.0}",
        "{1: nan}",
        "{1: 0.5}",
        "{1: 0.0}",
        "{1: 1.0} or 1",
        "{-1: 1.0}",
        "{1.5: 1.0}",
        "{5000000000: 1.0}",
        "{1: 1.0",
        "[1]",
        "dict()",
        "",
        "__import__('os').abort()",
    ],
)
def test_text_that_is_no_pmf_is_refused_and_never_run(tmp_path: Path, text: str) -> None:
    write_raw(tmp_path, trace=TRACE, dataset=DATASET.replace("{1: 1.0}", text))
    place = 'chunk-0-dataset.json:1: epoch "0", field input_tokens: not a PMF: '
    with pytest.raises(_core.ProfileError, match=re.escape(place)):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: '{' expected"),
        (DATASET[:-1], "1: .*'}' expected, found the end of the text"),
        (DATASET + "x", "1: nothing more expected"),
        (DATASET.replace("output", "outputs"), '1: epoch "0": field "outputs_tokens"; allowed: input_tokens'),
        (DATASET.replace('"0"', '"1200"'), "1: epoch 1200 s is not within the period of 1200 s"),
        (DATASET.replace('"0"', '"zero"'), '1: epoch "zero"; allowed'),
        (DATASET.replace('"{2: 1.0}"', "2"), '1: epoch "0", field output_tokens: \'"\' expected'),
        ("[" * 100000, "1: '{' expected"),
    ],
)
def test_broken_datasets_name_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    write_raw(tmp_path, trace=TRACE, dataset=text)
    with pytest.raises(_core.ProfileError, match="chunk-0-dataset.json:" + message):
        read(tmp_path)


REAL = {  # model: category, clients, clients with dataset, windows, epochs, requests in millions
    "m-large": ("language", 162, 147, 2016, 56, 236.9),
    "m-mid": ("language", 109, 74, 2016, 56, 2165),
    "m-small": ("language", 43, 38, 2016, 56, 1421),
    "deepseek-r1": ("reason", 73, 73, 144, 4, 1.38),
    "mm-image": ("multimodal", 35, 35, 144, 4, 0.82),
}


@pytest.mark.parametrize("model", list(REAL))
def test_the_published_models_are_read(servegen_profile: Callable[[str], Any], model: str) -> None:
    profile = servegen_profile(model)
    category, clients, with_dataset, windows, epochs, millions = REAL[model]
    assert (profile.category, profile.clients) == (category, clients)
    assert (profile.windows, profile.epochs) == (windows, epochs)
    assert (profile.window_ns, profile.epoch_ns) == (600 * 10**9, 21600 * 10**9)
    has_fields = [profile.resolved(0, client, "output_tokens") is not None for client in range(clients)]
    assert sum(has_fields) == with_dataset
    cells = profile.cells()
    assert cells["rate"].sum() * 600e-6 == pytest.approx(millions, rel=5e-3)
    assert np.all((cells["shape"] >= 0.005) & (cells["shape"] <= 1e5))
    assert json.loads(profile.metadata)["name"] == model


def test_real_files_give_the_values_in_them(servegen_profile: Callable[[str], Any], data_dir: Path) -> None:
    profile = servegen_profile("deepseek-r1")
    folder = data_dir / "servegen" / "reason" / "deepseek-r1"
    for client in (0, 7, 40):
        name = profile.client_names[client]
        dataset = json.loads((folder / f"{name}-dataset.json").read_text())
        for epoch, fields in enumerate(dataset.values()):
            for field, text in fields.items():
                entries = [entry.split(": ") for entry in text.strip("{}").split(", ") if entry]
                expected = {float(value): float(p) for value, p in entries if float(p) > 0}
                id = profile.recorded(epoch, client, field)
                assert (id is None) == (not expected)
                if id is not None:
                    found = profile.distribution(id)
                    assert dict(zip(found["values"], found["probabilities"], strict=True)) == expected
