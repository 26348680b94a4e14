"""Load traces with AIPerf's own loaders, offline.

Reads a JSON list of [loader, file] from standard input and writes one of what was found. A loader is a module
and a class of `aiperf.dataset.loader`, such as `mooncake_trace:MooncakeTraceDatasetLoader`.
"""

from __future__ import annotations

import contextlib
import json
import sys
from importlib import import_module
from types import SimpleNamespace
from typing import Any

FIELDS = ("timestamp", "delay", "input_length", "output_length", "hash_ids", "text_input")


def load(loader: str, path: str) -> dict[str, list[dict[str, Any]]]:
    module, name = loader.split(":")
    generator = SimpleNamespace(
        tokenizer=SimpleNamespace(resolved_name="x"),
        _hash_id_corpus_rng=SimpleNamespace(set_trace_id=lambda trace_id: None),
        _cache={},
    )
    make = getattr(import_module(f"aiperf.dataset.loader.{module}"), name)
    sessions = make(filename=path, prompt_generator=generator).load_dataset()
    return {
        session: [{field: getattr(row, field, None) for field in FIELDS} for row in rows]
        for session, rows in sessions.items()
    }


if __name__ == "__main__":
    from aiperf.common import random_generator

    with contextlib.redirect_stdout(sys.stderr):
        random_generator.init(0)
        found = [load(*task) for task in json.load(sys.stdin)]
    print(json.dumps(found))
