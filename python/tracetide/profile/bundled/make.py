"""Makes a compact profile of a ServeGen model folder, as derived statistics only.

    python -m tracetide.profile.bundled.make FOLDER -o OUT.tide

What is kept, per client:

- every window of the period with requests: rate, gap family, shape and CV, as published;
- every recorded epoch and length field: the distribution as quantile knots (see `knots`), the more of them
  the larger the client's share of the epoch's requests; or as it is, where that takes no more bytes or it is
  of items, whose values are standard sizes.

What is not kept: what lies between the knots, and the tail beyond the last one. A client without recorded
lengths keeps its arrivals, so the total rate is that of the source, and has no lengths here either: sampling
leaves it out, as it does with the folder itself.

The five bundled profiles of published data are made by

    python -m tracetide.profile.bundled.make ServeGen/data --bundled -o OUT_FOLDER

from https://github.com/alibaba/ServeGen at commit f891d11 (Apache-2.0).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.vocabulary import MISSING
from tracetide.profile.bundled.conversations import ASSUMPTIONS, OUTPUT_TIME, add_conversations
from tracetide.profile.bundled.distance import requests_by_epoch
from tracetide.profile.bundled.knots import Pmf
from tracetide.profile.bundled.law import Law, Resolution, is_of_items, law_of

BUNDLED = (
    "language/m-large",
    "language/m-mid",
    "language/m-small",
    "reason/deepseek-r1",
    "multimodal/mm-image",
)
"""The model folders of the bundled profiles of published data."""


@dataclass(frozen=True)
class Provenance:
    """Where the source comes from."""

    repository: str = "https://github.com/alibaba/ServeGen"
    commit: str = "f891d11"
    license: str = "Apache-2.0"


@dataclass(frozen=True)
class LengthDistance:
    """How far the lengths of a client in a recorded epoch are from the source's."""

    client: str
    epoch: int
    field: str
    requests: float
    ks: float
    mean_error: float


class Maker:
    """Makes the compact profile of a source, and knows how far its lengths are from it."""

    def __init__(self, source: _core.Profile, name: str, resolution: Resolution | None = None) -> None:
        """`name`: of the profile; `resolution`: how finely distributions are kept."""
        self.source = source
        self.name = name
        self.resolution = resolution or Resolution()
        self.requests = requests_by_epoch(source)
        shape = (source.epochs, source.clients, len(source.fields))
        self._recorded = source.ids(False).reshape(shape)
        self._resolved = source.ids(True).reshape(shape)
        self.laws = self._laws()

    def _laws(self) -> dict[int, Law]:
        """Of every recorded distribution of the source, by its number."""
        totals = self.requests.sum(axis=1, keepdims=True)
        shares = self.requests / np.where(totals > 0, totals, 1.0)
        largest = np.zeros(self.source.distributions)
        for position in range(len(self.source.fields)):
            used = self._resolved[..., position]
            known = used != MISSING
            np.maximum.at(largest, used[known], shares[known])
        laws = {}
        # Fields of items first: what they share with others stays as it is.
        for position, field in sorted(
            enumerate(self.source.fields), key=lambda item: not is_of_items(item[1])
        ):
            for id in np.unique(self._recorded[..., position]).tolist():
                if id != MISSING and id not in laws:
                    found = self.source.distribution(id)
                    pmf = Pmf(np.asarray(found["values"], dtype=np.float64), found["probabilities"])
                    laws[id] = law_of(pmf, field, self.resolution, float(largest[id]))
        return laws

    def build(self, provenance: Provenance | None = None) -> _core.Profile:
        """The compact profile."""
        source = self.source
        builder = _core.ProfileBuilder(
            source.category,
            window_ns=source.window_ns,
            windows=source.windows,
            epoch_ns=source.epoch_ns,
            epochs=source.epochs,
            default_counts=source.default_counts,
            metadata=json.dumps(self._metadata(provenance or Provenance()), ensure_ascii=True),
        )
        numbers = np.full(source.distributions + 1, MISSING, dtype=np.uint32)  # the last one is missing
        for id, law in self.laws.items():
            numbers[id] = law.add_to(builder)
        cells = source.cells()
        for client, client_name in enumerate(source.client_names):
            builder.add_client(client_name)
            own = cells["client"] == client
            columns = (cells[column][own] for column in ("window", "rate", "shape", "cv", "family"))
            builder.add_cells(client, *columns)
            ids = np.minimum(self._recorded[:, client], source.distributions)
            builder.set_fields(client, numbers[ids])
        add_conversations(builder, self.name, self.requests.sum(axis=0))
        return builder.build()

    def distances(self) -> list[LengthDistance]:
        """Of every client, recorded epoch and field."""
        found = []
        for epoch, client, position in zip(*np.nonzero(self._recorded != MISSING), strict=True):
            law = self.laws[int(self._recorded[epoch, client, position])]
            found.append(
                LengthDistance(
                    client=self.source.client_names[client],
                    epoch=int(epoch),
                    field=self.source.fields[position],
                    requests=float(self.requests[epoch, client]),
                    ks=law.ks,
                    mean_error=law.mean_error,
                )
            )
        return found

    def clients(self) -> list[dict[str, Any]]:
        """Name, requests and whether lengths are recorded, of every client."""
        known = (self._recorded != MISSING).any(axis=(0, 2)).tolist()
        rows = zip(self.source.client_names, self.requests.sum(axis=0).tolist(), known, strict=True)
        return [{"client": name, "requests": count, "has_lengths": has} for name, count, has in rows]

    def summary(self) -> dict[str, Any]:
        """The distances, weighted by requests, as plain numbers."""
        clients = self.clients()
        without = [row for row in clients if not row["has_lengths"]]
        total = float(self.requests.sum())
        missing = sum(row["requests"] for row in without)
        return {
            "clients": len(clients),
            "requests": round(total),
            "clients_without_lengths": [row["client"] for row in without],
            "share_without_lengths": _round(missing / total if total > 0 else 0.0),
            "fields": {
                field: row
                for position, field in enumerate(self.source.fields)
                if (row := self._of_field(self._resolved[..., position]))
            },
        }

    def _of_field(self, used: npt.NDArray[np.uint32]) -> dict[str, float]:
        """Of one field: the distances of what every request is drawn from."""
        sent = (used != MISSING) & (self.requests > 0)
        if not sent.any():
            return {}
        laws = [self.laws[id] for id in used[sent].tolist()]
        ks, errors = (np.array([getattr(law, name) for law in laws]) for name in ("ks", "mean_error"))
        weights = self.requests[sent]
        return {
            "ks_mean": _round(np.average(ks, weights=weights)),
            "ks_max": _round(ks.max()),
            "mean_error": _round(np.average(errors, weights=weights)),
            "mean_error_max": _round(np.abs(errors).max()),
        }

    def _metadata(self, provenance: Provenance) -> dict[str, Any]:
        most, least = self.resolution.knots, self.resolution.least
        return {
            "name": self.name,
            "source": f"ServeGen model folder {self.name}",
            **asdict(provenance),
            "tool": "tracetide.profile.bundled.make",
            "kind": "derived statistics; distributions are modelled by quantile knots",
            "method": {
                "arrivals": "per client and window: rate, family, shape and CV as published",
                "lengths": f"per client, field and recorded epoch: {least} to {most} quantile knots (by "
                "requests), the mean is kept by the last one; counts, item tokens and PMFs of few values "
                "exactly",
            },
            **({"conversations": ASSUMPTIONS} if self.name in OUTPUT_TIME else {}),
            "distance": self.summary(),
        }


