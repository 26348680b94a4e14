"""Rules of the tools: each is found broken, with its row, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tracetide as tt
from format_traces import KINDS, TOOLS, ending, job
from tracetide.io.writing import format_of
from tracetide.io.writing.replay import replay_commands
from tracetide.validation import READERS, RULES


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines))
    return path


def mooncake(**changes: object) -> str:
    row = {"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [0, 1]}
    return json.dumps({key: value for key, value in {**row, **changes}.items() if value is not None})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", TOOLS)
def test_what_we_write_is_valid(kind, format, tmp_path):
    path = tmp_path / f"trace{ending(format)}"
    written = job(kind).write(path, format=format)
    report = tt.validate(path)
    assert report.format == format
    assert report.is_valid, [str(finding) for finding in report.findings]
    assert report.complete
    assert report.rows == written.rows
    assert set(report.counts) <= {name for name, rule in RULES.items() if rule.is_note}


def test_a_folder_is_valid_unless_it_is_damaged(tmp_path):
    job("language").write(tmp_path / "out", format="servegen")
    assert tt.validate(tmp_path / "out").is_valid
    (tmp_path / "out" / "chunk-0-dataset.json").write_text("{")
    report = tt.validate(tmp_path / "out")
    assert not report.is_valid
    assert "chunk-0-dataset.json" in report.findings[0].message


BROKEN = {
    "time-order": (
        "mooncake",
        [mooncake(), mooncake(timestamp=9), mooncake(timestamp=3)],
        [(3, "0.003 s is not allowed; it must not be before the row above (0.009 s)")],
    ),
    "tokens": (
        "mooncake",
        [mooncake(), mooncake(output_length=0), mooncake(input_length=0, hash_ids=[])],
        [(3, "0 input tokens"), (2, "0 output tokens")],
    ),
    "hash-count": (
        "mooncake",
        [mooncake(), mooncake(hash_ids=[0, 1, 2]), mooncake(hash_ids=[0])],
        [(2, "3 hash_ids for 600 input tokens"), (3, "1 hash_ids for 600 input tokens")],
    ),
    "hash-missing": (
        "mooncake",
        [mooncake(), mooncake(hash_ids=[])],
        [(2, "there are no hash_ids")],
    ),
    "hash-range": (
        "mooncake",
        [mooncake(), mooncake(hash_ids=[0, 2**31]), mooncake(hash_ids=[0, 2**64 - 1])],
        [
            (2, "the hash id 2147483648 is not allowed"),
            (3, "the hash id 18446744073709551615 is not allowed"),
        ],
    ),
    "hash-fill": (
        "mooncake",
        [
            mooncake(),
            mooncake(input_length=700),  # the tail with another fill
            mooncake(input_length=512, hash_ids=[0]),  # the same block as before
            mooncake(input_length=100, hash_ids=[0]),  # a full block as a tail
            mooncake(input_length=1024, hash_ids=[0, 1]),  # a tail as a full block
            mooncake(input_length=600, hash_ids=[0, 1]),  # as in the first row
        ],
        [
            (2, "the hash id 1 stands for 188 tokens, but for 88 before"),
            (4, "the hash id 0 stands for 100 tokens, but for 512 before"),
            (5, "the hash id 1 stands for 512 tokens, but for 88 before"),
        ],
    ),
    "session-start": (
        "mooncake-session",
        [mooncake(session_id="a"), mooncake(session_id="b", timestamp=None, delay=4)],
        [(2, "the first turn of a session has no timestamp")],
    ),
    "session-delay": (
        "mooncake-session",
        [mooncake(session_id="a"), mooncake(session_id="a", timestamp=None)],
        [(2, "a later turn has neither a delay nor a timestamp")],
    ),
    "column-order": (
        "burstgpt",
        [
            "Timestamp,Session ID,Model,Request tokens,Response tokens,Total tokens,Log Type",
            "0,,GPT-4,5,6,11,API log",
        ],
        [(None, "column 2 is 'Session ID'; it must be 'Model'")],
    ),
    "totals": (
        "vidur",
        [
            "arrived_at,num_prefill_tokens,num_decode_tokens,Time,PromptTokenCount,CompletionTokenCount",
            "0,1,2,0,1,2",
            "1,1,2,1,9,2",
        ],
        [(2, "num_prefill_tokens is 1 and PromptTokenCount 9; they must agree")],
    ),
    "column-missing": (
        "vidur",
        ["arrived_at,num_prefill_tokens,num_decode_tokens", "0,1,2"],
        [
            (None, "the column 'Time' is missing"),
            (None, "the column 'PromptTokenCount' is missing"),
            (None, "the column 'CompletionTokenCount' is missing"),
        ],
    ),
    "round-order": (
        "blis",
        [
            "arrival_time_us,session_id,round_index,input_tokens,output_tokens",
            "0,a,0,5,5",
            "1,,0,5,5",
            "2,b,1,5,5",
            "3,a,1,5,5",
            "4,a,3,5,5",
        ],
        [(3, "round_index is 1; it must be 0"), (5, "round_index is 3; it must be 2")],
    ),
    "constant": (
        "splitwise",
        [
            "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size",
            "0,2,0,0.5,1,5,6",
            "1,3,0,0.7,1,5,6",
        ],
        [(2, "request_type is 3; it must be 2")],
    ),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_found_with_its_row(rule, tmp_path):
    format, lines, expected = BROKEN[rule]
    report = tt.validate(write(tmp_path / "t", *lines), format=format)
    broken = [finding for finding in report.findings if not finding.is_note]
    if rule in ("hash-missing", "round-order"):
        broken = [finding for finding in broken if finding.rule == rule]
    assert {finding.rule for finding in broken} == {rule}
    assert [finding.row for finding in broken] == [row for row, _ in expected]
    for finding, (_, message) in zip(broken, expected, strict=True):
        assert message in finding.message
    assert report.counts[rule] == len(expected)
    assert not report.is_valid


def test_every_rule_is_tested():
    elsewhere = {"readable", "time-origin", "no-tokens", "model", "header-file", "format"}
    elsewhere |= {"served-model", "header-keys"}  # of BLIS, below
    elsewhere |= {"block-size", "response"}  # of SGLang and AIPerf, below
    elsewhere |= {"chat-twice", "parent-order", "parent-missing", "turn-order", "chat-branches"}  # below
    of_data_sets = {"part-missing", "part-altered", "part-unknown"}  # test_dataset.py
    assert set(BROKEN) | elsewhere | of_data_sets == set(RULES)


def test_notes_do_not_make_a_file_invalid(tmp_path):
    path = write(
        tmp_path / "b.csv",
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type",
        "5,ChatGPT,5,0,5,API log",
        "6,GPT-4,5,6,11,API log",
    )
    report = tt.validate(path)
    assert report.is_valid
    assert report.counts == {"time-origin": 1, "no-tokens": 1, "model": 1}
    assert all(finding.is_note for finding in report.findings)


def test_a_blis_trace_needs_its_header(tmp_path):
    job("language").write(tmp_path / "t.csv", format="blis")
    header = tmp_path / "t.yaml"
    header.write_text(header.read_text().replace("time_unit: us", "time_unit: ms"))
    assert tt.validate(tmp_path / "t.csv").counts == {"header-file": 1}
    header.write_text("a: [")
    assert tt.validate(tmp_path / "t.csv").counts == {"header-file": 1}
    header.unlink()
    report = tt.validate(tmp_path / "t.csv")
    assert "t.yaml is not there" in report.findings[0].message


BLIS = (
    "request_id,client_id,tenant_id,slo_class,vllm_priority,session_id,round_index,prefix_group,prefix_length,"
    "streaming,input_tokens,output_tokens,text_tokens,image_tokens,audio_tokens,video_tokens,reason_ratio,model,"
    "deadline_us,slo_target_us,server_input_tokens,arrival_time_us,send_time_us,first_chunk_time_us,"
    "last_chunk_time_us,num_chunks,status,error_message,finish_reason,x_request_id,think_time_us"
)


def blis_row(session: str, round: int, time: int, think: int, model: str = "") -> str:
    return (
        f"0,c1,,standard,3,{session},{round},,0,true,100,20,100,0,0,0,0,{model},0,500000,0,{time},{time},0,0,0,"
        f"timeout,,,u-1,{think}"
    )


def test_what_blis_writes_is_valid_and_its_think_times_are_delays(tmp_path):
    """Columns that may be there or not, any mode, and any status."""
    rows = (
        blis_row("s1", 0, 1_000_000, 0),
        blis_row("", 0, 2_500_000, 0),
        blis_row("s1", 1, 5_000_000, 900_000),
    )
    path = write(tmp_path / "t.csv", BLIS, *rows)
    (tmp_path / "t.yaml").write_text(
        "trace_version: 3\ntime_unit: microseconds\nmode: real\nwarm_up_requests: 0\nworkload_seed: 7\n"
    )
    assert tt.validate(path).counts == {}
    assert np.array_equal(tt.read(path).delay, [np.nan, np.nan, 0.9], equal_nan=True)
    assert [batch.column("delay").to_pylist() for batch in tt.scan(path).batches(["delay"])] == [
        [None, None, 0.9]
    ]
    tt.convert(path, tmp_path / "m.jsonl", format="mooncake-session")
    found = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert [row.get("delay") for row in found] == [None, None, 900]
    write(path, BLIS.replace("slo_target_us,server_input_tokens", "server_input_tokens,slo_target_us"), *rows)
    assert tt.validate(path).counts == {"column-order": 1}


def test_what_a_version_of_blis_may_not_know_is_a_note(tmp_path):
    path = write(tmp_path / "t.csv", BLIS, blis_row("", 0, 0, 0, "llama"))
    (tmp_path / "t.yaml").write_text("trace_version: 2\ntime_unit: us\nmode: generated\nnew_key: 0\n")
    report = tt.validate(path)
    assert report.counts == {"served-model": 1, "header-keys": 1}
    assert report.is_valid


def chat(id: int, parent: int, turn: int) -> str:
    return mooncake(chat_id=id, parent_chat_id=parent, turn=turn, type="text", hash_ids=list(range(38)))


CHATS = {
    "chat-twice": ([(1, -1, 1), (2, -1, 1), (1, -1, 1)], 3, "the chat_id 1 is there twice"),
    "parent-order": ([(1, -1, 1), (2, 3, 1), (3, -1, 1)], 2, "the parent_chat_id 3 is not above"),
    "parent-missing": ([(1, -1, 1), (2, 9, 2)], 2, "the parent_chat_id 9 is no chat_id of this file"),
    "turn-order": ([(1, -1, 1), (2, 1, 3)], 2, "turn is 3, where the parent tells 2"),
    "chat-branches": ([(1, -1, 1), (2, 1, 2), (3, 1, 2)], 3, "the parent_chat_id 1 has another child"),
}


@pytest.mark.parametrize("rule", CHATS)
def test_what_is_odd_about_chats_is_noted(rule, tmp_path):
    chats, row, message = CHATS[rule]
    report = tt.validate(write(tmp_path / "t", *[chat(*one) for one in chats]))
    (finding,) = [finding for finding in report.findings if finding.rule == rule]
    assert (finding.row, finding.is_note) == (row, True)
    assert message in finding.message
    assert not any(other in report.counts for other in CHATS if other != rule)


def test_a_circle_of_chats_is_noted(tmp_path):
    report = tt.validate(write(tmp_path / "t", chat(1, 2, 1), chat(2, 1, 2), chat(3, 3, 1)))
    assert report.counts["parent-order"] == 2


@pytest.mark.parametrize("format", ["mooncake-session", "bailian", "baseten"])
def test_aiperf_must_not_be_given_what_it_reads_otherwise(format, tmp_path):
    path = tmp_path / f"t{ending(format)}"
    job("sessions").write(path, format=format)
    report = tt.validate(path, tools=["aiperf"])
    assert [finding.rule for finding in report.findings if not finding.is_note] == ["format"]
    (found,) = (one for one in report.findings if one.rule == "format")
    assert "AIPerf 0.13" in found.message
    assert "mooncake-delta" in found.message
    assert found.row is None or format != "baseten"
    assert ("if these rows are what each adds" in found.message) == (format == "mooncake-session")
    assert "aiperf" not in tt.validate(path).tools
    assert "AIPerf" not in {one.tool for one in replay_commands(path, format_of(path, format))}


@pytest.mark.parametrize("format", ["mooncake-session", "bailian"])
def test_aiperf_may_be_given_whole_prompts_that_stand_alone(format, tmp_path):
    job("language").write(tmp_path / "t", format=format)
    assert tt.validate(tmp_path / "t", tools=["aiperf"]).is_valid


def test_prompts_of_deltas_are_summed(tmp_path):
    """40 + 7 tokens are there, and 10 are new."""
    one = mooncake(session_id="a", input_length=40, output_length=7, prompt_length=40, hash_ids=[0])
    rows = (one, mooncake(session_id="a", timestamp=9, input_length=10, prompt_length=50, hash_ids=[1]))
    report = tt.validate(write(tmp_path / "t", *rows))
    assert report.format == "mooncake-delta"
    (found,) = (one for one in report.findings if not one.is_note)
    assert (found.rule, found.row, found.tools) == ("totals", 2, ("aiperf", "dynamo"))
    assert found.message == "prompt_length is 50; what its session has by then is 57 tokens"
    rows = (one, mooncake(session_id="a", timestamp=9, input_length=600, prompt_length=647, hash_ids=[1]))
    (found,) = tt.validate(write(tmp_path / "t", *rows)).findings
    assert (found.rule, found.row) == ("hash-count", 2)
    rows = (one.replace('"hash_ids"', '"other"'),)
    assert "hash-missing" in tt.validate(write(tmp_path / "t", *rows), tools=["dynamo"]).counts


def test_images_in_the_second_place_are_not_for_inference_perf(tmp_path):
    """Azure's file of 2025 has them there, and inference-perf takes the columns by position."""
    head, row = "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n", "2025-10-10 01:02:03,2,374,44\n"
    path = write(tmp_path / "a.csv", head + row)
    report = tt.validate(path, tools=["inference-perf"])
    assert [one.rule for one in report.findings] == ["column-order"]
    tt.convert(path, tmp_path / "b.csv", format="azure")
    assert (tmp_path / "b.csv").read_text().splitlines()[0] == (
        "TIMESTAMP,ContextTokens,GeneratedTokens,NumImages"
    )
    assert tt.validate(tmp_path / "b.csv", tools=["inference-perf"]).is_valid
    assert tt.read(tmp_path / "b.csv")["image_count"].tolist() == [2]


