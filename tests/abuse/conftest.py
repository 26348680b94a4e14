"""Where what other tests use is found."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in ("python", "fuzz"):
    sys.path.insert(0, str(HERE.parent / folder))
