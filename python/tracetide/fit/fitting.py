"""From a trace to a profile."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tracetide._version import __version__
from tracetide.base.errors import EmptyRequestWarning, TraceError, outside
from tracetide.base.grid import NS
from tracetide.base.readable import path_text
from tracetide.base.vocabulary import FAMILY_KEYS, TABLE
from tracetide.base.wording import Option, Told
from tracetide.fit.arrivals import FALLBACKS, Arrivals, Cells
from tracetide.fit.assemble import Parts, assemble
from tracetide.fit.clients import FittedClients, is_failed, lacks_input_only
from tracetide.fit.conversations import Conversations
from tracetide.fit.dispersion import IntervalCounts, trial, warn_if_far
from tracetide.fit.extent import Extent, told_end
from tracetide.fit.idle_time import SessionStarts
from tracetide.fit.latent import LatentSample
from tracetide.fit.lengths import Lengths
from tracetide.fit.noise_sums import NO_NOISE, FoundNoise
from tracetide.fit.options import Options
from tracetide.fit.prefixes import Prefixes
from tracetide.fit.report import FitReport, FitResult, lengths_table, windows_table
from tracetide.fit.sessions import SessionRecord
from tracetide.fit.source import codes_of, columns_of
from tracetide.io.reading import TraceScan
from tracetide.io.reading.fields import not_empty
from tracetide.passes.pieces import Piece, pieces
from tracetide.profile.pool import ClientPool

_MOST_WINDOWS = 10_000_000


class Fitting:
    """One fit: goes through the trace once and holds everything that is counted."""

    def __init__(self, scan: TraceScan, client: str | None, options: Options, *, with_ks: bool) -> None:
        self._scan = scan
        self._options = options
        self._grid = options.grid
        self._codes = codes_of(
            scan, client, top=options.top_clients, most=options.max_clients, drop_empty=options.drop_empty
        )
        self._columns = columns_of(scan, client)
        self._arrivals = Arrivals(
            self._grid, min_gaps=options.min_gaps, max_gaps=options.max_gaps, with_ks=with_ks
        )
        self._intervals = IntervalCounts()
        self._lengths = Lengths(
            scan.category,
            tuple(self._columns),
            scan.origin,
            least=options.min_lengths,
            budget=options.max_values,
            parametric=options.lengths == "parametric",
        )
        has = self._columns.__contains__
        self._conversations = Conversations(options.max_sessions) if has("session_id") else None
        self._prefixes = Prefixes(options.max_blocks) if has("hash_ids") else None
        self._record = (
            SessionRecord(
                scan.category,
                self._grid,
                has_sessions=has("session_id"),
                has_ids=has("hash_ids"),
                idle_ns=self._idle_ns(),
                min_lengths=options.min_lengths,
            )
            if options.sessions
            else None
        )
        is_whole = client is None and options.latent_clients != 1
        self._latent_sample = LatentSample() if is_whole else None
        self._clients = FittedClients(self._codes, least=options.min_lengths)
        self._starts: SessionStarts | None = None
        self._rows = self._empty = 0
        self._first_ns = self._last_ns = 0

    def _idle_ns(self) -> int | None:
        """The idle time that ends a session, if the trace has clients and does not tell sessions itself."""
        if self._options.idle_ns is None:
            return None
        told = next((name for name in ("session_id", "hash_ids") if name in self._columns), None)
        if told is not None:
            raise ValueError(
                Told(
                    Option("sessions"),
                    f": an idle time is not allowed, as {self._scan.origin} has sessions by '{told}'; use ",
                    Option("sessions", True),
                )
            )
        if self._codes.column is None:
            raise ValueError(
                Told(
                    Option("sessions"),
                    f": an idle time is not allowed, as {self._scan.origin} has one client; name the column "
                    "that tells clients apart with ",
                    Option("client"),
                )
            )
        return self._options.idle_ns

    def run(self) -> None:
        """Read the trace.

        Raises:
            TraceError: as the scan's; and for a trace of one request, or of no duration.
            ValueError: for too many clients or windows.
        """
        epoch = -1
        alone = self._look_first()
        for of_trace in self._pieces():
            piece = self._clients.of(of_trace)
            of_piece = int(piece.window[0]) // self._grid.epoch_windows
            if of_piece != epoch:
                self._end_epoch(epoch)
                epoch = of_piece
            if not self._rows:
                self._first_ns = int(piece.time_ns[0])
            self._check_windows(int(piece.window[-1]))
            of_arrivals = piece if self._starts is None else self._starts.of(piece)
            self._arrivals.add(of_arrivals, self._end_ns(piece))
            self._intervals.add(piece.time_ns)
            of_lengths = piece if alone is None else piece.where(alone)
            if len(of_lengths):
                self._lengths.add(of_lengths, epoch)
            if self._conversations is not None:
                self._conversations.add(piece)
            if self._prefixes is not None:
                self._prefixes.add(piece)
            self._rows += len(piece)
            self._last_ns = int(piece.time_ns[-1])
        self._end_epoch(epoch)
        self._lengths.finish()
        self._check()
        if self._empty and not self._options.drop_empty:
            self._warn_of_empty()

    def _end_ns(self, piece: Piece) -> float:
        """When the trace ends, as far as is known when this piece comes."""
        if not piece.is_last:
            return np.inf
        last_ns = int(piece.time_ns[-1])
        told = told_end(self._options.duration, self._scan.metadata, last_ns / NS)
        if told is not None:
            return told * NS
        rows = self._rows + len(piece)
        return last_ns + (last_ns - self._first_ns) / max(rows - 1, 1)

    def _pieces(self) -> Iterator[Piece]:
        self._empty = 0
        batches = self._scan.batches(self._columns)
        return pieces(batches, self._codes, self._grid, self._scan.origin, self._keep)

    def _keep(self, batch: pa.RecordBatch) -> pa.BooleanArray | None:
        """Which rows are fitted, None for all; and count those without input or output."""
        has_both = not_empty(batch)
        self._empty += batch.num_rows - has_both.true_count
        return has_both if self._options.drop_empty else None

    def _warn_of_empty(self) -> None:
        message = Told(
            f"{self._scan.origin}: {self._empty:,} of {self._rows:,} requests, "
            f"{100 * self._empty / self._rows:.3g} %, have no input or no output, as failed ones; the "
            "profile makes as many of them, by clients of their own; ",
            Option("drop_empty", True),
            " of a fit or a conversion leaves them out",
        )
        warnings.warn(
            EmptyRequestWarning(message),
            stacklevel=outside(),
        )

    def _look_first(self) -> npt.NDArray[np.bool_] | None:
        """Go through the trace for sessions and latent clients first, if they are sought.

        Returns:
            Of which requests lengths are to be counted; None for all.
        """
        record, sample = self._record, self._latent_sample
        if record is None and sample is None:
            return None
        empty = [np.empty(0, dtype=bool)]
        for piece in self._pieces():
            if record is not None:
                record.add(piece)
                empty.append(is_failed(piece) | lacks_input_only(piece))
            if sample is not None:
                sample.add(piece)
        if record is not None:
            record.finish()
            self._starts = record.starts()
        if sample is not None and self._find_latent(sample):
            return None
        if record is None:
            return None
        alone = record.stand_alone()
        if alone is None:
            return None
        alone |= np.concatenate(empty)[: alone.size]
        return alone

    def _find_latent(self, sample: LatentSample) -> bool:
        """Whether there are latent clients; then requests in sessions are another one's."""
        options = self._options
        in_sessions = self._record.in_sessions() if self._record is not None else None
        found = sample.find(
            options.latent_clients,
            least=options.min_lengths,
            window_ns=self._grid.window_ns,
            without=in_sessions,
        )
        if found is not None:
            self._clients = FittedClients(
                self._codes, least=options.min_lengths, latent=found, in_sessions=in_sessions
            )
        return found is not None

    def _end_epoch(self, epoch: int) -> None:
        if epoch >= 0:
            self._arrivals.end_epoch()
            self._lengths.end_epoch()

    def _check_windows(self, window: int) -> None:
        if window >= _MOST_WINDOWS:
            raise ValueError(
                Told(
                    f"{self._scan.origin}: a time of {self._last_ns / NS:.9g} s or later makes more than "
                    f"{_MOST_WINDOWS:,} windows of {self._options.window:g} s, which is not allowed; choose "
                    "a larger ",
                    Option("window"),
                    ", or ",
                    Option("rebase", True),
                    " for times that do not begin near 0",
                )
            )

    def _check(self) -> None:
        if self._empty and not self._rows:
            raise TraceError(f"{self._scan.origin}: no row has both input and output; there is nothing left")
        if self._rows < 2:
            raise TraceError(
                f"{self._scan.origin}: a trace of one request is not allowed in a fit; "
                "it must have at least two"
            )
        if self._last_ns == self._first_ns:
            raise TraceError(
                f"{self._scan.origin}: column 'timestamp': all {self._rows:,} requests are at "
                f"{self._first_ns / NS:.9g} s, which is not allowed in a fit; there is no duration"
            )
        first = self._first_ns // self._grid.window_ns
        windows = self._last_ns // self._grid.window_ns + 1
        if first > 100 * (windows - first):
            raise ValueError(
                Told(
                    f"{self._scan.origin}: column 'timestamp': times from {self._first_ns / NS:.9g} s to "
                    f"{self._last_ns / NS:.9g} s are not allowed in a fit, whose profile begins at 0; ",
                    Option("rebase", True),
                    " counts them from the first request",
                )
            )

    def result(self, name: str) -> FitResult:
        """The pool and the report, after `run`."""
        order = self._clients.order()
        number = np.empty_like(order)
        number[order] = np.arange(order.size)
        by_code = self._clients.names()
        with_sessions = self._clients.with_sessions()
        cells = self._arrivals.finish()
        tables = self._arrivals.tables(cells)
        together = self._clients.latent is not None
        noise = self._arrivals.noise(together=together) if self._clients.is_modulated else NO_NOISE
        extent = self._extent(cells)
        cells = extent.of_cells(cells)
        cells = replace(cells, client=number[cells.client].astype(np.uint32))
        cells = cells.take(np.lexsort((cells.client, cells.window)))
        parts = Parts(
            self._scan.category,
            [by_code[code] for code in order],
            extent.windows,
            cells,
            self._rates(cells, extent),
            [replace(entry, client=int(number[entry.client])) for entry in self._lengths.fitted],
            [(int(number[code]), a, b, r) for code, a, b, r in self._lengths.correlations.significant()],
            with_sessions[order].tolist(),
            {int(number[code]): table for code, table in tables.items()},
            {int(number[code]): found for code, found in noise.by_client.items()},
        )
        models = self._record.models() if self._record is not None else (None, None)
        if models[0] is not None and self._clients.has_client_of_sessions:
            models = replace(models[0], share=1.0), models[1]
        profile = assemble(parts, self._grid, self._metadata(name, cells, extent, noise), models)
        self._intervals.not_below(self._arrivals.tick_ns)
        found = trial(profile, self._intervals, self._first_ns, round(extent.end_s * NS))
        warn_if_far(self._scan.origin, found)
        report = FitReport(
            windows_table(cells, parts.rates, parts.names, self._grid.window_ns / NS),
            lengths_table(parts.fitted, parts.names),
        )
        return FitResult(ClientPool(profile, name=name), report)

    def _rates(self, cells: Cells, extent: Extent) -> npt.NDArray[np.float64]:
        rates = extent.rates(cells, self._grid)
        return rates if self._starts is None else rates * self._starts.per_start(cells)

    def _extent(self, cells: Cells) -> Extent:
        last_s = self._last_ns / NS
        extent = Extent.of(
            cells,
            self._grid,
            last_s=last_s,
            mean_gap_s=(self._last_ns - self._first_ns) / NS / (self._rows - 1),
            told_s=told_end(self._options.duration, self._scan.metadata, last_s),
        )
        if extent.dropped and self._starts is not None:
            extent = replace(extent, dropped=int(self._starts.requests()[extent.windows :].sum()))
        return extent

    def _metadata(self, name: str, cells: Cells, extent: Extent, noise: FoundNoise) -> dict[str, Any]:
        requests = int(cells.requests.sum())
        shares = np.bincount(cells.family, cells.requests, len(FAMILY_KEYS)) / requests
        fallbacks = np.bincount(cells.fallback, cells.requests, len(FALLBACKS)) / requests
        found: dict[str, Any] = {
            "name": name,
            "tool": "tracetide fit",
            "tracetide": __version__,
            "source": path_text(os.path.basename(self._scan.origin)),
            "format": self._scan.format,
            "rows": self._rows,
            "rows_used": self._rows - extent.dropped,
            "rows_empty": self._empty,
            "rows_failed": self._clients.failed,
            "duration": extent.end_s,
            "tick_ns": self._arrivals.tick_ns,
            "client_column": self._codes.column,
            "latent_clients": len(self._clients.latent or ()),
            "options": asdict(self._options),
            "families": {family: _rounded(share) for family, share in zip(FAMILY_KEYS, shares, strict=True)},
            "family_from": {word: _rounded(share) for word, share in zip(FALLBACKS, fallbacks, strict=True)},
            "gap_tables": int(np.unique(cells.client[cells.family == TABLE]).size),
            "rate_noise": noise.summary(),
            "coarsest_bits": self._lengths.coarsest,
            "correlations_shrunk": self._lengths.correlations.shrunk,
            "correlations_limited": self._lengths.correlations.limited,
        }
        if self._conversations is not None:
            found["conversations"] = self._conversations.summary()
        if self._prefixes is not None:
            found["prefix"] = self._prefixes.summary()
        return found


def name_of(scan: TraceScan) -> str:
    """What a profile of this trace is called."""
    if scan.container == "memory":
        return "trace"
    return path_text(Path(scan.origin).name.split(".")[0]) or "trace"


def _rounded(share: float) -> float:
    return float(f"{share:.6g}")
