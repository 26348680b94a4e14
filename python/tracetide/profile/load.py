"""A pool from wherever its profile is: bundled, in a file, in a folder."""

from __future__ import annotations

import os
from pathlib import Path

from tracetide import _core
from tracetide.base.numbers import check_threads
from tracetide.profile.pool import TIDE, ClientPool, found_at
from tracetide.profile.source import ProfileSource

_WORKLOADS = (".toml", ".yaml", ".yml")


def load(source: str | os.PathLike[str], *, threads: int = 0) -> ClientPool:
    """The pool of a profile.

    Args:
        source: a bundled name (see `tracetide profiles`), a `.tide` file, a workload in a `.toml` or
            `.yaml` file, or a ServeGen model folder.
            A bundled name goes before a folder of that name; write `./m-small` for the folder.
        threads: threads that read a ServeGen folder; 0: all cores.

    Raises:
        FileNotFoundError: if there is no such name, file or folder, with the nearest bundled names.
        ProfileError: if the data is not a sound profile, or naming line and key of a workload file.
        ValueError: if it is a file of another kind.
    """
    from tracetide.profile.bundled import bundled, bundled_path

    if isinstance(source, str) and source in bundled():
        pool = ClientPool(_core.Profile.open(str(bundled_path(source))), name=source)
        return found_at(ProfileSource("bundled", source), None, pool)
    check_threads(threads)
    path = Path(source)
    if path.is_dir():
        return ClientPool(_core.Profile.read_servegen(str(path), threads), name=path.resolve().name)
    if path.is_file():
        if path.suffix.lower() in _WORKLOADS:
            from tracetide.profile.workload import load_workload

            profile, name = load_workload(path)
            return ClientPool(profile, name=name)
        if path.suffix != TIDE:
            raise ValueError(
                f"profile: {str(source)!r} is not allowed; it must be a bundled name, a {TIDE} file, a "
                "workload (.toml, .yaml) or a ServeGen model folder"
            )
        pool = ClientPool(_core.Profile.open(str(path)), name=path.stem)
        return found_at(None, str(path.absolute()), pool)
    raise FileNotFoundError(_not_found(os.fspath(source)))


def _not_found(source: str) -> str:
    import difflib

    from tracetide.profile.bundled import bundled

    names = bundled()
    near = difflib.get_close_matches(source.lower(), names, n=3, cutoff=0.4) or names
    kind = (
        "file or folder" if os.sep in source or source.endswith(TIDE) else "bundled profile, file or folder"
    )
    hint = (
        f"; the nearest bundled names are {', '.join(near)}"
        if len(near) < len(names)
        else (f"; bundled are {', '.join(names)}" if names else "")
    )
    return f"profile: there is no {kind} {source!r}{hint}"
