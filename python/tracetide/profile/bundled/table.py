"""The bundled profiles of published data against their sources, as the table in docs/profiles.md.

python -m tracetide.profile.bundled.table ServeGen/data
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tracetide import _core
from tracetide.profile.bundled import bundled_path
from tracetide.profile.bundled.distance import ks_distances, same_arrivals
from tracetide.profile.bundled.make import BUNDLED


def markdown_table(data: Path) -> str:
    """The bundled profiles against ServeGen's data in `data`, as a Markdown table."""
    lines = [
        "| profile | size | clients | requests | without lengths | arrivals | KS, all requests "
        "| KS, by client and epoch |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for model in BUNDLED:
        path = bundled_path(Path(model).name)
        made = _core.Profile.open(str(path))
        source = _core.Profile.read_servegen(str(data / model))
        found = ks_distances(made, source)
        distance = json.loads(made.metadata)["distance"]
        fields = {field: row for field, row in distance["fields"].items() if _is_used(made, field)}
        cells = [
            path.stem,
            f"{path.stat().st_size / 1e6:.1f} MB",
            f"{distance['clients']}",
            f"{distance['requests'] / 1e6:,.2f} M",
            f"{len(distance['clients_without_lengths'])} ({distance['share_without_lengths']:.0%})",
            "the same" if same_arrivals(made, source) else "differ",
            ", ".join(f"{_short(field)} {found[field]:.4f}" for field in fields),
            ", ".join(f"{_short(field)} {row['ks_mean']:.4f}" for field, row in fields.items()),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _is_used(profile: _core.Profile, field: str) -> bool:
    """Whether a field is ever above 0: kinds of items that never come are not worth a line."""
    return any(
        id is not None and profile.distribution(id)["maximum"] > 0
        for id in {profile.resolved(0, client, field) for client in range(profile.clients)}
    )


def _short(field: str) -> str:
    """ "image_tokens" beside "image_count" needs its last word; "input_tokens" does not."""
    return field.replace("input_tokens", "input").replace("output_tokens", "output").replace("_", " ")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m tracetide.profile.bundled.table")
    parser.add_argument("data", type=Path, help="ServeGen's data folder")
    try:
        print(markdown_table(parser.parse_args(arguments).data))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
