"""Every reading command again and again on a busy machine: none ends in another way than it should."""

from __future__ import annotations

import pytest
import reader_files
from cli_tools import COMMAND
from hostile import RUNS, load, run
from platforms import posix_only

pytestmark = [pytest.mark.abuse, posix_only]

ROWS = 20_000
SECONDS = 120.0
COMMANDS = {
    "validate": ["validate", "{}"],
    "describe": ["describe", "{}"],
    "convert": ["convert", "{}", "out.csv"],
    "fit": ["fit", "{}", "-o", "out.tide"],
    "characterize": ["characterize", "{}", "-o", "folder"],
    "compare": ["compare", "{}", "{}"],
    "report": ["report", "{}", "-o", "out.html"],
    "upsample": ["upsample", "{}", "out.csv", "--factor", "2"],
    "provision": ["provision", "{}", "--instances", "2"],
}


def vidur(*, wrong_at: int | None) -> str:
    lines = [reader_files.VIDUR.splitlines()[0]]
    for row in range(ROWS):
        inputs = -1 if row == wrong_at else 100 + row % 900
        time = row / 50 + row % 7 / 1000
        lines.append(f"{time},{inputs},{10 + row % 90},{time},{inputs},{10 + row % 90}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("file", ["sound", "wrong-early", "wrong-late"])
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_under_load(command, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong_at = {"sound": None, "wrong-early": 50, "wrong-late": ROWS - 1}[file]
    (tmp_path / "trace").write_text(vidur(wrong_at=wrong_at))
    arguments = [part.replace("{}", "trace") for part in COMMANDS[command]]
    with load():
        for _ in range(RUNS):
            found = run([*COMMAND, *arguments], seconds=SECONDS)
            assert found.code in (0, 2), found
            found.check()
