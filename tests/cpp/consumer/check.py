"""Build the README's C++ example against an installed tracetide and compare its requests with Python's.

    python tests/cpp/consumer/check.py BUILD_FOLDER

BUILD_FOLDER is a finished CMake build of the core. The example is built with the static and the shared
library by CMake, by pkg-config, and with what the installed wheel brings; then those in cpp/examples are run.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from readme_example import example, in_python

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command; its output, or its error and the end."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=cwd)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def cmake(source: Path, build: Path, **variables: str | Path) -> None:
    """Configure and build."""
    run("cmake", "-S", source, "-B", build, *(f"-D{name}={value}" for name, value in variables.items()))
    run("cmake", "--build", build)


def ways(folder: Path, build: Path) -> dict[str, Path]:
    """The program, built in every way, by what the way is called."""
    source, prefix = folder / "main.cpp", folder / "prefix"
    run("cmake", "--install", build, "--prefix", prefix)
    programs = {}
    for component in ("static", "shared"):
        programs[component] = folder / component / "consumer"
        cmake(
            HERE,
            folder / component,
            CMAKE_PREFIX_PATH=prefix,
            CONSUMER_COMPONENT=component,
            CONSUMER_SOURCE=source,
        )
    wheel = run(sys.executable, "-m", "tracetide", "--cmake-dir", cwd=folder).strip()
    programs["wheel"] = folder / "wheel" / "consumer"
    cmake(HERE, folder / "wheel", tracetide_DIR=wheel, CONSUMER_COMPONENT="static", CONSUMER_SOURCE=source)
    (pkgconfig,) = prefix.glob("lib*/**/pkgconfig")
    flags = run(
        "env", f"PKG_CONFIG_PATH={pkgconfig}", "pkg-config", "--cflags", "--libs", "tracetide"
    ).split()
    programs["pkg-config"] = folder / "consumer"
    run("c++", "-O2", source, "-o", folder / "consumer", *flags, f"-Wl,-rpath,{pkgconfig.parent}")
    return programs


def check_symbols(prefix: Path) -> None:
    """The shared library shows what the public headers declare, and nothing else of ours."""
    (library,) = {path.resolve() for path in prefix.glob("lib*/**/libtracetide.so")}
    headers = "\n".join(path.read_text() for path in (prefix / "include").rglob("*.hpp"))
    declared = set(re.findall(r"~?\w+", headers))
    shown = re.findall(r"^\S+ [TDBR] (.+)$", run("nm", "-DC", "--defined-only", library), re.MULTILINE)
    for symbol in shown:
        name = re.match(r"tracetide::(?:\w+::)*(~?\w+)", symbol)
        if name is None or name[1] not in declared:
            sys.exit(f"{library.name} shows {symbol!r}, which no public header declares")
    if not shown:
        sys.exit(f"{library} shows nothing")
    print(f"{library.name} shows {len(shown)} functions, all of them public")


def run_examples(folder: Path) -> None:
    """Build and run the programs of cpp/examples."""
    build = folder / "examples"
    cmake(REPOSITORY / "cpp" / "examples", build, CMAKE_PREFIX_PATH=folder / "prefix")
    paced = run(build / "load_loop", "my-profile.tide", "2000", "2", cwd=folder)
    if not paced.startswith("4000 requests, "):
        sys.exit(f"load_loop: {paced}")
    summed = run(build / "consumer_threads", "my-profile.tide", cwd=folder)
    if not summed.startswith("3600000 requests, "):
        sys.exit(f"consumer_threads: {summed}")
    written = run(build / "write_trace", "csv", "trace.csv", "10", "60", cwd=folder)
    if (
        not written.startswith("600 requests\n")
        or len((folder / "trace.csv").read_text().splitlines()) != 601
    ):
        sys.exit(f"write_trace: {written}")
    print(paced + summed + written)
    if (build / "sampler_benchmark").exists():
        print(run(build / "sampler_benchmark", "--benchmark_min_time=0.05"))


def main(build: Path) -> None:
    """Install, build, run, compare."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "main.cpp").write_text(example())
        expected = in_python(folder)
        for way, program in ways(folder, build).items():
            found = run(program, cwd=folder)
            if found != expected:
                sys.exit(f"{way}: the C++ example made {found!r}, Python {expected!r}")
            print(f"{way}: the C++ example makes the same requests as Python: {found.strip()}")
        check_symbols(folder / "prefix")
        run_examples(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
