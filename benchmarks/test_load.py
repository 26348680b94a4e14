"""How long until a profile can be used: from a ServeGen folder, from a `.tide` file, and the reference's way?

The peer reads csv, json and a Python literal for every distribution, into arrays for look-ups. Files are in
the page cache in all cases.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tracetide as tt
from peers import reference_load
from profiles import Spec, synthetic, write_servegen_folder

WAYS = ["servegen_folder", "servegen_folder_1_thread", "tide_file", "reference_algorithm"]


@pytest.fixture(scope="module")
def synthetic_folder(quick: bool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pool = synthetic(Spec(clients=3 if quick else 40, windows=144))
    return write_servegen_folder(pool, tmp_path_factory.mktemp("servegen") / "synthetic")


def load(measure: Any, group: str, way: str, folder: Path, scratch: Path) -> None:
    clients = len(list(folder.glob("chunk-*-trace.csv")))
    if way == "reference_algorithm":
        traces, _ = measure(group, reference_load, folder, rounds=1)
        assert len(traces) == clients
        return
    if way == "tide_file":
        tide = scratch / "profile.tide"
        tt.load(folder).write(tide)
        pool = measure(group, tt.load, tide, rounds=20)
    else:
        threads = 1 if way.endswith("1_thread") else 0
        pool = measure(group, lambda: tt.load(folder, threads=threads))
    assert len(pool) == clients


@pytest.mark.parametrize("way", WAYS)
def test_synthetic(measure: Any, synthetic_folder: Path, tmp_path: Path, way: str) -> None:
    load(measure, "load: synthetic folder", way, synthetic_folder, tmp_path)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", ["mm-image", "deepseek-r1"])
def test_real(
    measure: Any,
    quick: bool,
    real_folder: Callable[[str], Path],
    tmp_path: Path,
    model: str,
    way: str,
) -> None:
    if quick and model != "mm-image":
        pytest.skip("--quick: one real folder is enough")
    load(measure, f"load: {model}", way, real_folder(model), tmp_path)


def test_bundled(measure: Any) -> None:
    assert len(measure("load: bundled m-small", tt.load, "m-small", rounds=20)) == 43
