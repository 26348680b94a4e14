"""What does ServeGen's interface cost on the engine: as Python objects, and as tracetide's arrays?

`dropin` is `tracetide.servegen.generate_workload`: its windows, its filters, a list of objects. `tracetide`
is the same clients and rates as a stream of arrays. The reference's way begins with arrays to look up that
are ready-made. All use one thread but `tracetide`, which uses all cores.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tracetide as tt
from peers import plan, reference_algorithm
from profiles import GAMMA, Spec, synthetic, write_servegen_folder
from tracetide.servegen import Category, ClientPool, generate_workload
from tracetide.servegen.utils import get_constant_rate_fn

WAYS = ["dropin", "tracetide", "reference_algorithm"]
WINDOWS = 6


def run(measure: Any, group: str, way: str, folder: Path, category: Category, requests: int) -> None:
    rate = requests / (WINDOWS * 600.0)
    if way == "dropin":
        view = ClientPool(category, folder.name, base_dir=str(folder.parents[1])).span(0, WINDOWS * 600)
        rates = get_constant_rate_fn(view, rate)
        made = len(measure(group, lambda: generate_workload(view, rates, WINDOWS * 600, seed=0), rounds=3))
    elif way == "tracetide":
        pool = tt.load(folder)
        # Clients without a dataset file are not in the reference's pools.
        job = tt.Job(pool.select(known(pool)), rate=rate, duration=WINDOWS * pool.window, counts="servegen")
        made = measure(group, lambda: sum(map(len, job.stream())))
    else:
        steps = list(plan(tt.load(folder), rate=rate, windows=WINDOWS))
        made = len(measure(group, reference_algorithm, steps, rounds=1))
    assert made == pytest.approx(requests, rel=0.05)


def known(pool: tt.ClientPool) -> list[int]:
    ids = pool.profile.ids(True)[0]
    return [client for client in range(len(pool)) if (ids[client] != 0xFFFFFFFF).all()]


@pytest.mark.parametrize("way", WAYS)
def test_synthetic(measure: Any, requests_wanted: int, tmp_path: Path, way: str) -> None:
    pool = synthetic(Spec(family=GAMMA, windows=WINDOWS, epochs=1))
    folder = write_servegen_folder(pool, tmp_path / "language" / "synthetic")
    run(measure, "servegen: synthetic language", way, folder, Category.LANGUAGE, requests_wanted)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", ["m-small", "deepseek-r1", "mm-image"])
def test_real(
    measure: Any, requests_wanted: int, real_folder: Callable[[str], Path], model: str, way: str
) -> None:
    folder = real_folder(model)
    category = Category(folder.parent.name)
    run(measure, f"servegen: {model}", way, folder, category, requests_wanted)
