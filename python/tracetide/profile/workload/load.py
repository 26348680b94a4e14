"""From a workload file to a profile."""

from __future__ import annotations

import re
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from tracetide import _core
from tracetide.base.errors import ProfileError
from tracetide.base.schema_errors import said
from tracetide.profile.handmade import make_profile
from tracetide.profile.workload.document import Document, Path, SyntaxFault
from tracetide.profile.workload.schema import Workload
from tracetide.profile.workload.toml_document import parse_toml

_LARGEST = {"TOML": 4 << 20, "YAML": 1 << 20}
"""Bytes of a file, of which the libraries read some 1 MB/s of TOML and 100 to 200 kB/s of YAML."""

_MOST_CLIENTS = 10_000
"""Tables of clients, each of which may be for any number of a kind."""


def load_workload(path: FilePath) -> tuple[_core.Profile, str]:
    """The profile that a TOML or YAML file describes, and its name.

    Raises:
        ProfileError: naming the file, the line, the key, the value and what is allowed.
        OSError: if it cannot be read.
    """
    document = _parse(path)
    _check_clients(path, document)
    try:
        found = Workload.model_validate(document.data)
    except ValidationError as error:
        raise ProfileError(_message(path, document, error)) from None
    name = found.name or path.stem
    provenance = {"description": found.description} if found.description else {}
    try:
        profile = make_profile(
            [client.made() for client in found.clients],
            name=name,
            window=found.window,
            period=found.period,
            provenance=provenance,
        )
    except ValueError as error:
        keys, words = _nearer((), document.data, str(error))
        where = f", line {document.line(keys)}" if keys else ""
        raise ProfileError(f"{path}{where}: {_shown(keys)}{words}") from None
    return profile, name


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of workload files, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Workload.model_json_schema()}


def _parse(path: FilePath) -> Document:
    language = "TOML" if path.suffix.lower() == ".toml" else "YAML"
    size, most = path.stat().st_size, _LARGEST[language]
    if size > most:
        raise ProfileError(
            f"{path}: {size:,} bytes are not allowed; a workload in {language} has at most {most >> 20} MiB"
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProfileError(f"{path}: byte {error.start} is not allowed; a workload must be UTF-8") from None
    try:
        if language == "TOML":
            return parse_toml(text)
        from tracetide.profile.workload.yaml_document import parse_yaml

        return parse_yaml(text)
    except SyntaxFault as error:
        where = f", line {error.line}" if error.line else ""
        raise ProfileError(f"{path}{where}: {error}") from None


def _check_clients(path: FilePath, document: Document) -> None:
    found = document.data.get("clients") if isinstance(document.data, dict) else None
    if isinstance(found, list) and len(found) > _MOST_CLIENTS:
        raise ProfileError(
            f"{path}: clients: {len(found):,} are not allowed; at most {_MOST_CLIENTS:,}: count says how "
            "many there are of a kind, and a ClientPool in Python takes more"
        )


def _message(path: FilePath, document: Document, error: ValidationError) -> str:
    """The first error by line, in the form of all of tracetide's."""
    found = []
    for entry in error.errors(include_url=False):
        keys, value = _keys(document.data, entry["loc"])
        words = said(entry)
        if entry["type"] == "missing":
            keys = (*keys, entry["loc"][-1])
        elif entry["type"] == "unknown_key":
            keys = (*keys, entry["ctx"]["key"])
        elif entry["type"] == "value_error":
            keys, words = _nearer(keys, value, words)
        found.append((document.line(keys), _shown(keys), words))
    found.sort(key=lambda item: item[0])
    line, keys_text, words = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{path}, line {line}: {keys_text}{words}{more}"


def _keys(data: Any, location: tuple[Any, ...]) -> tuple[Path, Any]:
    """The keys of a location, without the names of alternatives that are between them, and what is there."""
    keys: list[str | int] = []
    for part in location:
        if (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        ):
            data = data[part]
            keys.append(part)
    return tuple(keys), data


def _nearer(keys: Path, value: Any, said: str) -> tuple[Path, str]:
    """The key of a table that the message begins with is where the error is."""
    found = re.match(r"(\w+)(: )?", said)
    if found and isinstance(value, dict) and found[1] in value:
        return (*keys, found[1]), said[found.end() :] if found[2] else said
    return keys, said


def _shown(keys: Path) -> str:
    """`clients[0].rate.mean: `."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")
    return f"{text}: " if text else ""
