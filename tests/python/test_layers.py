"""What imports what.

`lint-imports` (see pyproject.toml) keeps the layers of Python; here is what it cannot see, and those of C++.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python" / "tracetide"
SOURCES = ROOT / "cpp" / "src"

CPP_LAYERS = (
    "base",
    "random",
    "math",
    "kernels",
    "distributions",
    "profile",
    "arrivals",
    "fields",
    "prompts",
    "sessions",
    "engine",
    "arrow",
    "writers",
    "prefixes",
    "serving",
)
"""Folders of the core; each includes its own files, those of folders before it, and public headers."""


def test_only_the_extension_is_imported_from_the_package_itself():
    # Anything else would be an import of whatever defines it, which no contract of a linter would see.
    allowed = {"_core"}
    found = []
    for path in PACKAGE.rglob("*.py"):
        if path.parent == PACKAGE and path.name in ("__init__.py", "__main__.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "tracetide" and not node.level:
                found += [(path.name, alias.name) for alias in node.names if alias.name not in allowed]
            if isinstance(node, ast.Import):
                found += [(path.name, alias.name) for alias in node.names if alias.name == "tracetide"]
    assert not found


def test_headers_of_the_core_are_included_from_below_only():
    assert {folder.name for folder in SOURCES.iterdir() if folder.is_dir()} == set(CPP_LAYERS)
    order = {name: number for number, name in enumerate(CPP_LAYERS)}
    upwards = []
    for path in SOURCES.rglob("*.[ch]pp"):
        folder = path.relative_to(SOURCES).parts[0]
        for included in re.findall(r'#include "([^"]+)"', path.read_text(encoding="utf-8")):
            other = included.partition("/")[0]
            if other != "tracetide" and order[other] > order[folder]:
                upwards.append(f"{folder}/{path.name} includes {included}")
    assert not upwards


def test_public_headers_include_nothing_of_the_inside():
    for path in (ROOT / "cpp" / "include" / "tracetide").glob("*.hpp"):
        for included in re.findall(r'#include "([^"]+)"', path.read_text(encoding="utf-8")):
            assert included.startswith("tracetide/"), f"{path.name} includes {included}"
