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
    sessions: bool | float
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
        if not isinstance(given["drop_empty"], bool):
            raise ValueError(f"drop_empty: {given['drop_empty']!r} is not allowed; it must be True or False")
        if given["latent"] != AUTO:
            _check_latent(given["latent"])
        if given["top_clients"] is not None:
            check_whole("top_clients", given["top_clients"], 1)
        window = parse_duration(given["window"], "window")
        epoch = parse_duration(given["epoch"], "epoch")
        duration = None if given["duration"] is None else parse_duration(given["duration"])
        sessions = _sessions(given["sessions"])
        options = cls(
            **{**given, "window": window, "epoch": epoch, "duration": duration, "sessions": sessions}
        )
        grid = options.grid
        if grid.window_ns < 1 or grid.epoch_windows * grid.window_ns != round(epoch * NS):
            raise ValueError(
                f"epoch: {given['epoch']!r} is not allowed; it must be a multiple of window, which is "
                f"{given['window']!r}"
            )
        return options

    @property
    def idle_ns(self) -> int | None:
        """The idle time that ends a session, if sessions are told by it."""
        return None if isinstance(self.sessions, bool) else round(self.sessions * NS)

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


def _sessions(given: Any) -> bool | float:
    """Not a plain number: 1 would be taken for True by some, for a second by others."""
    if isinstance(given, bool):
        return given
    if not isinstance(given, str):
        raise ValueError(
            f"sessions: {given!r} is not allowed; it must be True, False or an idle time such as '10min'"
        )
    return parse_duration(given, "sessions")
