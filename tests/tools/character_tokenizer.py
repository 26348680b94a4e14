"""A tokenizer with a token for every character, as `tracetide/characters` in a cache of Hugging Face's hub.

`HF_HOME=FOLDER python character_tokenizer.py [TEXT ...]`; texts are files whose characters it knows besides
those of ASCII.
"""

from __future__ import annotations

import os
import string
import sys
from pathlib import Path
from typing import Any


def tokenizer(more: str = "") -> Any:
    """One that knows these characters, too."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    characters = dict.fromkeys(string.printable + more)
    vocabulary = {character: number for number, character in enumerate(characters)}
    vocabulary["[UNK]"] = len(vocabulary)
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="[UNK]", clean_up_tokenization_spaces=False
    )


if __name__ == "__main__":
    texts = "".join(Path(path).read_text(encoding="utf-8") for path in sys.argv[1:])
    model = Path(os.environ["HF_HOME"]) / "hub" / "models--tracetide--characters"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text("0" * 40)
    tokenizer(texts).save_pretrained(model / "snapshots" / ("0" * 40))
