"""How the tools that read a format are told to replay a file.

From the tools' own documentation in November 2026: AIPerf 0.13, guidellm 0.8.1, vLLM 0.33, SGLang 0.5.23,
Dynamo 1.6.1, inference-perf 0.7, Vidur, BLIS, LLMServingSim, splitwise-sim.
"""

from __future__ import annotations

import json
import os
from shlex import quote
from typing import NamedTuple

from tracetide.io.reading.layouts import FORMAT_BLOCKS
from tracetide.io.writing.base import Format
from tracetide.io.writing.blis import header_path

_WITH_IDS = ("mooncake", "mooncake-session", "bailian")


class _File(NamedTuple):
    path: str
    block: int
    rows: str

    def __str__(self) -> str:
        return quote(self.path)


class Replay(NamedTuple):
    """What one tool is told.

    Attributes:
        tool: as users call it.
        command: a command line, or lines of its configuration file.
    """

    tool: str
    command: str


def replay_commands(
    path: str | os.PathLike[str],
    format: Format,
    *,
    hash_ids: bool = True,
    block_size: int = 0,
    rows: int | None = None,
) -> list[Replay]:
    """For every tool that reads the format and is told by a command line or a configuration.

    Args:
        path: the file.
        format: its format.
        hash_ids: whether it has hash ids.
        block_size: tokens of a block of them, if not what the format expects.
        rows: how many requests it has, which some tools must be told, as they take no more by default; if
            not known, the user fills them in.

    Returns:
        Nothing for files that are packed, which must be unpacked first, and for standard output.
    """
    file = os.fspath(path)
    if format.compression is not None or file == "-":
        return []
    block = block_size or FORMAT_BLOCKS.get(format.name, 0)
    made = {
        "mooncake": _mooncake,
        "mooncake-session": _mooncake_session,
        "bailian": _bailian,
        "burstgpt": _burstgpt,
        "azure": _azure,
        "vidur": _vidur,
        "blis": _blis,
        "llmservingsim": _llmservingsim,
        "splitwise": _splitwise,
        "baseten": _baseten,
        "servegen": _servegen,
    }.get(format.name, _native)(_File(file, block, "ROWS" if rows is None else str(rows)))
    needs_ids = ("guidellm", "Dynamo") if format.name in _WITH_IDS else ()
    return [one for one in made if hash_ids or one.tool not in needs_ids]


def _aiperf(file: _File, kind: str, *more: str) -> Replay:
    options = " ".join(("--fixed-schedule", *more))
    return Replay(
        "AIPerf",
        "aiperf profile --model MODEL --url localhost:8000 --endpoint-type chat --streaming "
        f"--input-file {file} --custom-dataset-type {kind} {options}",
    )


def _guidellm(data: str) -> Replay:
    return Replay(
        "guidellm",
        "guidellm run --backend kind=openai_http,target=http://localhost:8000 --profile kind=replay "
        f"--data {data}",
    )


def _guidellm_ids(file: _File, scale: str) -> Replay:
    return _guidellm(
        f"kind=mooncake,source.kind=json_file,source.path={file},hash_id_block_size={file.block}{scale}"
    )


def _vllm(file: _File, dataset: str, *more: str) -> Replay:
    options = " ".join((f"--num-prompts {file.rows}", *more))
    return Replay(
        "vLLM",
        f"vllm bench serve --model MODEL --dataset-name {dataset} --dataset-path {file} {options}",
    )


def _vllm_ids(file: _File, factor: str) -> Replay:
    size = f"--timed-trace-chunk-hash-size {file.block}"
    return _vllm(file, "timed_trace", size, f"--timed-trace-sec-multiplier {factor}")


