"""`python -m tracetide`: the command line, and like `python -m pybind11` where the C++ library is."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if sys.argv[1:] in (["--cmake-dir"], ["--includes"]):
        from tracetide.base.paths import get_cmake_dir, get_include

        print(get_cmake_dir() if sys.argv[1] == "--cmake-dir" else f"-I{get_include()}")
    else:
        from tracetide.cli import main

        main()
