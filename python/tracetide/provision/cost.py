"""What an iteration of a serving instance costs, and a fit of it to measured iterations."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide import _core

Floats = npt.NDArray[np.float64]

_TERMS = {
    "prefill_tokens": "prefill_token_s",
    "prefill_pairs": "prefill_pair_s",
    "decode_sequences": "decode_sequence_s",
    "context_tokens": "context_token_s",
}
"""By column of a measured table the coefficient that it belongs to."""
_OPTIONAL = "prefill_pairs"
_SECONDS = "seconds"


@dataclass(frozen=True)
class CostModel:
    """Seconds of an iteration, linear in what is in it; each from 0 to 1000, rounded to picoseconds.

    Attributes:
        base_s: of any iteration: reading the weights, launching kernels.
        prefill_token_s: of a prompt token.
        prefill_pair_s: of a prompt token that attends to one at or before it, which makes n (n + 1) / 2 pairs
            of a prompt of n tokens.
        decode_sequence_s: of a sequence that makes a token.
        context_token_s: of a token in the KV cache of such a sequence.
    """

    base_s: float = 0.0
    prefill_token_s: float = 0.0
    prefill_pair_s: float = 0.0
    decode_sequence_s: float = 0.0
    context_token_s: float = 0.0

    def seconds(
        self,
        *,
        prefill_tokens: float = 0,
        prefill_pairs: float = 0,
        decode_sequences: float = 0,
        context_tokens: float = 0,
    ) -> float:
        """The time of an iteration."""
        return (
            self.base_s
            + self.prefill_token_s * prefill_tokens
            + self.prefill_pair_s * prefill_pairs
            + self.decode_sequence_s * decode_sequences
            + self.context_token_s * context_tokens
        )

    def core(self) -> _core.CostModel:
        """The core's."""
        return _core.CostModel(**asdict(self))


@dataclass(frozen=True)
class Calibration:
    """A cost model fitted to measured iterations.

    Attributes:
        cost: the model.
        rows: iterations that were measured.
        error: the root mean square of the relative errors.
        largest_error: the largest of them.
    """

    cost: CostModel
    rows: int
    error: float
    largest_error: float


def calibrate(table: str | os.PathLike[str] | Any) -> Calibration:
    """The cost model that comes closest to measured iterations, with no coefficient below 0.

    Relative errors are squared and summed, so that short iterations of decoding count as much as long ones
    of prompts (non-negative least squares, Lawson and Hanson 1974).

    Args:
        table: a CSV file, or a mapping or data frame, with columns `prefill_tokens` (prompt tokens of the
            iteration), `decode_sequences` (sequences that made a token), `context_tokens` (in the KV caches
            of these) and `seconds`. With `prefill_pairs` the attention of prompts is told apart; without, its
            coefficient is 0, and prompt tokens bear it.

    Raises:
        ValueError: naming the column and row of a value that is not allowed; or where the measurements
            cannot tell the coefficients apart.
        OSError: if the file cannot be read.
    """
    from scipy.optimize import nnls  # type: ignore[import-untyped]

    columns = _columns(table)
    seconds = columns.pop(_SECONDS)
    names = list(columns)
    work = np.column_stack([np.ones(seconds.size), *columns.values()]) / seconds[:, None]
    scale = np.linalg.norm(work, axis=0)
    for name, size in zip(names, scale[1:], strict=True):
        if size == 0:
            raise ValueError(f"table: {name} is 0 in all rows; what it costs cannot be told")
    scaled = work / scale
    if np.linalg.matrix_rank(scaled, tol=1e-9) < scaled.shape[1]:
        raise ValueError(
            f"table: {seconds.size} rows in which {', '.join(names)} depend on each other linearly are not "
            "allowed; vary them on their own, or leave out prefill_pairs"
        )
    found, _ = nnls(scaled, np.ones(seconds.size))
    errors = scaled @ found - 1.0
    coefficients = (found / scale).tolist()
    cost = CostModel(
        coefficients[0], **{_TERMS[name]: value for name, value in zip(names, coefficients[1:], strict=True)}
    )
    return Calibration(
        cost, seconds.size, float(np.sqrt(np.mean(errors**2))), float(np.abs(errors).max(initial=0.0))
    )


def _columns(table: Any) -> dict[str, Floats]:
    if isinstance(table, str | os.PathLike):
        from pyarrow import ArrowInvalid, csv

        try:
            table = csv.read_csv(os.fspath(table)).to_pydict()
        except ArrowInvalid as error:
            raise ValueError(f"table: {os.fspath(table)}: {error}") from None
    names = [name for name in (*_TERMS, _SECONDS) if name != _OPTIONAL or name in table]
    missing = [name for name in names if name not in table]
    if missing:
        raise ValueError(f"table: {missing[0]}: missing; there must be {', '.join(names)}")
    columns = {name: _column(name, table[name]) for name in names}
    lengths = {name: column.size for name, column in columns.items()}
    if len(set(lengths.values())) != 1 or not lengths[_SECONDS]:
        raise ValueError(
            f"table: lengths {lengths} are not allowed; all columns must have one, of at least a row"
        )
    return columns


def _column(name: str, values: Any) -> Floats:
    try:
        column = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"table: {name} has values that are not numbers") from None
    if column.ndim != 1:
        raise ValueError(f"table: {name} has {column.ndim} dimensions; 1 expected")
    wrong = ~(np.isfinite(column) & ((column > 0) if name == _SECONDS else (column >= 0)))
    if wrong.any():
        row = int(wrong.argmax())
        allowed = "above 0" if name == _SECONDS else "from 0 on"
        raise ValueError(
            f"table: {name}: row {row + 1} has {column[row]:g}, which is not allowed; it must be {allowed}"
        )
    return column
