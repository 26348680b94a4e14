"""The tools that read traces, and what they are told.

From their own documentation in November 2026.
"""

from __future__ import annotations

import json
from shlex import quote
from typing import NamedTuple


class Tool(NamedTuple):
    """A tool that reads traces.

    Attributes:
        key: as in `validate`.
        name: as users call it.
        version: whose loaders were read, where it has one.
    """

    key: str
    name: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


AIPERF = Tool("aiperf", "AIPerf", "0.13")
GUIDELLM = Tool("guidellm", "guidellm", "0.8.1")
VLLM = Tool("vllm", "vLLM", "0.33")
SGLANG = Tool("sglang", "SGLang", "0.5.23")
DYNAMO = Tool("dynamo", "Dynamo", "1.6.1")
AIBRIX = Tool("aibrix", "AIBrix")
INFERENCE_PERF = Tool("inference-perf", "inference-perf", "0.7")
VIDUR = Tool("vidur", "Vidur")
BLIS = Tool("blis", "BLIS")
LLMSERVINGSIM = Tool("llmservingsim", "LLMServingSim")
SPLITWISE_SIM = Tool("splitwise-sim", "splitwise-sim")
SERVEGEN = Tool("servegen", "ServeGen")

TOOLS = (
    AIPERF,
    GUIDELLM,
    VLLM,
    SGLANG,
    DYNAMO,
    AIBRIX,
    INFERENCE_PERF,
    VIDUR,
    BLIS,
    LLMSERVINGSIM,
    SPLITWISE_SIM,
    SERVEGEN,
)

ADDS_UP = (
    f"{AIPERF} takes the rows of a session for what each adds to those before, and would send prompts "
    "several times as long"
)
"""Why it must not be given sessions."""


class Replay(NamedTuple):
    """What one tool is told.

    Attributes:
        tool: as users call it.
        command: a command line, or lines of its configuration file.
        needs_ids: whether it refuses a file without `hash_ids`.
    """

    tool: str
    command: str
    needs_ids: bool = False


class File(NamedTuple):
    """What is replayed.

    Attributes:
        path: the file.
        block: tokens of a block of its `hash_ids`.
        rows: how many requests it has, which some tools must be told, as they take no more by default.
    """

    path: str
    block: int
    rows: str

    def __str__(self) -> str:
        return quote(self.path)


def aiperf(file: File, kind: str, *more: str) -> Replay:
    """A file of one of its kinds of data sets."""
    options = " ".join(("--fixed-schedule", *more))
    return Replay(
        AIPERF.name,
        "aiperf profile --model MODEL --url localhost:8000 --endpoint-type chat --streaming "
        f"--input-file {file} --custom-dataset-type {kind} {options}",
    )


def guidellm(data: str, *, needs_ids: bool = False) -> Replay:
    """What `--data` takes."""
    return Replay(
        GUIDELLM.name,
        "guidellm run --backend kind=openai_http,target=http://localhost:8000 --profile kind=replay "
        f"--data {data}",
        needs_ids,
    )


def guidellm_ids(file: File, scale: str = "") -> Replay:
    """JSON lines with `hash_ids`."""
    data = f"kind=mooncake,source.kind=json_file,source.path={file},hash_id_block_size={file.block}{scale}"
    return guidellm(data, needs_ids=True)


def guidellm_columns(file: File, kind: str, *more: str) -> Replay:
    """A table with our names of token counts."""
    columns = ",".join(("prompt_tokens_column=input_tokens,output_tokens_column=output_tokens", *more))
    return guidellm(f"kind=trace_synthetic,source.kind={kind},source.path={file},{columns}")


def vllm(file: File, dataset: str, *more: str) -> Replay:
    """A file of one of its kinds of data sets."""
    options = " ".join((f"--num-prompts {file.rows}", *more))
    return Replay(
        VLLM.name,
        f"vllm bench serve --model MODEL --dataset-name {dataset} --dataset-path {file} {options}",
    )


def vllm_ids(file: File, factor: str) -> Replay:
    """JSON lines with `hash_ids`; times by this factor are seconds."""
    size = f"--timed-trace-chunk-hash-size {file.block}"
    return vllm(file, "timed_trace", size, f"--timed-trace-sec-multiplier {factor}")


def dynamo(file: File) -> Replay:
    """Mooncake's JSON lines, with or without sessions."""
    code = (
        "from dynamo.replay import run_trace_replay; "
        f'print(run_trace_replay([{json.dumps(file.path)}], trace_format="mooncake", '
        f'trace_block_size={file.block}, extra_engine_args={{"engine": {{"block_size": {file.block}}}}}))'
    )
    return Replay(DYNAMO.name, f"python -c {quote(code)}", needs_ids=True)
