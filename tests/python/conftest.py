"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import statistics_helpers

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As `nohup pytest &` in a script leaves it: tests of Ctrl-C would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parents[2]
SERVEGEN_MODELS = {
    "m-large": "language/m-large",
    "m-mid": "language/m-mid",
    "m-small": "language/m-small",
    "deepseek-r1": "reason/deepseek-r1",
    "mm-image": "multimodal/mm-image",
}


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data: $TRACETIDE_DATA, or `shared/data` beside the repository."""
    named = os.environ.get("TRACETIDE_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        origin = "named by TRACETIDE_DATA" if named else "TRACETIDE_DATA is not set"
        pytest.skip(f"no real data: {folder} is not a folder ({origin})")
    return folder


@pytest.fixture(scope="session")
def servegen_profile(data_dir: Path) -> Callable[[str], Any]:
    """Profiles read from ServeGen's model folders, each read once."""
    from tracetide import _core

    profiles: dict[str, Any] = {}

    def read(model: str) -> Any:
        if model not in profiles:
            folder = data_dir / "servegen" / SERVEGEN_MODELS[model]
            if not folder.is_dir():
                pytest.skip(f"no real data: {folder} is not a folder")
            profiles[model] = _core.Profile.read_servegen(str(folder))
        return profiles[model]

    return read


@pytest.fixture(scope="session", autouse=True)
def false_alarm_budget() -> Iterator[None]:
    """The level of each statistical test assumes an upper bound on their number."""
    yield
    made = statistics_helpers.acceptances_made
    assert made <= statistics_helpers.ASSUMED_TESTS, (
        f"{made} statistical tests ran; raise ASSUMED_TESTS (now {statistics_helpers.ASSUMED_TESTS})"
    )
