"""Ray, Dask and Spark, for real: `pytest -m cluster`.

They run in processes of their own, of the Python that TRACETIDE_CLUSTER_PYTHON names, which has them and
tracetide installed (`pip install 'tracetide[ray,dask,spark]'`, best in a virtual environment of its own); by
default of this one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest
import tracetide as tt
from cli_tools import environment

pytestmark = pytest.mark.cluster
SCRIPTS = Path(__file__).resolve().parents[1] / "cluster"
PYTHON = os.environ.get("TRACETIDE_CLUSTER_PYTHON", sys.executable)


def needs(package: str) -> None:
    found = subprocess.run([PYTHON, "-c", f"import {package}, tracetide"], capture_output=True)
    if found.returncode != 0:
        pytest.skip(f"{package} is not installed for {PYTHON}; name another with TRACETIDE_CLUSTER_PYTHON")


def run(script: str, folder: Path, *arguments: str) -> dict[str, Any]:
    """A script's last line, as JSON."""
    own = environment() | {"PYTHONWARNINGS": "default", "PYSPARK_PYTHON": PYTHON}
    done = subprocess.run(
        [PYTHON, SCRIPTS / script, folder, *arguments], env=own, capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    datasets.job(scale=20.0).write_dataset(folder / "set", partition="1h")
    return datasets.digests(folder / "set")


@pytest.fixture
def folder(tmp_path) -> Path:
    datasets.profile_file(tmp_path)
    return tmp_path


@pytest.mark.parametrize("engine", ["ray", "dask"])
def test_workers_write_the_same_files(engine, folder, undisturbed):
    """On two workers; one of them is killed in the middle of a part, and once more the whole is looked at."""
    needs({"ray": "ray", "dask": "distributed"}[engine])
    said = run(f"{engine}_engine.py", folder)
    assert said["killed"] > 0
    assert said["made"] == 24
    assert said["made_again"] == 2
    assert said["kept"] == 24
    assert "cannot write" in said["refused"]
    assert datasets.digests(folder / "set") == undisturbed
    assert tt.validate(folder / "set").is_valid


@pytest.mark.parametrize(("package", "script"), [("ray", "ray_data.py"), ("dask.dataframe", "dask_frame.py"),
                                                 ("pyspark", "spark_frame.py")])  # fmt: skip
def test_jobs_are_their_data_frames(package, script, folder):
    needs(package)
    said = run(script, folder)
    job = datasets.job()
    assert said["rows"] == job.count()
    assert said["columns"] == list(job.generate().columns)
    assert said["equal"] is True
    assert said["lists_equal"] is True
    assert "n: 25 is not allowed" in said["refused"]
