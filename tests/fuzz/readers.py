"""Damaged traces of every format for the readers: each gives a trace or one TraceError, nothing else.

    python tests/fuzz/readers.py [--seconds 600] [--seed 0]

Whatever else happens is printed with the file, which is kept, and ends it with exit code 1. Also converts and
validates what could be read.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

import reader_files
import tracetide as tt

PIECES = [
    b"-1", b"0", b"1e18", b"1e400", b"nan", b"null", b"true", b'"', b"'", b"\n", b"\r\n", b",", b"[", b"]",
    b"{", b"}", b":", b"\\", b"\xff", b"\0", b"\xef\xbb\xbf", b"9" * 30, b"4294967296", b"2147483648", b"{}",
    b'"session_id"', b'"timestamp"', b'"delay"', b"hash_ids", b"\xc3\x28",
]  # fmt: skip
FORMATS = (
    "mooncake",
    "mooncake-session",
    "mooncake-delta",
    "bailian",
    "vidur",
    "blis",
    "llmservingsim",
    "azure",
)


def seeds() -> dict[str, bytes]:
    """A sound trace of every format, by what it is."""
    texts = {name: text.encode() for name, text in reader_files.TEXTS.items()}
    texts["llmservingsim-sessions"] = reader_files.LLMSERVINGSIM_SESSIONS.encode()
    texts["azure-2025"] = reader_files.AZURE_2025.encode()
    texts["burstgpt-sessions"] = reader_files.BURSTGPT_SESSIONS.encode()
    for codec in ("gzip", "zstd"):
        texts[f"csv-{codec}"] = reader_files.packed(reader_files.NATIVE, codec)
        texts[f"jsonl-{codec}"] = reader_files.packed(reader_files.NATIVE_JSONL, codec)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t"
        path.write_text(reader_files.NATIVE)
        table = tt.read(path).to_arrow()
    parquet, arrow, stream = (pa.BufferOutputStream() for _ in range(3))
    pq.write_table(table, parquet)
    with pa.ipc.new_file(arrow, table.schema) as writer:
        writer.write_table(table)
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    binary = {"parquet": parquet, "arrow": arrow, "arrow-stream": stream}
    return {**texts, **{name: sink.getvalue().to_pybytes() for name, sink in binary.items()}}


def damaged(random: np.random.Generator, contents: list[bytes]) -> bytes:
    content = bytearray(contents[random.integers(len(contents))])
    for _ in range(random.integers(1, 6)):
        at = int(random.integers(len(content) + 1))
        kind = random.integers(4)
        if kind == 0:
            content[at : at + int(random.integers(8))] = PIECES[random.integers(len(PIECES))]
        elif kind == 1:
            other = contents[random.integers(len(contents))]
            begin = int(random.integers(len(other)))
            content[at:at] = other[begin : begin + int(random.integers(60))]
        elif kind == 2:
            del content[at : at + int(random.integers(20))]
        elif content:
            content[min(at, len(content) - 1)] = int(random.integers(256))
    return bytes(content)


def look_at(path: Path, folder: Path, format: str) -> None:
    try:
        trace = tt.read(path)
        tt.validate(path)
        if len(trace):
            trace.write(folder / "out", format=format)
            tt.read(folder / "out")
    except (tt.TraceError, ValueError) as error:
        check_message(error)


def check_message(error: Exception) -> None:
    """One line of a bounded length."""
    message = str(error)
    if "\n" in message or len(message) > 2000 or not message:
        raise AssertionError(f"the message is {message!r}") from error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("error")
    faulthandler.enable()
    random = np.random.default_rng(options.seed)
    contents = list(seeds().values())
    end = time.monotonic() + options.seconds
    count = read = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "trace"
        while time.monotonic() < end:
            content = damaged(random, contents)
            path.write_bytes(content)
            count += 1
            try:
                look_at(path, folder, FORMATS[count % len(FORMATS)])
                read += 1
            except Exception:
                kept = Path(tempfile.gettempdir()) / f"tracetide-fuzz-{options.seed}-{count}"
                kept.write_bytes(content)
                traceback.print_exc()
                print(f"{kept}: {content!r}", file=sys.stderr)
                sys.exit(1)
    print(
        f"{count:,} files, {options.seconds:.0f} s, seed {options.seed}: nothing but traces and TraceErrors"
    )


if __name__ == "__main__":
    main()
