"""The README's C++ example as a whole program, which says what it got."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parents[3] / "README.md"

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
    (block,) = re.findall(r"^```cpp\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    includes = [line for line in block.splitlines() if line.startswith("#include")]
    body = [line for line in block.splitlines() if not line.startswith("#include")]
    return PROGRAM.format(includes="\n".join(includes), body="\n".join(body))
