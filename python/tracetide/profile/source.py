"""How a profile gets to another process: by name, by path, or as bytes; and its digest."""

from __future__ import annotations

import weakref
from typing import NamedTuple

from tracetide import _core
from tracetide.base.errors import ProfileError

_digests: weakref.WeakKeyDictionary[_core.Profile, str] = weakref.WeakKeyDictionary()
_arrived: weakref.WeakValueDictionary[str, _core.Profile] = weakref.WeakValueDictionary()


class ProfileSource(NamedTuple):
    """Where any process finds a profile.

    Attributes:
        kind: `"bundled"` or `"path"`.
        where: the bundled name, or the path of the `.tide` file.
    """

    kind: str
    where: str

    def open(self, digest: str) -> _core.Profile:
        """The profile, once in a process however often it is asked for while it is in use.

        Raises:
            ProfileError: if it is not the profile of this digest.
            FileNotFoundError: if the file is not there.
        """
        found = _arrived.get(digest)
        if found is not None:
            return found
        profile = _core.Profile.open(self._path())
        actual = digest_of(profile)
        if actual != digest:
            what = (
                f"the bundled profile {self.where!r}"
                if self.kind == "bundled"
                else f"the file {self.where!r}"
            )
            raise ProfileError(
                f"profile: {what} has the SHA-256 {actual[:12]}... here, and {digest[:12]}... where the job "
                "is from; both must be the same: use one version of tracetide, and of the file, everywhere"
            )
        _arrived[digest] = profile
        return profile

    def _path(self) -> str:
        if self.kind != "bundled":
            return self.where
        from tracetide.profile.bundled import bundled_path

        return str(bundled_path(self.where))


def digest_of(profile: _core.Profile) -> str:
    """SHA-256 of a profile's image, computed once."""
    if profile not in _digests:
        _digests[profile] = _sha256(profile.to_bytes())
    return _digests[profile]


def from_image(image: bytes, name: str) -> _core.Profile:
    """The profile of an image, once in a process while it is in use."""
    digest = _sha256(image)
    profile = _arrived.get(digest)
    if profile is None:
        profile = _core.Profile.from_bytes(image, name)
        _digests[profile] = digest
        _arrived[digest] = profile
    return profile


def _sha256(image: bytes) -> str:
    import hashlib  # here, so that importing tracetide stays quick

    return hashlib.sha256(image).hexdigest()
