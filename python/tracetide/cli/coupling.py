"""`--coupling`."""

from __future__ import annotations

from collections.abc import Mapping

from tracetide.cli.parameters import RealNumber, number_of
from tracetide.job.options import COUPLINGS


def parse_coupling(given: list[str] | None) -> str | Mapping[tuple[str, str], float]:
    """A name, or `FIELD:FIELD=CORRELATION` any number of times.

    Raises:
        ValueError: naming the value and what is allowed.
    """
    if not given:
        return "profile"
    if len(given) == 1 and given[0] in COUPLINGS:
        return given[0]
    pairs: dict[tuple[str, str], float] = {}
    for entry in given:
        names, equals, text = entry.partition("=")
        first, colon, second = names.partition(":")
        if not (first and colon and second and equals):
            raise ValueError(
                f"--coupling: {entry!r} is not allowed; it must be {', '.join(COUPLINGS)}, or "
                "FIELD:FIELD=CORRELATION such as input_tokens:output_tokens=0.4"
            )
        pairs[first, second] = number_of(f"--coupling {names}", text, RealNumber(above=-1, below=1))
    return pairs
