"""What is public stays as it is within a version: names, signatures, commands, options, C++ headers.

`public_api.json` lists it. After a deliberate change: a new version in `python/tracetide/_version.py`, an
entry in CHANGELOG.md, and `python tests/python/test_public_api.py --regenerate`. While the version is
unreleased, as the changelog says, the list alone is regenerated.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import tracetide as tt

HERE = Path(__file__).resolve().parent
LIST = HERE / "public_api.json"
HEADERS = HERE.parents[1] / "cpp" / "include" / "tracetide"


def signature(value: Any) -> str:
    try:
        return str(inspect.signature(value))
    except (TypeError, ValueError):
        return ""


def members(kind: type) -> dict[str, str]:
    """Public members that a class of ours has, also from its bases."""
    found = {}
    for base in reversed(kind.__mro__):
        if not base.__module__.startswith("tracetide"):
            continue
        for name, value in vars(base).items():
            if name.startswith("_") and name not in ("__init__", "__arrow_c_stream__", "__arrow_c_array__"):
                continue
            if isinstance(value, property) or not callable(getattr(value, "__func__", value)):
                found[name] = "attribute"
            else:
                found[name] = signature(getattr(value, "__func__", value))
    return found


def python_names() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in sorted(tt.__all__):
        value = getattr(tt, name)
        if inspect.isclass(value):
            found[name] = members(value)
        elif callable(value):
            found[name] = signature(value)
        else:
            found[name] = "module" if inspect.ismodule(value) else "constant"
    return found


def commands() -> dict[str, list[str]]:
    """By command its options, and its arguments in their order."""
    from tracetide.cli.app import app

    found = {}
    for name in sorted(app):
        if name.startswith("-"):
            continue
        arguments = app[name].assemble_argument_collection()
        found[name] = sorted(option for argument in arguments for option in argument.names)
    return found


def closing(code: str, opening: int) -> int:
    """Where the brace at `opening` is closed."""
    depth = 0
    for place in range(opening, len(code)):
        depth += {"{": 1, "}": -1}.get(code[place], 0)
        if not depth:
            return place
    raise ValueError("a brace is not closed")


def declarations(header: str) -> list[str]:
    """What a header declares, each with the class that it is in; without comments and bodies of functions."""
    code = re.sub(r"//[^\n]*", "", header)
    found = re.findall(r"^#define TRACETIDE_\w+", code, re.MULTILINE)
    code = re.sub(r"^#(?:.*\\\n)*.*$", "", code, flags=re.MULTILINE)
    scopes: list[list[str]] = []  # names, and who may use what follows
    start = place = 0
    for boundary in re.finditer(r"[{};]", code):
        if boundary.start() < place:
            continue  # of a body, or of a value
        place = boundary.end()
        text = " ".join(code[start : boundary.start()].split())
        if text.count("(") > text.count(")"):
            continue  # the default of an argument
        label = re.match(r"(public|private|protected): ?", text)
        if label:
            scopes[-1][1], text = label[1], text[label.end() :]
        scope = "::".join(name for name, _ in scopes if name)
        access = f" ({scopes[-1][1]})" if scopes and scopes[-1][1] != "public" else ""
        said = f"{scope}{access}: {text}" if scope else text
        plain = re.sub(r"\[\[.*?\]\] |template <.*?> ", "", text)
        kind = re.match(r"(struct|class) (\w+)", plain)
        if boundary[0] == "}":
            scopes.pop()
        elif boundary[0] == ";":
            found += [said] if text else []
        elif text.startswith(("namespace", "extern")):
            scopes.append([re.sub(r"extern.*|namespace (tracetide$)?", "", text), "public"])
        elif kind:
            found.append(said)
            scopes.append([kind[2], "public" if kind[1] == "struct" else "private"])
        else:
            place = closing(code, boundary.start()) + 1
            if code[place:].lstrip()[:1] in (";", ","):
                continue  # a value, or an enumeration: a part of what is declared
            found.append(re.sub(r"\) : .*", ")", said))
        start = place
    return found


def headers() -> dict[str, list[str]]:
    return {path.name: declarations(path.read_text()) for path in sorted(HEADERS.glob("*.hpp"))}


def surface() -> dict[str, Any]:
    return {
        "version": tt.__version__,
        "python": python_names(),
        "commands": commands(),
        "headers": headers(),
    }


@pytest.mark.parametrize("part", ["python", "commands", "headers"])
def test_nothing_public_changes_within_a_version(part):
    listed, now = json.loads(LIST.read_text()), surface()
    assert listed["version"] == now["version"], "a new version: regenerate public_api.json"
    changed = sorted(
        name for name in {*listed[part], *now[part]} if listed[part].get(name) != now[part].get(name)
    )
    assert not changed, (
        f"{part}: {', '.join(changed)} changed without a new version; see {Path(__file__).name}"
    )


def test_the_changelog_has_the_version():
    text = (HERE.parents[1] / "CHANGELOG.md").read_text()
    assert re.search(rf"^## {re.escape(tt.__version__)}\b", text, re.MULTILINE)


if __name__ == "__main__":
    if sys.argv[1:] != ["--regenerate"]:
        sys.exit("usage: python test_public_api.py --regenerate")
    LIST.write_text(json.dumps(surface(), indent=1, sort_keys=True) + "\n")
