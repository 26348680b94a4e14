"""Measures tracetide and its peers and prints the tables, as Markdown.

    python benchmarks/table.py [--only WORD ...] [--quick] [--out results.json]

Every figure comes from a process of its own (`measure.py`). See README.md for what is measured, and how.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import machine
from realdata import MODELS, data_folder, model_folder

HERE = Path(__file__).resolve().parent
DAY_S = 86_400
SYNTHETIC: dict[str, dict[str, Any]] = {
    "40 clients": {"clients": 40},
    "2,500 clients": {"clients": 2_500},
    "26,000 clients": {"clients": 26_000},
    "26,000 clients, 512 sets of lengths": {"clients": 26_000, "lengths": 512},
    "reason": {"category": "reason"},
    "multimodal": {"category": "multimodal"},
}
TWO_PEERS = ("numpy", "reference")


@dataclass(frozen=True)
class Row:
    """A line of a table: a measurement, and the peers that do the same.

    Attributes:
        profile: a key of `SYNTHETIC` or the name of one of ServeGen's models.
        x: where the line lies on the axis of its section, for plots.
        once: too long to be repeated.
    """

    section: str
    name: str
    profile: str
    rate: float | None = None
    duration: float | None = None
    threads: int = 0
    x: float | None = None
    peers: tuple[str, ...] = ()
    once: bool = False
    task: str = "engine"
    more: dict[str, Any] = field(default_factory=dict)

    def call(self, profile: str) -> dict[str, Any]:
        """The arguments of `measure.py`."""
        if self.task in ("load", "reference_load"):
            return {"task": self.task, "profile": profile} | self.more
        limit = {"min_seconds": 0.0} if self.once else {}
        return (
            {
                "task": self.task,
                "profile": profile,
                "rate": self.rate,
                "duration": self.duration,
                "threads": self.threads,
            }
            | limit
            | self.more
        )


def rows(cores: int, quick: bool) -> Iterator[Row]:
    """All lines of all tables; `quick` makes a hundredth of the requests."""
    part = 100 if quick else 1
    yield from _real(cores, quick)
    yield from _categories(cores, part)
    yield from _growth(cores, part)
    yield from _load(quick)
    yield from _write(part)


def _real(cores: int, quick: bool) -> Iterator[Row]:
    section = "ServeGen's data at its own rates"
    small = 3_600.0 if quick else 0.0
    for threads in sorted({1, cores}):
        name = f"m-small, 14 days, {_threads(threads)}"
        yield Row(
            section,
            name,
            "m-small",
            duration=small or 14.0 * DAY_S,
            threads=threads,
            peers=TWO_PEERS,
            once=True,
        )
    for model in ("m-mid", "m-large"):
        days = 7 if model == "m-mid" else 14
        yield Row(
            section,
            f"{model}, {days} days",
            model,
            duration=small or days * DAY_S,
            peers=TWO_PEERS,
            once=True,
        )
    for model in ("deepseek-r1", "mm-image"):
        yield Row(section, f"{model}, 30 days", model, duration=small or 30.0 * DAY_S, peers=TWO_PEERS)


def _categories(cores: int, part: int) -> Iterator[Row]:
    section = "categories: 40 clients, 1e8 requests a day"
    for name, profile in (("language", "40 clients"), ("reason", "reason"), ("multimodal", "multimodal")):
        for threads in sorted({1, cores}):
            yield Row(
                section,
                f"{name}, {_threads(threads)}",
                profile,
                rate=1e8 / DAY_S / part,
                duration=DAY_S,
                threads=threads,
                peers=TWO_PEERS,
            )


def _growth(cores: int, part: int) -> Iterator[Row]:
    section = "clients: 1e8 requests in a day"
    for name, spec in SYNTHETIC.items():
        if "clients" in spec:
            yield Row(
                section,
                name,
                name,
                rate=1e8 / DAY_S / part,
                duration=DAY_S,
                x=None if "lengths" in spec else spec["clients"],
                peers=TWO_PEERS,
            )
    for requests in (1e6, 1e7, 1e8, 1e9):
        yield Row(
            "requests: 40 clients, one day",
            f"{requests:.0e} requests".replace("e+0", "e"),
            "40 clients",
            rate=requests / DAY_S / part,
            duration=DAY_S,
            x=requests / part,
        )
    for threads in sorted({1, 2, cores}):
        yield Row(
            "threads: 40 clients, 1e8 requests in a day",
            _threads(threads),
            "40 clients",
            rate=1e8 / DAY_S / part,
            duration=DAY_S,
            threads=threads,
            x=threads,
        )
    for days in (1, 7, 30):
        yield Row(
            "days: 40 clients, 1e7 requests a day",
            f"{days} day{'s' * (days > 1)}",
            "40 clients",
            rate=1e7 / DAY_S / part,
            duration=days * DAY_S,
            x=days,
        )
    for rate in (1e4, 1e5, 1e6):
        yield Row(
            "rate: 40 clients, requests/s of the job",
            f"{rate:,.0f} requests/s, {rate * 600 / 1e6:,.0f} M a window",
            "40 clients",
            rate=rate / part,
            duration=1200.0,
            x=rate / part,
        )


def _load(quick: bool) -> Iterator[Row]:
    for model in ("mm-image",) if quick else MODELS:
        section = f"load: {model}"
        yield Row(section, "ServeGen folder, all threads", model, task="load")
        yield Row(section, "ServeGen folder, 1 thread", model, task="load", more={"threads": 1})
        yield Row(section, ".tide file", f"{model}.tide", task="load")
        yield Row(section, "the reference's way", model, task="reference_load")


def _write(part: int) -> Iterator[Row]:
    section = "write: 40 clients, 2e7 requests generated into files in memory"
    for format in ("parquet", "arrow", "csv", "jsonl", "csv.zst", "jsonl.gz"):
        rate = 2e7 / DAY_S / part
        yield Row(section, format, "40 clients", rate, DAY_S, task="write", more={"format": format})
    for format in ("parquet", "csv"):
        name = f"{format}, pyarrow's writer on columns in memory, 2e6 rows"
        rate = 2e6 / DAY_S / part
        yield Row(section, name, "40 clients", rate, DAY_S, task="pyarrow_write", more={"format": format})


def _threads(threads: int) -> str:
    return f"{threads} thread{'s' * (threads > 1)}"


class Laboratory:
    """Runs measurements and keeps the profiles they need in a temporary folder."""

    def __init__(self, folder: Path, quick: bool) -> None:
        self._folder = folder
        self._quick = quick
        self._peers: dict[str, dict[str, Any]] = {}

    def run(self, row: Row) -> dict[str, Any] | str:
        """The measurement with those of its peers, or why there is none."""
        profile = self._profile(row.profile)
        if profile is None:
            return f"no real data: {data_folder()} has no {row.profile.removesuffix('.tide')}"
        result = self._measure(row.call(profile))
        if not isinstance(result, str):
            result["peers"] = {peer: self._peer(peer, profile, row) for peer in row.peers}
        return result

    def _peer(self, peer: str, profile: str, row: Row) -> dict[str, Any] | str:
        call: dict[str, Any] = {
            "task": peer,
            "profile": profile,
            "rate": row.rate,
            "duration": row.duration,
        }
        if self._quick:
            call["requests"] = 2e4
        key = json.dumps(call)
        if key not in self._peers:
            self._peers[key] = self._measure(call)
        return self._peers[key]

    def _profile(self, name: str) -> str | None:
        if name in MODELS:
            folder = model_folder(name)
            return None if folder is None else str(folder)
        path = self._folder / f"{name.removesuffix('.tide')}.tide"
        if not path.is_file():
            if name in SYNTHETIC:
                self._measure({"task": "make_profile", "path": str(path), "spec": SYNTHETIC[name]})
            else:
                folder = model_folder(name.removesuffix(".tide"))
                if folder is None:
                    return None
                self._measure({"task": "make_tide", "folder": str(folder), "path": str(path)})
        return str(path)

    def _measure(self, call: dict[str, Any]) -> dict[str, Any] | str:
        done = subprocess.run(
            [sys.executable, str(HERE / "measure.py"), json.dumps(call)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            return f"failed: {lines[-1] if lines else f'exit status {done.returncode}'}"
        return dict(json.loads(done.stdout))


# Printing


def engine_cells(result: dict[str, Any]) -> dict[str, str]:
    """A line of a table of the engine."""
    requests, seconds = result["requests"], result["seconds"]
    cells = {
        "requests": f"{requests:,}",
        "ns/request": f"{seconds / requests * 1e9:.2f}",
        "M requests/s": f"{requests / seconds / 1e6:.1f}",
        "M items/s": f"{result['items'] / seconds / 1e6:.1f}" if result["items"] else "",
        "peak MiB": f"{result['peak_mib']:,.0f}",
        "at start MiB": f"{result['ready_mib']:,.0f}",
        "ready s": f"{result['ready_s']:.3f}",
    }
    for peer, other in result["peers"].items():
        if isinstance(other, str):
            cells[f"x {peer}"] = other
            continue
        ratio = (other["seconds"] / other["requests"]) / (seconds / requests)
        bytes_each = (other["peak_mib"] - other["ready_mib"]) * 2**20 / other["requests"]
        cells[f"x {peer}"] = f"{ratio:,.0f} ({other['requests'] / other['seconds'] / 1e6:.2f} M/s"
        cells[f"x {peer}"] += f", {bytes_each:,.0f} B each)" if peer == "reference" else ")"
    return cells


def load_cells(result: dict[str, Any]) -> dict[str, str]:
    """A line of a table of loading."""
    return {"ms": f"{result['seconds'] * 1e3:,.1f}", "peak MiB": f"{result['peak_mib']:,.0f}"}


def write_cells(result: dict[str, Any]) -> dict[str, str]:
    """A line of a table of writing."""
    requests, seconds = result["requests"], result["seconds"]
    return {
        "rows": f"{requests:,}",
        "M rows/s": f"{requests / seconds / 1e6:.1f}",
        "MB/s": f"{result['bytes'] / seconds / 1e6:,.0f}",
        "bytes/row": f"{result['bytes'] / requests:.1f}",
        "peak MiB": f"{result['peak_mib']:,.0f}",
    }


CELLS = {
    "engine": engine_cells,
    "load": load_cells,
    "reference_load": load_cells,
    "write": write_cells,
    "pyarrow_write": write_cells,
}


def markdown(title: str, lines: list[tuple[str, dict[str, str]]]) -> str:
    """A table with aligned columns; those without any entry are left out."""
    names = list(dict.fromkeys(name for _, cells in lines for name, text in cells.items() if text))
    table = [["", *names], *([label, *(cells.get(name, "") for name in names)] for label, cells in lines)]
    widths = [max(len(line[i]) for line in table) for i in range(len(names) + 1)]

    def row(line: list[str]) -> str:
        first, *others = (
            text.rjust(width) if i else text.ljust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        return "| " + " | ".join([first, *others]) + " |"

    rule = "|" + "|".join("-" * (width + 1) + ("-:"[i > 0]) for i, width in enumerate(widths)) + "|"
    return "\n".join([f"\n### {title}\n", row(table[0]), rule, *map(row, table[1:])])


def wanted(row: Row, words: list[str]) -> bool:
    """Whether one of the words is in the line's name or section, or there are none."""
    text = f"{row.section} {row.name}".lower()
    return not words or any(word.lower() in text for word in words)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="lines with one of these words")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the requests: tries everything")
    parser.add_argument("--out", type=Path, help="also write the results, as JSON")
    arguments = parser.parse_args()

    about = machine.describe()
    print("\n".join(f"- {name}: {text}" for name, text in about.items()), flush=True)
    chosen = [r for r in rows(machine.cores(), arguments.quick) if wanted(r, arguments.only)]
    results = []
    with tempfile.TemporaryDirectory() as folder:
        laboratory = Laboratory(Path(folder), arguments.quick)
        for section in dict.fromkeys(row.section for row in chosen):
            lines = []
            for row in chosen:
                if row.section != section:
                    continue
                _progress(f"{section}: {row.name}")
                result = laboratory.run(row)
                failed = isinstance(result, str)
                lines.append((row.name, {"": result} if failed else CELLS[row.task](result)))
                results.append(asdict(row) | ({"error": result} if failed else {"result": result}))
            _progress("")
            print(markdown(section, lines), flush=True)
            if arguments.out:
                document = {"machine": about, "quick": arguments.quick, "rows": results}
                arguments.out.write_text(json.dumps(document, indent=1) + "\n")


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        width = os.get_terminal_size(sys.stderr.fileno()).columns - 1
        print(f"\r{text[:width]:<{width}}\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
