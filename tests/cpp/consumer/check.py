"""Build the README's C++ example against an installed tracetide and compare its requests with Python's.

    python tests/cpp/consumer/check.py BUILD_FOLDER

BUILD_FOLDER is a finished CMake build of the core.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import tracetide as tt

HERE = Path(__file__).resolve().parent
README = HERE.parents[2] / "README.md"

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


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command; its output, or its error and the end."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=cwd)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def main(build: Path) -> None:
    """Install, build, run, compare."""
    pool = tt.load("m-small")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tt.MissingDataWarning)
        trace = tt.generate(pool, rate=100, duration="1h", seed=0)
    expected = f"{len(trace)} {int(trace.input_tokens.sum(dtype='uint64'))} {trace.timestamp[-1]:.17g}\n"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "main.cpp").write_text(example())
        pool.write(folder / "my-profile.tide")
        run("cmake", "--install", build, "--prefix", folder / "prefix")
        run(
            *("cmake", "-S", HERE, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={folder / 'prefix'}"),
            f"-DCONSUMER_SOURCE={folder / 'main.cpp'}",
        )
        run("cmake", "--build", folder / "build")
        found = run(folder / "build" / "consumer", cwd=folder)
    if found != expected:
        sys.exit(f"the C++ example made {found!r}, Python {expected!r}")
    print(f"the C++ example makes the same requests as Python: {found.strip()}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
