"""Profiles and `.tide` files through the extension."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path

import numpy as np
import pytest
from platforms import bound_by_permissions
from tracetide import _core


def make_builder(category: str = "language", **changes: object) -> _core.ProfileBuilder:
    options: dict[str, object] = {
        "window_ns": 600,
        "windows": 4,
        "epoch_ns": 1200,
        "epochs": 2,
        "default_counts": "renewal",
        "metadata": '{"name": "test"}',
    }
    return _core.ProfileBuilder(category, **{**options, **changes})


def make_profile() -> _core.Profile:
    builder = make_builder("reason")
    builder.add_client("first")
    builder.add_client("Zweiter ü")
    builder.add_cells(
        0,
        np.array([0, 2], np.uint32),
        np.array([1.5, 2.5]),
        np.array([0.5, 1.0]),
        np.array([2.0, np.nan]),
        np.array([1, 0], np.uint8),
    )
    builder.set_field(1, 0, "input_tokens", builder.add_integer_pmf([1, 7], [0.25, 0.75]))
    builder.set_field(1, 0, "output_tokens", builder.add_quantiles([1.0, 2.0, 5.0], 1, 9))
    builder.set_field(1, 0, "reason_ratio", builder.add_real_pmf([0.0, 0.5], [0.5, 0.5]))
    return builder.build()


def test_a_built_profile_gives_back_what_was_added() -> None:
    profile = make_profile()
    assert profile.category == "reason"
    assert profile.default_counts == "renewal"
    assert json.loads(profile.metadata) == {"name": "test"}
    assert profile.fields == ["input_tokens", "output_tokens", "reason_ratio"]
    assert profile.client_names == ["first", "Zweiter ü"]
    assert (profile.clients, profile.windows, profile.epochs, profile.distributions) == (2, 4, 2, 3)
    assert (profile.window_ns, profile.epoch_ns, profile.period_ns) == (600, 1200, 2400)
    cells = profile.cells()
    assert list(cells) == ["window", "client", "rate", "shape", "cv", "family"]
    assert cells["window"].tolist() == [0, 2]
    assert cells["client"].tolist() == [0, 0]
    assert cells["rate"].tolist() == [1.5, 2.5]
    assert cells["shape"].tolist() == [0.5, 1.0]
    np.testing.assert_array_equal(cells["cv"], [2.0, np.nan])
    assert cells["family"].tolist() == [1, 0]


def test_distributions_are_found_by_epoch_client_and_field() -> None:
    profile = make_profile()
    assert profile.recorded(0, 0, "input_tokens") is None
    assert profile.resolved(0, 0, "input_tokens") == profile.recorded(1, 0, "input_tokens") == 0
    assert profile.resolved(0, 1, "input_tokens") is None
    pmf = profile.distribution(0)
    assert pmf["kind"] == "integer_pmf"
    assert pmf["values"].tolist() == [1, 7]
    assert pmf["values"].dtype == np.uint32
    assert pmf["probabilities"].tolist() == [0.25, 0.75]
    assert (pmf["minimum"], pmf["maximum"]) == (1, 7)
    quantiles = profile.distribution(1)
    assert quantiles["kind"] == "quantiles"
    assert "probabilities" not in quantiles
    assert quantiles["values"].tolist() == [1, 2, 5]
    assert (quantiles["minimum"], quantiles["maximum"]) == (1, 9)
    assert profile.distribution(2)["kind"] == "real_pmf"


def test_arrays_are_read_only_and_keep_the_profile_alive() -> None:
    profile = make_profile()
    cells = profile.cells()
    values = profile.distribution(0)["values"]
    for array in (*cells.values(), values):
        assert not array.flags.writeable
    del profile
    gc.collect()
    assert cells["rate"].sum() == 4.0
    assert values.tolist() == [1, 7]


def test_what_is_asked_for_must_exist() -> None:
    profile = make_profile()
    with pytest.raises(ValueError, match='field "foo"; allowed: input_tokens, output_tokens, reason_ratio'):
        profile.recorded(0, 0, "foo")
    with pytest.raises(IndexError, match="epoch 2; there are 2"):
        profile.resolved(2, 0, "input_tokens")
    with pytest.raises(IndexError, match="client 2; there are 2"):
        profile.resolved(0, 2, "input_tokens")
    with pytest.raises(IndexError, match="distribution 3; there are 3"):
        profile.distribution(3)


def test_files_and_bytes_hold_the_same_profile(tmp_path: Path) -> None:
    profile = make_profile()
    path = tmp_path / "p.tide"
    profile.write(str(path))
    assert os.listdir(tmp_path) == ["p.tide"]
    assert path.read_bytes() == profile.to_bytes()
    assert _core.Profile.open(str(path)).to_bytes() == profile.to_bytes()
    assert _core.Profile.from_bytes(profile.to_bytes()).to_bytes() == profile.to_bytes()


def test_system_errors_are_os_errors_with_errno_and_filename(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.tide")
    with pytest.raises(FileNotFoundError) as caught:
        _core.Profile.open(missing)
    assert caught.value.filename == missing
    with pytest.raises(IsADirectoryError):
        _core.Profile.open(str(tmp_path))
    into = str(tmp_path / "no" / "p.tide")
    with pytest.raises(FileNotFoundError) as caught:
        make_profile().write(into)
    assert caught.value.filename == into
    with pytest.raises(IsADirectoryError):
        make_profile().write(str(tmp_path))
    assert os.listdir(tmp_path) == []


@bound_by_permissions
def test_folders_without_permission_are_permission_errors(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        make_profile().write(str(tmp_path / "p.tide"))


def test_profile_error_is_a_value_error() -> None:
    assert issubclass(_core.ProfileError, ValueError)


@pytest.mark.parametrize("size", [0, 10, 64, 500, 1000])
def test_truncated_files_are_profile_errors_that_name_the_file(tmp_path: Path, size: int) -> None:
    path = tmp_path / "cut.tide"
    path.write_bytes(make_profile().to_bytes()[:size])
    with pytest.raises(_core.ProfileError, match=r"cut.tide: "):
        _core.Profile.open(str(path))


def test_every_altered_byte_is_a_profile_error() -> None:
    image = make_profile().to_bytes()
    for position in range(0, len(image), 3):
        altered = bytearray(image)
        altered[position] ^= 1
        with pytest.raises(_core.ProfileError, match=r"altered.tide: "):
            _core.Profile.from_bytes(bytes(altered), "altered.tide")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"category": "text"}, 'category "text"; allowed: language, reason, multimodal'),
        ({"default_counts": "profile"}, 'default_counts "profile"; allowed: pinned, renewal, servegen'),
        ({"window_ns": 0}, "window_ns 0; allowed: above 0"),
        ({"epoch_ns": 601}, "epoch_ns 601; allowed: a positive multiple of window_ns 600"),
        ({"windows": 0}, "windows 0"),
        ({"epochs": 0}, "epochs 0"),
        ({"metadata": "x"}, "metadata: not a JSON object"),
    ],
)
def test_wrong_builders_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_builder(**changes)


def test_wrong_cells_are_refused() -> None:
    builder = make_builder()
    builder.add_client("a")

    def add(window: int = 0, rate: float = 1, shape: float = 1, cv: float = 1, family: int = 1) -> None:
        builder.add_cells(
            0,
            np.array([window], np.uint32),
            np.array([rate]),
            np.array([shape]),
            np.array([cv]),
            np.array([family], np.uint8),
        )

    for rate in (0.0, -1.0, float("nan"), float("inf"), 2e12):
        with pytest.raises(_core.ProfileError, match=r"rate .*; allowed: above 0, at most 1e12"):
            add(rate=rate)
    for shape in (0.001, 1e6, float("nan")):
        with pytest.raises(_core.ProfileError, match=r"shape .*; allowed: 0\.005 to 1e5"):
            add(shape=shape)
    with pytest.raises(_core.ProfileError, match="family 4"):
        add(family=4)
    with pytest.raises(_core.ProfileError, match="window 4; there are 4"):
        add(window=4)
    with pytest.raises(ValueError, match="must have one length"):
        builder.add_cells(0, np.zeros(2, np.uint32), np.ones(1), np.ones(2), np.ones(2), np.ones(2, np.uint8))
    with pytest.raises(ValueError, match="2 dimensions"):
        builder.add_integer_pmf(np.ones((2, 2), np.uint32), np.ones(2))
    add()
    add()
    with pytest.raises(_core.ProfileError, match="client 0 has two cells in window 0"):
        builder.build()


def test_casts_that_could_change_values_are_refused() -> None:
    builder = make_builder()
    with pytest.raises(TypeError):
        builder.add_integer_pmf(np.array([-1, 2]), np.array([0.5, 0.5]))


def test_equal_distributions_get_one_id() -> None:
    builder = make_builder()
    first = builder.add_integer_pmf([1, 2], [0.5, 0.5])
    assert builder.add_integer_pmf([1, 2], [0.5, 0.5]) == first
    assert builder.add_integer_pmf([1, 3], [0.5, 0.5]) != first
