"""Vidur's traces, with the columns of both of its loaders."""

from __future__ import annotations

from tracetide.io.formats.description import TraceFormat
from tracetide.io.formats.tools import tell

_OWN = {"timestamp": "arrived_at", "input_tokens": "num_prefill_tokens", "output_tokens": "num_decode_tokens"}
_OTHER = ("Time", "PromptTokenCount", "CompletionTokenCount")

VIDUR = TraceFormat(
    "vidur",
    _OWN,
    frozenset(_OWN.values()),
    rides=True,
    from_zero=True,
    readers=("vidur",),
    replay=lambda file: [
        tell(
            "vidur",
            "python -m vidur.main --request_generator_config_type trace_replay "
            f"--trace_request_generator_config_trace_file {file} "
            # Inputs are cut to what an output leaves of this, be it less than nothing; by default of 4,096.
            "--trace_request_generator_config_max_tokens 1000000000",
        )
    ],
    needed=(*_OWN.values(), *_OTHER),
    equal=tuple(zip(_OWN.values(), _OTHER, strict=True)),
)
