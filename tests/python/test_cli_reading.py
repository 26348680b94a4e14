"""How commands are told to read a trace, what they say of it, and where it may come from."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest
import tracetide as tt
from cli_tools import COMMAND, environment, fails, run, succeeds
from platforms import posix_only
from tracetide.base.wording import Option, Told, message_of, without_start
from tracetide.io.reading import file
from tracetide.io.writing import output

LOG = "when,p,r,who\n4000,7,8,a\n1000,5,6,a\n2500,7,8,b\n5000,9,9,b\n"
NAMED = ("--column", "timestamp=when", "--column", "input_tokens=p", "--column", "output_tokens=r")
TRACE = "timestamp,input_tokens,output_tokens\n0,5,6\n1,7,8\n3,4,4\n"

READING = {
    "describe": ("describe", "log.csv"),
    "provision": ("provision", "log.csv", "--instances", "1"),
    "upsample": ("upsample", "log.csv", "u.csv", "--factor", "2", "--method", "naive"),
    "fit": ("fit", "log.csv", "-o", "p.tide"),
    "characterize": ("characterize", "log.csv"),
    "compare": ("compare", "log.csv", "log2.csv"),
    "convert": ("convert", "log.csv", "c.csv"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "log.csv").write_text(LOG)
    (tmp_path / "log2.csv").write_text(TRACE)
    return tmp_path


@pytest.mark.parametrize("command", READING)
def test_every_command_that_reads_takes_the_same_options(folder: Path, command: str) -> None:
    arguments = READING[command]
    succeeds(*arguments, *NAMED, "--unit", "ms", "--rebase", "--sort", cwd=folder)
    fails(
        *arguments, *NAMED, "--unit", "ms", says=["row 2, column 'when'", "before the row above"], cwd=folder
    )
    fails(
        *arguments, "--from", "native", says=["'timestamp' is missing, for timestamp of native"], cwd=folder
    )
    fails(*arguments, *NAMED, says=["--unit: the unit of 'timestamp'", "--unit timestamp=ms"], cwd=folder)
    fails(*arguments, says=["--column timestamp=... --column input_tokens=..."], cwd=folder)


def test_what_is_read_is_what_was_stated(folder: Path) -> None:
    told = succeeds("describe", "log.csv", *NAMED, "--unit", "ms", "--sort", "--rebase", "--json", cwd=folder)
    assert b'"duration": 4.0' in told.stdout
    succeeds("convert", "log.csv", "c.csv", *NAMED, "--unit", "ms", "--sort", "--rebase", cwd=folder)
    assert (folder / "c.csv").read_text().splitlines()[1] == "0,5,6"
    succeeds(
        "fit", "log.csv", *NAMED, "--unit", "ms", "--sort", "--client", "who", "-o", "p.tide", cwd=folder
    )
    assert tt.load(folder / "p.tide").client_names == ["a", "b"]


def test_units_may_be_those_of_delays(folder: Path) -> None:
    (folder / "s.csv").write_text("when,p,r,s,wait\n0,5,6,x,\n4000,7,8,x,2\n")
    named = (*NAMED, "--column", "session_id=s", "--column", "delay=wait")
    fails("convert", "s.csv", "o.csv", *named, "--unit", "ms", says=["--unit delay=ms"], cwd=folder)
    succeeds("convert", "s.csv", "o.csv", *named, "--unit", "ms", "--unit", "delay=s", cwd=folder)
    assert tt.read(folder / "o.csv").delay.tolist()[1] == 2
    fails(
        "convert", "s.csv", "o.csv", *named, "--unit", "timestamp=", says=["--unit: 'timestamp='"], cwd=folder
    )
    fails(
        "convert",
        "s.csv",
        "o.csv",
        *named,
        "--unit",
        "delay=x",
        says=["--unit: 'x' is not known"],
        cwd=folder,
    )


def test_a_conversion_is_told_the_block_size_of_its_source(folder: Path) -> None:
    (folder / "a.jsonl").write_text(
        '{"timestamp": 0, "input_length": 130, "output_length": 5, "hash_ids": [0, 1, 2]}\n'
    )
    convert = ("convert", "a.jsonl", "b.jsonl", "--format", "mooncake", "--block-size", "64")
    fails(*convert, says=["blocks of 512 tokens there must be 1", "(--from-block-size)"], cwd=folder)
    succeeds(*convert, "--from-block-size", "64", cwd=folder)
    succeeds("validate", "b.jsonl", "--from-block-size", "64", cwd=folder)
    assert run("validate", "b.jsonl", cwd=folder).returncode == 2
    described = succeeds("describe", "b.jsonl", "--from-block-size", "64", cwd=folder)
    assert b"3 blocks of 64 tokens" in described.stdout


def test_what_a_validation_finds_is_said_in_options(folder: Path) -> None:
    (folder / "v.csv").write_text("arrived_at,num_prefill_tokens,num_decode_tokens\nx,5,6\n")
    done = run("validate", "v.csv", "--from", "vidur", cwd=folder)
    assert done.returncode == 2
    assert "stated by --unit timestamp=date" in done.stdout.decode()


def test_later_turns_are_provisioned_in_a_closed_loop(folder: Path) -> None:
    (folder / "s.jsonl").write_text(
        '{"session_id": "a", "timestamp": 0, "input_length": 5, "output_length": 1}\n'
        '{"session_id": "a", "delay": 4, "input_length": 6, "output_length": 1}\n'
    )
    provision = ("provision", "s.jsonl", "--instances", "1")
    fails(*provision, says=["row 2 has none", "wait for the turn before with --closed-loop"], cwd=folder)
    assert b"2 requests by 1 instances" in succeeds(*provision, "--closed-loop", cwd=folder).stdout
    (folder / "unix.csv").write_text(TRACE.replace("\n0,", "\n1715472000,").replace("\n1,", "\n1715472001,")
                                     .replace("\n3,", "\n1715472003,"))  # fmt: skip
    provision = ("provision", "unix.csv", "--instances", "1")
    fails(*provision, says=["--rebase counts them from the first request"], cwd=folder)
    succeeds(*provision, "--rebase", cwd=folder)


def test_a_message_is_said_in_the_words_of_its_interface() -> None:
    inner = Told(
        "give ", Option("units", {"timestamp": "ms", "delay": ...}), " or ", Option("top_clients", 3)
    )
    message = Told("a.csv: ", inner, "; or ", Option("rebase", True))
    assert message == "a.csv: give units={'timestamp': 'ms', 'delay': ...} or top_clients=3; or rebase=True"
    assert (
        message.said(lambda option: f"<{option.name}>") == "a.csv: give <units> or <top_clients>; or <rebase>"
    )
    assert message_of(ValueError(message)) is message
    assert message_of(ValueError("plain")) == "plain"
    short = without_start(message, "a.csv")
    assert isinstance(short, Told)
    assert short.startswith("give units=")


@posix_only
@pytest.mark.parametrize(
    "arguments",
    [
        ("describe", "/dev/stdin"),
        ("validate", "/dev/stdin"),
        ("fit", "/dev/stdin", "--client", "input_tokens", "-o", "p.tide"),
        ("convert", "/dev/stdin", "c.csv"),
        ("provision", "/dev/stdin", "--instances", "1"),
    ],
)
def test_a_trace_comes_through_a_pipe(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=TRACE.encode(),
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    if arguments[0] == "convert":
        assert (tmp_path / "c.csv").read_text() == TRACE


@posix_only
def test_a_pipe_with_a_name_is_read_and_written(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(TRACE,))
    writer.start()
    trace = tt.read(pipe)
    writer.join()
    assert trace.timestamp.tolist() == [0, 1, 3]
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    trace.write(pipe, format="csv")
    reader.join()
    assert read == [TRACE]


@posix_only
def test_a_pipe_without_anybody_at_its_other_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "t.csv").write_text(TRACE)
    monkeypatch.setattr(file, "_WAIT_S", 0.1)
    monkeypatch.setattr(output, "_WAIT_S", 0.1)
    with pytest.raises(OSError, match="it is a pipe, into which nobody writes"):
        tt.scan(pipe)
    with pytest.raises(OSError, match=r"cannot write .* it is a pipe, which nobody reads"):
        tt.read(tmp_path / "t.csv").write(pipe, format="csv")
    with pytest.raises(FileNotFoundError, match="it is no file"):
        tt.scan("/dev/null")


@posix_only
@pytest.mark.parametrize("ending", ["csv", "jsonl.gz", "parquet", "arrow"])
def test_a_path_may_have_bytes_that_are_no_text(tmp_path: Path, ending: str) -> None:
    (tmp_path / "t.csv").write_text(TRACE)
    name = os.fsdecode(b"b\xff." + ending.encode())
    try:
        (tmp_path / name).touch()
    except OSError:
        pytest.skip("the file system takes only UTF-8")
    succeeds("convert", "t.csv", name, cwd=tmp_path)
    assert tt.read(tmp_path / name).timestamp.tolist() == [0, 1, 3]
    assert b"b\\udcff" in succeeds("describe", name, cwd=tmp_path).stdout
    succeeds("validate", name, cwd=tmp_path)
    succeeds("fit", name, "-o", "p.tide", cwd=tmp_path)
    assert tt.load(tmp_path / "p.tide").provenance["source"] == f"b\\xff.{ending}"


@posix_only
@pytest.mark.parametrize("arguments", [("describe", "m-small"), ("generate", "m-small", "--rate", "1",
                         "--duration", "10min", "-o", "-", "--format", "csv")])  # fmt: skip
def test_a_full_standard_output_is_named(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], env=environment(), stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert done.returncode == 1
    message = b"tracetide: error: cannot write 'standard output': no space left on device\n"
    assert done.stderr.endswith(message)
