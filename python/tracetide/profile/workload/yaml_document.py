"""YAML with lines, by its core schema (YAML 1.2): `14:00` is text and `no` is not false."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tracetide.profile.workload.document import DEEPEST, Document, Path, SyntaxFault

_MOST_VALUES = 1_000_000
_TOO_DEEP = f"mappings within each other are nested too deeply; {DEEPEST} levels are allowed"


class _CoreLoader(yaml.SafeLoader):
    """Composes nodes; only the scalars of the core schema are more than text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's way)


_PREFIX = "tag:yaml.org,2002:"
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.")),
    ("merge", r"<<", ["<"]),
):
    _CoreLoader.add_implicit_resolver(_PREFIX + _tag, re.compile(rf"^(?:{_pattern})$"), _first)


def parse_yaml(text: str) -> Document:
    """Parse a YAML text of one document.

    Raises:
        SyntaxFault: with the line.
    """
    try:
        loader = _CoreLoader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SyntaxFault(str(error.problem or error.context), mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        raise SyntaxFault(str(error).splitlines()[0], None) from None
    except RecursionError:
        raise SyntaxFault(_TOO_DEEP, None) from None
    lines: dict[Path, int] = {}
    data = _Reader(lines).value(node, (), 0) if node is not None else None
    return Document(data, lambda: lines)


class _Reader:
    """From nodes to data; a node that several aliases name comes several times."""

    def __init__(self, lines: dict[Path, int]) -> None:
        self._lines = lines
        self._values = 0

    def value(self, node: yaml.Node, path: Path, depth: int) -> Any:
        self._values += 1
        line = node.start_mark.line + 1
        if self._values > _MOST_VALUES:
            raise SyntaxFault("aliases that make the file too large", line)
        if depth > DEEPEST:
            raise SyntaxFault(_TOO_DEEP, line)
        self._lines.setdefault(path, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(entry, (*path, number), depth + 1) for number, entry in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[Any, Any]:
        """Merged mappings first, so that a mapping's own keys, and their lines, go before theirs."""
        is_merge = [key.tag == _PREFIX + "merge" for key, _ in node.value]
        found: dict[Any, Any] = {}
        for (key_node, value_node), merges in zip(node.value, is_merge, strict=True):
            if merges:
                found = {**self._merged(value_node, path, depth, key_node.start_mark.line + 1), **found}
        own: set[Any] = set()
        for (key_node, value_node), merges in zip(node.value, is_merge, strict=True):
            if merges:
                continue
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise SyntaxFault("a key that is not a scalar", line)
            key = _scalar(key_node)
            if key in own:
                raise SyntaxFault(f"the key {key!r} is there twice", line)
            own.add(key)
            entry = (*path, key)
            self._lines[entry] = line
            found[key] = self.value(value_node, entry, depth)
        return found

    def _merged(self, node: yaml.Node, path: Path, depth: int, line: int) -> dict[Any, Any]:
        """What a `<<` brings: of several mappings the first that has a key decides."""
        found: dict[Any, Any] = {}
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(source, yaml.MappingNode):
                raise SyntaxFault("a merge (<<) of what is not a mapping", line)
            found = {**self.value(source, path, depth), **found}
        return found


def _scalar(node: yaml.Node) -> Any:
    kind = node.tag.removeprefix(_PREFIX)
    text = node.value
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "str":
        return text
    try:
        if kind == "int":
            return int(text)
        if kind == "float":
            # `.inf` and `.nan` have a point that Python's have not.
            return float(re.sub(r"\.(?=[inIN])", "", text))
    except ValueError as error:
        raise SyntaxFault(str(error), node.start_mark.line + 1) from None
    raise SyntaxFault(f"the tag {node.tag!r} is not allowed", node.start_mark.line + 1)
