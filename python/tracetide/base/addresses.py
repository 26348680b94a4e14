"""Addresses such as `s3://key:secret@bucket/month?token=...` without what only their owner may know."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

_IN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")
_HIDDEN = "***"


def shown(address: str) -> str:
    """An address without keys, which stand before an `@` or behind a `?`; anything else as it is."""
    scheme, mark, rest = address.partition("://")
    if not mark:
        return address
    return scheme + mark + re.split(r"[?#]", rest[len(_keys(rest)) :], maxsplit=1)[0]


def shown_in(text: str) -> str:
    """A text, and what `shown` leaves of every address in it."""
    return _IN_TEXT.sub(lambda found: shown(found[0]), text) if "://" in text else text


@contextlib.contextmanager
def discreet(address: str) -> Iterator[None]:
    """Errors without the keys of an address, also where others have taken it apart."""
    try:
        yield
    except Exception as error:
        if "://" not in address:
            raise
        chain: list[BaseException] = [error]
        for one in chain:
            chain += [other for other in (one.__cause__, one.__context__) if other and other not in chain]
            _clean(one, address)
        text = str(error)
        if text == _without(text, address):
            raise
        # Its text is not made of what it was given.
        family = next((kind for kind in (OSError, ValueError) if isinstance(error, kind)), RuntimeError)
        raise family(_without(text, address)) from None


def _clean(error: BaseException, address: str) -> None:
    error.args = tuple(_without(one, address) if isinstance(one, str) else one for one in error.args)
    for name in ("strerror", "filename", "filename2") if isinstance(error, OSError) else ():
        value = getattr(error, name)
        if isinstance(value, str):
            setattr(error, name, _without(value, address))


def _keys(rest: str) -> str:
    """What stands before the host, with its `@`."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        return rest[: authority.rindex("@") + 1]
    # A secret may have characters that would end the host; a host has at most a number behind a colon.
    return rest[: rest.rfind("@") + 1] if re.search(r":(?!\d*$)", authority) else ""


def _without(text: str, address: str) -> str:
    rest = address.partition("://")[2]
    keys = _keys(rest)
    secrets = {keys[:-1], *keys[:-1].split(":", 1)}
    for pair in re.split(r"[?#&;]", rest[len(keys) :])[1:]:
        secrets |= {pair, pair.partition("=")[2]}
    secrets |= {unquote_plus(secret) for secret in secrets}
    text = shown_in(text.replace(address, shown(address)))
    for secret in sorted(secrets - {""}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", _HIDDEN, text)
    return text
