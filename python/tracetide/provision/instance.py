"""A serving instance: what it costs, and what it holds."""

from __future__ import annotations

import operator
from dataclasses import asdict, dataclass
from typing import Any

from tracetide import _core
from tracetide.provision.cost import CostModel


@dataclass(frozen=True)
class Instance:
    """An instance with continuous batching, as the page "Provisioning" describes it.

    Attributes:
        cost: of an iteration.
        kv_tokens: tokens that the KV cache holds, from 1 to 10^12.
        max_batch_tokens: of an iteration, prompts and decoding together; from `max_sequences` on where
            prefill is chunked, else from 1.
        max_sequences: that run at a time, from 1.
        chunked_prefill: whether prompts are cut into pieces that fill up the iterations of decoding. Else
            iterations of whole prompts go before decoding, with as many as fit; a longer prompt goes alone.
        name: what to call it.

    Raises:
        ValueError: naming the field, the value and what is allowed.
    """

    cost: CostModel
    kv_tokens: int
    max_batch_tokens: int = 2048
    max_sequences: int = 256
    chunked_prefill: bool = True
    name: str = "instance"

    def __post_init__(self) -> None:
        _core.ServingSimulator(self.core())  # which checks

    def core(self) -> _core.InstanceOptions:
        """The core's options."""
        return _core.InstanceOptions(
            cost=self.cost.core(),
            kv_tokens=_whole("kv_tokens", self.kv_tokens, 64),
            max_batch_tokens=_whole("max_batch_tokens", self.max_batch_tokens, 32),
            max_sequences=_whole("max_sequences", self.max_sequences, 32),
            chunked_prefill=self.chunked_prefill,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def _whole(name: str, value: int, bits: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if not 0 <= number < 2**bits:
        raise ValueError(f"{name}: {value!r} is not allowed; it must be a whole number from 1 on")
    return number
