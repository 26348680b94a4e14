"""What a picture shows, whoever draws it: panels of marks on axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """A line through points; it is broken where a value is NaN.

    Attributes:
        x, y: float64.
        label: in the legend; "": none.
        style: number of its colour and dashes in the house style.
        step: each value holds until the next x.
        marked: with a marker at every point.
        beneath: wide and grey, so that laws fitted to it can be seen on it.
    """

    x: Floats
    y: Floats
    label: str = ""
    style: int = 0
    step: bool = False
    marked: bool = False
    beneath: bool = False


@dataclass(frozen=True)
class Band:
    """What is between two lines, each of whose values holds until the next x."""

    x: Floats
    low: Floats
    high: Floats
    label: str
    style: int
    opacity: float


@dataclass(frozen=True)
class Dots:
    """A cloud of points."""

    x: Floats
    y: Floats
    style: int


@dataclass(frozen=True)
class Bars:
    """A histogram; `edges` has one more value than `heights`."""

    edges: Floats
    heights: Floats
    style: int


@dataclass(frozen=True)
class Stems:
    """A value for each of a few numbers."""

    x: Floats
    heights: Floats
    style: int


@dataclass(frozen=True)
class Ranges:
    """Horizontal lines from `low` to `high`."""

    y: Floats
    low: Floats
    high: Floats
    style: int


@dataclass(frozen=True)
class Level:
    """A thin line across, to compare with."""

    y: float


@dataclass(frozen=True)
class Strip:
    """A grey strip across."""

    low: float
    high: float


Mark = Line | Band | Dots | Bars | Stems | Ranges | Level | Strip


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes:
        label: what, and its unit.
        log: whether it is logarithmic.
        low, high: its limits, both or 0 alone; None: what the marks take.
        room: above the marks for the legend, as a factor; of a linear y axis.
        whole: whether only whole numbers make sense.
    """

    label: str = ""
    log: bool = False
    low: float | None = None
    high: float | None = None
    room: float = 1.0
    whole: bool = False

    def __post_init__(self) -> None:
        if (self.high is None and self.low not in (None, 0)) or (self.low is None and self.high is not None):
            raise ValueError(f"limits: {self.low} and {self.high} are not allowed; both, or 0 and None")

    @property
    def limits(self) -> tuple[float, float] | None:
        """Both limits; None where there are not both, or, as of data that does not vary, nothing between."""
        if self.low is None or self.high is None or not self.low < self.high:
            return None
        return self.low, self.high

    @property
    def from_zero(self) -> bool:
        """Whether it begins at 0 and ends where the marks do."""
        return self.low == 0 and self.limits is None


@dataclass(frozen=True)
class Panel:
    """Marks on a pair of axes, the first at the bottom.

    Attributes:
        legend: where in a printed picture, such as "upper left"; "": none.
        legend_columns: how many entries stand side by side.
    """

    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    title: str = ""
    legend: str = ""
    legend_columns: int = 1


@dataclass(frozen=True)
class Chart:
    """Rows of as many panels each.

    Attributes:
        title: above all of them.
        width, height: of a panel in print, inches.
        same_x: all panels have one x axis; there is one panel a row.
        legend_below: one legend for all, that of the first panel of the last row.
    """

    rows: tuple[tuple[Panel, ...], ...]
    title: str = ""
    width: float = 3.1
    height: float = 2.4
    same_x: bool = False
    legend_below: bool = False


def few(values: Any, most: int) -> npt.NDArray[np.intp]:
    """An even choice of at most `most` places of an array, the first and the last among them."""
    size = len(values)
    chosen: npt.NDArray[np.intp] = np.linspace(0, size - 1, min(size, most)).astype(np.intp)
    return chosen
