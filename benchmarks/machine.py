"""Names the machine and the versions that results are from."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from pathlib import Path

PACKAGES = ("tracetide", "numpy", "scipy", "pyarrow")


def describe() -> dict[str, str]:
    """What to say beside any figure."""
    return {
        "processor": f"{_processor()}, {cores()} cores",
        "memory": _memory(),
        "system": f"{_system()}, {platform.machine()}",
        "compiler": _compiler(),
        "kernels": _kernels(),
        "Python": f"{platform.python_version()}, " + ", ".join(_versions()),
    }


def _processor() -> str:
    return _first_match("/proc/cpuinfo", r"^model name\s*:\s*(.+)$") or platform.processor() or "unknown"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> str:
    kib = _first_match("/proc/meminfo", r"^MemTotal:\s*(\d+)")
    return f"{int(kib) / 2**20:.0f} GiB" if kib else "unknown"


def _system() -> str:
    name = _first_match("/etc/os-release", r'^PRETTY_NAME="?([^"\n]+)')
    return f"{name or platform.system()}, kernel {platform.release()}"


def _first_match(path: str, pattern: str) -> str | None:
    try:
        found = re.search(pattern, Path(path).read_text(), re.MULTILINE)
    except OSError:
        return None
    return found.group(1).strip() if found else None


def _compiler() -> str:
    """What compilers leave in the extension about themselves."""
    from tracetide import _core

    found = re.search(rb"(GCC: \([^)]*\) |clang version )[\d.]+", Path(_core.__file__).read_bytes())
    return found.group().decode() if found else "unknown"


def _kernels() -> str:
    from tracetide import _core

    return f"{_core.kernel_levels()[0]} (best of {', '.join(_core.kernel_levels())})"


def _versions() -> list[str]:
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            from tracetide import __version__

            versions.append(f"{package} {__version__ if package == 'tracetide' else 'missing'}")
    return versions
