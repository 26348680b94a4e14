"""Small ServeGen model folders, as tests want them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Number = int | float
Pmf = Mapping[Number, float]

FIELDS = {
    "language": ("input_tokens", "output_tokens"),
    "reason": ("input_tokens", "output_tokens", "reason_ratio"),
    "multimodal": (
        "text_tokens",
        "image_tokens",
        "audio_tokens",
        "video_tokens",
        "image_count",
        "audio_count",
        "video_count",
        "output_tokens",
    ),
}


@dataclass(frozen=True)
class Window:
    """One row of a trace file."""

    rate: float = 1.0
    cv: float = 1.0
    family: str = "Gamma"
    shape: float = 1.0
    scale: float = 1.0

    def row(self, start_s: Number) -> str:
        return f"{start_s},{self.rate},{self.cv},{self.family},{self.shape},{self.scale}\n"


IDLE = Window(rate=0, cv=0, family="", shape=0, scale=0)


@dataclass(frozen=True)
class Client:
    """A client: a row per window, and PMFs by field for every epoch; `epochs=None`: no dataset file."""

    windows: Sequence[Window] = (Window(),) * 4
    epochs: Sequence[Mapping[str, Pmf]] | None = field(default=({},))


def pmfs(category: str, scale: int = 1) -> dict[str, Pmf]:
    """A plausible PMF for every field of a category; `scale` makes clients differ."""
    result: dict[str, Pmf] = {}
    for name in FIELDS[category]:
        if name == "reason_ratio":
            result[name] = {0.0: 0.25, 0.5: 0.5, 0.75: 0.25}
        elif name.startswith(("audio", "video")):
            result[name] = {0: 1.0}
        elif name == "image_count":
            result[name] = {0: 0.25, 1: 0.5, 3: 0.25}
        else:
            result[name] = {10 * scale: 0.5, 20 * scale: 0.25, 100 * scale: 0.25}
    return result


def clients_of(category: str, count: int = 3, windows: int = 4) -> list[Client]:
    """Active clients of different rates, families and lengths."""
    families = ("Gamma", "Weibull", "Exponential")
    return [
        Client(
            [Window(rate=1.0 + i, shape=1.0 if i % 3 == 2 else 0.5 + i, family=families[i % 3])] * windows,
            [pmfs(category, 1 + i)],
        )
        for i in range(count)
    ]


def write_folder(
    path: Path,
    *,
    category: str = "language",
    clients: Sequence[Client] | Mapping[int, Client] | None = None,
    window_s: Number = 600,
    epoch_s: Number | None = None,
) -> Path:
    """Writes a model folder and returns its path.

    `clients` are numbered from 0, or by their keys. A field that an epoch does not give is written as `{}`.
    `epoch_s` is by default the period divided by the number of epochs.
    """
    path.mkdir(parents=True, exist_ok=True)
    if clients is None:
        clients = clients_of(category)
    numbered = clients if isinstance(clients, Mapping) else dict(enumerate(clients))
    for number, client in numbered.items():
        rows = [window.row(window_s * i) for i, window in enumerate(client.windows)]
        (path / f"chunk-{number}-trace.csv").write_text("".join(rows))
        if client.epochs is None:
            continue
        step = epoch_s or window_s * len(client.windows) // len(client.epochs)
        dataset = {
            str(step * i): {name: str(dict(epoch.get(name, {}))) for name in FIELDS[category]}
            for i, epoch in enumerate(client.epochs)
        }
        (path / f"chunk-{number}-dataset.json").write_text(json.dumps(dataset, indent=2))
    return path


def write_raw(path: Path, *, trace: str | None = None, dataset: str | None = None, number: int = 0) -> Path:
    """Writes one client's files as given; None leaves the file out."""
    path.mkdir(parents=True, exist_ok=True)
    if trace is not None:
        (path / f"chunk-{number}-trace.csv").write_text(trace)
    if dataset is not None:
        (path / f"chunk-{number}-dataset.json").write_text(dataset)
    return path
