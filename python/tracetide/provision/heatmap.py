"""The grid as a heat map: instances in the cells, over- and under-provisioning as colour."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tracetide.charts.house_style import check_ending, house_style, save
from tracetide.provision.cells import Cell, GridCells

_PANELS = {"naive": "NAIVE", "clients": "client by client", "needed": "actual"}
_MOST_PERCENT = 100
# Blue and orange by way of white differ for all kinds of colour-blindness, and the sign is written besides.
_UNDER, _EVEN, _OVER = "#B35806", "#F7F7F7", "#2166AC"


def draw(grid: GridCells, path: str | os.PathLike[str]) -> None:
    """Draw it; the ending of `path` chooses the format.

    Raises:
        MissingPackageError: if matplotlib is not installed.
        ValueError: for another ending.
        OSError: if it cannot be written.
    """
    check_ending(path)
    with house_style():
        save(_figure(grid), path)


def _figure(grid: GridCells) -> Any:
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
        axis.grid(visible=False)
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
    return figure


def percent_text(over: float) -> str:
    """With its sign, and none for 0."""
    return "0 %" if round(over) == 0 else f"{over:+.0f} %"


def colour_of(over: float) -> str:
    """The colour of a cell and of the text in it, as CSS."""
    share = max(-1.0, min(1.0, over / _MOST_PERCENT))
    end = _OVER if share > 0 else _UNDER
    parts = (
        round(int(_EVEN[at : at + 2], 16) * (1 - abs(share)) + int(end[at : at + 2], 16) * abs(share))
        for at in (1, 3, 5)
    )
    return f"background: rgb({', '.join(map(str, parts))}); color: {'white' if _is_dark(over) else 'black'}"


def _is_dark(over: float) -> bool:
    return abs(over) > 0.6 * _MOST_PERCENT


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
    colour = "white" if _is_dark(percent) else "black"
    axis.text(column, row, text, ha="center", va="center", fontsize=9, color=colour)
