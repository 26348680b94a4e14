"""Every Python and console example of the pages under `docs/`, in order, in one empty folder a page.

A TOML or YAML block whose first line is its name as a comment (`# office.toml`) is a file there.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import tracetide
import yaml
from cli_tools import environment
from platforms import HAS_BASH
from replaying import WHAT_ARRIVES
from tracetide.io.formats.tools import TOOLS
from tracetide.io.writing import format_of
from tracetide.io.writing.replay import replay_commands
from tracetide.profile.bundled import bundled

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN, SHOWN = ("python", "console"), ("text", "toml", "yaml", "cpp")
"""What is run, and what is only shown."""
TOO_LONG = {"checks.md"}
"""Pages of builds that take many minutes, some of them for other machines."""
FILE_NAME = re.compile(r"# (\S+\.(?:toml|yaml))\n")


def blocks(page: str) -> list[tuple[str, str]]:
    return FENCE.findall((DOCS / page).read_text(encoding="utf-8"))


def commands(console: str) -> list[str]:
    """The lines that a `$ ` begins; a line that ends in a backslash goes on."""
    joined = console.replace("\\\n", " ")
    return [line[2:] for line in joined.splitlines() if line.startswith("$ ")]


def run_commands(console: str, folder: Path) -> None:
    if not HAS_BASH:
        pytest.skip("bash is not installed")
    variables = environment() | {"PATH": f"{folder / '.bin'}{os.pathsep}{os.environ['PATH']}"}
    for command in commands(console):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=folder,
            env=variables,
            capture_output=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{command}: {done.stderr.decode()}"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder to be in, with `tracetide` among the commands."""
    if "m-small" not in bundled():
        pytest.skip("the profiles are not bundled in this build")
    (tmp_path / ".bin").mkdir()
    command = tmp_path / ".bin" / "tracetide"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tracetide "$@"\n')
    command.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_pages():
    assert len(PAGES) >= 20


def test_every_page_is_in_the_site():
    site = yaml.safe_load((DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8"))

    def pages(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        return [
            page for child in (entry.values() if isinstance(entry, dict) else entry) for page in pages(child)
        ]

    assert sorted(pages(site["nav"])) == PAGES


def test_every_public_name_is_in_the_reference():
    listed = set(re.findall(r"^::: tracetide\.(\w+)$", (DOCS / "api.md").read_text(), re.MULTILINE))
    constants = {"NO_SESSION", "TRACE_VERSION", "__version__"}
    assert listed == set(tracetide.__all__) - constants


NAMES = {key.removesuffix("-sim"): tool.name for key, tool in TOOLS.items()}


def test_the_page_of_formats_says_what_arrives():
    """As `test_replay.py` finds it."""
    part = (DOCS / "formats.md").read_text(encoding="utf-8").partition("\n## What arrives\n")[2]
    lines = [line for line in part.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    rows = [tuple(cell.strip(" `") for cell in line.strip("|").split("|")) for line in lines[1:]]
    assert rows == [(str(TOOLS[tool]), *rest) for tool, *rest in WHAT_ARRIVES]


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("tools/")])
def test_a_tool_is_told_what_the_command_line_says(page):
    """Behind every file that a page generates stands what the tool is told to replay it."""
    tool = NAMES[Path(page).stem]
    shown = [text.strip() for language, text in blocks(page) if language == "text"]
    expected = []
    for language, text in blocks(page):
        for command in commands(text) if language == "console" else []:
            words = shlex.split(command)
            if words[:2] != ["tracetide", "generate"]:
                continue
            path = words[words.index("-o") + 1]
            name = words[words.index("--format") + 1] if "--format" in words else None
            block = int(words[words.index("--block-size") + 1]) if "--block-size" in words else 0
            found = replay_commands(path, format_of(path, name), block_size=block)
            expected += [one.command for one in found if one.tool == tool]
    assert shown == expected
    assert expected


# Bundled profiles leave out clients whose lengths are not published, and say so; a reader of a page may
# ignore that.
@pytest.mark.filterwarnings("default::tracetide.TracetideWarning")
@pytest.mark.parametrize("page", PAGES)
def test_every_example_works(page, folder):
    found = blocks(page)
    assert {language for language, _ in found} <= {*RUN, *SHOWN}, "a block of a language unknown to this test"
    if not page.startswith("design/"):
        assert page in TOO_LONG or any(language in RUN for language, _ in found), "a page without an example"
    names: dict[str, object] = {"__name__": "__main__"}
    for number, (language, text) in enumerate(found):
        if language == "python":
            exec(compile(text, f"{page}, block {number + 1}", "exec"), names)
        elif language == "console":
            assert commands(text), f"block {number + 1} has no line that begins with '$ '"
            run_commands(text, folder)
        elif named := FILE_NAME.match(text):
            (folder / named[1]).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_relative_links_lead_somewhere(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)", text)
    assert [link for link in links if not (DOCS / page).parent.joinpath(link).exists()] == []
