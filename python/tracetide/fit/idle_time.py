"""Sessions of clients by idle time, where a trace has no others, and the rates of their starts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracetide.fit.arrivals import Cells
from tracetide.passes.pieces import Codes, Piece

Ints = npt.NDArray[np.int64]


def sessions_by_idle_time(client: Codes, time_ns: Ints, idle_ns: int) -> Ints:
    """The number of each request's session, that of its first request.

    A request goes on with its client's last one if that is less than `idle_ns` ago.

    Args:
        client: code of each request.
        time_ns: ascending.
        idle_ns: nanoseconds.
    """
    order = np.argsort(client, kind="stable")
    of, time = client[order], time_ns[order]
    begins = np.append(True, (of[1:] != of[:-1]) | (np.diff(time) >= idle_ns))[: of.size]
    number = np.empty(of.size, dtype=np.int64)
    number[order] = order[begins][np.cumsum(begins) - 1]
    return number


class SessionStarts:
    """Takes pieces, and gives on the requests with which sessions begin: what clients' rates are made of.

    The rates of a window are in proportion to the sessions that clients begin in it, but together those of
    all requests. A window with requests in which no session begins keeps its requests; so do the windows
    after the first rows, of which sessions are known.
    """

    def __init__(self, number: Ints, window: Ints) -> None:
        """Sessions of the first rows.

        Args:
            number: of each row's session, that of its first row.
            window: of each row, ascending.
        """
        begins = number == np.arange(number.size)
        first = np.flatnonzero(np.append(True, window[1:] != window[:-1])[: window.size])
        some = np.maximum.reduceat(begins, first) if first.size else begins
        self._chosen = begins | ~np.repeat(some, np.diff(np.append(first, window.size)))
        self._was_open = False
        self._window: list[Ints] = []
        self._requests: list[Ints] = []

    def of(self, piece: Piece) -> Piece:
        """The rows of the next piece with which sessions begin; their requests are counted."""
        windows, counts = np.unique(piece.window, return_counts=True)
        self._window.append(windows)
        self._requests.append(counts)
        # A window that goes on in the next piece, with half a million requests, is seen to go on and to end.
        first, last = piece.first_row, piece.first_row + len(piece) - 1
        if self._was_open and first < self._chosen.size:
            self._chosen[first] = True
        if piece.is_open and last < self._chosen.size:
            self._chosen[last] = True
        self._was_open = piece.is_open
        return piece.where(self._chosen)

    def requests(self) -> Ints:
        """By window, how many requests there are."""
        if not self._window:
            return np.zeros(0, dtype=np.int64)
        return np.bincount(np.concatenate(self._window), np.concatenate(self._requests)).astype(np.int64)

    def per_start(self, cells: Cells) -> npt.NDArray[np.float64]:
        """By cell, how many requests there are in its window for each that was given on."""
        requests = self.requests()
        starts = np.bincount(cells.window, cells.requests, requests.size)
        found: npt.NDArray[np.float64] = (requests / np.maximum(starts, 1))[cells.window]
        return found
