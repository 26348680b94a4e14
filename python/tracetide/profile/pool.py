"""A pool: the clients of a profile, narrowed lazily to what a job should use."""

from __future__ import annotations

import os
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracetide import _core
from tracetide.base.durations import format_duration, format_time, parse_time
from tracetide.profile.source import ProfileSource, digest_of, from_image
from tracetide.profile.view import ProfileView

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tracetide.profile.analysis.filters import Kept, Predicate
    from tracetide.profile.distributions import Distribution
    from tracetide.profile.handmade import Client
    from tracetide.profile.prompts import Prefixes
    from tracetide.profile.sessions import Sessions

TIDE = ".tide"
"""The ending of profile files."""
_MOST_CLIENTS = 10_000_000


class ClientPool(ProfileView):
    """An immutable handle on the clients of a profile between two of its times.

    Get one from `tracetide.load` or `tracetide.fit`, or make one of `tracetide.Client`s. Narrowing and
    reshaping give new pools and never change this one.
    """

    __slots__ = ("_before", "_path", "_source")

    def __init__(
        self,
        clients: _core.Profile | Iterable[Client],
        *,
        name: str = "",
        start: float = 0.0,
        end: float | None = None,
        window: float | str | None = None,
        period: float | str | None = None,
    ) -> None:
        """A pool of clients.

        Args:
            clients: `tracetide.Client`s of one category; or the core's profile.
            name: what to call it.
            start, end: the span in seconds; None: the period's end.
            window: how often rates may change, in seconds or as text; only for `Client`s, 10 min by default.
                Every window has the mean of a client's rate over it.
            period: after which rates repeat; only for `Client`s, by default the fewest whole days (weeks, if
                a rate is weekly) that hold all times of their rates.

        Raises:
            ValueError: naming the client, the field, the value and what is allowed.
        """
        if isinstance(clients, _core.Profile):
            if window is not None or period is not None:
                raise ValueError("window and period: a profile has its own; they are for Clients")
            profile = clients
        else:
            from tracetide.profile.handmade import make_profile

            profile = make_profile(clients, name=name, window=window, period=period)
        super().__init__(profile, name, start, end)
        self._source: ProfileSource | None = None  # where other processes find it; None: it is sent
        self._path: str | None = None  # of the .tide file that it is the whole of
        self._before: _core.Profile | None = None  # what filters were left of

    def span(self, start: float | str, end: float | str) -> ClientPool:
        """The pool between two times of the profile.

        Args:
            start, end: seconds from the profile's start, or times such as `"18:00"` (of day 1) and
                `"day 2 18:00"`; within this pool.

        Raises:
            ValueError: naming the value and what is allowed.
        """
        first, last = parse_time(start, "span start"), parse_time(end, "span end")
        if not self._start <= first < self._end:
            raise ValueError(
                f"span start: {start!r} is not allowed; it must be a time from {format_time(self._start)} "
                f"to before {format_time(self._end)}, where {self._name} ends"
            )
        if not first < last <= self._end:
            raise ValueError(
                f"span end: {end!r} is not allowed; it must be a time after {format_time(first)}, "
                f"at most {format_time(self._end)}, where {self._name} ends"
            )
        pool = ClientPool(self._profile, name=self._name, start=first, end=last)
        pool._before = self._before
        return found_at(self._source, self._path, pool)

    def filter(self, predicate: Predicate | None = None, **ranges: Any) -> ClientPool:
        """The pool with only those windows of clients that meet all conditions.

        What a client sends in a window is kept as it is or left out, not single requests: `max_input=8000`
        leaves out every client that ever sends more. The others' rates do not change; `kept` has the share of
        clients and requests that is left.

            pool.filter(cv=(0.5, 1.5), avg_input=(100, 1000), max_output=8192)
            pool.filter(lambda w: w["input_tokens_p99"] > 4 * w["output_tokens_p99"])

        Args:
            predicate: takes the columns of `windows` as a mapping of NumPy arrays, gives an array of bool.
            ranges: a pair (low, high), both included, None for no bound, by column of `windows`; or by the
                short names `avg_input`, `avg_output`, `max_input` and `max_output`, the last two of which
                also take a number, the highest allowed. `family` takes a name. A value that the profile does
                not know is in no range.

        Raises:
            ValueError: naming the filter, the value and what is allowed.
        """
        from tracetide.profile.analysis import keep_by

        return self._keep(keep_by(self, predicate, ranges))

    def top(self, k: int, by: str = "requests") -> ClientPool:
        """The pool of the `k` clients of the most expected requests in it; or of the highest mean of another
        column of `windows`, weighted by requests.

        Raises:
            ValueError: naming the argument, the value and what is allowed.
        """
        from tracetide.profile.analysis import keep_top

        return self._keep(keep_top(self, k, by))

    def select(self, clients: int | str | Iterable[int | str]) -> ClientPool:
        """The pool of these clients alone, by number or name.

        Raises:
            ValueError: naming a client that is not there.
        """
        from tracetide.profile.analysis import keep_clients

        chosen = [clients] if isinstance(clients, int | str) else clients
        return self._keep(keep_clients(self, chosen))

    @property
    def kept(self) -> Kept | None:
        """What `filter`, `top` and `select` have left in this pool: clients, and the share of the requests.

        None where nothing was filtered; a reshaped pool, or one from another process, does not know.
        """
        from tracetide.profile.analysis import kept_of

        return None if self._before is None else kept_of(self, self._before)

    def windows(self) -> Any:
        """What every active client does in every window of the pool, as a pyarrow Table.

        One row per client and window: `start` and `duration` (seconds), `client`, `client_name`, `rate`
        (requests/s), `requests` (expected), `family`, `shape` and `cv` of the gaps, and for every field
        `<field>_avg`, `_p50`, `_p95`, `_p99` and `_max`. `.to_pandas()` makes a DataFrame of it.
        """
        from tracetide.profile.analysis import window_table

        return window_table(self)

    def cdfs(self) -> Any:
        """Cumulative distributions across clients, window by window, as a pyarrow Table.

        Columns `start`, `column` (`rate`, `cv`, or a field's `_avg`, `_p50`, `_p95` or `_p99`), `value` and
        `probability`. Rates count every client alike, all else weighs clients by their rate.
        """
        from tracetide.profile.analysis import cdf_table

        return cdf_table(self)

    def resample(self, n_clients: int, seed: int = 0) -> ClientPool:
        """A pool of `n_clients` clients drawn from those that are active in this one.

        Each of N clients is drawn n/N times, rounded up or down, so that the skew of the rates stays; the
        expected total rate is n/N times this pool's. Copies send at different times.

        Raises:
            ValueError: naming the argument, the value and what is allowed.
        """
        from tracetide.profile.reshape import resample

        return self._with(resample(self, n_clients, seed))

    def scale_clients(self, factor: float, seed: int = 0) -> ClientPool:
        """A pool of `factor` times as many clients, drawn as `resample` does, each with its own rate.

        The total rate grows alike. This is more users; `scale=` of a job is the same users sending more,
        which is burstier.

        Raises:
            ValueError: naming the argument, the value and what is allowed.
        """
        from tracetide.profile.reshape import resample

        return self._with(resample(self, self._scaled(factor), seed))

    def _scaled(self, factor: float) -> int:
        import math

        active = len({int(client) for client in self._profile.cells()["client"]})
        is_number = isinstance(factor, Real) and not isinstance(factor, bool)
        if not (is_number and math.isfinite(factor) and 0 < factor <= _MOST_CLIENTS):
            raise ValueError(f"factor: {factor!r} is not allowed; it must be a number above 0")
        return max(1, round(factor * active))

    def with_arrivals(self, arrivals: Distribution) -> ClientPool:
        """The same clients with gaps of one law, at the rates that they have.

        Args:
            arrivals: the law's shape: `Exponential()` (Poisson arrivals), `Gamma(shape)`, `Gamma(cv=...)` or
                `Weibull(shape)`.

        Raises:
            ValueError: for another law, or one with a scale.
        """
        from tracetide.profile.handmade.client import check_arrivals
        from tracetide.profile.handmade.profile import gaps_of

        check_arrivals(arrivals)
        return self._with(self._profile.with_gaps(*gaps_of(arrivals)))

    def with_sessions(self, sessions: Sessions | None) -> ClientPool:
        """The same clients, whose requests belong together as a model says; None: all stand alone.

        Args:
            sessions: as `tracetide.conversations` or an agent makes it, for every client, instead of what
                the profile had.
        """
        from tracetide.profile.sessions import with_sessions

        return self._with(with_sessions(self, sessions))

    def with_prefixes(self, prefixes: Prefixes | None) -> ClientPool:
        """The same clients, each with system prompts of its own as a model says; None: without."""
        from tracetide.profile.prompts import with_prefixes

        return self._with(with_prefixes(self, prefixes))

    def collapse(self) -> ClientPool:
        """A pool of one client with the rate, burstiness and lengths of all of this one: the NAIVE baseline.

        Raises:
            ValueError: if no client with lengths is active.
        """
        from tracetide.profile.reshape import collapse

        return self._with(collapse(self))

    def __add__(self, other: ClientPool) -> ClientPool:
        """All clients of both, each with its own rate.

        Windows and periods may differ: windows are split, the shorter period is repeated.

        Raises:
            ValueError: if the categories or spans differ.
        """
        if not isinstance(other, ClientPool):
            return NotImplemented
        from tracetide.profile.reshape import merge

        merged = merge(self, other)
        if self.is_whole:
            return ClientPool(merged)
        return ClientPool(merged, start=self._start, end=self._end)

    def __radd__(self, other: object) -> ClientPool:
        """For `sum`, which begins with 0."""
        return self if other == 0 else NotImplemented

    def by_path(self) -> ClientPool:
        """The same pool, which takes only the path of its `.tide` file with it into other processes.

        They must find the same file there. By default the profile itself is sent, but for bundled ones, whose
        name is enough.

        Raises:
            ValueError: if it is not the profile of a file, or has been changed since.
        """
        if self._source is not None:
            return self
        if self._path is None:
            raise ValueError(
                f"profile: {self!r} is not found by a path; write it to a {TIDE} file and load that"
            )
        return found_at(
            ProfileSource("path", self._path),
            self._path,
            ClientPool(self._profile, name=self._name, start=self._start, end=self._end),
        )

    def _keep(self, cells: npt.NDArray[np.bool_]) -> ClientPool:
        """The same pool with some cells of its profile."""
        pool = self._with(self._profile.with_cells(cells))
        pool._before = self._before or self._profile
        return pool

    def _with(self, profile: _core.Profile) -> ClientPool:
        """The same span of another profile."""
        return ClientPool(profile, name=self._name, start=self._start, end=self._end)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the profile as a `.tide` file; it appears only when complete.

        Raises:
            ValueError: if the pool is narrowed, or `path` has another ending.
            OSError: if it cannot be written.
        """
        if not self.is_whole:
            raise ValueError(
                f"write: {self!r} is narrowed, which a profile file cannot hold; write the whole pool"
            )
        if Path(path).suffix != TIDE:
            raise ValueError(f"write: {os.fspath(path)!r} is not allowed; a profile file must end in {TIDE}")
        from tracetide.io.writing.output import open_output

        with open_output(path) as output:
            output.write(self._profile.to_bytes())

    def __repr__(self) -> str:
        period = format_duration(self.period)
        text = f"<ClientPool {self._name}: {len(self):,} clients, {self.category}, {period}"
        if not self.is_whole:
            text += f", from {format_time(self._start)} to {format_time(self._end)}"
        return text + ">"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ClientPool):
            return NotImplemented
        return (self._start, self._end) == (other._start, other._end) and (
            self._profile is other._profile or self._profile.to_bytes() == other._profile.to_bytes()
        )

    def __hash__(self) -> int:
        return hash((self._start, self._end, len(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        found = (self._name, self._start, self._end)
        if self._source is not None:
            return _find, (self._source, digest_of(self._profile), *found)
        return _restore, (self._profile.to_bytes(), *found)


def found_at(source: ProfileSource | None, path: str | None, pool: ClientPool) -> ClientPool:
    """The pool, which others find at `source`; `path`: of the `.tide` file that it is the whole of."""
    pool._source, pool._path = source, path
    return pool


def _find(source: ProfileSource, digest: str, name: str, start: float, end: float) -> ClientPool:
    pool = ClientPool(source.open(digest), name=name, start=start, end=end)
    return found_at(source, source.where if source.kind == "path" else None, pool)


def _restore(image: bytes, name: str, start: float, end: float) -> ClientPool:
    return ClientPool(from_image(image, name), name=name, start=start, end=end)