def _round(value: float) -> float:
    return float(f"{value:.4g}")


def make(
    folder: Path,
    *,
    resolution: Resolution | None = None,
    provenance: Provenance | None = None,
) -> tuple[_core.Profile, Maker]:
    """The compact profile of a folder, and the maker, which knows its distances.

    It is called as the folder is; a folder called as a bundled reasoning profile gets its conversations, of
    which a folder says nothing.
    """
    maker = Maker(_core.Profile.read_servegen(str(folder)), folder.resolve().name, resolution)
    return maker.build(provenance), maker


def report_table(maker: Maker) -> str:
    """A line a client, heaviest first, and a summary, as text."""
    fields = maker.source.fields
    sums: dict[tuple[str, str], list[float]] = {}
    for row in maker.distances():
        weighted = sums.setdefault((row.client, row.field), [0.0, 0.0])
        weighted[0] += row.requests * row.ks
        weighted[1] += row.requests
    lines = ["KS distances of the lengths from each recorded epoch's, weighted by requests", ""]
    lines.append(f"{'client':<12}{'requests':>14}" + "".join(f"{field:>15}" for field in fields))
    for client in sorted(maker.clients(), key=lambda row: -row["requests"]):
        line = f"{client['client']:<12}{client['requests']:>14.0f}"
        for field in fields:
            ks, weight = sums.get((client["client"], field), (0.0, 0.0))
            line += f"{ks / weight:>15.4f}" if weight > 0 else f"{'-':>15}"
        lines.append(line)
    summary = maker.summary()
    lines.append("")
    for field, row in summary["fields"].items():
        lines.append(
            f"{field:<14} KS {row['ks_mean']:.4f} (at most {row['ks_max']:.4f}); "
            f"mean {row['mean_error']:+.2%} (at most {row['mean_error_max']:.2%})"
        )
    lines.append(
        f"{len(summary['clients_without_lengths'])} of {summary['clients']} clients have no lengths in the "
        f"source: {summary['share_without_lengths']:.1%} of the requests"
    )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    description = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m tracetide.profile.bundled.make", description=description)
    parser.add_argument("folder", type=Path, help="ServeGen model folder")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .tide file to write")
    parser.add_argument(
        "--bundled",
        action="store_true",
        help="FOLDER is ServeGen's data, OUTPUT a folder for the bundled ones",
    )
    knots = Resolution().knots
    parser.add_argument("--knots", type=int, default=knots, help="most knots a distribution (%(default)s)")
    parser.add_argument("--json", action="store_true", help="report as JSON")
    for name, value in asdict(Provenance()).items():
        parser.add_argument(f"--{name}", default=value, help=f"{name} of the source, recorded (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        _run(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _run(options: argparse.Namespace) -> None:
    resolution = Resolution(options.knots)
    provenance = Provenance(options.repository, options.commit, options.license)
    if not options.bundled:
        profile, maker = make(options.folder, resolution=resolution, provenance=provenance)
        profile.write(str(options.output))
        if options.json:
            lengths = [asdict(row) for row in maker.distances()]
            report = {"summary": maker.summary(), "clients": maker.clients(), "fields": lengths}
            print(json.dumps(report, indent=1))
            return
        print(report_table(maker))
        print(f"{options.output}: {options.output.stat().st_size} bytes")
        return
    for model in BUNDLED:
        profile, _ = make(options.folder / model, resolution=resolution, provenance=provenance)
        output = options.output / f"{Path(model).name}.tide"
        profile.write(str(output))
        print(f"{output}: {output.stat().st_size} bytes")


if __name__ == "__main__":
    sys.exit(main())
