"""Numbers for the sessions of a column `session_id`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tracetide.columns import NO_SESSION


def session_numbers(ids: pa.Array) -> npt.NDArray[np.int64]:
    """A number for the session of every row; one without, null or an empty text, is a session of its own."""
    encoded = _encoded(ids)
    names = encoded.dictionary.to_pylist()
    codes: npt.NDArray[np.int64] = (
        encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    )
    if "" in names:
        codes[codes == names.index("")] = -1
    alone = codes < 0
    codes[alone] = len(names) + np.arange(int(alone.sum()))
    return codes


def without_empty(ids: pa.Array) -> pa.Array:
    """The same sessions; an empty text, and the number of those that stand alone, is null."""
    none = pa.scalar("" if pa.types.is_string(ids.type) else NO_SESSION, ids.type)
    is_none = pc.equal(ids, none)
    return pc.if_else(is_none, pa.scalar(None, ids.type), ids) if pc.any(is_none).as_py() else ids


class SessionNumbers:
    """Numbers sessions in the order in which they come. Keeps an entry for every session seen so far."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def of(self, ids: pa.Array) -> npt.NDArray[np.uint64]:
        """The number of the session of each of the next rows; `NO_SESSION` for null and an empty text."""
        encoded = _encoded(ids)
        names = encoded.dictionary.to_pylist()
        known = self._numbers
        numbers = [
            NO_SESSION if name in ("", NO_SESSION) else known.setdefault(name, len(known)) for name in names
        ]
        table = np.array([*numbers, NO_SESSION], dtype=np.uint64)
        codes = encoded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
        made: npt.NDArray[np.uint64] = table[codes]
        return made


def _encoded(ids: pa.Array) -> pa.DictionaryArray:
    return ids if pa.types.is_dictionary(ids.type) else ids.dictionary_encode()
