"""`tracetide schema`."""

from __future__ import annotations

import json


def schema() -> None:
    """Print the JSON schema of workload files, with which editors check and complete them."""
    from tracetide.profile.workload import json_schema

    print(json.dumps(json_schema(), indent=2))
