"""What goes wrong while a data set is written, done for real; afterwards `resume` gives the same files."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest
import tracetide as tt
from cli_tools import COMMAND, environment, fails, succeeds
from platforms import bound_by_permissions, posix_only

PARTITION = ("--partition", "rows=5000")
"""Seventy small parts, so that something is under way at all times."""


def arguments(folder: Path, *more: str) -> list[str]:
    return ["generate", str(folder / "office.tide"), "--seed", "7", "-o", f"{folder}/set/", *PARTITION, *more]


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, str]:
    """The digests of an undisturbed run."""
    folder = tmp_path_factory.mktemp("undisturbed")
    datasets.job().write_dataset(folder / "set", partition="rows=5000")
    return datasets.digests(folder / "set")


@pytest.fixture
def folder(tmp_path) -> Path:
    datasets.profile_file(tmp_path)
    return tmp_path


def start(folder: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [*COMMAND, *arguments(folder, "--resume", "-q", *more)]
    return subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE)


def wait_for_parts(process: subprocess.Popen[bytes], folder: Path, wanted: int) -> bool:
    """Wait until more parts than that are there; False if the process has ended before."""
    while process.poll() is None:
        if len(datasets.parts(folder)) > wanted:
            return True
        time.sleep(0.001)
    return False


def check_only_whole_parts(folder: Path, expected: dict[str, str]) -> None:
    """Whatever has a final name is what an undisturbed run writes."""
    found = datasets.digests(folder)
    for path in datasets.parts(folder):
        assert found[path.name] == expected[path.name]


def check_mended(folder: Path, expected: dict[str, str]) -> None:
    succeeds(*arguments(folder, "--resume"))
    assert datasets.digests(folder / "set") == expected
    assert tt.validate(folder / "set").is_valid


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_time(seed, folder, expected):
    chance = random.Random(seed)
    killed = 0
    while killed < 4:
        process = start(folder)
        before = len(datasets.parts(folder / "set"))
        if not wait_for_parts(process, folder / "set", before):
            process.communicate()
            break  # nothing was left to do
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.communicate()
        killed += 1
        check_only_whole_parts(folder / "set", expected)
    assert killed
    check_mended(folder, expected)


def test_killed_while_parts_are_mended(folder, expected):
    succeeds(*arguments(folder))
    for path in datasets.parts(folder / "set")[5:]:
        path.write_bytes(path.read_bytes()[:-1])
    process = start(folder)
    while process.poll() is None and (folder / "set" / "_SUCCESS").exists():
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert not tt.validate(folder / "set").is_valid if (folder / "set" / "_manifest.json").exists() else True
    check_mended(folder, expected)


@posix_only
@pytest.mark.parametrize(
    ("kind", "code", "word"),
    [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated"), ("SIGHUP", 129, "hung up")],
)
def test_interrupted(kind, code, word, folder, expected):
    process = start(folder)
    assert wait_for_parts(process, folder / "set", 3)
    asked = time.monotonic()
    process.send_signal(getattr(signal, kind))
    error = process.communicate(timeout=30)[1]
    assert (process.returncode, error.decode()) == (code, f"tracetide: {word}\n")
    assert time.monotonic() - asked < 5
    names = {path.name for path in (folder / "set").iterdir()} - {
        path.name for path in datasets.parts(folder / "set")
    }
    assert names == {"_plan.json", "_parts"}
    check_only_whole_parts(folder / "set", expected)
    check_mended(folder, expected)


def mounted(folder: Path, *options: str) -> None:
    """A file system in memory at `folder`, or skip."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"cannot mount a file system here: {done.stderr.decode().strip()}")


@pytest.fixture
def unmount(folder):
    yield
    subprocess.run(["umount", str(folder / "set")], capture_output=True, check=False)


@posix_only
@pytest.mark.usefixtures("unmount")
def test_the_disk_is_full(folder, expected):
    mounted(folder / "set", "-o", "size=1m")
    message = fails(*arguments(folder), says=["cannot write", "no space left on device"], code=1)
    assert f"{folder}/set" in message
    assert 0 < len(datasets.parts(folder / "set")) < len(expected) - 2
    check_only_whole_parts(folder / "set", expected)
    assert not (folder / "set" / "_partial").exists()
    subprocess.run(["mount", "-o", "remount,size=64m", str(folder / "set")], check=True)
    check_mended(folder, expected)


@posix_only
@pytest.mark.usefixtures("unmount")
def test_the_folder_is_read_only(folder):
    mounted(folder / "set", "-o", "ro")
    fails(*arguments(folder), says=["cannot write", "read-only file system"])


@bound_by_permissions
def test_the_folder_belongs_to_others(folder):
    (folder / "set").mkdir(mode=0o500)
    fails(*arguments(folder), says=["cannot write", "permission denied"])


@posix_only
def test_files_may_not_get_large(folder, expected):
    limit = len(max((path for path in _undisturbed(folder)), key=len)) - 10

    import resource

    def lower() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [*COMMAND, *arguments(folder)], env=environment(), capture_output=True, preexec_fn=lower
    )
    assert done.returncode == 1
    assert b"file too large" in done.stderr
    check_only_whole_parts(folder / "set", expected)
    check_mended(folder, expected)


def _undisturbed(folder: Path) -> list[bytes]:
    datasets.job().write_dataset(folder / "whole", partition="rows=5000")
    return [path.read_bytes() for path in datasets.parts(folder / "whole")]


def test_a_part_that_was_cut_by_the_machine_is_made_again(folder, expected):
    """As after a power failure that lost what was not synchronised: the record is there, the file is not."""
    process = start(folder)
    assert wait_for_parts(process, folder / "set", 5)
    process.kill()
    process.communicate()
    first, second = datasets.parts(folder / "set")[:2]
    first.write_bytes(b"")
    content = second.read_bytes()
    second.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    for record in (folder / "set" / "_parts").iterdir():
        if record.name.startswith(datasets.parts(folder / "set")[2].name):
            record.write_text('{"name": ')
    check_mended(folder, expected)


def test_what_ends_in_the_middle_of_the_plan(folder, expected):
    """Killed before anything was said: only a file without its name is there."""
    (folder / "set" / "_partial").mkdir(parents=True)
    (folder / "set" / "_partial" / "_plan.json.0123").write_text("{")
    check_mended(folder, expected)


def test_the_folder_goes_away(folder):
    process = start(folder)
    assert wait_for_parts(process, folder / "set", 3)
    (folder / "set").rename(folder / "elsewhere")
    error = process.communicate(timeout=60)[1].decode()
    assert process.returncode in (1, 2), error
    assert "cannot write" in error
    assert error.count("\n") == 1
    assert not (folder / "set" / "_SUCCESS").exists()


@posix_only
def test_memory_does_not_grow_with_the_data_set(tmp_path):
    """Thirty million requests more, 0.6 GB of columns, take hardly more memory."""
    peaks = [_peak(tmp_path, hours) for hours in (4, 12)]
    assert peaks[1] < 1.6 * peaks[0]


def _peak(folder: Path, hours: int) -> int:
    code = (
        "import resource, sys; import datasets\n"
        f"datasets.job(scale=300.0, duration='{hours}h').write_dataset("
        f"{str(folder / str(hours))!r}, partition='rows=3e5', threads=1)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment() | {"PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        check=True,
    )
    rows = sum(pq.read_metadata(path).num_rows for path in datasets.parts(folder / str(hours)))
    assert rows > 0
    return int(done.stdout)