def _mooncake(file: _File) -> list[Replay]:
    own = [] if file.block == FORMAT_BLOCKS["mooncake"] else [f"--isl-block-size {file.block}"]
    return [
        _aiperf(file, "mooncake_trace", *own),
        _guidellm_ids(file, ",time_scale=0.001"),
        _vllm_ids(file, "0.001"),
        Replay(
            "SGLang",
            "python -m sglang.benchmark.serving --backend sglang --dataset-name mooncake "
            f"--dataset-path {file} --num-prompts {file.rows} --use-trace-timestamps",
        ),
        _dynamo(file),
    ]


def _dynamo(file: _File) -> Replay:
    code = (
        "from dynamo.replay import run_trace_replay; "
        f'print(run_trace_replay([{json.dumps(file.path)}], trace_format="mooncake", '
        f'trace_block_size={file.block}, extra_engine_args={{"engine": {{"block_size": {file.block}}}}}))'
    )
    return Replay("Dynamo", f"python -c {quote(code)}")


def _mooncake_session(file: _File) -> list[Replay]:
    return [_dynamo(file)]


def _bailian(file: _File) -> list[Replay]:
    return [_guidellm_ids(file, ""), _vllm_ids(file, "1")]


def _burstgpt(file: _File) -> list[Replay]:
    columns = (
        "timestamp_column=Timestamp,prompt_tokens_column=Request tokens,output_tokens_column=Response tokens"
    )
    return [
        _aiperf(file, "burst_gpt_trace"),
        _guidellm(quote(f"kind=trace_synthetic,source.kind=csv_file,source.path={file.path},{columns}")),
        _vllm(file, "burstgpt"),
    ]


def _azure(file: _File) -> list[Replay]:
    trace = f"trace: {{file: {file}}}"
    # Stages must be there, and are not looked at.
    lines = (
        "api: {type: completion}",
        f"data: {{type: random, {trace}}}",
        f"load: {{type: trace_replay, {trace}, stages: [{{rate: 1, duration: 1}}]}}",
    )
    return [Replay("inference-perf", "\n".join(lines))]


def _vidur(file: _File) -> list[Replay]:
    return [
        Replay(
            "Vidur",
            "python -m vidur.main --request_generator_config_type trace_replay "
            f"--trace_request_generator_config_trace_file {file}",
        )
    ]


def _blis(file: _File) -> list[Replay]:
    header = quote(header_path(file.path))
    return [Replay("BLIS", f"blis replay --model MODEL --trace-header {header} --trace-data {file}")]


def _llmservingsim(file: _File) -> list[Replay]:
    return [
        Replay(
            "LLMServingSim",
            "python -m serving --cluster-config CONFIG --dtype bfloat16 --block-size 16 "
            f"--dataset {file} --output OUTPUT.csv",
        )
    ]


def _splitwise(file: _File) -> list[Replay]:
    name = quote(os.path.splitext(os.path.basename(file.path))[0])
    return [Replay("splitwise-sim", f"cp {file} traces/{name}.csv && python run.py trace.filename={name}")]


def _baseten(file: _File) -> list[Replay]:
    kind = "arrow_file" if file.path.endswith(".arrow") else "parquet_file"
    columns = "timestamp_column=timestamp_start_unix_ms,time_scale=0.001"
    return [_guidellm_columns(file, kind, columns)]


def _servegen(file: _File) -> list[Replay]:
    return [Replay("BLIS", f"blis convert servegen --path {file}")]


def _native(file: _File) -> list[Replay]:
    kind = {
        ".parquet": "parquet_file",
        ".arrow": "arrow_file",
        ".csv": "csv_file",
        ".jsonl": "json_file",
    }.get(os.path.splitext(file.path)[1], "")
    return [_guidellm_columns(file, kind)] if kind else []


def _guidellm_columns(file: _File, kind: str, *more: str) -> Replay:
    columns = ",".join(("prompt_tokens_column=input_tokens,output_tokens_column=output_tokens", *more))
    return _guidellm(f"kind=trace_synthetic,source.kind={kind},source.path={file},{columns}")
