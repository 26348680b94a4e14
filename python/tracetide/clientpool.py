"""A pool: the clients of a profile, narrowed lazily to what a job should use."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tracetide import _core
from tracetide.durations import format_duration, format_time, parse_time
from tracetide.grid import NS

_TIDE = ".tide"


class ClientPool:
    """An immutable handle on the clients of a profile between two of its times.

    Get one from `tracetide.load`. Narrowing gives a new pool and copies nothing.
    """

    __slots__ = ("_end", "_name", "_profile", "_start")

    def __init__(
        self, profile: _core.Profile, *, name: str = "", start: float = 0.0, end: float | None = None
    ) -> None:
        """A pool of all clients of `profile` from `start` to `end` (seconds; None: its period's end)."""
        self._profile = profile
        self._start = start
        self._end = profile.period_ns / NS if end is None else end
        self._name = name or str(self.provenance.get("name", "")) or "unnamed"

    @property
    def profile(self) -> _core.Profile:
        """The core's profile, whole."""
        return self._profile

    @property
    def name(self) -> str:
        """What the profile is called: its bundled name, or that of the file or folder it is from."""
        return self._name

    @property
    def category(self) -> str:
        """`"language"`, `"reason"` or `"multimodal"`."""
        return self._profile.category

    @property
    def fields(self) -> list[str]:
        """The values that a client draws for a request."""
        return self._profile.fields

    @property
    def client_names(self) -> list[str]:
        """The clients' names, by client number."""
        return self._profile.client_names

    @property
    def period(self) -> float:
        """Length of the whole profile in seconds."""
        return self._profile.period_ns / NS

    @property
    def window(self) -> float:
        """Length of a window in seconds."""
        return self._profile.window_ns / NS

    @property
    def start(self) -> float:
        """Where this pool begins, in seconds from the profile's start."""
        return self._start

    @property
    def end(self) -> float:
        """Where this pool ends, in seconds from the profile's start."""
        return self._end

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the profile is left out."""
        return self._start == 0 and self._end == self.period

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the profile is from: source, licence, how it was made."""
        text = self._profile.metadata
        found = json.loads(text) if text else {}
        return found if isinstance(found, dict) else {"metadata": found}

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
        return ClientPool(self._profile, name=self._name, start=first, end=last)

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
        if Path(path).suffix != _TIDE:
            raise ValueError(f"write: {os.fspath(path)!r} is not allowed; a profile file must end in {_TIDE}")
        folder = Path(path).absolute().parent
        if not folder.is_dir():
            raise FileNotFoundError(
                f"cannot write {os.fspath(path)!r}: the folder {str(folder)!r} does not exist"
            )
        self._profile.write(os.fspath(path))

    def __len__(self) -> int:
        """The number of clients."""
        return self._profile.clients

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
        return _restore, (self._profile.to_bytes(), self._name, self._start, self._end)


def _restore(image: bytes, name: str, start: float, end: float) -> ClientPool:
    return ClientPool(_core.Profile.from_bytes(image, name), name=name, start=start, end=end)


def load(source: str | os.PathLike[str], *, threads: int = 0) -> ClientPool:
    """The pool of a profile.

    Args:
        source: a bundled name (see `tracetide profiles`), a `.tide` file, or a ServeGen model folder.
            A bundled name goes before a folder of that name; write `./m-small` for the folder.
        threads: threads that read a ServeGen folder; 0: all cores.

    Raises:
        FileNotFoundError: if there is no such name, file or folder, with the nearest bundled names.
        ProfileError: if the data is not a sound profile.
        ValueError: if it is a file of another kind.
    """
    from tracetide.profiles import bundled, bundled_path

    if isinstance(source, str) and source in bundled():
        return ClientPool(_core.Profile.open(str(bundled_path(source))), name=source)
    path = Path(source)
    if path.is_dir():
        return ClientPool(_core.Profile.read_servegen(str(path), threads), name=path.resolve().name)
    if path.is_file():
        if path.suffix != _TIDE:
            raise ValueError(
                f"profile: {str(source)!r} is not allowed; it must be a bundled name, a {_TIDE} file or a "
                "ServeGen model folder"
            )
        return ClientPool(_core.Profile.open(str(path)), name=path.stem)
    raise FileNotFoundError(_not_found(os.fspath(source)))


def _not_found(source: str) -> str:
    import difflib

    from tracetide.profiles import bundled

    names = bundled()
    near = difflib.get_close_matches(source.lower(), names, n=3, cutoff=0.4) or names
    kind = (
        "file or folder" if os.sep in source or source.endswith(_TIDE) else "bundled profile, file or folder"
    )
    hint = (
        f"; the nearest bundled names are {', '.join(near)}"
        if len(near) < len(names)
        else (f"; bundled are {', '.join(names)}" if names else "")
    )
    return f"profile: there is no {kind} {source!r}{hint}"
