"""`tracetide generate`."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from tracetide.cli.coupling import parse_coupling
from tracetide.cli.datasets import Address, EngineName, Partition, Resume, report_dataset, to_dataset
from tracetide.cli.narrowing import Filters, Top, narrowed
from tracetide.cli.parameters import (
    Count,
    Factor,
    Format,
    HashIds,
    Json,
    OutputFile,
    OwnBlockSize,
    Positive,
    Quiet,
    RealNumber,
    Seed,
    Span,
    Threads,
    number_of,
    output_path,
)
from tracetide.cli.progress import ProgressBar
from tracetide.cli.rate_file import read_rate_file
from tracetide.cli.warned import held_warnings
from tracetide.cli.written import check_json, report_written
from tracetide.io.writing import format_of
from tracetide.job import Job
from tracetide.job.shards import Shard
from tracetide.profile.distributions import Gamma
from tracetide.profile.load import load
from tracetide.profile.pool import ClientPool


def generate(
    profile: Annotated[str, Parameter(name="PROFILE")],
    /,
    *,
    output: OutputFile,
    rate: Annotated[
        Positive | None, Parameter(name=("--rate", "--request-rate"), help="Total requests/s.")
    ] = None,
    scale: Annotated[Positive | None, Parameter(help="Factor on the profile's own rates.")] = None,
    max_rate: Annotated[
        Positive | None, Parameter(help="Lower the profile's own rates to this peak.")
    ] = None,
    rate_file: Annotated[
        str | None,
        Parameter(
            help="CSV file of `time,rate` points, linear in between, however close. A header "
            "may name the columns in the other order."
        ),
    ] = None,
    span: Span = None,
    filter: Filters = None,
    top: Top = None,
    duration: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help='Seconds, or "90s", "10min", "1h30min", "30d"; default: that of the span, or of the trace '
            "that was fitted.",
        ),
    ] = None,
    num_requests: Annotated[
        Count | None,
        Parameter(
            name=("--num-requests", "--num-prompts", "--request-count"),
            help="Instead of a duration: so long that so many requests are expected at the rate.",
        ),
    ] = None,
    seed: Annotated[Seed, Parameter(name=("--seed", "--random-seed"), help="From 0 to 2^64 - 1.")] = 0,
    method: Annotated[
        Literal["clients", "naive"],
        Parameter(
            help="naive: one client with the rate, burstiness and lengths of all, which loses who sends what."
        ),
    ] = "clients",
    burstiness: Annotated[
        Positive | None,
        Parameter(
            help="Give every client Gamma gaps of this shape, as in `vllm bench`: 1 is Poisson, less is "
            "burstier. Default: each client's own."
        ),
    ] = None,
    counts: Annotated[
        Literal["profile", "pinned", "renewal", "servegen"],
        Parameter(help="How many requests a client sends in a window."),
    ] = "profile",
    coupling: Annotated[
        list[str] | None,
        Parameter(
            negative="",
            help="How the fields of a request depend on each other: profile, independent, comonotonic, or "
            "FIELD:FIELD=C, their Spearman correlation, once or more; default: profile.",
        ),
    ] = None,
    missing: Annotated[
        Literal["nearest", "error"], Parameter(help="What to do where the profile lacks distributions.")
    ] = "nearest",
    conversations: Annotated[
        bool | None,
        Parameter(help="Whether requests belong together; default: as the profile's models of sessions say."),
    ] = None,
    prefixes: Annotated[
        bool | None,
        Parameter(help="Whether prompts begin alike; default: as the profile's models of prompts say."),
    ] = None,
    block_size: Annotated[
        OwnBlockSize | None,
        Parameter(help="Tokens of a block: adds `hash_ids`. Default: 512 where prompts begin alike."),
    ] = None,
    modulation: Annotated[
        Factor,
        Parameter(
            help="Factor from 0 to 1 on the noise of clients' rates inside windows; 0: constant rates there."
        ),
    ] = 1.0,
    payload_bytes: Annotated[
        list[str] | None,
        Parameter(
            negative="",
            help="KIND=BYTES for a token of image, audio or video, once or more: adds the bytes of items.",
        ),
    ] = None,
    format: Format = None,
    hash_ids: HashIds = True,
    shard: Annotated[
        str | None,
        Parameter(help="I/N: only the I-th of N shards, from 1/N to N/N, in a native format."),
    ] = None,
    partition: Partition = None,
    resume: Resume = False,
    engine: EngineName = "local",
    address: Address = None,
    threads: Threads = 0,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Generate a trace from a profile.

    It goes to a file, or, if OUTPUT ends with `/` or `--partition` is given, to a data set: a folder of
    Parquet files with a manifest, which may also be at an address such as `s3://bucket/month/`.

    For example:

    `tracetide generate m-small --rate 100 --duration 1h --seed 0 -o trace.parquet`

    `tracetide generate m-small --span 18:00..19:00 --scale 0.5 -o - --format csv | head`

    `tracetide generate deepseek-r1 --request-rate 20 --num-requests 5000 --format mooncake -o trace.jsonl`

    `tracetide generate m-small --rate 100 --duration 7d --partition 1d -o week/ --resume`

    Parameters
    ----------
    profile
        A bundled name (see `tracetide profiles`), a `.tide` file, a workload (`.toml`, `.yaml`), or a
        ServeGen model folder.
    """
    target = output_path(output)
    is_dataset = to_dataset(
        target, format, partition=partition, resume=resume, engine=engine, address=address
    )
    if is_dataset and shard is not None:
        raise ValueError("--shard: not allowed with a data set, whose parts are what shards are there for")
    chosen = format_of(target, "parquet" if is_dataset else format)
    check_json(target, as_json=json_)
    with held_warnings() as messages:
        pool = narrowed(load(profile, threads=threads), span, filter, top)
        if method == "naive":
            Job(
                pool, missing=missing
            )  # warns of clients without lengths, of which the aggregate knows nothing
            pool = pool.collapse()
        if burstiness is not None:
            pool = pool.with_arrivals(_gaps(burstiness))
        job = _job(pool, rate, rate_file, scale=scale, max_rate=max_rate,
                   duration=_duration(duration, num_requests, rate),
                   seed=seed, counts=counts, coupling=parse_coupling(coupling), missing=missing,
                   conversations=conversations, prefixes=prefixes, block_size=block_size,
                   modulation=modulation, payload_bytes=_payload_bytes(payload_bytes))  # fmt: skip
    piece = job if shard is None else _shard(job, shard)
    started = time.monotonic()
    with ProgressBar(piece.expected, show=not quiet, warnings=messages) as bar:
        if is_dataset:
            made = job.write_dataset(
                target,
                partition=partition,
                resume=resume,
                threads=threads,
                engine=engine,
                address=address,
                progress=bar.update,
            )
            report_dataset(target, made, time.monotonic() - started, as_json=json_, quiet=quiet)
            return
        if isinstance(piece, Shard):
            written = piece.write(target, format=chosen.name, threads=threads, progress=bar.update)
        else:
            written = piece.write(
                target, format=format, hash_ids=hash_ids, threads=threads, progress=bar.update
            )
    report_written(
        target,
        chosen,
        written,
        time.monotonic() - started,
        hash_ids=hash_ids,
        block_size=block_size or 0,
        category=pool.category,
        as_json=json_,
        quiet=quiet,
    )


