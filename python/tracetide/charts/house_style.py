"""How pictures look: readable in print, in grey, and for colour-blind readers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tracetide.base.errors import MissingPackageError

if TYPE_CHECKING:
    from io import BytesIO

# Okabe and Ito's colours, which differ for colour-blind readers (jfly.uni-koeln.de/color, 2008), from dark to
# light, so that they differ in grey as well; lines and markers differ, too.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
FAINT = "#BBBBBB"
ENDINGS = (".png", ".svg", ".pdf")

_FEW_DECADES = 200.0

_STYLE: Any = {
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.0,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.4,
    "svg.hashsalt": "tracetide",
    "savefig.dpi": 150.0,
    "figure.facecolor": "white",
}


@contextmanager
def house_style() -> Iterator[None]:
    """Within it, what is drawn and saved looks so; matplotlib's settings are as before after it.

    Raises:
        MissingPackageError: if matplotlib is not installed.
    """
    check_matplotlib()
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        yield


def check_matplotlib() -> None:
    """Raise an ImportError that says what to install if matplotlib is not there."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingPackageError("matplotlib is needed to draw: pip install 'tracetide[plot]'") from None


def new_figure(rows: int, columns: int, *, width: float = 3.1, height: float = 2.4, **options: Any) -> Any:
    """A figure and its axes, shape (rows, columns); `width` and `height` in inches of each."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def line_style(number: int) -> dict[str, Any]:
    """Colour and dashes of the line of this number."""
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": LINES[number % len(LINES)]}


def plain_log(axis: Any, *, x: bool = False, y: bool = False) -> None:
    """Logarithmic axes with plain numbers: 0.1, 0.2, 0.5, 1; only powers of ten over many decades."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for wanted, name in ((x, "x"), (y, "y")):
        if not wanted:
            continue
        getattr(axis, f"set_{name}scale")("log")
        low, high = getattr(axis, f"get_{name}lim")()
        of_axis = getattr(axis, f"{name}axis")
        few = high / low < (_FEW_DECADES if name == "y" else _FEW_DECADES / 4)
        of_axis.set_major_locator(
            LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=6 if name == "x" else 9)
        )
        of_axis.set_major_formatter(FuncFormatter(lambda value, _: text_of_log_tick(value)))
        of_axis.set_minor_formatter(NullFormatter())


def text_of_log_tick(value: float) -> str:
    """`0.01`, `500`, `20 k`, `3 M`."""
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= factor:
            return f"{value / (1e3 if letter == 'k' else factor):g} {letter}"
    return f"{value:g}" if value >= 1e-3 else f"{value:.0e}".replace("e-0", "e-")


def check_ending(path: str | os.PathLike[str]) -> str:
    """The ending of a picture's path, in small letters.

    Raises:
        ValueError: if it is not one of `ENDINGS`.
    """
    ending = os.path.splitext(os.fspath(path))[1].lower()
    if ending not in ENDINGS:
        raise ValueError(f"figure: {os.fspath(path)!r} is not allowed; it must end in {', '.join(ENDINGS)}")
    return ending


def save(figure: Any, path: str | os.PathLike[str]) -> None:
    """Save a figure, the same bytes each time; the ending chooses the format.

    Raises:
        ValueError: for another ending.
        OSError: if it cannot be written.
    """
    from io import BytesIO

    from tracetide.io.writing.output import open_output

    ending = check_ending(path)
    # What would tell the time or the version.
    changing = {".png": "Software", ".svg": "Date", ".pdf": "CreationDate"}[ending]
    buffer = BytesIO()
    figure.savefig(buffer, format=ending[1:], metadata={changing: None})
    if ending == ".png":
        buffer = _small(buffer)
    with open_output(os.fspath(path)) as output:
        output.write(buffer.getvalue())


def _small(png: BytesIO) -> BytesIO:
    """The same picture in 64 colours, which is a third of the bytes; Pillow comes with matplotlib."""
    from io import BytesIO

    from PIL import Image

    found = BytesIO()
    with Image.open(png) as picture:
        picture.convert("RGB").quantize(64).save(found, "png", optimize=True)
    return found
