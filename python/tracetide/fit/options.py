"""What a fit can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracetide.base.durations import parse_duration
from tracetide.base.grid import NS
from tracetide.base.numbers import check_whole
from tracetide.passes.pieces import Grid

LENGTHS = ("pmf", "parametric")
AUTO = "auto"
MOST_LATENT = 64


@dataclass(frozen=True)
class Options:
    """Checked options of a fit; see `tracetide.fit.fit`."""

    window: float
    epoch: float
    lengths: str
    duration: float | None
    min_gaps: int
    max_gaps: int
    min_lengths: int
    top_clients: int | None
    max_clients: int
    max_values: int
    max_sessions: int
    max_blocks: int
    latent: int | str
    sessions: bool
    drop_empty: bool

    @classmethod
    def checked(cls, **given: Any) -> Options:
        """The options.

        Raises:
            ValueError: naming the option, the value and what is allowed.
        """
        if given["lengths"] not in LENGTHS:
            raise ValueError(
                f"lengths: {given['lengths']!r} is not allowed; it must be one of {', '.join(LENGTHS)}"
            )
        for name, least in (
            ("min_gaps", 2),
            ("max_gaps", 64),
            ("min_lengths", 1),
            ("max_clients", 1),
            ("max_values", 1 << 16),
            ("max_sessions", 1),
            ("max_blocks", 1),
        ):
            check_whole(name, given[name], least)
        for name in ("sessions", "drop_empty"):
            if not isinstance(given[name], bool):
                raise ValueError(f"{name}: {given[name]!r} is not allowed; it must be True or False")
        if given["latent"] != AUTO:
            _check_latent(given["latent"])
        if given["top_clients"] is not None:
            check_whole("top_clients", given["top_clients"], 1)
        window = parse_duration(given["window"], "window")
        epoch = parse_duration(given["epoch"], "epoch")
        duration = None if given["duration"] is None else parse_duration(given["duration"])
        options = cls(**{**given, "window": window, "epoch": epoch, "duration": duration})
        grid = options.grid
        if grid.window_ns < 1 or grid.epoch_windows * grid.window_ns != round(epoch * NS):
            raise ValueError(
                f"epoch: {given['epoch']!r} is not allowed; it must be a multiple of window, which is "
                f"{given['window']!r}"
            )
        return options

    @property
    def grid(self) -> Grid:
        """Windows and epochs."""
        window_ns = round(self.window * NS)
        return Grid(window_ns, max(1, round(self.epoch * NS) // max(window_ns, 1)))

    @property
    def latent_clients(self) -> int | None:
        """How many, or None for as many as the trace tells."""
        return None if isinstance(self.latent, str) else self.latent


def _check_latent(value: Any) -> None:
    if isinstance(value, str):
        raise ValueError(
            f"latent: {value!r} is not allowed; it must be {AUTO!r} or a whole number from 1 to {MOST_LATENT}"
        )
    check_whole("latent", value, 1, MOST_LATENT)
