"""What a validation finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy.typing as npt

from tracetide.io.formats.tools import TOOLS
from tracetide.validation.rules import RULES, Rule


@dataclass(frozen=True)
class Finding:
    """A rule that is broken, or something worth knowing.

    Attributes:
        rule: its name in `RULES`.
        row: the row, from 1, or None where it is the file.
        message: what was found and what is allowed.
        tools: those that are affected.
        is_note: whether it is only worth knowing.
    """

    rule: str
    row: int | None
    message: str
    tools: tuple[str, ...]
    is_note: bool = False

    def __str__(self) -> str:
        where = "" if self.row is None else f"row {self.row}: "
        what = "note, " if self.is_note else ""
        return f"{where}{self.message} ({what}{self.rule}: {', '.join(self.tools)})"


@dataclass
class ValidationReport:
    """The result of `tracetide.validate`.

    Attributes:
        path: the file.
        format: what it is.
        tools: those whose rules were checked.
        rows: how many rows were read.
        findings: the first of each rule, in the order of the file; one of each note.
        counts: by rule, how often it is broken.
        complete: whether the whole file could be read.
    """

    path: str
    format: str
    tools: tuple[str, ...]
    rows: int = 0
    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    complete: bool = True

    @property
    def is_valid(self) -> bool:
        """Whether no rule is broken; notes do not count."""
        return all(RULES[name].is_note for name in self.counts)

    def leave_out(self, name: str) -> None:
        """A rule that is broken, and the tools that need it, if there are others."""
        rest = tuple(tool for tool in self.tools if tool not in RULES[name].tools)
        if name not in self.counts or not rest:
            return
        self.tools = rest
        del self.counts[name]
        self.findings = [
            replace(one, tools=tuple(tool for tool in one.tools if tool in rest))
            for one in self.findings
            if one.rule != name
        ]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "path": self.path,
            "format": self.format,
            "tools": list(self.tools),
            "versions": {tool: TOOLS[tool].version for tool in self.tools if tool in TOOLS},
            "rows": self.rows,
            "valid": self.is_valid,
            "complete": self.complete,
            "counts": self.counts,
            "findings": [
                {
                    "rule": finding.rule,
                    "row": finding.row,
                    "message": finding.message,
                    "tools": list(finding.tools),
                    "note": finding.is_note,
                }
                for finding in self.findings
            ],
        }


class Recorder:
    """Collects findings for the tools that were asked for, so many of each rule."""

    def __init__(self, report: ValidationReport, limit: int) -> None:
        self._report = report
        self._limit = limit

    def wants(self, name: str) -> bool:
        """Whether any of the tools needs a rule."""
        return bool(self._tools(RULES[name]))

    def add(self, name: str, message: str, row: int | None = None) -> None:
        """A rule that is broken, at a row from 1."""
        self._add(name, [row], [message])

    def add_rows(self, name: str, rows: npt.NDArray[Any], messages: Iterable[str]) -> None:
        """A rule that is broken at rows, counted from 0; as many messages are taken as are listed."""
        self._add(name, rows + 1, messages)

    def _add(self, name: str, rows: npt.NDArray[Any] | list[int | None], messages: Iterable[str]) -> None:
        rule = RULES[name]
        tools = self._tools(rule)
        if not tools or not len(rows):
            return
        before = self._report.counts.get(name, 0)
        self._report.counts[name] = before + len(rows)
        limit = 1 if rule.is_note else self._limit
        for row, message in zip(rows[: max(limit - before, 0)], messages, strict=False):
            at = None if row is None else int(row)
            self._report.findings.append(Finding(name, at, message, tools, rule.is_note))

    def _tools(self, rule: Rule) -> tuple[str, ...]:
        return tuple(tool for tool in self._report.tools if tool in rule.tools)
