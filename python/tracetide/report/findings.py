"""What a report tells."""

from __future__ import annotations

from dataclasses import dataclass

from tracetide.characterize.characterization import Characterization
from tracetide.compare.comparison import TraceComparison
from tracetide.provision.grid import Grid


@dataclass(frozen=True)
class Findings:
    """What was found about a trace.

    Attributes:
        characterization: what it is like.
        comparison: how close generated ones are; None: none was given.
        provisioning: what would serve it; None: no targets were given.
    """

    characterization: Characterization
    comparison: TraceComparison | None = None
    provisioning: Grid | None = None
