"""The command line around formats: convert, validate, replay commands, names known from other tools."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tracetide as tt
from cli_tools import COMMAND, environment, fails, run, succeeds
from format_traces import TOOLS, job
from platforms import HAS_BASH, needs_bash, posix_only
from tracetide.io.formats import FOR_TOOLS
from tracetide.io.writing import Format
from tracetide.io.writing.replay import replay_commands
from tracetide.profile.bundled import bundled

pytestmark = pytest.mark.skipif(
    "m-small" not in bundled(), reason="the profiles are not bundled in this build"
)
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n"


@pytest.mark.parametrize("format", [*TOOLS, "servegen"])
def test_generate_then_validate(format, tmp_path):
    target = "out.parquet" if format == "baseten" else "out"
    arguments = ("generate", "m-small", "--rate", "50", "--duration", "2min", "--format", format)
    done = succeeds(*arguments, "-o", target, cwd=tmp_path)
    told = done.stderr.decode()
    assert done.stdout == b""
    assert f"{target}: 6,000 requests" in told
    for one in replay_commands(target, Format(format), rows=6000):
        assert f"{one.tool}: {one.command}\n" in told
    checked = succeeds("validate", target, cwd=tmp_path).stdout.decode()
    assert ": valid for " in checked
    assert succeeds(*arguments, "-q", "-o", f"again-{target}", cwd=tmp_path).stderr == b""


def test_what_has_no_place_is_one_warning(tmp_path):
    arguments = ("generate", "mm-image", "--rate", "5", "--duration", "1min", "--format", "azure")
    done = succeeds(*arguments, "-o", "t.csv", cwd=tmp_path)
    lines = done.stderr.decode().splitlines()
    assert [line for line in lines if line.startswith("tracetide: warning: azure has no place for ")] == [
        "tracetide: warning: azure has no place for client_id, text_tokens, image_tokens, audio_tokens, "
        "video_tokens, or only in part"
    ]


def test_that_no_tool_sends_images_is_said(tmp_path):
    """They are counted in files of tools, which make texts of as many tokens."""
    said = "images, audio and video are not sent: tools make prompts of text with as many tokens"
    generate = ("generate", "mm-image", "--rate", "5", "--duration", "1min")
    for format in ("mooncake", "azure"):
        done = succeeds(*generate, "--format", format, "-o", "t", cwd=tmp_path)
        assert f"tracetide: warning: {said}\n" in done.stderr.decode()
    assert said not in succeeds(*generate, "-o", "t.parquet", cwd=tmp_path).stderr.decode()
    simulated = succeeds(*generate, "--format", "blis", "-o", "t.csv", cwd=tmp_path)
    assert said not in simulated.stderr.decode()
    done = succeeds("convert", "t.parquet", "u", "--format", "mooncake", cwd=tmp_path)
    assert said in done.stderr.decode()
    arguments = ("generate", "m-small", *generate[2:], "--format", "mooncake", "-o", "t")
    assert said not in succeeds(*arguments, cwd=tmp_path).stderr.decode()


def test_json_for_machines(tmp_path):
    arguments = ("generate", "m-small", "--rate", "5", "--duration", "1min", "--format", "mooncake")
    done = succeeds(*arguments, "--json", "-o", "t.jsonl", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert found["requests"] == 300
    assert found["format"] == "mooncake"
    assert found["bytes"] == (tmp_path / "t.jsonl").stat().st_size
    assert set(found["replay"]) == {"AIPerf", "guidellm", "vLLM", "Dynamo", "AIBrix"}
    done = succeeds("convert", "t.jsonl", "v.csv", "--format", "azure", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["left_out"] == ["client_id", "hash_ids"]
    done = succeeds("validate", "t.jsonl", "--for", "aiperf,guidellm", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert found["valid"]
    assert found["tools"] == ["aiperf", "guidellm"]
    assert found["versions"] == {"aiperf": "0.13", "guidellm": "0.8.1"}
    fails(
        "generate", "m-small", "--rate", "5", "--json", "-o", "-", "--format", "csv", says=["--json", "-o -"]
    )


def test_convert(tmp_path):
    (tmp_path / "azure.csv").write_text(AZURE)
    done = succeeds("convert", "azure.csv", "t.jsonl", "--format", "mooncake", cwd=tmp_path)
    assert done.stderr.decode().startswith("t.jsonl: 1 requests, ")
    assert json.loads((tmp_path / "t.jsonl").read_text())["input_length"] == 374
    done = succeeds("convert", "azure.csv", "-", "--format", "csv", cwd=tmp_path)
    assert done.stdout == b"timestamp,input_tokens,output_tokens\n0,374,44\n"
    (tmp_path / "log.csv").write_text("when,n,m\n2000,5,6\n1000,7,0\n")
    columns = ("--column", "timestamp=when", "--column", "input_tokens=n", "--column", "output_tokens=m")
    options = ("--unit", "ms", "--sort", "--rebase", "--drop-empty")
    succeeds("convert", "log.csv", "o.csv", *columns, *options, cwd=tmp_path)
    assert (tmp_path / "o.csv").read_text() == "timestamp,input_tokens,output_tokens\n1,5,6\n"
    fails("convert", "log.csv", "o.parquet", cwd=tmp_path, says=["log.csv", "known format"])
    fails("convert", "azure.csv", "o.xyz", cwd=tmp_path, says=["o.xyz", ".parquet"])
    fails("convert", "nothing.csv", "o.csv", cwd=tmp_path, says=["nothing.csv"])


def test_validate_says_what_and_where(tmp_path):
    (tmp_path / "t.jsonl").write_text(
        '{"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [0, 1]}\n'
        '{"timestamp": 1, "input_length": 600, "output_length": 5, "hash_ids": [0]}\n'
    )
    done = run("validate", "t.jsonl", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == b""
    first, last = done.stdout.decode().splitlines()
    assert first == (
        "t.jsonl: row 2: 1 hash_ids for 600 input tokens are not allowed; with blocks of 512 there must be 2 "
        "(hash-count: aiperf, guidellm, vllm, dynamo)"
    )
    assert last == "t.jsonl: mooncake, 2 rows: not valid for aiperf, guidellm, vllm, dynamo, aibrix"
    assert run("validate", "t.jsonl", "--for", "aibrix", cwd=tmp_path).returncode == 0
    done = run("validate", "t.jsonl", "-q", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    fails("validate", "t.jsonl", "--for", "nobody", cwd=tmp_path, says=["'nobody' is not known", "aiperf"])


def test_names_that_users_of_other_tools_know(tmp_path):
    own = ("generate", "m-small", "--rate", "20", "--duration", "100", "--seed", "7", "-o", "a.csv")
    rate = ("generate", "m-small", "--request-rate", "20")
    known = (*rate, "--num-requests", "2000", "--random-seed", "7", "-o", "b.csv")
    also = (*rate, "--num-prompts", "2000", "--seed", "7", "-o", "c.csv")
    for arguments in (own, known, also):
        succeeds(*arguments, cwd=tmp_path)
    assert len({(tmp_path / name).read_bytes() for name in ("a.csv", "b.csv", "c.csv")}) == 1
    fails("generate", "m-small", "--num-requests", "5", "-o", "x.csv", says=["--num-requests", "--rate"])
    fails("generate", "m-small", "--rate", "5", "--num-requests", "5", "--duration", "1h", "-o", "x.csv",
          says=["--num-requests", "--duration"])  # fmt: skip


def test_burstiness_is_a_gamma_shape_for_all(tmp_path):
    spread = []
    for burstiness in ("0.1", "1", "50"):
        succeeds("generate", "deepseek-r1", "--rate", "2", "--duration", "2h", "--top", "1", "--burstiness",
                 burstiness, "--no-conversations", "-o", "t.parquet", cwd=tmp_path)  # fmt: skip
        gaps = np.diff(tt.read(tmp_path / "t.parquet").timestamp)
        spread.append(gaps.std() / gaps.mean())
    assert spread == pytest.approx([10**0.5, 1, 50**-0.5], rel=0.1)
    fails("generate", "m-small", "--burstiness", "-1", "-o", "t.csv", says=["--burstiness"])


def test_with_arrivals_keeps_rates():
    pool = tt.load("m-small")
    other = pool.with_arrivals(tt.Gamma(cv=3))
    assert other.windows()["rate"].equals(pool.windows()["rate"])
    assert set(other.windows()["family"].to_pylist()) == {"Gamma"}
    assert set(pool.with_arrivals(tt.Exponential()).windows()["cv"].to_pylist()) == {1.0}
    with pytest.raises(ValueError, match="give its shape alone"):
        pool.with_arrivals(tt.Gamma(2, 3))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_know_the_commands(shell, tmp_path):
    script = succeeds("completion", shell).stdout.decode()
    for command in ("generate", "convert", "validate"):
        assert command in script
    if shell == "bash" and HAS_BASH:
        (tmp_path / "c").write_text(script)
        subprocess.run(["bash", "-n", tmp_path / "c"], check=True)


@needs_bash
@pytest.mark.parametrize("format", ["mooncake", "burstgpt"])
def test_a_closed_pipe_is_the_end(format, tmp_path):
    command = " ".join(map(shlex.quote, COMMAND))
    generate = f"{command} generate m-small --rate 2000 --duration 1h --format {format} -q -o -"
    done = subprocess.run(
        ["bash", "-c", f"{generate} | head -n 3; echo ${{PIPESTATUS[0]}}"],
        env=environment(),
        capture_output=True,
        timeout=60,
    )
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 4
    assert lines[3] == "0"
    assert done.stderr.decode().count("\n") <= 1  # of the clients that are left out


@posix_only
@pytest.mark.parametrize("format", ["mooncake-session", "blis"])
def test_ctrl_c_leaves_nothing(format, tmp_path):
    arguments = (
        "generate",
        "m-small",
        "--rate",
        "20000",
        "--duration",
        "1d",
        "--format",
        format,
        "-o",
        "big",
    )
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 30
        while not any(tmp_path.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=5)
    assert process.returncode == 130
    assert told.decode().endswith("tracetide: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_help_has_examples():
    for command in ("generate", "convert", "validate", "completion"):
        text = succeeds(command, "--help").stdout.decode()
        assert "For example:" in text
        assert f"tracetide {command}" in " ".join(text.split())


# What tools are told


def test_replay_commands_name_the_file_and_the_block_size(tmp_path):
    path = tmp_path / "a trace.jsonl"
    found = {one.tool: one.command for one in replay_commands(path, Format("mooncake"), block_size=64)}
    assert all(any(str(path) in word for word in shlex.split(command)) for command in found.values())
    assert '"block_size": 64' in found["Dynamo"]
    assert "--isl-block-size 64" in found["AIPerf"]
    assert "hash_id_block_size=64" in found["guidellm"]
    assert "--timed-trace-chunk-hash-size 64" in found["vLLM"]
    assert "--num-prompts ROWS" in found["vLLM"]
    assert "SGLang" not in found  # which makes 128 tokens of every id
    options = {"rows": 12000, "block_size": 128}
    known = {one.tool: one.command for one in replay_commands(path, Format("mooncake"), **options)}
    assert all("--num-prompts 12000" in known[tool] for tool in ("vLLM", "SGLang"))
    without = {
        one.tool
        for format in ("mooncake", "bailian")
        for one in replay_commands(path, Format(format), hash_ids=False, block_size=128)
    }
    assert without == {"AIPerf", "AIBrix"}
    assert replay_commands(path, Format("mooncake", "gz")) == []
    assert replay_commands("-", Format("mooncake")) == []


@pytest.mark.parametrize("format", [*TOOLS, "servegen", "parquet"])
def test_a_shell_takes_a_path_with_spaces_as_one(format):
    commands = replay_commands("/data/a trace.parquet", Format(format))
    assert commands
    for one in commands:
        assert any("/data/a trace.parquet" in word for word in shlex.split(one.command)), one


def test_what_a_job_writes_is_what_is_validated_for_its_tools(tmp_path):
    """Every tool that is told how to replay a format is one that validation knows to read it."""
    from tracetide.validation import READERS

    for format in TOOLS:
        for one in replay_commands(tmp_path / "t.csv", Format(format)):
            assert format in READERS[one.tool.lower()], (format, one.tool)


@pytest.mark.parametrize(("tool", "format"), FOR_TOOLS.items())
def test_the_name_of_a_tool_is_that_of_the_format_that_it_reads(tool, format, tmp_path):
    from tracetide.io.formats.tools import TOOLS as NAMES
    from tracetide.validation import READERS

    assert format in READERS[tool]
    arguments = ("generate", "deepseek-r1", "--rate", "5", "--duration", "5min", "--format")
    done = succeeds(*arguments, tool, "-o", "by-tool", cwd=tmp_path)
    blocks = ("--block-size", "128") if tool == "sglang" else ()
    succeeds(*arguments, format, *blocks, "-o", "by-name", cwd=tmp_path)
    assert (tmp_path / "by-tool").read_bytes() == (tmp_path / "by-name").read_bytes()
    told = done.stderr.decode().splitlines()
    assert f"{format} is the format that {NAMES[tool]} reads" in told
    assert any(line.startswith(f"{NAMES[tool].name}: ") for line in told)
    assert not any(line.startswith(f"{other.name}: ") for other in NAMES.values() for line in told
                   if other != NAMES[tool])  # fmt: skip
    checked = succeeds("validate", "by-tool", "--for", tool, *blocks, cwd=tmp_path)
    assert b": valid for " in checked.stdout


def test_the_library_says_nothing(tmp_path, capfd):
    job("language").write(tmp_path / "t", format="mooncake")
    tt.convert(tmp_path / "t", tmp_path / "u", format="bailian")
    tt.validate(tmp_path / "u")
    assert capfd.readouterr() == ("", "")
    assert sys.stdout is not None
    assert Path(tmp_path / "u").exists()
