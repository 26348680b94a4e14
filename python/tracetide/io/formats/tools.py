"""The tools that read traces, the versions that were looked at, and what they are told.

`tests/python/test_replay.py` runs AIPerf and guidellm against a server that counts what arrives, and compares
their commands with what their `--help` says. The commands of others are from their own sources.
"""

from __future__ import annotations

import json
from shlex import quote
from typing import NamedTuple


class Tool(NamedTuple):
    """A tool that reads traces.

    Attributes:
        name: as users call it.
        version: that rules and commands were checked against; of tools without releases, when that was.
        sends: whether it sends requests to a server; others simulate one.
    """

    name: str
    version: str
    sends: bool = True

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


TOOLS = {
    "aiperf": Tool("AIPerf", "0.13"),
    "guidellm": Tool("guidellm", "0.8.1"),
    "vllm": Tool("vLLM", "0.33"),
    "sglang": Tool("SGLang", "0.5.23"),
    "dynamo": Tool("Dynamo", "1.6.1", sends=False),
    "aibrix": Tool("AIBrix", "of November 2026"),
    "inference-perf": Tool("inference-perf", "0.7"),
    "vidur": Tool("Vidur", "of November 2026", sends=False),
    "blis": Tool("BLIS", "of August 2026", sends=False),
    "llmservingsim": Tool("LLMServingSim", "of November 2026", sends=False),
    "splitwise-sim": Tool("splitwise-sim", "of November 2026", sends=False),
    "servegen": Tool("ServeGen", "of August 2026", sends=False),
}
"""By name, as `validate` takes it."""

BLOCKS = {"sglang": 128}
"""By tool, the tokens that it makes of every id, whatever the size of blocks and of the input."""

ADDS_UP = {
    "aiperf": f"{TOOLS['aiperf']} takes the rows of a session for what each adds to those before, and would "
    "send prompts several times as long; mooncake-delta has what each adds"
}
"""Of whole prompts of a session."""


class Replay(NamedTuple):
    """What one tool is told.

    Attributes:
        tool: as users call it.
        command: a command line, or lines of its configuration file.
        needs_ids: whether it needs `hash_ids`: it refuses a file without, or makes empty prompts.
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


def tell(tool: str, command: str, *, needs_ids: bool = False) -> Replay:
    """A tool's command."""
    return Replay(TOOLS[tool].name, command, needs_ids)


def aiperf(file: File, kind: str, *more: str) -> Replay:
    """A file of one of its kinds of data sets."""
    # Without ignore_eos answers end when they like, and with them the context of later turns is another.
    options = " ".join(("--fixed-schedule", "--extra-inputs ignore_eos:true", *more))
    return tell(
        "aiperf",
        "aiperf profile --model MODEL --url localhost:8000 --endpoint-type chat --streaming "
        f"--input-file {file} --custom-dataset-type {kind} {options}",
    )


def guidellm(data: str, *, needs_ids: bool = False) -> Replay:
    """What `--data` takes."""
    return tell(
        "guidellm",
        "guidellm run --backend kind=openai_http,target=http://localhost:8000 --profile kind=replay "
        f"--data {data}",
        needs_ids=needs_ids,
    )


def guidellm_ids(file: File, scale: str = "") -> Replay:
    """JSON lines with `hash_ids`."""
    data = f"kind=mooncake,source.kind=json_file,source.path={file},hash_id_block_size={file.block}{scale}"
    return guidellm(data, needs_ids=True)


def guidellm_columns(file: File, kind: str, *more: str) -> Replay:
    """A table with our names of token counts."""
    columns = ",".join(("prompt_tokens_column=input_tokens,output_tokens_column=output_tokens", *more))
    return guidellm(f"kind=trace_synthetic,source.kind={kind},source.path={file},{columns}")


def vllm(file: File, dataset: str, *more: str, needs_ids: bool = False) -> Replay:
    """A file of one of its kinds of data sets."""
    options = " ".join((f"--num-prompts {file.rows}", *more))
    command = f"vllm bench serve --model MODEL --dataset-name {dataset} --dataset-path {file} {options}"
    return tell("vllm", command, needs_ids=needs_ids)


def vllm_ids(file: File, factor: str) -> Replay:
    """JSON lines with `hash_ids`; times by this factor are seconds."""
    size = f"--timed-trace-chunk-hash-size {file.block}"
    return vllm(file, "timed_trace", size, f"--timed-trace-sec-multiplier {factor}", needs_ids=True)


def sglang(file: File) -> list[Replay]:
    """Mooncake's JSON lines, if it makes as many tokens of an id as the id stands for."""
    if file.block != BLOCKS["sglang"]:
        return []
    command = (
        "python -m sglang.benchmark.serving --backend sglang --dataset-name mooncake "
        f"--dataset-path {file} --num-prompts {file.rows} --use-trace-timestamps"
    )
    return [tell("sglang", command, needs_ids=True)]


def aibrix(file: File, kind: str, *more: str) -> Replay:
    """A trace of which its generator makes a workload."""
    options = " ".join((f"--trace-type {kind} --duration-ms MILLISECONDS", *more))
    return tell(
        "aibrix",
        "python -m generator.workload_generator.workload_generator "
        f"--traffic-file {file} {options} --tokenizer MODEL --output-dir OUTPUT",
    )


def dynamo(file: File, kind: str = "mooncake") -> Replay:
    """Mooncake's JSON lines, with or without sessions; of what turns add as `mooncake-delta`."""
    code = (
        "from dynamo.replay import run_trace_replay; "
        f'print(run_trace_replay([{json.dumps(file.path)}], trace_format="{kind}", '
        f'trace_block_size={file.block}, extra_engine_args={{"engine": {{"block_size": {file.block}}}}}))'
    )
    return tell("dynamo", f"python -c {quote(code)}", needs_ids=True)