def test_sglang_needs_blocks_of_the_tokens_that_it_makes(tmp_path):
    path = write(tmp_path / "t", mooncake())
    report = tt.validate(path, tools=["sglang"])
    assert [one.rule for one in report.findings] == ["block-size"]
    assert "sglang" not in tt.validate(path).tools
    path = write(tmp_path / "u", mooncake(input_length=200))
    assert tt.validate(path, tools=["sglang"], block_size=128).is_valid


def test_aiperf_needs_a_response_in_every_row_of_burstgpt(tmp_path):
    head = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    path = write(tmp_path / "b.csv", head + "0,GPT-4,5,6,11,API log\n1,GPT-4,5,0,5,API log\n")
    report = tt.validate(path, tools=["aiperf"])
    assert [(one.rule, one.row) for one in report.findings if not one.is_note] == [("response", 2)]
    report = tt.validate(path)
    assert report.is_valid
    assert report.tools == ("guidellm", "vllm")
    assert tt.validate(path, tools=["vllm", "guidellm"]).is_valid


def test_ids_are_compared_across_the_whole_file(tmp_path):
    """A tail comes back a hundred thousand rows later."""
    rows = 100_000
    lines = [mooncake(timestamp=i, input_length=600, hash_ids=[2 * i, 2 * i + 1]) for i in range(rows)]
    lines.append(mooncake(timestamp=rows, input_length=1024, hash_ids=[0, 1]))
    report = tt.validate(write(tmp_path / "t", *lines))
    assert [(finding.row, finding.rule) for finding in report.findings] == [(rows + 1, "hash-fill")]


