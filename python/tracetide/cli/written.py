"""What commands say when a trace has been written."""

from __future__ import annotations

import json

from tracetide.cli.console import tell
from tracetide.cli.progress import size
from tracetide.io.formats import FORMATS
from tracetide.io.formats.tools import TOOLS
from tracetide.io.writing import NATIVE, STDOUT, Format, Written
from tracetide.io.writing.replay import replay_commands


def report_written(
    target: str,
    format: Format,
    written: Written,
    seconds: float,
    *,
    hash_ids: bool,
    block_size: int,
    category: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Rows, bytes and speed, what the format could not hold, and how tools replay the file.

    As JSON on standard output, or for people on standard error.
    """
    replay = replay_commands(target, format, hash_ids=hash_ids, block_size=block_size, rows=written.rows)
    if as_json:
        print(
            json.dumps(
                {
                    "path": target,
                    "format": format.name,
                    "requests": written.rows,
                    "bytes": written.bytes,
                    "seconds": seconds,
                    "left_out": list(written.left_out),
                    "without_tokens": written.without_tokens,
                    "split_turns": written.split_turns,
                    "replay": {one.tool: one.command for one in replay},
                },
                indent=2,
            )
        )
        return
    if quiet:
        return
    for warning in _warnings(format, written, category):
        tell(f"tracetide: warning: {warning}")
    name = "standard output" if target == STDOUT else target
    tell(
        f"{name}: {written.rows:,} requests, {size(written.bytes)} in {seconds:.2f} s "
        f"({written.rows / max(seconds, 1e-9):,.0f} requests/s)"
    )
    if format.tool:
        tell(f"{format.name} is the format that {TOOLS[format.tool]} reads")
    if format.name not in NATIVE:
        for one in replay:
            for line in f"{one.tool}: {one.command}".splitlines():
                tell(line)


def check_json(target: str, *, as_json: bool) -> None:
    """Refuse `--json` where the trace itself goes to standard output.

    Raises:
        ValueError: if both are asked for.
    """
    if as_json and target == STDOUT:
        raise ValueError("--json: not allowed with -o -, as both would go to standard output")


def _warnings(format: Format, written: Written, category: str) -> list[str]:
    found = []
    readers = FORMATS[format.name].readers if format.name in FORMATS else ()
    if category == "multimodal" and any(TOOLS[tool].sends for tool in readers):
        found.append("images, audio and video are not sent: tools make prompts of text with as many tokens")
    if written.left_out:
        found.append(f"{format.name} has no place for {', '.join(written.left_out)}, or only in part")
    if written.without_tokens:
        found.append(
            f"{format.name} wants at least 1 input and output token: {written.without_tokens:,} requests "
            "without got 1"
        )
    if written.split_turns:
        found.append(
            f"{format.name} tells what a turn adds to those before: {written.split_turns:,} turns whose "
            "prompts do not go on with these begin a session of their own, at their own times"
        )
    return found
