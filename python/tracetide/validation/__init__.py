"""Whether a trace file keeps the rules of the tools that read it.

`rules` names them, `rows` checks them on batches, `blocks` those of hash ids, `files` those of a file as a
whole.
"""

from __future__ import annotations

from tracetide.validation.checking import validate
from tracetide.validation.report import Finding, ValidationReport
from tracetide.validation.rules import READERS, RULES, Rule

__all__ = ["READERS", "RULES", "Finding", "Rule", "ValidationReport", "validate"]