def test_only_the_tools_that_were_asked_for(tmp_path):
    path = write(tmp_path / "t", mooncake(hash_ids=[0]), mooncake(timestamp=1))
    assert not tt.validate(path, tools=["guidellm"]).is_valid
    report = tt.validate(path)
    assert set(report.findings[0].tools) == {"guidellm", "aiperf", "dynamo", "vllm"}
    assert tt.validate(path, tools=["aibrix"]).is_valid
    session = write(tmp_path / "s", mooncake(session_id="a"))
    assert tt.validate(session).tools == ("dynamo",)
    report = tt.validate(session, tools=["guidellm", "aiperf"])
    assert report.findings[0].message.startswith("guidellm does not read")
    with pytest.raises(ValueError, match="tools: 'aipref' is not known; it must be one of aiperf, guidellm"):
        tt.validate(path, tools=["aipref"])


def test_the_block_size_can_be_given(tmp_path):
    path = write(tmp_path / "t", mooncake(input_length=600, hash_ids=list(range(10))))
    assert not tt.validate(path).is_valid
    assert tt.validate(path, block_size=64).is_valid


def test_findings_are_limited_and_counted(tmp_path):
    path = write(tmp_path / "t", mooncake(), *[mooncake(hash_ids=[0]) for _ in range(100)])
    report = tt.validate(path, limit=3)
    assert [finding.row for finding in report.findings] == [2, 3, 4]
    assert report.counts == {"hash-count": 100}
    assert json.loads(json.dumps(report.to_dict()))["counts"] == {"hash-count": 100}


