"""Makes a compact profile of a ServeGen model folder, as derived statistics only.

    python -m tracetide.profile.bundled.make FOLDER -o OUT.tide

What is kept, per client:

- every hour of the period: the mean rate; the gap family with the most requests in the hour, and its shape
  as the exponential of the rate-weighted mean of the logarithms of the recorded windows' shapes; the
  rate-weighted mean of the recorded CVs;
- every quarter of the day (from 0, 6, 12 and 18 hours) and length field: the mixture over the days of the
  distributions in force then, weighted by the client's requests, as quantile knots (see `knots`).

What is not kept: how the rate varies within an hour, how lengths differ from day to day, the tail beyond the
last knot. A client without recorded lengths keeps its arrivals, so the total rate is that of the source, and
has no lengths here either: sampling leaves it out, as it does with the folder itself.

By default every distribution has the same number of knots. A `Resolution` can give clients with few requests
fewer of them, and keep PMFs of few values, such as standard item sizes, as they are. The five bundled
profiles of published data are made, each with its resolution in `BUNDLED`, by

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
from tracetide.columns import LIST_COLUMNS
from tracetide.profile.bundled import knots as quantile_knots
from tracetide.profile.bundled.conversations import ASSUMPTIONS, CONVERSATIONS
from tracetide.profile.bundled.distance import compare
from tracetide.profile.sessions import Sessions, add_sessions

NS_PER_S = 1_000_000_000
HOUR_NS = 3600 * NS_PER_S
DAY_PART_NS = 6 * HOUR_NS
DAY_PARTS = 4
DEFAULT_KNOTS = 129

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Provenance:
    """Where the source comes from."""

    repository: str = "https://github.com/alibaba/ServeGen"
    commit: str = "f891d11"
    license: str = "Apache-2.0"


@dataclass(frozen=True)
class Resolution:
    """How finely distributions are kept.

    Attributes:
        knots: the most knots of a distribution, from 2 to 65537.
        least: None: all have `knots`. A number: a client with the share s of a part of the day's requests has
            `knots * sqrt(s / 0.01)`, from `least` to `knots`. The square root makes the distance, weighted by
            requests, least for a given number of bytes, since a distribution's goes with 1 / knots.
        exact: keep a PMF as it is where it needs no more bytes than the knots, or is of an item's tokens or
            of a count, whose values are standard sizes.
    """

    knots: int = DEFAULT_KNOTS
    least: int | None = None
    exact: bool = False

    def __post_init__(self) -> None:
        """Numbers out of range are a ValueError."""
        if not 2 <= self.knots <= 65537:
            raise ValueError(f"knots {self.knots}; allowed: 2 to 65537")
        if self.least is not None and not 2 <= self.least <= self.knots:
            raise ValueError(f"least knots {self.least}; allowed: 2 to {self.knots}")

    def knots_for(self, share: float) -> int:
        """The number of knots for a client with this share of the requests."""
        if self.least is None:
            return self.knots
        return int(np.clip(np.ceil(self.knots * np.sqrt(share / _FULL_SHARE)), self.least, self.knots))

    def keeps(self, field: str, values: int, knots: int) -> bool:
        """Whether a PMF of so many values stays as it is."""
        if not self.exact:
            return False
        item = field.endswith("_count") or field in LIST_COLUMNS
        value_bytes = 16 if field == "reason_ratio" else 12
        return item or value_bytes * values <= 8 * knots


_FULL_SHARE = 0.01

BUNDLED = {
    "language/m-large": Resolution(least=33, exact=True),
    "language/m-mid": Resolution(least=33, exact=True),
    "language/m-small": Resolution(),
    "reason/deepseek-r1": Resolution(least=33, exact=True),
    "multimodal/mm-image": Resolution(least=33, exact=True),
}
"""The bundled profiles of published data: the model folder, and how finely it is kept."""


@dataclass(frozen=True)
class Law:
    """A distribution of the compact profile: quantile knots, or the PMF itself where `knots` is None."""

    pmf: quantile_knots.Pmf
    knots: Floats | None
    whole: bool

    @property
    def mean(self) -> float:
        """E[X]."""
        return self.pmf.mean if self.knots is None else quantile_knots.mean_of(self.knots)

    def ks_distance(self, pmf: quantile_knots.Pmf) -> float:
        """The Kolmogorov-Smirnov distance from a PMF."""
        if self.knots is None:
            return quantile_knots.pmf_distance(self.pmf, pmf)
        return quantile_knots.ks_distance(self.knots, pmf, whole=self.whole)

    def add_to(self, builder: _core.ProfileBuilder) -> int:
        """Adds the distribution; its number."""
        if self.knots is not None:
            return builder.add_quantiles(self.knots, float(self.knots[0]), float(self.pmf.values[-1]))
        if self.whole:
            return builder.add_integer_pmf(self.pmf.values.astype(np.uint32), self.pmf.probabilities)
        return builder.add_real_pmf(self.pmf.values, self.pmf.probabilities)


@dataclass(frozen=True)
class Hours:
    """Active hours of a client: the columns that `ProfileBuilder.add_cells` takes."""

    hours: npt.NDArray[np.uint32]
    rates: Floats
    shapes: Floats
    cvs: Floats
    families: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class FieldDistance:
    """How far the lengths of one client in one part of the day are from the source."""

    client: str
    field: str
    day_part: int
    requests: float
    ks: float
    ks_by_epoch: float
    mean_error: float


@dataclass(frozen=True)
class ClientDistance:
    """How far a client is from its source."""

    client: str
    requests: float
    rate_error: float
    has_lengths: bool


class Source:
    """A profile read from a ServeGen folder, with its grid in hours and parts of the day."""

    def __init__(self, profile: _core.Profile) -> None:
        """A grid that does not fit hours is a ProfileError."""
        self.profile = profile
        self.fields = profile.fields
        self.client_names = profile.client_names
        self.window_s = profile.window_ns / NS_PER_S
        if HOUR_NS % profile.window_ns != 0 or profile.period_ns % HOUR_NS != 0:
            raise _core.ProfileError(
                f"windows of {self.window_s:g} s and a period of {profile.period_ns / NS_PER_S:g} s; "
                "allowed: windows that divide an hour, and a period of whole hours"
            )
        self.hours = profile.period_ns // HOUR_NS
        self.day_parts = min(DAY_PARTS, -(-profile.period_ns // DAY_PART_NS))
        self._cells = profile.cells()
        window_start_ns = np.arange(profile.windows, dtype=np.int64) * profile.window_ns
        self._hour_of = window_start_ns // HOUR_NS
        self._day_part_of = window_start_ns // DAY_PART_NS % self.day_parts
        self._epoch_of = window_start_ns // profile.epoch_ns % profile.epochs
        self._rows = [np.flatnonzero(self._cells["client"] == client) for client in range(profile.clients)]

    def cells_of(self, client: int) -> dict[str, npt.NDArray[Any]]:
        """The active windows of a client."""
        rows = self._rows[client]
        return {name: column[rows] for name, column in self._cells.items()}

    def has_lengths(self, client: int) -> bool:
        """Whether lengths are recorded for a client."""
        return self.profile.resolved(0, client, self.fields[0]) is not None

    def requests(self, client: int) -> float:
        """Expected number of requests in the period."""
        return float(self.cells_of(client)["rate"].sum()) * self.window_s

    def hours_of(self, client: int) -> Hours:
        """The arrivals of a client by the hour."""
        cells = self.cells_of(client)
        rate = cells["rate"]
        hour = self._hour_of[cells["window"]]
        families = range(3)

        def total(weights: Floats) -> Floats:
            return np.bincount(hour, weights, minlength=self.hours).astype(np.float64)

        rate_by_family = np.stack([total(rate * (cells["family"] == family)) for family in families])
        family_of_hour = rate_by_family.argmax(axis=0)
        in_family = np.where(cells["family"] == family_of_hour[hour], rate, 0.0)
        sums = total(rate)
        active = np.flatnonzero(sums)
        log_shape = total(in_family * np.log(cells["shape"]))[active] / total(in_family)[active]
        family = family_of_hour[active].astype(np.uint8)
        return Hours(
            hours=active.astype(np.uint32),
            rates=sums[active] * (self.profile.window_ns / HOUR_NS),
            # The logarithm and back may leave the range, or the 1 of Exponential, by a rounding error.
            shapes=np.where(family == 0, 1.0, np.clip(np.exp(log_shape), 0.005, 1e5)),
            cvs=total(rate * cells["cv"])[active] / sums[active],
            families=family,
        )

    def epoch_weights(self, client: int) -> Floats:
        """Requests of a client by part of the day and epoch."""
        cells = self.cells_of(client)
        window = cells["window"]
        index = self._day_part_of[window] * self.profile.epochs + self._epoch_of[window]
        size = self.day_parts * self.profile.epochs
        weights = np.bincount(index, cells["rate"] * self.window_s, minlength=size)
        return weights.astype(np.float64).reshape(self.day_parts, self.profile.epochs)

    def pmf(self, epoch: int, client: int, field: str) -> tuple[Floats, Floats]:
        """Values and probabilities that sampling the source uses."""
        distribution = self.profile.resolved(epoch, client, field)
        assert distribution is not None, "only asked for clients with lengths"
        found = self.profile.distribution(distribution)
        return found["values"], found["probabilities"]


class Maker:
    """Makes the compact profile and measures it on the way."""

    def __init__(self, source: Source, resolution: Resolution, sessions: Sessions | None = None) -> None:
        """`resolution`: how finely distributions are kept; `sessions`: of all clients."""
        self.source = source
        self.resolution = resolution
        self.sessions = sessions
        self.field_distances: list[FieldDistance] = []
        self.client_distances: list[ClientDistance] = []

    def build(self, name: str, provenance: Provenance) -> _core.Profile:
        """The compact profile; fills in the distances."""
        clients = range(self.source.profile.clients)
        arrivals = [self.source.hours_of(client) for client in clients]
        weights = [self.source.epoch_weights(client) for client in clients]
        per_part = np.array([weight.sum(axis=1) for weight in weights])
        with np.errstate(invalid="ignore"):
            shares = np.nan_to_num(per_part / per_part.sum(axis=0))
        fields = [self._fields(client, weights[client], shares[client]) for client in clients]
        self.client_distances = [
            self._client_distance(client, hours) for client, hours in enumerate(arrivals)
        ]
        metadata = self._metadata(name, provenance)
        profile = self._assemble(arrivals, fields, metadata)
        if self.resolution != Resolution():
            # The default leaves this out: the bytes of m-small, which was the first, stay as they are.
            metadata["distance"] |= {"whole": compare(profile, self.source.profile).rounded()}
            profile = self._assemble(arrivals, fields, metadata)
        return profile

    def _assemble(
        self, arrivals: list[Hours], fields: list[dict[tuple[int, str], Law]], metadata: dict[str, Any]
    ) -> _core.Profile:
        builder = _core.ProfileBuilder(
            self.source.profile.category,
            window_ns=HOUR_NS,
            windows=self.source.hours,
            epoch_ns=DAY_PART_NS,
            epochs=self.source.day_parts,
            default_counts=self.source.profile.default_counts,
            metadata=json.dumps(metadata, ensure_ascii=True),
        )
        for client, hours in enumerate(arrivals):
            builder.add_client(self.source.client_names[client])
            builder.add_cells(client, hours.hours, hours.rates, hours.shapes, hours.cvs, hours.families)
            for (day_part, field), law in fields[client].items():
                builder.set_field(day_part, client, field, law.add_to(builder))
        if self.sessions is not None:
            model = add_sessions(builder, self.sessions)
            for client in range(len(arrivals)):
                builder.set_session(client, model)
        return builder.build()

    def _fields(self, client: int, weights: Floats, shares: Floats) -> dict[tuple[int, str], Law]:
        if not self.source.has_lengths(client):
            return {}
        if not weights.any():
            weights = np.ones_like(weights)  # never active; some lengths are better than none
        result = {}
        for day_part in range(self.source.day_parts):
            epochs = np.flatnonzero(weights[day_part])
            if len(epochs) == 0:
                continue  # no requests then; the nearest part of the day stands in
            for field in self.source.fields:
                parts = [
                    (*self.source.pmf(int(epoch), client, field), float(weights[day_part, epoch]))
                    for epoch in epochs
                ]
                knots = self.resolution.knots_for(float(shares[day_part]))
                result[day_part, field] = self._fit(client, field, day_part, parts, knots)
        return result

    def _fit(
        self,
        client: int,
        field: str,
        day_part: int,
        parts: list[tuple[Floats, Floats, float]],
        knots: int,
    ) -> Law:
        whole = field != "reason_ratio"
        pmf = quantile_knots.mixture(parts)
        exact = self.resolution.keeps(field, len(pmf.values), knots)
        law = Law(pmf, None if exact else quantile_knots.fit(pmf, knots, whole=whole), whole)
        weight = sum(part[2] for part in parts)
        by_epoch = sum(part[2] * law.ks_distance(quantile_knots.mixture([part])) for part in parts)
        self.field_distances.append(
            FieldDistance(
                client=self.source.client_names[client],
                field=field,
                day_part=day_part,
                requests=weight,
                ks=law.ks_distance(pmf),
                ks_by_epoch=by_epoch / weight,
                mean_error=(law.mean - pmf.mean) / pmf.mean if pmf.mean > 0 else 0.0,
            )
        )
        return law

    def _client_distance(self, client: int, hours: Hours) -> ClientDistance:
        requests = self.source.requests(client)
        made = float(hours.rates.sum()) * HOUR_NS / NS_PER_S
        return ClientDistance(
            client=self.source.client_names[client],
            requests=requests,
            rate_error=(made - requests) / requests if requests > 0 else 0.0,
            has_lengths=self.source.has_lengths(client),
        )

    def summary(self) -> dict[str, Any]:
        """The distances, weighted by requests, as plain numbers."""
        total = sum(client.requests for client in self.client_distances)
        without = [client for client in self.client_distances if not client.has_lengths]
        share_without = sum(client.requests for client in without) / total if total > 0 else 0.0
        fields = {}
        for field in self.source.fields:
            rows = [row for row in self.field_distances if row.field == field]
            if not rows:
                continue
            weights = [row.requests for row in rows]
            fields[field] = {
                "ks_mean": _round(np.average([row.ks for row in rows], weights=weights)),
                "ks_max": _round(max(row.ks for row in rows)),
                "ks_by_epoch_mean": _round(np.average([row.ks_by_epoch for row in rows], weights=weights)),
                "mean_error": _round(np.average([row.mean_error for row in rows], weights=weights)),
                "mean_error_max": _round(max(abs(row.mean_error) for row in rows)),
            }
        return {
            "clients": len(self.client_distances),
            "requests": round(total),
            "rate_error_max": float(f"{max(abs(c.rate_error) for c in self.client_distances):.1e}"),
            "clients_without_lengths": [client.client for client in without],
            "share_without_lengths": _round(share_without),
            "fields": fields,
        }

    def _knots_in_words(self) -> str:
        most, least = self.resolution.knots, self.resolution.least
        return (
            f"{most} quantile knots" if least is None else f"{least} to {most} quantile knots (by requests)"
        )

    def _metadata(self, name: str, provenance: Provenance) -> dict[str, Any]:
        return {
            "name": name,
            "source": f"ServeGen model folder {name}",
            **asdict(provenance),
            "tool": "tracetide.profiles.make",  # where this was when the files were made: their bytes stay
            "kind": "derived statistics; distributions are modelled by quantile knots",
            "method": {
                "arrivals": "per client and hour: mean rate; family with the most requests; exp of the "
                "rate-weighted mean log shape; rate-weighted mean CV",
                "lengths": f"per client, field and part of the day (6 h): {self._knots_in_words()} of the "
                "mixture over the days, weighted by requests; the mean is kept by the last knot"
                + ("; counts, item tokens and PMFs of few values exactly" if self.resolution.exact else ""),
            },
            **({"conversations": ASSUMPTIONS} if self.sessions is not None else {}),
            "distance": self.summary(),
        }


def _round(value: float) -> float:
    return float(f"{value:.4g}")


def make(
    folder: Path,
    *,
    knots: int = DEFAULT_KNOTS,
    resolution: Resolution | None = None,
    provenance: Provenance | None = None,
    sessions: Sessions | None = None,
) -> tuple[_core.Profile, Maker]:
    """The compact profile of a folder, and the maker, which knows its distances.

    `sessions`, of which a folder says nothing, go to all clients.

    `knots` is for a fixed number of them; `resolution`, where given, goes before it.
    """
    resolution = Resolution(knots=knots) if resolution is None else resolution
    maker = Maker(Source(_core.Profile.read_servegen(str(folder))), resolution, sessions)
    profile = maker.build(folder.resolve().name, provenance or Provenance())
    return profile, maker


def report_table(maker: Maker) -> str:
    """A line a client, heaviest first, and a summary, as text."""
    fields = maker.source.fields
    lines = ["KS distances: of the knots from the mixture over the days / from each recorded epoch", ""]
    lines.append(f"{'client':<12}{'requests':>14}{'rate error':>12}" + "".join(f"{f:>22}" for f in fields))
    for client in sorted(maker.client_distances, key=lambda row: -row.requests):
        line = f"{client.client:<12}{client.requests:>14.0f}{client.rate_error:>12.1e}"
        for field in fields:
            rows = [r for r in maker.field_distances if (r.client, r.field) == (client.client, field)]
            line += f"{_pair(rows):>22}"
        lines.append(line)
    summary = maker.summary()
    lines.append("")
    for field, row in summary["fields"].items():
        lines.append(
            f"{field:<14} KS {row['ks_mean']:.4f} (at most {row['ks_max']:.4f}), "
            f"from each epoch {row['ks_by_epoch_mean']:.4f}; "
            f"mean {row['mean_error']:+.2%} (at most {row['mean_error_max']:.2%})"
        )
    without = summary["clients_without_lengths"]
    lines.append(
        f"{len(without)} of {summary['clients']} clients have no lengths in the source: "
        f"{summary['share_without_lengths']:.1%} of the requests"
    )
    return "\n".join(lines)


def _pair(rows: list[FieldDistance]) -> str:
    if not rows:
        return "-"
    weights = [row.requests for row in rows]
    own = np.average([row.ks for row in rows], weights=weights)
    epoch = np.average([row.ks_by_epoch for row in rows], weights=weights)
    return f"{own:.4f} / {epoch:.4f}"


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
    parser.add_argument("--knots", type=int, default=DEFAULT_KNOTS, help="knots a distribution (%(default)s)")
    parser.add_argument("--json", action="store_true", help="report as JSON")
    for name, value in asdict(Provenance()).items():
        parser.add_argument(f"--{name}", default=value, help=f"{name} of the source, recorded (%(default)s)")
    options = parser.parse_args(arguments)
    provenance = Provenance(options.repository, options.commit, options.license)
    try:
        if options.bundled:
            for model, resolution in BUNDLED.items():
                profile, _ = make(
                    options.folder / model,
                    resolution=resolution,
                    provenance=provenance,
                    sessions=CONVERSATIONS.get(Path(model).name),
                )
                output = options.output / f"{Path(model).name}.tide"
                profile.write(str(output))
                print(f"{output}: {output.stat().st_size} bytes")
            return 0
        profile, maker = make(options.folder, knots=options.knots, provenance=provenance)
        profile.write(str(options.output))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.json:
        report = {
            "summary": maker.summary(),
            "clients": [asdict(row) for row in maker.client_distances],
            "fields": [asdict(row) for row in maker.field_distances],
        }
        print(json.dumps(report, indent=1))
    else:
        print(report_table(maker))
        print(f"{options.output}: {options.output.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
