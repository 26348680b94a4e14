"""Instances of common models on common hardware: modelled from data sheets, not measured.

An iteration reads all weights once, and the KV cache of every decoding sequence; every token costs two
operations a parameter, and every pair in the attention of a prompt four times the hidden size a layer. What
hardware reaches of its peak, and what the host adds, are assumptions, the same for all. `calibrate` replaces
them by measurements.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from tracetide.provision.cost import CostModel
from tracetide.provision.instance import Instance

COMPUTE_EFFICIENCY = 0.5
"""Of the peak of dense matrix products, in prompts. Assumed."""
BANDWIDTH_EFFICIENCY = 0.8
"""Of the peak memory bandwidth. Assumed."""
HOST_ITERATION_S = 3e-3
"""Scheduling, launching and sampling of an iteration. Assumed."""
HOST_SEQUENCE_S = 20e-6
"""Of it for every decoding sequence. Assumed."""
ALL_REDUCE_S = 10e-6
"""Of an all-reduce of a small batch over NVLink, of which a layer has two. Assumed."""
MEMORY_SHARE = 0.9
"""Of the memory that is used, the default of vLLM's gpu_memory_utilization."""
ACTIVATION_BYTES = 2e9
"""A device's, for what is neither weights nor KV cache. Assumed."""
_BYTES = 2
"""Of a weight or a cached value, in bfloat16."""


@dataclass(frozen=True)
class Accelerator:
    """Peak figures of a data sheet: operations/s in dense bfloat16, bytes/s, bytes."""

    name: str
    operations: float
    bandwidth: float
    memory: float


@dataclass(frozen=True)
class LanguageModel:
    """The shape of a dense transformer, as in its published configuration."""

    name: str
    parameters: float
    layers: int
    hidden: int
    kv_heads: int
    head_size: int

    @property
    def weight_bytes(self) -> float:
        """Of all weights."""
        return _BYTES * self.parameters

    @property
    def kv_bytes(self) -> float:
        """Of a token in the KV cache: a key and a value a head and layer."""
        return 2.0 * _BYTES * self.layers * self.kv_heads * self.head_size


A100 = Accelerator("A100 80 GB SXM", 312e12, 2.039e12, 80e9)
H100 = Accelerator("H100 80 GB SXM", 989e12, 3.35e12, 80e9)
QWEN_14B = LanguageModel("Qwen2.5-14B", 14.8e9, 48, 5120, 8, 128)
LLAMA_8B = LanguageModel("Llama-3.1-8B", 8.03e9, 32, 4096, 8, 128)
LLAMA_70B = LanguageModel("Llama-3.1-70B", 70.6e9, 80, 8192, 8, 128)


def modelled(
    name: str, model: LanguageModel, accelerator: Accelerator, devices: int, *, pipeline: bool = False
) -> Instance:
    """An instance of `devices` accelerators that share the model's layers (`pipeline`) or its matrices.

    Matrices that are shared are read at the same time. Layers are read one after the other, whatever the
    number of devices; but while one batch is in the second stage another is in the first, so that what is
    paid by the token costs as little as with shared matrices.
    """
    operations = COMPUTE_EFFICIENCY * accelerator.operations * devices
    bandwidth = BANDWIDTH_EFFICIENCY * accelerator.bandwidth
    readers = 1 if pipeline else devices
    reduces = 0 if pipeline or devices == 1 else 2 * model.layers
    token = 2 * model.parameters / operations
    memory = MEMORY_SHARE * accelerator.memory * devices - ACTIVATION_BYTES * devices - model.weight_bytes
    cost = CostModel(
        base_s=model.weight_bytes / (bandwidth * readers) + HOST_ITERATION_S + reduces * ALL_REDUCE_S,
        prefill_token_s=token,
        prefill_pair_s=4 * model.layers * model.hidden / operations,
        decode_sequence_s=token + HOST_SEQUENCE_S,
        context_token_s=model.kv_bytes / (bandwidth * devices),
    )
    return Instance(cost, kv_tokens=int(memory / model.kv_bytes), name=name)


def _presets() -> dict[str, Instance]:
    return {
        made.name: made
        for made in (
            modelled("a100x2-14b", QWEN_14B, A100, 2, pipeline=True),
            modelled("a100-8b", LLAMA_8B, A100, 1),
            modelled("h100-8b", LLAMA_8B, H100, 1),
            modelled("h100x4-70b", LLAMA_70B, H100, 4),
        )
    }


PRESETS = _presets()
"""By name: the instance of the study's figure 20 (two A100, pipeline parallel, a 14 B model), and others."""
DEFAULT_PRESET = "a100x2-14b"


def preset(name: str) -> Instance:
    """The preset of that name.

    Raises:
        ValueError: naming the nearest ones.
    """
    if name not in PRESETS:
        near = difflib.get_close_matches(name.lower(), PRESETS, n=2, cutoff=0.4) or list(PRESETS)
        raise ValueError(f"instance: {name!r} is not allowed; it must be a preset such as {', '.join(near)}")
    return PRESETS[name]
