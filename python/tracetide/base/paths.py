"""Where the C++ library of an installed wheel is."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def get_include() -> str:
    """The folder of the C++ headers, for `#include <tracetide/tracetide.hpp>`.

    Raises:
        ImportError: if tracetide is not installed from a wheel.
    """
    return _existing(_PACKAGE / "include")


def get_cmake_dir() -> str:
    """The folder of `tracetideConfig.cmake`, for `find_package(tracetide)` with `-Dtracetide_DIR=...`.

    Raises:
        ImportError: if tracetide is not installed from a wheel.
    """
    return _existing(_PACKAGE / "lib" / "cmake" / "tracetide")


def _existing(folder: Path) -> str:
    if not folder.is_dir():
        raise ImportError(
            f"{folder} is not there: tracetide is not installed from a wheel; install it with pip install ., "
            "or the C++ library with cmake --install"
        )
    return str(folder)