def _shard(job: Job, text: str) -> Shard:
    """`I/N`, I from 1 on."""
    position, slash, number = text.partition("/")
    if not (_is_number(position) and slash and _is_number(number) and 1 <= int(position) <= int(number)):
        raise ValueError(f"--shard: {text!r} is not allowed; it must be I/N, from 1/N to N/N")
    if int(number) > job.windows:
        raise ValueError(
            f"--shard: {text!r} is not allowed; the job has {job.windows:,} windows, of which a shard has at "
            "least one"
        )
    return job.shards(int(number))[int(position) - 1]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20


def _gaps(burstiness: float) -> Gamma:
    try:
        return Gamma(burstiness)
    except ValueError:
        raise ValueError(
            f"--burstiness: {burstiness:g} is not allowed; it must be a Gamma shape, from 0.005 to 1e5"
        ) from None


def _duration(duration: str | None, num_requests: int | None, rate: float | None) -> str | float | None:
    if num_requests is None:
        return duration
    if duration is not None or rate is None or not rate > 0:
        raise ValueError("--num-requests: it needs --rate above 0, and no --duration: it sets how long")
    return num_requests / rate


def _job(pool: ClientPool, rate: float | None, rate_file: str | None, **options: Any) -> Job:
    if rate is not None and rate_file is not None:
        raise ValueError("--rate and --rate-file: at most one of them may be given")
    return Job(pool, rate=read_rate_file(rate_file) if rate_file is not None else rate, **options)


def _payload_bytes(given: list[str] | None) -> dict[str, float] | None:
    found = {}
    for entry in given or []:
        kind, equals, number = entry.partition("=")
        if not equals:
            raise ValueError(
                f"--payload-bytes: {entry!r} is not allowed; it must be KIND=BYTES, as image=240"
            )
        found[kind] = number_of(f"--payload-bytes {kind}", number, RealNumber(above=0))
    return found or None
