"""Options and fixtures shared by all benchmarks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from realdata import MODELS, data_folder

Measure = Callable[..., Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick",
        action="store_true",
        help="small sizes, every benchmark once and untimed: checks that the benchmarks work",
    )


# First, as pytest-benchmark reads its options when it is configured.
@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--quick"):
        config.option.benchmark_disable = True


@pytest.fixture(scope="session")
def quick(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--quick"))


@pytest.fixture(scope="session")
def requests_wanted(quick: bool) -> int:
    """Requests of a benchmark in which peers take part."""
    return 20_000 if quick else 1_000_000


@pytest.fixture
def measure(benchmark: Any) -> Measure:
    """Times `function(*arguments)` in a group; a slow peer is given fewer rounds. Returns its result."""

    def run(group: str, function: Callable[..., Any], *arguments: Any, rounds: int = 5) -> Any:
        benchmark.group = group
        return benchmark.pedantic(
            function, args=arguments, rounds=rounds, warmup_rounds=1 if rounds > 2 else 0
        )

    return run


@pytest.fixture(scope="session")
def real_folder() -> Callable[[str], Path]:
    """The folder of a real ServeGen model; skips where there is none."""

    def folder(model: str) -> Path:
        path = data_folder() / "servegen" / MODELS[model]
        if not path.is_dir():
            origin = "TRACETIDE_DATA" if "TRACETIDE_DATA" in os.environ else "TRACETIDE_DATA is not set"
            pytest.skip(f"no real data: {path} is not a folder ({origin})")
        return path

    return folder


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one, so that no disk is measured."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shutil.disk_usage(shared).free < 2 << 30:
        yield tmp_path
        return
    folder = shared / f"tracetide-{os.getpid()}-{tmp_path.name}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)
