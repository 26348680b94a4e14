"""Finding 4: the correlation of input and output is weak (figure 4)."""

from __future__ import annotations

from tracetide.characterize.figures.correlation import chart
from tracetide.characterize.finding import Finding, Part, Whole, table_of
from tracetide.measures.pairs import Pairs

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


class InputOutput:
    """Counts pairs of input and output, all of them, in bins (`Pairs`)."""

    def __init__(self) -> None:
        self._pairs = Pairs()

    def add(self, part: Part) -> None:
        """Take the next part."""
        self._pairs.add(part.column("input_tokens"), part.column("output_tokens"))

    def result(self, whole: Whole) -> Finding:
        """The finding."""
        return Finding(
            "correlation",
            "4",
            {
                "spearman": self._pairs.spearman(),
                "mutual_information": self._pairs.mutual_information(),
            },
            {"correlation": bins_table(self._pairs)},
            chart,
        )


def bins_table(pairs: Pairs) -> object:
    """Quantiles of the second number by bins of the first: `low`, `high`, `pairs`, `p5` to `p95`."""
    rows = pairs.quantiles(LEVELS)
    names = ["low", "high", "pairs", *(f"p{100 * level:g}" for level in LEVELS)]
    return table_of({name: [row[name] for row in rows] for name in names})
