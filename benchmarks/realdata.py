"""Where the real data is."""

from __future__ import annotations

import os
from pathlib import Path

MODELS = {
    "m-large": "language/m-large",
    "m-mid": "language/m-mid",
    "m-small": "language/m-small",
    "deepseek-r1": "reason/deepseek-r1",
    "mm-image": "multimodal/mm-image",
}


def data_folder() -> Path:
    """$TRACETIDE_DATA, or `shared/data` beside the repository."""
    named = os.environ.get("TRACETIDE_DATA")
    return Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"


def model_folder(model: str) -> Path | None:
    """The folder of one of ServeGen's models, if it is there."""
    folder = data_folder() / "servegen" / MODELS[model]
    return folder if folder.is_dir() else None
