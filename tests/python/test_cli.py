"""The command line, in processes of its own: what it writes, what it says, and how it ends."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tracetide as tt
from cli_tools import COMMAND, environment, fails, run, succeeds
from platforms import posix_only
from small_profiles import Client, IntegerPmf, build, one_client
from tracetide.cli.rate_file import read_rate_file
from tracetide.io.writing import NATIVE
from tracetide.profile.bundled import bundled

LENGTHS = {"input_tokens": IntegerPmf([10, 20], [0.5, 0.5])}


@pytest.fixture(scope="module")
def profile(tmp_path_factory) -> Path:
    """A day with two clients."""
    path = tmp_path_factory.mktemp("profiles") / "small.tide"
    built = build(
        [Client(3.0, "gamma", 0.5, LENGTHS), Client(1.0, fields=LENGTHS)], windows=144, epoch_windows=36
    )
    built.write(str(path))
    return path


@pytest.fixture(scope="module")
def gappy(tmp_path_factory) -> Path:
    """An hour with a client that has no lengths."""
    path = tmp_path_factory.mktemp("profiles") / "gappy.tide"
    build([Client(3.0), Client(1.0, fields=None)], windows=6).write(str(path))
    return path


# generate


def test_generate_writes_the_trace_of_its_options(profile, tmp_path):
    done = succeeds(
        "generate", profile, "--rate", "20", "--span", "18:00..19:00", "--duration", "30min", "--seed", "5",
        "--counts", "renewal", "--coupling", "comonotonic", "-o", "trace.parquet", cwd=tmp_path,
    )  # fmt: skip
    pool = tt.load(profile).span("18:00", "19:00")
    expected = tt.generate(pool, rate=20, duration=1800, seed=5, counts="renewal", coupling="comonotonic")
    found = tt.Trace.read(tmp_path / "trace.parquet")
    assert found == expected
    assert found.metadata == expected.metadata
    assert done.stdout == b""
    assert done.stderr.decode().startswith(f"trace.parquet: {len(expected):,} requests, ")
    assert done.stderr.count(b"\n") == 1
    assert os.listdir(tmp_path) == ["trace.parquet"]


@pytest.mark.parametrize("format", NATIVE)
def test_generate_writes_every_format_to_a_file_and_to_standard_output(profile, format, tmp_path):
    path = tmp_path / f"trace.{format}"
    options = ("generate", profile, "--rate", "5", "--duration", "10min", "--seed", "2")
    succeeds(*options, "-o", path)
    assert len(tt.Trace.read(path)) == 3000
    piped = succeeds(*options, "-o", "-", "--format", format, "--quiet")
    assert piped.stdout == path.read_bytes()
    assert piped.stderr == b""


def test_files_are_the_same_for_every_thread_count(profile, tmp_path):
    contents = []
    for threads in ("1", "2", "3", "8"):
        path = tmp_path / f"{threads}.parquet"
        succeeds("generate", profile, "--rate", "50", "--duration", "1h", "--threads", threads, "-o", path)
        contents.append(path.read_bytes())
    assert len(set(contents)) == 1


@pytest.mark.parametrize(
    ("option", "total"),
    [(("--scale", "0.5"), 7200), (("--max-rate", "1"), 3600), (("--rate", "2.5"), 9000), ((), 14_400)],
)
def test_generate_takes_the_rate_in_several_ways(profile, option, total, tmp_path):
    succeeds("generate", profile, "--duration", "1h", *option, "-o", tmp_path / "t.parquet")
    assert abs(pq.read_metadata(tmp_path / "t.parquet").num_rows - total) <= 1


def test_generate_takes_a_file_of_rates(profile, tmp_path):
    rates = tmp_path / "rates.csv"
    rates.write_text("time,rate\n0,0\n\n30min,10\n1:00,0\n")
    succeeds("generate", profile, "--duration", "1h", "--rate-file", rates, "-o", tmp_path / "t.parquet")
    found = pq.read_metadata(tmp_path / "t.parquet")
    assert abs(found.num_rows - 18_000) <= 1
    job = json.loads(found.metadata[b"tracetide.job"])
    assert job["rate"] == {"rate_points": [[0, 0], [1800, 10], [3600, 0]]}


@pytest.mark.parametrize(
    "text",
    [
        "rate,time\n0,0\n10,30min\n0,1:00\n",
        "\n Time , RATE\n0,0\n30min,10\n1:00,0\n",
        "0,0\n30min,10\n1:00,0\n",
    ],
)
def test_a_file_of_rates_has_its_columns_where_the_header_says(text, tmp_path):
    path = tmp_path / "rates.csv"
    path.write_text(text)
    assert read_rate_file(str(path)) == [(0, 0), (1800, 10), (3600, 0)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there are no rates"),
        ("seconds,rate\n0,1\n", "line 1: the header 'seconds,rate' is not allowed"),
        ("time,rate,note\n0,1,\n", "line 1: the header 'time,rate,note' is not allowed"),
        ("\nrate,rate\n0,1\n", "line 2: the header 'rate,rate' is not allowed"),
        ("rate,time\n1,0\n2,0\n", "line 3: time '0'"),
        ("time,rate\n", "there are no rates"),
        ("0,1\nx,2\n", "line 2: time: 'x'"),
        ("0,1\n5\n", "line 2: '5'"),
        ("0,1\n5,1,1\n", "line 2: '5,1,1'"),
        ("0,1\n5,nan\n", "line 2: rate 'nan'"),
        ("0,1\n5,-1\n", "line 2: rate '-1'"),
        ("0,1\n0,2\n", "line 2: time '0'"),
        ("0,fast\n", "line 1: rate 'fast'"),
    ],
)
def test_a_wrong_file_of_rates_is_refused_with_its_line(profile, text, says, tmp_path):
    (tmp_path / "rates.csv").write_text(text)
    fails(
        "generate", profile, "--rate-file", "rates.csv", "-o", "t.csv", says=["rates.csv", says], cwd=tmp_path
    )
    assert os.listdir(tmp_path) == ["rates.csv"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--duration", "0"), ["duration: '0'", "at least 1 ns"]),
        (("--duration", "-1h"), ["duration: '-1h'", "at least 1 ns"]),
        (("--duration", "soon"), ["duration: 'soon'", "1h30min"]),
        (("--rate", "0"), ["rate: 0", "above 0"]),
        (("--rate", "-5"), ["rate: -5", "above 0"]),
        (("--rate", "nan"), ["rate: ", "nan", "above 0"]),
        (("--rate", "inf"), ["rate: inf"]),
        (("--rate", "fast"), ["--rate", "fast"]),
        (("--duration", "--rate"), ["duration: '--rate'"]),
        (("--scale", "0"), ["scale: 0"]),
        (("--max-rate", "nan"), ["--max-rate: nan"]),
        (("--rate", "1", "--scale", "1"), ["rate and scale", "at most one"]),
        (("--rate", "1", "--rate-file", "x.csv"), ["--rate and --rate-file"]),
        (("--rate-file", "missing.csv"), ["missing.csv"]),
        (("--seed", "-1"), ["seed: -1", "2^64 - 1"]),
        (("--seed", "1.5"), ["--seed", "1.5"]),
        (("--seed", str(2**64)), [f"seed: {2**64}"]),
        (("--span", "18:00"), ["span: '18:00'", "A..B"]),
        (("--span", "19:00..18:00"), ["span end"]),
        (("--span", "day 9..day 10"), ["span start", "small ends"]),
        (("--counts", "exact"), ["--counts", "exact", "pinned"]),
        (("--coupling", "tight"), ["--coupling", "tight", "comonotonic"]),
        (("--missing", "maybe"), ["--missing", "maybe", "nearest"]),
        (("--threads", "-1"), ["threads: -1"]),
        (("--threads", "many"), ["--threads", "many"]),
        (("--format", "xml"), ["'xml'", "parquet"]),
        (("--no-such-option",), ["--no-such-option"]),
        (("extra",), ["extra"]),
    ],
)
def test_wrong_options_are_refused_in_one_line_with_no_file_left(profile, arguments, says, tmp_path):
    fails("generate", profile, "-o", "trace.csv", *arguments, says=says, cwd=tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("missing/trace.csv", ["missing/trace.csv", "does not exist"]),
        ("trace.txt", ["trace.txt", ".parquet"]),
        ("trace", ["'trace'", ".parquet"]),
        ("trace.parquet.gz", ["parquet", ".gz"]),
        ("-", ["standard output", "parquet"]),
        ("", ["--output"]),
        ("--rate", ["--output", "--rate"]),
        ("folder.csv", ["folder.csv", "is a folder"]),
        ("file/trace.csv", ["file/trace.csv", "is not a folder"]),
        ("x" * 300 + ".csv", ["name too long" if os.name == "posix" else "cannot write"]),
    ],
)
def test_outputs_that_cannot_be_are_refused_in_one_line(profile, output, says, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_text("x")
    fails("generate", profile, "--duration", "600", "-o", output, says=says, cwd=tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.csv"]


@posix_only
def test_a_file_system_that_refuses_writing_is_bad_input(profile):
    fails("generate", profile, "--duration", "600", "-o", "/proc/trace.csv", says=["/proc/trace.csv"])


@posix_only
def test_a_full_disk_is_a_failure(profile):
    message = fails(
        "generate",
        profile,
        "--duration",
        "1h",
        "-o",
        "/dev/full",
        "--format",
        "csv",
        says=["cannot write '/dev/full': no space left"],
        code=1,
    )
    assert message.count("\n") == 1


def test_a_job_without_requests_is_refused(tmp_path):
    one_client(1e-9).write(str(tmp_path / "rare.tide"))
    build([Client([1.0, 0.0])], windows=2).write(str(tmp_path / "idle.tide"))
    for counts in ("pinned", "renewal", "servegen"):
        fails("generate", "rare.tide", "--counts", counts, "-o", "t.csv", says=["no requests"], cwd=tmp_path)
    idle = ("generate", "idle.tide", "--span", "10min..20min", "--rate", "5")
    fails(*idle, "-o", "t.csv", says=["no requests"], cwd=tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["idle.tide", "rare.tide"]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("m-smal", ["'m-smal'", "profile"]),
        ("missing/p.tide", ["'missing/p.tide'"]),
        ("damaged.tide", ["damaged.tide"]),
        ("notes.txt", ["notes.txt", ".tide"]),
        ("empty", ["empty"]),
    ],
)
def test_a_wrong_profile_is_refused_in_one_line(source, says, tmp_path, profile):
    (tmp_path / "damaged.tide").write_bytes(profile.read_bytes()[:-20])
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    before = sorted(os.listdir(tmp_path))
    fails("generate", source, "-o", "t.csv", says=says, cwd=tmp_path)
    assert sorted(os.listdir(tmp_path)) == before


def test_clients_left_out_are_told_unless_quiet(gappy, tmp_path):
    done = succeeds("generate", gappy, "-o", tmp_path / "t.csv")
    lines = done.stderr.decode().splitlines()
    assert lines[0].startswith("tracetide: warning: ")
    assert "client 1" in lines[0]
    assert "25 %" in lines[0]
    assert len(lines) == 2
    assert succeeds("generate", gappy, "-o", tmp_path / "t.csv", "--quiet").stderr == b""
    fails("generate", gappy, "-o", tmp_path / "t.csv", "--missing", "error", says=["client 1"])


# How it ends


def test_a_reader_that_has_enough_ends_it_quietly(profile):
    with subprocess.Popen(
        [*COMMAND, "generate", profile, "--rate", "1e4", "--duration", "30d", "-o", "-", "--format", "csv"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"timestamp,client_id,input_tokens,output_tokens\n"
        process.stdout.close()
        assert process.wait(10) == 0
        assert process.stderr.read() == b""


def test_descriptions_end_quietly_too_when_nobody_reads(profile):
    with subprocess.Popen(
        [*COMMAND, "describe", profile, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""


@posix_only
@pytest.mark.parametrize("format", ["parquet", "arrow", "csv", "jsonl.gz", "csv.zst"])
@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (signal.SIGINT, 130, b"interrupted"),
        (signal.SIGTERM, 143, b"terminated"),
        (getattr(signal, "SIGHUP", None), 129, b"hung up"),
    ],
)
def test_a_signal_ends_it_at_once_with_no_file_left(profile, format, number, code, word, tmp_path):
    path = tmp_path / f"trace.{format}"
    with subprocess.Popen(
        [*COMMAND, "generate", profile, "--rate", "1e4", "--duration", "30d", "-o", path],
        stderr=subprocess.PIPE, env=environment(), start_new_session=True,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 30
        while not any(entry.stat().st_size > 0 for entry in tmp_path.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert not path.exists()
        process.send_signal(number)
        started = time.monotonic()
        assert process.wait(10) == code
        assert time.monotonic() - started < 1.0  # half a second on a machine of one's own
        assert process.stderr is not None
        assert process.stderr.read() == b"tracetide: " + word + b"\n"
    assert list(tmp_path.iterdir()) == []


@posix_only
def test_what_a_killed_run_has_left_is_removed_by_the_next(profile, tmp_path):
    arguments = ["generate", profile, "--rate", "1e4", "-o", tmp_path / "trace.csv"]
    with subprocess.Popen(
        [*COMMAND, *arguments, "--duration", "30d"], stderr=subprocess.DEVNULL, env=environment()
    ) as living:
        _wait_for_files(tmp_path, 1)
        with subprocess.Popen([*COMMAND, *arguments, "--duration", "30d"], env=environment()) as killed:
            _wait_for_files(tmp_path, 2)
            killed.kill()
        succeeds(*arguments, "--duration", "1s")
        assert len(list(tmp_path.glob(".trace.csv.*.partial"))) == 1  # what is being written stays
        living.kill()
    succeeds(*arguments, "--duration", "1s")
    assert os.listdir(tmp_path) == ["trace.csv"]


def _wait_for_files(folder: Path, number: int) -> None:
    deadline = time.monotonic() + 30
    while len(os.listdir(folder)) < number:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@posix_only
def test_a_hang_up_that_is_ignored_ends_nothing(profile, tmp_path):
    """As `nohup` has it."""
    with subprocess.Popen(
        [*COMMAND, "generate", profile, "--rate", "1e4", "--duration", "1h", "-o", tmp_path / "trace.csv"],
        env=environment(), preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        _wait_for_files(tmp_path, 1)
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 0
    assert os.listdir(tmp_path) == ["trace.csv"]


@posix_only
def test_an_interrupt_does_not_wait_for_a_large_window(tmp_path):
    one_client(1.0, "gamma", 0.5, window_s=86_400).write(str(tmp_path / "large.tide"))
    command = [*COMMAND, "generate", "large.tide", "--rate", "5e4", "-o", "trace.arrow"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, env=environment()) as process:
        deadline = time.monotonic() + 30
        while len(os.listdir(tmp_path)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        assert process.wait(60) == 130
        assert time.monotonic() - started < 1.0
    assert os.listdir(tmp_path) == ["large.tide"]


def _on_a_terminal(arguments: list[str]) -> tuple[int, str]:
    """Exit code and standard error of a command whose standard error is a terminal."""
    import pty

    ours, theirs = pty.openpty()
    variables = {**environment(), "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(
        [*COMMAND, *arguments], stderr=theirs, stdout=subprocess.DEVNULL, env=variables
    ) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 65_536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        os.close(ours)
        return process.wait(), seen.decode()


@posix_only
def test_progress_with_rate_and_time_left_is_on_terminals_only(profile, tmp_path):
    arguments = [
        "generate",
        str(profile),
        "--rate",
        "300",
        "--duration",
        "1h",
        "-o",
        str(tmp_path / "t.jsonl.gz"),
    ]
    code, seen = _on_a_terminal(arguments)
    assert code == 0
    assert "M requests/s" in seen
    assert "%" in seen
    assert "0:00:" in seen
    code, seen = _on_a_terminal([*arguments, "--quiet"])
    assert (code, seen) == (0, "")
    assert b"M requests/s" not in succeeds(*arguments).stderr


@posix_only
def test_binary_formats_are_not_written_to_a_terminal(profile):
    import pty

    ours, theirs = pty.openpty()
    done = subprocess.run(
        [*COMMAND, "generate", profile, "--duration", "600", "-o", "-", "--format", "parquet"],
        stdout=theirs, stderr=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert b"terminal" in done.stderr


# The other commands


def test_version_and_help():
    assert succeeds("--version").stdout.decode().strip() == tt.__version__
    text = succeeds("--help").stdout.decode()
    for command in ("generate", "profiles", "describe", "import"):
        assert command in text
        assert succeeds(command, "--help").stdout
    assert "--max-rate" in succeeds("generate", "--help").stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("genrate",), ["genrate", "generate"]),
        (("generate",), ["PROFILE"]),
        (("generate", "m-small"), ["--output"]),
        (("generate", "m-small", "-o"), ["-o"]),
        (("describe",), ["WHAT"]),
        (("import", "x"), ["--output"]),
        (("--nope",), ["--nope"]),
    ],
)
def test_wrong_usage_is_one_line(arguments, says):
    fails(*arguments, says=says)


def test_describe_shows_a_profile(profile):
    text = succeeds("describe", profile).stdout.decode()
    for part in (
        "small",
        "language profile",
        "clients",
        "345,600",
        "client 0",
        "75.0%",
        "input_tokens",
        "█",
        "CV",
    ):
        assert part in text
    found = json.loads(succeeds("describe", profile, "--json", "--span", "18:00..19:00").stdout)
    assert found["requests"] == pytest.approx(14_400)
    assert found["details"]["span"] == [64_800, 68_400]


@pytest.mark.parametrize("format", ["parquet", "csv.gz"])
def test_describe_shows_a_trace(profile, format, tmp_path):
    path = tmp_path / f"trace.{format}"
    succeeds("generate", profile, "--duration", "1h", "-o", path)
    text = succeeds("describe", path).stdout.decode()
    for part in (f"trace.{format}", "language trace", "14,400", "input_tokens", "█", "CV of gaps"):
        assert part in text
    found = json.loads(succeeds("describe", path, "--json").stdout)
    assert found["requests"] == 14_400
    assert found["clients"] == 2


def test_describe_refuses_what_it_cannot_read(profile, tmp_path):
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    fails(
        "describe",
        "bad.csv",
        says=["bad.csv", "columns are those of no known format: 'a', 'b'"],
        cwd=tmp_path,
    )
    fails("describe", "no.csv", says=["no.csv"], cwd=tmp_path)
    fails("describe", "no-such-name", says=["no-such-name"], cwd=tmp_path)
    fails("describe", profile, "--span", "x", says=["span: 'x'"])
    fails("describe", "bad.csv", "--span", "0..1", says=["span", "for profiles"], cwd=tmp_path)


def test_profiles_lists_what_is_bundled():
    names = bundled()
    text = succeeds("profiles").stdout.decode()
    assert all(name in text for name in names)
    assert [entry["name"] for entry in json.loads(succeeds("profiles", "--json").stdout)] == names


def _servegen_folder(folder: Path) -> Path:
    """A model folder of ServeGen with two clients over an hour."""
    folder.mkdir()
    for client in range(2):
        rows = [f"{600 * i},{2 + client},1.5,Gamma,0.444,1.0\n" for i in range(6)]
        (folder / f"chunk-{client}-trace.csv").write_text("".join(rows))
        lengths = {"input_tokens": "{10: 0.5, 20: 0.5}", "output_tokens": "{5: 1.0}"}
        (folder / f"chunk-{client}-dataset.json").write_text(json.dumps({"0": lengths}))
    return folder


def test_import_makes_a_profile_of_a_servegen_folder(tmp_path):
    folder = _servegen_folder(tmp_path / "model")
    done = succeeds("import", folder, "-o", "model.tide", cwd=tmp_path)
    assert b"language profile of 2 clients" in done.stderr
    options = ("--rate", "10", "--duration", "1h", "--quiet", "-o", "-", "--format", "csv")
    from_file = succeeds("generate", tmp_path / "model.tide", *options).stdout
    assert from_file == succeeds("generate", folder, *options).stdout
    assert from_file.count(b"\n") == 36_001
    assert tt.load(tmp_path / "model.tide").client_names == tt.load(folder).client_names


def test_import_refuses_what_is_no_folder_and_leaves_nothing(tmp_path):
    fails("import", "missing", "-o", "x.tide", says=["'missing'", "does not exist"], cwd=tmp_path)
    folder = _servegen_folder(tmp_path / "model")
    fails("import", folder, "-o", "x.parquet", says=["x.parquet", ".tide"], cwd=tmp_path)
    fails("import", folder, "-o", "no/x.tide", says=["no/x.tide", "does not exist"], cwd=tmp_path)
    (folder / "chunk-1-trace.csv").write_text("0,nan,1.5,Gamma,0.444,1.0\n")
    fails("import", folder, "-o", "x.tide", says=["chunk-1-trace.csv"], cwd=tmp_path)
    assert os.listdir(tmp_path) == ["model"]


def test_piped_parquet_and_arrow_are_whole_files(profile):
    options = ("generate", profile, "--duration", "600", "--quiet", "-o", "-", "--format")
    assert pq.read_table(pa.BufferReader(succeeds(*options, "parquet").stdout)).num_rows == 2400
    assert pa.ipc.open_file(succeeds(*options, "arrow").stdout).read_all().num_rows == 2400
    assert gzip.decompress(succeeds(*options, "csv.gz").stdout).count(b"\n") == 2401


def test_starting_up_is_quick():
    started = time.monotonic()
    assert run("--version").returncode == 0
    assert time.monotonic() - started < 5


EVIL = "\x1b]0;title\x07\x1b[31mred\u202e\x9b2J"
ESCAPED = r"\x1b]0;title\x07\x1b[31mred\u202e\x9b2J"


def _is_plain(text: bytes) -> bool:
    """Nothing steers a terminal."""
    return all(one.isprintable() or one == "\n" for one in text.decode())


@posix_only
def test_names_in_files_do_not_steer_a_terminal(tmp_path):
    """Those of clients, keys, columns and files, in tables, findings, warnings and errors."""
    quoted = json.dumps(EVIL)
    client = f"[[clients]]\nname = {quoted}\nrate = 2\ninput_tokens = 100\noutput_tokens = 10\n"
    (tmp_path / "w.toml").write_text(client)
    (tmp_path / "key.toml").write_text(client + f"{quoted} = 1\n")
    (tmp_path / "a.csv").write_text(
        f'TIMESTAMP,ContextTokens,GeneratedTokens,"{EVIL}"\n2024-01-01 00:00:00,1,2,3\n'
    )
    (tmp_path / "unknown.csv").write_text(f'"{EVIL}",b\n1,2\n')
    evil = tmp_path / f"a{EVIL}.csv"
    evil.write_bytes((tmp_path / "a.csv").read_bytes())
    outputs = [
        succeeds("describe", tmp_path / "w.toml").stdout,
        run("describe", tmp_path / "key.toml").stderr,
        run("validate", tmp_path / "a.csv").stdout,
        run("validate", evil).stdout,
        run("convert", tmp_path / "unknown.csv", tmp_path / "o.csv").stderr,
        succeeds("convert", evil, tmp_path / f"b{EVIL}.csv", "--format", "vidur").stderr,
    ]
    for output in outputs:
        assert _is_plain(output)
        assert ESCAPED in output.decode()


def test_a_source_that_a_profile_names_does_not_steer_a_terminal():
    from tracetide.cli.console import console

    out = console()
    with out.capture() as found:
        out.print(EVIL)
    assert found.get() == ESCAPED + "\n"
