"""Every command and every Python example of the README, executed one after the other in one folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import tracetide as tt
from cli_tools import environment
from format_traces import job
from platforms import needs_bash
from tracetide.profile.bundled import bundled

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
INSTALLATION = {"pip install .", "pip install '.[test]' && pytest"}
"""Commands that the continuous integration runs, in a fresh environment."""

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks(language: str) -> list[str]:
    return [text for found, text in FENCE.findall(README) if found == language]


def _commands() -> list[str]:
    return [line for block in _blocks("sh") for line in block.splitlines() if line not in INSTALLATION]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, data_dir) -> Path:
    """A folder as the README assumes it: with ServeGen beside it, and `tracetide` among the commands."""
    if "m-small" not in bundled():
        pytest.skip("the profile m-small is not bundled in this build")
    folder = tmp_path_factory.mktemp("readme")
    (folder / "ServeGen").mkdir()
    (folder / "ServeGen" / "data").symlink_to(data_dir / "servegen")
    (folder / "bin").mkdir()
    command = folder / "bin" / "tracetide"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tracetide "$@"\n')
    command.chmod(0o755)
    return folder


def test_the_readme_has_the_two_commands_of_installation_and_test():
    lines = {line for block in _blocks("sh") for line in block.splitlines()}
    assert lines >= INSTALLATION


@needs_bash
def test_every_command_works(folder):
    commands = _commands()
    assert len(commands) >= 8
    variables = environment() | {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    for command in commands:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=folder,
            env=variables,
            capture_output=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{command}: {done.stderr.decode()}"
    assert abs(len(tt.Trace.read(folder / "trace.parquet")) - 360_000) <= 1


@pytest.mark.parametrize("number", range(len(_blocks("python"))))
def test_every_python_example_works(folder, number):
    done = subprocess.run(
        [sys.executable, "-c", _blocks("python")[number]], cwd=folder, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("kind", ["reason", "multimodal", "sessions"])
def test_the_columns_are_those_of_a_trace(kind):
    table = README.split("## Columns")[1].split("\n## ")[0]
    for name in job(kind, block_size=64).generate().columns:
        assert f"`{name}`" in table


def test_relative_links_lead_somewhere():
    links = re.findall(r"\]\((?!https?://|#)([^)]+)\)", README)
    assert [link for link in links if not (REPOSITORY / link).exists()] == []
