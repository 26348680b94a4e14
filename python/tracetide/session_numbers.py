"""Numbers for the sessions of a column `session_id`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def session_numbers(ids: pa.Array) -> npt.NDArray[np.int64]:
    """A number for the session of every row; one without, null or an empty text, is a session of its own."""
    encoded = ids if pa.types.is_dictionary(ids.type) else ids.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    codes: npt.NDArray[np.int64] = (
        encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    )
    if "" in names:
        codes[codes == names.index("")] = -1
    alone = codes < 0
    codes[alone] = len(names) + np.arange(int(alone.sum()))
    return codes
