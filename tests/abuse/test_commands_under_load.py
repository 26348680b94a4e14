"""Every reading command again and again on a busy machine: none ends in another way than it should."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import format_traces
import pytest
import reader_files
import tracetide as tt
from cli_tools import COMMAND
from hostile import RUNS, run
from platforms import posix_only

pytestmark = [pytest.mark.abuse, posix_only]

SECONDS = 120.0
AT_ONCE = 4 * (os.cpu_count() or 1)
ROWS = 20_000
FORMATS = (*format_traces.TOOLS, "csv", "jsonl", "parquet", "arrow")
COMMANDS = {
    "validate": ["validate", "{}"],
    "describe": ["describe", "{}"],
    "convert": ["convert", "{}", "out/x.csv"],
    "fit": ["fit", "{}", "-o", "out/x.tide"],
    "characterize": ["characterize", "{}", "-o", "out/x"],
    "compare": ["compare", "{}", "{}"],
    "report": ["report", "{}", "-o", "out/x.html"],
    "upsample": ["upsample", "{}", "out/x.csv", "--factor", "2"],
    "provision": ["provision", "{}", "--instances", "2"],
}


def wrong(content: bytes, *, early: bool) -> bytes:
    """The file with a line that is none, near its begin or its end; without lines, other bytes or fewer."""
    lines = content.split(b"\n")
    if len(lines) < ROWS // 2 or b"\0" in content:
        return content[:2000] + bytes(2000) + content[4000:] if early else content[:-2000]
    lines[50 if early else -3] = b"wrong,,{"
    return b"\n".join(lines)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Of every format: a sound trace, one that is wrong early, and one that is wrong late."""
    folder = tmp_path_factory.mktemp("files")
    made = tt.Job(format_traces.pool("sessions"), duration=ROWS / 50, seed=3).generate()
    contents = {}
    for name in FORMATS:
        path = folder / f"written{format_traces.ending(name)}"
        made.write(path, format=name)
        contents[name] = path.read_bytes()
        path.unlink()
    for header in folder.glob("written*"):  # of BLIS
        header.unlink()
    for name in ("csv", "mooncake"):
        for codec in ("gzip", "zstd"):
            contents[f"{name}-{codec}"] = reader_files.packed(contents[name].decode(), codec)
    for name, content in contents.items():
        (folder / f"{name}-sound").write_bytes(content)
        (folder / f"{name}-early").write_bytes(wrong(content, early=True))
        (folder / f"{name}-late").write_bytes(wrong(content, early=False))
    return sorted(folder.iterdir())


def ended(arguments: list[str], folder: Path) -> int:
    folder.mkdir()
    named = [part.replace("out/", f"{folder}/") for part in arguments]
    found = run([*COMMAND, *named], seconds=SECONDS).check((0, 1, 2))
    shutil.rmtree(folder)
    return found.code


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_under_load(command, files, tmp_path):
    with ProcessPoolExecutor(AT_ONCE) as executor:
        running = {}
        for number in range(RUNS):
            path = files[number % len(files)]
            arguments = [part.replace("{}", str(path)) for part in COMMANDS[command]]
            running[number] = executor.submit(ended, arguments, tmp_path / str(number))
        codes = Counter()
        failed = []
        for number, run_ in running.items():
            try:
                codes[run_.result()] += 1
            except AssertionError as error:
                failed.append(f"{command} {files[number % len(files)].name}: {error}")
    print(f"{command}: {RUNS} runs of {len(files)} files, {AT_ONCE} at once: {dict(codes)}")
    assert not failed, "\n".join(failed)
