"""All findings together."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracetide.characterize.finding import Finding
from tracetide.charts.house_style import check_ending, check_matplotlib


@dataclass(frozen=True)
class Characterization:
    """What a trace or a profile is like.

    Attributes:
        name: of the trace or profile.
        category: language, reason or multimodal.
        requests: how many.
        duration: seconds.
        findings: by name: gaps, rates, lengths, correlation and clients; and modality, reasoning and
            conversations where there are any.
    """

    name: str
    category: str
    requests: int
    duration: float
    findings: dict[str, Finding]

    def __getitem__(self, name: str) -> dict[str, Any]:
        """The numbers of a finding."""
        if name not in self.findings:
            raise KeyError(f"{name!r} is not a finding; there are {', '.join(self.findings)}")
        return self.findings[name].numbers

    def tables(self) -> dict[str, Any]:
        """All tables by name, as pyarrow Tables: the curves of the pictures."""
        return {name: table for found in self.findings.values() for name, table in found.tables.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not defined is None."""
        numbers = {name: {"figures": found.figures, **found.numbers} for name, found in self.findings.items()}
        facts = {"name": self.name, "category": self.category, "requests": self.requests}
        found = _plain({**facts, "duration": self.duration, **numbers})
        assert isinstance(found, dict)
        return found

    def write(self, folder: str | os.PathLike[str], *, pictures: str | None = "png") -> list[str]:
        """Write `characterization.json`, a Parquet file for every table, and a picture for every finding.

        Args:
            folder: a new one, or an empty one; it appears when it is complete.
            pictures: "png", "svg" or "pdf"; None: no pictures, which need matplotlib.

        Returns:
            The names of the files.

        Raises:
            ImportError: if pictures are wanted and matplotlib is not installed.
            ValueError: for another kind of picture.
            FileExistsError: if the folder is not empty.
            OSError: if it cannot be written.
        """
        from pyarrow import parquet

        from tracetide.io.writing.output import new_folder

        check_target(folder, pictures)
        with new_folder(folder) as temporary:
            with open(os.path.join(temporary, "characterization.json"), "w", encoding="utf-8") as file:
                json.dump(self.to_dict(), file, indent=2)
                file.write("\n")
            for name, table in self.tables().items():
                parquet.write_table(table, os.path.join(temporary, f"{name}.parquet"), compression="zstd")
            for name, found in self.findings.items() if pictures is not None else ():
                found.draw(os.path.join(temporary, f"{name}.{pictures}"))
            return sorted(os.listdir(temporary))


def check_target(folder: str | os.PathLike[str], pictures: str | None) -> None:
    """What `write` would refuse, before the trace is gone through."""
    if pictures is not None:
        check_ending(f"pictures.{pictures}")
        check_matplotlib()
    if os.path.isdir(folder) and os.listdir(folder):
        raise FileExistsError(f"cannot write {os.fspath(folder)!r}: the folder is not empty; name a new one")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
