"""Load traces with guidellm's own deserializers, offline.

Reads a JSON list of [kind, file, options] from standard input and writes one of what was found: rows, or the
text of an error. A kind is `mooncake`, or that of a file with named columns (`csv_file`, `json_file`,
`parquet_file`, `arrow_file`).
"""

from __future__ import annotations

import contextlib
import json
import os
import string
import sys
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"


def tokenizer() -> Any:
    """A token for every character."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {character: number for number, character in enumerate(string.printable)}
    vocabulary["[UNK]"] = len(vocabulary)
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="[UNK]")


def load(kind: str, path: str, options: dict[str, str]) -> list[dict[str, Any]]:
    import guidellm.data  # registers the deserializers
    from guidellm.data.deserializers import DatasetDeserializerFactory
    from guidellm.schemas.data import deserializers as schema

    assert guidellm.data is not None
    file_kind = "json_file" if kind == "mooncake" else kind
    source = schema.FileDataArgs(kind=file_kind, path=path)
    if kind == "mooncake":
        config = schema.MooncakeTraceFormatArgs(
            kind="mooncake",
            source=source,
            hash_id_block_size=int(options["block"]),
            time_scale=float(options["scale"]),
        )
    else:
        config = schema.MinimalTraceFormatArgs(
            kind="trace_synthetic",
            source=source,
            time_scale=float(options["scale"]),
            timestamp_column=options["timestamp"],
            prompt_tokens_column=options["input"],
            output_tokens_column=options["output"],
        )
    rows = DatasetDeserializerFactory.deserialize(config=config, processor_factory=tokenizer, random_seed=1)
    return [turn(json.loads(row["conversation_turns"])["turns"]) for row in rows]


def turn(turns: list[dict[str, Any]]) -> dict[str, Any]:
    (only,) = turns
    columns = only["columns"]
    return {
        "timestamp": columns["relative_timestamp_column"][0],
        "input_length": columns["prompt_tokens_count_column"][0],
        "output_length": columns["output_tokens_count_column"][0],
        "characters": len(columns["text_column"][0]),
    }


def load_or_error(kind: str, path: str, options: dict[str, str]) -> list[dict[str, Any]] | str:
    try:
        return load(kind, path, options)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        found = [load_or_error(*task) for task in json.load(sys.stdin)]
    print(json.dumps(found))
