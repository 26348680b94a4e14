"""The grid as a heat map: instances in the cells, over- and under-provisioning as colour."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from tracetide.errors import MissingPackageError

if TYPE_CHECKING:
    from tracetide.provision.grid import Cell, Grid

_PANELS = {"naive": "NAIVE", "clients": "client by client", "needed": "actual"}
_MOST_PERCENT = 100
# Blue and orange by way of white differ for all kinds of colour-blindness, and the sign is written besides.
_UNDER, _EVEN, _OVER = "#B35806", "#F7F7F7", "#2166AC"


def draw(grid: Grid, path: str | os.PathLike[str]) -> None:
    """Draw it; the ending of `path` chooses the format.

    Raises:
        MissingPackageError: if matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.figure import Figure

    colours = LinearSegmentedColormap.from_list("provisioning", [_UNDER, _EVEN, _OVER])
    norm = Normalize(-_MOST_PERCENT, _MOST_PERCENT)
    width = 1.1 + 0.95 * len(grid.tbt)
    figure = Figure(figsize=(3 * width + 1.2, 1.6 + 0.55 * len(grid.ttft)), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    for axis, (name, title) in zip(panels, _PANELS.items(), strict=True):
        shown = np.array([_percent(cell, name) for cell in grid.cells]).reshape(len(grid.ttft), -1)
        image = axis.imshow(
            np.ma.masked_invalid(shown), cmap=colours, norm=norm, origin="lower", aspect="auto"
        )
        for number, cell in enumerate(grid.cells):
            row, column = divmod(number, len(grid.tbt))
            _write(axis, row, column, _text(cell, name), shown[row, column])
        axis.set(title=title, xlabel=f"p{100 * grid.quantile:g} TBT target, s")
        axis.set_xticks(range(len(grid.tbt)), [f"{value:g}" for value in grid.tbt])
        axis.set_yticks(range(len(grid.ttft)), [f"{value:g}" for value in grid.ttft])
        axis.set_facecolor("#DDDDDD")
    panels[0].set_ylabel(f"p{100 * grid.quantile:g} TTFT target, s")
    bar = figure.colorbar(image, ax=panels, label="under (-) or over (+), %", shrink=0.9)
    bar.set_ticks([-100, -50, 0, 50, 100])
    figure.suptitle(f"Instances ({grid.instance.name}) for {grid.rate:,.4g} requests/s", fontsize=10)
    figure.savefig(path)


def require_matplotlib() -> None:
    """Find out whether it can be drawn, before there is anything to draw.

    Raises:
        MissingPackageError: if matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingPackageError("matplotlib is needed to draw: pip install 'tracetide[plot]'") from None


def percent_text(over: float) -> str:
    """With its sign, and none for 0."""
    return "0 %" if round(over) == 0 else f"{over:+.0f} %"


def _percent(cell: Cell, name: str) -> float:
    over = 0.0 if name == "needed" and cell.needed is not None else None
    if name != "needed":
        over = cell.over(name)
    return float("nan") if over is None else over


def _text(cell: Cell, name: str) -> str:
    if name == "needed":
        return "none" if cell.needed is None else str(cell.needed)
    made, over = cell.instances[name], cell.over(name)
    return "none" if made is None else f"{made}" + ("" if over is None else f"\n{percent_text(over)}")


def _write(axis: Any, row: int, column: int, text: str, percent: float) -> None:
    dark = abs(percent) > 0.6 * _MOST_PERCENT
    axis.text(column, row, text, ha="center", va="center", fontsize=9, color="white" if dark else "black")