@pytest.mark.parametrize("format", TOOLS)
def test_a_damaged_file_is_told_as_a_finding_or_an_error(format, tmp_path):
    """Cut off in a row, and overwritten with noise in the middle."""
    path = tmp_path / f"trace{ending(format)}"
    job("sessions").write(path, format=format)
    whole = path.read_bytes()
    noise = np.random.default_rng(1).bytes(200)
    for damaged in (
        whole[: len(whole) // 2],
        whole[: len(whole) // 2] + noise + whole[len(whole) // 2 + 200 :],
    ):
        path.write_bytes(damaged)
        if format == "baseten" and len(damaged) < len(whole):
            with pytest.raises(tt.TraceError, match="not a Parquet file"):
                tt.validate(path)
            continue
        report = tt.validate(path)
        # Text that is cut within a number cannot be told from a shorter trace.
        assert not report.is_valid or (len(damaged) < len(whole) and report.rows < 3000)


def test_every_tool_reads_a_format_that_we_write():
    formats = {format for read in READERS.values() for format in read}
    assert set(TOOLS) <= formats
    assert all(rule.tools <= {*READERS, "tracetide"} for rule in RULES.values())


def test_real_traces_are_valid(data_dir):
    folder = data_dir / "traces"
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder")
    paths = sorted([*folder.glob("Azure*.csv"), *folder.glob("*_trace.jsonl")])
    assert paths
    for path in paths:
        assert tt.validate(path).is_valid, path
