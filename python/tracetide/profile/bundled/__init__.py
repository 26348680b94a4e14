"""The profiles that come with tracetide.

Those of published data are made by `tracetide.profile.bundled.make`, the modelled ones by
`tracetide.profile.bundled.modelled`.
"""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import Any

__all__ = ["bundled", "bundled_path", "is_profile"]

_ENDING = ".tide"
_ENDINGS = (_ENDING, ".toml", ".yaml", ".yml")


def bundled() -> list[str]:
    """The names of the bundled profiles, in alphabetical order."""
    files = (entry.name for entry in resources.files(__name__).iterdir())
    return sorted(file.removesuffix(_ENDING) for file in files if file.endswith(_ENDING))


def bundled_path(name: str) -> Path:
    """The file of a bundled profile. An unknown name is a ValueError that lists the known ones."""
    names = bundled()
    if name not in names:
        raise ValueError(f"no bundled profile {name!r}; there are: {', '.join(names)}")
    return Path(str(resources.files(__name__) / (name + _ENDING)))


def is_profile(what: Any) -> bool:
    """Whether it is a bundled name, or the path of a profile, a workload or a model folder."""
    if not isinstance(what, str | os.PathLike):
        return False
    path = Path(what)
    return path.suffix.lower() in _ENDINGS or path.is_dir() or os.fspath(what) in bundled()
