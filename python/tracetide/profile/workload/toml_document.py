"""TOML with lines. The standard library parses it; this finds where in the text each key of it is."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right

from tracetide.base.json_text import is_nested_deeper
from tracetide.profile.workload.document import DEEPEST, Document, Path, SyntaxFault

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")' r"|'''.*?'{3,5}(?!')" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'", re.DOTALL
)
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[ \t]*"""
_LONG_KEY = re.compile(rf"(?:^|[\[{{,])[ \t]*{_PART}(?:\.[ \t]*{_PART}){{{DEEPEST}}}", re.MULTILINE)
_TOO_DEEP = f"tables within each other are nested too deeply; {DEEPEST} levels are allowed"
_SCALAR = re.compile(r"[^,\]}#\n]+")
_AT = re.compile(r" \(at line (\d+), column \d+\)$")


def parse_toml(text: str) -> Document:
    """Parse a TOML text.

    Raises:
        SyntaxFault: with the line.
    """
    found = _LONG_KEY.search(text)
    if found:  # for whose parts the parser's time grows with their square
        raise SyntaxFault(_TOO_DEEP, text.count("\n", 0, found.end()) + 1)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        raise SyntaxFault(_AT.sub("", str(error)), int(found[1]) if found else None) from None
    except RecursionError:
        raise SyntaxFault(_TOO_DEEP, None) from None
    except ValueError as error:  # a whole number of thousands of digits
        raise SyntaxFault(str(error), None) from None
    if is_nested_deeper(data, DEEPEST):
        raise SyntaxFault(_TOO_DEEP, None)
    return Document(data, lambda: _Scanner(text).scan())


class _Scanner:
    """Goes through a text that is known to be sound and notes where keys and entries begin."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._tables: dict[Path, int] = {}
        """The number of the last table of each array of tables."""

    def scan(self) -> dict[Path, int]:
        """The lines of all keys and entries."""
        table: Path = ()
        self._skip_blank()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip_blank()
        return self.lines

    def _header(self) -> Path:
        is_array = self._text.startswith("[[", self._at)
        line = self._line()
        self._at += 2 if is_array else 1
        *parents, last = self._key()
        self._skip_blank()
        self._at += 2 if is_array else 1
        path: Path = ()
        for key in parents:
            path = (*path, key)
            self.lines.setdefault(path, line)
            path = self._within(path)
        path = (*path, last)
        if is_array:
            self.lines.setdefault(path, line)
            self._tables[path] = self._tables.get(path, -1) + 1
        path = self._within(path)
        self.lines.setdefault(path, line)
        return path

    def _within(self, path: Path) -> Path:
        """The last table of an array of tables; any other path as it is."""
        return (*path, self._tables[path]) if path in self._tables else path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for key in self._key():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._at += 1  # the equals sign
        self._value(path)

    def _key(self) -> list[str]:
        keys = []
        while True:
            self._skip_blank()
            quoted = _STRING.match(self._text, self._at)
            found = quoted or _BARE.match(self._text, self._at)
            assert found is not None, f"a key at {self._at}"
            self._at = found.end()
            # The parser itself knows what a quoted key says.
            keys.append(next(iter(tomllib.loads(f"{found[0]} = 0"))) if quoted else found[0])
            self._skip_blank()
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _value(self, path: Path) -> None:
        self._skip_blank()
        first = self._text[self._at]
        if first == "[":
            self._entries("]", path)
        elif first == "{":
            self._entries("}", path)
        else:
            found = _STRING.match(self._text, self._at) or _SCALAR.match(self._text, self._at)
            assert found is not None, f"a value at {self._at}"
            self._at = found.end()

    def _entries(self, end: str, path: Path) -> None:
        """An array, or an inline table."""
        self._at += 1
        number = 0
        self._skip_blank()
        while self._text[self._at] != end:
            if end == "]":
                entry = (*path, number)
                self.lines[entry] = self._line()
                self._value(entry)
                number += 1
            else:
                self._pair(path)
            self._skip_blank()
            if self._text[self._at] == ",":
                self._at += 1
                self._skip_blank()
        self._at += 1

    def _skip_blank(self) -> None:
        found = _BLANK.match(self._text, self._at)
        assert found is not None
        self._at = found.end()

    def _line(self) -> int:
        return bisect_right(self._breaks, self._at - 1) + 1
