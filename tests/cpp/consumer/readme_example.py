"""The README's C++ example as a whole program that says what it got, and the same in Python.

    python readme_example.py

Writes my-profile.tide, which the program reads, into the current folder and says what that will say.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

README = Path(__file__).resolve().parents[3] / "README.md"
BLOCK = re.compile(r"^```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)

PROGRAM = """
#include <cstdint>
#include <cstdio>
#include <span>
{includes}

static std::uint64_t requests, tokens;
static double last;
static void consume(std::span<const double> timestamp, std::span<const std::uint32_t> input_tokens) {{
  requests += timestamp.size();
  last = timestamp.back();
  for (const std::uint32_t count : input_tokens) tokens += count;
}}

int main() {{
{body}
  std::printf("%llu %llu %.17g\\n", (unsigned long long)requests, (unsigned long long)tokens, last);
}}
"""


def example() -> str:
    """The README's program, around which a `main` and a `consume` are put."""
    (block,) = re.findall(
        r"^```cpp\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    includes = [line for line in block.splitlines() if line.startswith("#include")]
    body = [line for line in block.splitlines() if not line.startswith("#include")]
    return PROGRAM.format(includes="\n".join(includes), body="\n".join(body))


def in_python(folder: Path) -> str:
    """Write the profile for the program into a folder; what the program will say."""
    import tracetide as tt

    pool = tt.load("m-small")
    pool.write(folder / "my-profile.tide")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tt.MissingDataWarning)
        trace = tt.generate(pool, rate=100, duration="1h", seed=0)
    return f"{len(trace)} {int(trace.input_tokens.sum(dtype='uint64'))} {trace.timestamp[-1]:.17g}\n"


if __name__ == "__main__":
    print(in_python(Path.cwd()), end="")
