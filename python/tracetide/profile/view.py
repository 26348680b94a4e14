"""What a pool is: the clients of a profile between two of its times."""

from __future__ import annotations

from typing import Any

from tracetide import _core
from tracetide.base.errors import ProfileError
from tracetide.base.grid import NS
from tracetide.base.json_text import parse_json


class ProfileView:
    """The clients of a profile between two of its times, and what is known of them.

    Functions that look into a pool or reshape it take this; `tracetide.ClientPool`, which calls them, is one.
    """

    __slots__ = ("_end", "_name", "_profile", "_start")

    def __init__(self, profile: _core.Profile, name: str, start: float, end: float | None) -> None:
        """The profile from `start` to `end` (seconds); None: its period's end."""
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
    def duration(self) -> float:
        """How long a job of it is unless it is told, in seconds: the length of its span.

        Of a whole profile whose provenance has a `duration`, as that of a fit has, it is that: a last window
        in which the trace ended is not filled.

        Raises:
            ProfileError: if the provenance has something else there.
        """
        length = self._end - self._start
        told = self.provenance.get("duration", length) if self.is_whole else length
        if isinstance(told, bool) or not isinstance(told, int | float) or not 0 < told < float("inf"):
            raise ProfileError(
                f"{self._name}: provenance: duration {told!r} is not allowed; it must be seconds, above 0"
            )
        return min(float(told), length)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the profile is left out."""
        return self._start == 0 and self._end == self.period

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the profile is from: source, licence, how it was made.

        Raises:
            ProfileError: if the file has there what is no JSON.
        """
        text = self._profile.metadata
        try:
            found = parse_json(text) if text else {}
        except ValueError as error:
            raise ProfileError(f"metadata of the profile: not JSON that can be read: {error}") from None
        return found if isinstance(found, dict) else {"metadata": found}

    def __len__(self) -> int:
        """The number of clients."""
        return self._profile.clients
