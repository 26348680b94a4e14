"""One pass over a trace."""

from __future__ import annotations

from collections.abc import Sequence

from tracetide.base.durations import parse_duration
from tracetide.base.grid import NS
from tracetide.characterize.characterization import Characterization
from tracetide.characterize.clients import Clients
from tracetide.characterize.conversations import Conversations
from tracetide.characterize.correlation import InputOutput
from tracetide.characterize.finding import Accumulator, Part, Whole
from tracetide.characterize.gaps import GapFits
from tracetide.characterize.lengths import LengthFits
from tracetide.characterize.modality import Modality
from tracetide.characterize.rates import Rates
from tracetide.characterize.reasoning import Reasoning
from tracetide.columns import LIST_COLUMNS, TOKEN_COLUMNS
from tracetide.measures.gaps import Gaps
from tracetide.measures.source import Source

DEFAULT_WINDOW_S = 600.0
_COLUMNS = (*TOKEN_COLUMNS, *LIST_COLUMNS, "session_id")


def characterize_source(
    source: Source, *, window: float | str | None = None, max_clients: int = 1_000_000
) -> Characterization:
    """Go through a trace once; the arguments and errors are those of `characterize`."""
    window_s = DEFAULT_WINDOW_S if window is None else parse_duration(window, "window")
    if max_clients < 1:
        raise ValueError(f"max_clients: {max_clients} is not allowed; it must be a whole number from 1 on")
    codes = source.codes(max_clients)
    gaps = Gaps()
    accumulators = _accumulators(window_s, source.scan.category, source.scan.columns)
    requests, first_ns, last_ns = 0, 0, 0
    for piece in source.pieces(_COLUMNS, codes):
        part = Part(piece, gaps, source.scan.origin)
        for accumulator in accumulators:
            accumulator.add(part)
        first_ns = first_ns if requests else int(piece.time_ns[0])
        requests, last_ns = requests + len(piece), int(piece.time_ns[-1])
    duration_s = source.duration(first_ns / NS, last_ns / NS, requests)
    whole = Whole(duration_s, requests, source.names_of(codes), gaps.clock_s)
    results = (accumulator.result(whole) for accumulator in accumulators)
    findings = {found.name: found for found in results if found is not None}
    return Characterization(source.name, source.scan.category, requests, duration_s, findings)


def _accumulators(window_s: float, category: str, columns: Sequence[str]) -> list[Accumulator]:
    """One a finding, in the order in which they are told."""
    found: list[Accumulator] = [GapFits(window_s), Rates(), LengthFits(), InputOutput(), Clients(category)]
    if category == "multimodal":
        found.append(Modality())
    if category == "reason":
        found.append(Reasoning())
    if "session_id" in columns:
        found.append(Conversations())
    return found
