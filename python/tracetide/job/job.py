"""A job: everything that determines a trace."""

from __future__ import annotations

import json
import operator
import os
import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide._version import __version__
from tracetide.base.durations import parse_duration
from tracetide.base.errors import IdleWindowWarning, MissingDataWarning, outside
from tracetide.base.grid import NS
from tracetide.base.numbers import check_threads, check_whole
from tracetide.job.rates import Rate, rate_options
from tracetide.job.shards import Shard, make_shards
from tracetide.profile.flattened import warn_of_function, warn_of_points
from tracetide.profile.pool import ClientPool
from tracetide.profile.source import digest_of
from tracetide.trace import Batch, Trace

if TYPE_CHECKING:
    from tracetide.io.writing import Progress, Written
    from tracetide.job.dataset import DatasetWritten

COUNTS = ("profile", "pinned", "renewal", "servegen")
COUPLINGS = ("profile", "independent", "comonotonic")
MISSING = ("nearest", "error")
_COUPLING_HELP = (
    f"it must be one of {', '.join(COUPLINGS)}, or a mapping such as "
    '{("input_tokens", "output_tokens"): 0.4}'
)
_LARGEST_SEED = 2**64 - 1


class Job:
    """Pool, target rate, duration, options and seed. Immutable; the same job gives the same trace.

    Args:
        pool: the clients.
        rate: total requests per second over the job's time, as one of

            - a number;
            - a mapping {time: rate}: from that time on, until the next; times are starts of windows of
              the job, the first is 0 (seconds, or text as for `ClientPool.span`);
            - an array with one rate per window of the job;
            - a list of (time, rate) points, linear in between and constant outside, of which every
              window takes the mean;
            - a function of the time in seconds, taken at the middle of every window.

            The rate is constant within a window of the profile (`pool.window` seconds: ten minutes in
            ServeGen's data, an hour in the bundled profiles): nothing shorter can be followed, and a warning
            says so.

            Each client gets its share of it.
        scale: instead of `rate`, a factor on the profile's own rates.
        max_rate: instead of `rate`, the profile's own curve lowered so that this is its peak.
            With none of the three: the profile's own rates.
        duration: seconds, or text such as `"1h30min"`; the default is `pool.duration`: the length of
            the pool's span, or of the trace to which its profile was fitted. A longer one repeats the span.
        seed: from 0 to 2^64 - 1.
        counts: how many requests a client sends in a window: `"profile"`, `"pinned"`, `"renewal"` or
            `"servegen"`.
        coupling: how the fields of a request depend on each other: `"profile"`, `"independent"`,
            `"comonotonic"`, or a mapping of pairs of fields to Spearman correlations above -1 and below 1,
            such as {("input_tokens", "output_tokens"): 0.4}: a Gaussian copula for every client. Fields of
            items (`image_tokens` and the like) cannot be in it. The correlation is that of the ranks before
            they become whole numbers; ties of short lengths lower what is measured.
        missing: `"nearest"` takes a distribution that is missing in an epoch from the nearest one, and
            leaves out clients that have none; `"error"` refuses both.
        conversations: whether requests belong together as the profile's models of sessions say; True
            refuses a profile without, False lets every request stand alone. By default they do where the
            profile has models, unless `counts` is `"servegen"`. The trace then has the columns
            `session_id`, `turn` and `delay`.
        prefixes: whether prompts begin as the profile's models of prompts say; True refuses a profile
            without, False lets all prompts differ from the first block on. By default they do where the
            profile has models.
        block_size: tokens of a block. With it the trace has the column `hash_ids`: a number for every block
            of a prompt, the same where a prompt begins as an earlier one did. By default 512 where prompts
            have prefixes; else there are no `hash_ids`.
        payload_bytes: bytes that stand for a token, by kind of item, such as {"image": 240}: adds the columns
            `image_bytes`, `audio_bytes` or `video_bytes`, the bytes of every item, to be downloaded and
            decoded. For multimodal profiles only.

    Raises:
        ValueError: naming the argument, the value and what is allowed; also for a job with no requests.
        ProfileError: for what `missing="error"` refuses.

    Warns:
        MissingDataWarning: if clients are left out, with their share of the rate.
        IdleWindowWarning: if a rate is asked for in windows where no client is active.
        FlattenedRateWarning: if the rate moves within a window by more than a tenth of its highest, as far as
            is seen: points are looked at exactly, a function at eight times of at most 64 windows.
    """

    def __init__(
        self,
        pool: ClientPool,
        *,
        rate: Rate | None = None,
        scale: float | None = None,
        max_rate: float | None = None,
        duration: float | str | None = None,
        seed: int = 0,
        counts: str = "profile",
        coupling: str | Mapping[tuple[str, str], float] = "profile",
        missing: str = "nearest",
        conversations: bool | None = None,
        prefixes: bool | None = None,
        block_size: int | None = None,
        payload_bytes: Mapping[str, float] | None = None,
    ) -> None:
        if not isinstance(pool, ClientPool):
            raise TypeError(f"pool: {pool!r} is not allowed; it must be a ClientPool, as from tracetide.load")
        seconds = pool.duration if duration is None else parse_duration(duration)
        options: dict[str, Any] = {
            "duration": seconds,
            "seed": _seed(seed),
            "counts": _choice("counts", counts, COUNTS),
            **_coupling(coupling),
            "missing": _choice("missing", missing, MISSING),
            "conversations": _flag("conversations", conversations),
            "prefixes": _flag("prefixes", prefixes),
            "block_size": _block_size(block_size),
            "payload_bytes": _payload_bytes(payload_bytes),
        }
        given = {"rate": rate, "scale": scale, "max_rate": max_rate}
        names = [name for name, value in given.items() if value is not None]
        if len(names) > 1:
            raise ValueError(f"{' and '.join(names)}: at most one of rate, scale and max_rate may be given")
        if rate is not None:
            options |= rate_options(rate, lambda: _window_edges(pool, seconds))
        else:
            options |= {name: _real(name, given[name]) for name in names}
        self._pool = pool
        self._options = options
        self._core = self._resolve()
        self._warn()
        self._warn_of_rate(rate)

    def _resolve(self) -> _core.Job:
        return _core.Job(self._pool.profile, **_span(self._pool), **self._options)

    def _warn(self) -> None:
        left_out = self._core.left_out
        if left_out:
            names = self._pool.client_names
            some = ", ".join(names[client] for client in left_out[:5]) + (
                ", ..." if len(left_out) > 5 else ""
            )
            warnings.warn(
                f"{self._pool.name}: {len(left_out)} of {len(self._pool)} clients are left out, because the "
                f"profile has no distributions for them: {some}; their share of the rate, "
                f"{100 * self._core.left_out_share:.3g} %, goes to the others",
                MissingDataWarning,
                stacklevel=outside(),
            )
        if self._core.empty_windows:
            warnings.warn(
                f"{self._pool.name}: no client is active in {self._core.empty_windows:,} of the job's "
                f"{self._core.windows:,} windows; they stay empty, whatever the rate",
                IdleWindowWarning,
                stacklevel=outside(),
            )

    def _warn_of_rate(self, rate: Rate | None) -> None:
        """What a window makes flat; numbers and mappings of windows are flat."""
        if "rate_points" in self._options:
            warn_of_points(self._pool, self.duration, self._options["rate_points"])
        elif callable(rate):
            warn_of_function(self._pool, rate, self.window_edges, self._options["rate_steps"])

    @property
    def pool(self) -> ClientPool:
        """The clients."""
        return self._pool

    @property
    def core(self) -> _core.Job:
        """The core's resolved job."""
        return self._core

    @property
    def seed(self) -> int:
        """The seed."""
        return int(self._options["seed"])

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self._core.duration_ns / NS

    @property
    def counts(self) -> str:
        """`"pinned"`, `"renewal"` or `"servegen"`: what `"profile"` means is resolved."""
        return self._core.counts

    @property
    def coupling(self) -> str:
        """What `"profile"` means is resolved; `"copula"` where fields are correlated."""
        return self._core.coupling

    @property
    def conversations(self) -> bool:
        """Whether requests belong together in sessions."""
        return self._core.conversations

    @property
    def block_size(self) -> int:
        """Tokens of a block of a prompt; 0 where the trace has no `hash_ids`."""
        return self._core.block_size

    @property
    def has_own_block_size(self) -> bool:
        """Whether `block_size` was given, and is not the default."""
        return self._options["block_size"] is not None

    def with_block_size(self, block_size: int) -> Job:
        """The same requests with `hash_ids` of blocks of so many tokens."""
        return _restore(self._pool, {**self._options, "block_size": _block_size(block_size)})

    @property
    def windows(self) -> int:
        """The number of windows."""
        return self._core.windows

    @property
    def window_edges(self) -> npt.NDArray[np.float64]:
        """Starts of the windows and the job's end, in seconds: float64, shape (windows + 1,)."""
        return _edges_of(self._core)

    @property
    def expected(self) -> float:
        """The expected number of requests."""
        return self._core.expected

    @cached_property
    def _count(self) -> int | None:
        return self._core.count()

    def count(self) -> int | None:
        """The exact number of requests; None where only generating tells (`counts="renewal"`, sessions)."""
        return self._count

    @property
    def left_out(self) -> list[str]:
        """Names of the clients that are left out."""
        names = self._pool.client_names
        return [names[client] for client in self._core.left_out]

    @property
    def left_out_share(self) -> float:
        """Their share of the profile's own rate, from 0 to 1."""
        return self._core.left_out_share

    def shards(self, n: int, *, profile: str = "value") -> list[Shard]:
        """The job cut into `n` runs of windows of about equally many expected requests.

        All shards, one after the other, are the trace; each can be pickled and generated on its own, on any
        machine, without what is before it. (Hash ids are numbered through the trace: for a job with them, a
        shard makes what is before it as well, to count, without giving it out.)

        Args:
            n: from 1 to the number of windows.
            profile: how a pickled shard takes the profile with it. `"value"`: its bytes, of a bundled one its
                name; however many shards arrive, a process keeps it once. `"path"`: only the path of the
                `.tide` file that it was loaded from, which must be the same file wherever shards are
                generated.

        Raises:
            ValueError: for another `n`, or `profile="path"` where the profile is not that of a file.
        """
        return make_shards(self, n, profile)

    def by_path(self) -> Job:
        """The same job, whose pool is found `by_path` in other processes; see `ClientPool.by_path`."""
        return _restore(self._pool.by_path(), self._options)

    def stream(self, *, threads: int = 0, batch_size: int = 0) -> Iterator[Batch]:
        """The requests in time order, batch by batch, in bounded memory.

        An open stream holds what its threads have made ahead, with two threads 35 to 210 MB: the more, the
        more requests a window has. Small batches are made in small pieces: 15 to 80 MB for batches of 1,000.
        Whoever opens many streams takes `threads=1` and a `batch_size`.

        It is for one thread at a time, as a generator is. If making requests fails, all before that come
        first, whatever the threads. A daemon thread that still reads when the program ends is left waiting.

        Args:
            threads: 0: all cores.
            batch_size: rows of every batch but the last, or fewer where its lists (items and hash ids) reach
                2^25 values with them; 0: as they are made, without copying.

        Raises:
            ValueError: for a job whose making fails; while another thread reads the stream.
            OSError: if the system starts no more threads.
        """
        check_threads(threads)
        check_whole("batch_size", batch_size)
        return map(Batch.from_core, _core.Stream(self._core, threads=threads, batch_size=batch_size))

    def generate(self, *, threads: int = 0) -> Trace:
        """All requests at once. `threads=0` means all cores."""
        check_threads(threads)
        return Trace.from_core(_core.collect(self._core, threads=threads), self.metadata())

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        hash_ids: bool = True,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> Written:
        """Generate into a file, in bounded memory. It appears under its name only when complete.

        Args:
            path: a name that ends with `/` is a data set, as `write_dataset` makes it with its defaults. Else
                its ending chooses the format (`.parquet`, `.arrow`, `.csv`, `.jsonl`; the last two
                also with `.gz` or `.zst`); `"-"` is standard output.
            format: the format, whatever the ending, or that of another tool: mooncake, mooncake-session,
                bailian, burstgpt, azure, vidur, blis, llmservingsim, splitwise (text, also with `.gz` or
                `.zst`), baseten (`.parquet` or `.arrow`), servegen (a folder).
            hash_ids: for formats that have them, whether they are written: those of the job, with blocks
                as the format expects them unless `block_size` was given, or ids that are used once.
            threads: 0: all cores. The file's bytes do not depend on it.
            progress: called with (rows, bytes) written so far, after every piece.

        Returns:
            The rows and bytes written, and the columns that the format has no place for.

        Raises:
            ValueError: for an unknown format, if there is no request to write, or for a request that the
                format cannot tell, naming its row.
            OSError: if it cannot be written.
        """
        from tracetide.io.writing import Written, write_job

        if os.fspath(path).endswith(("/", os.sep)):
            if format not in (None, "parquet"):
                raise ValueError(f"format: {format!r} is not allowed for a data set; its files are parquet")
            made = self.write_dataset(path, threads=threads, progress=progress)
            return Written(made.rows, made.bytes)
        check_threads(threads)
        return write_job(self, path, format=format, hash_ids=hash_ids, threads=threads, progress=progress)

    def write_dataset(
        self,
        path: str | os.PathLike[str],
        *,
        partition: str | float | None = None,
        resume: bool = False,
        threads: int = 0,
        engine: str = "local",
        address: str | None = None,
        progress: Progress | None = None,
    ) -> DatasetWritten:
        """Generate into a folder of Parquet files, any part of which can be made again on its own.

        The folder is complete when it has `_manifest.json` (the job, and of every part its rows, bytes,
        SHA-256, first and last time) and the empty file `_SUCCESS`. Parts have their names only when they are
        complete, and their bytes depend on the job and the partition alone: not on who writes them, when, how
        often it was interrupted, or with how many threads.

        Args:
            path: a folder, which is made if it is not there, or an address such as `s3://bucket/month`, for
                pyarrow's or fsspec's file systems.
            partition: the seconds of a part, as a number or text such as `"1h"`, `"1d"`; or `"rows=1000000"`.
                By default that of the data set which is resumed, else `"1d"`.
            resume: go on with a data set that was begun: parts that are there and as they were written are
                kept, the others are made.
            threads: 0: all cores.
            engine: who does the work: `"local"`, these threads; `"ray"` or `"dask"`, the workers of a
                cluster, which must see the same folder.
            address: of the cluster; by default the one that is running or configured, else one of this
                machine.
            progress: called with (rows, bytes) so far, those that are kept included.

        Raises:
            ValueError: naming the argument and what is allowed; also for `resume` with another job.
            FileExistsError: if the folder is not empty, without `resume`.
            BlockingIOError: if somebody else is writing it.
            OSError: if it cannot be written.
        """
        from tracetide.job.dataset import write_dataset

        check_threads(threads)
        return write_dataset(
            self,
            path,
            partition=partition,
            resume=resume,
            threads=threads,
            engine=engine,
            address=address,
            progress=progress,
        )

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The requests as a stream of Arrow data, made while it is taken, in bounded memory.

        For everything that takes such: `polars.from_arrow(job)`, `duckdb.sql("from job")`,
        `pyarrow.RecordBatchReader.from_stream(job)`. Every call begins anew. A requested schema is not
        followed, as the interface allows.
        """
        return _core.arrow_job_stream(self._core, json.dumps(self.metadata()))

    def __arrow_c_schema__(self) -> object:
        """The type of its requests."""
        return _core.arrow_job_schema(self._core, json.dumps(self.metadata()))

    def metadata(self) -> dict[str, Any]:
        """All that is needed to make the trace again; every Parquet and Arrow file carries it as JSON.

        It says nothing about threads, machines or the time of day: equal jobs give equal files.
        """
        return {
            "tracetide": __version__,
            "trace_version": _core.trace_version,
            "profile": {
                "name": self._pool.name,
                "sha256": digest_of(self._pool.profile),
                "category": self._pool.category,
            },
            "span": [self._pool.start, self._pool.end],
            "rate": {
                key: self._options[key]
                for key in ("rate", "rate_steps", "rate_points", "scale", "max_rate")
                if key in self._options
            }
            or {"scale": 1.0},
            "duration": self.duration,
            "seed": self.seed,
            "counts": self.counts,
            "coupling": self.coupling,
            **{key: self._options[key] for key in ("correlations",) if key in self._options},
            "missing": self._options["missing"],
            **({"conversations": True} if self.conversations else self._declined()),
            **self._blocks(),
        }

    def _blocks(self) -> dict[str, Any]:
        """Of hash ids: the block size, whether prompts have prefixes, and where the ids of each level end."""
        ends = self._core.prompt_blocks
        declined: dict[str, Any] = (
            {"prefixes": False} if not ends and self._pool.profile.prompt_models() else {}
        )
        if any(self._options["payload_bytes"]):
            declined |= {"payload_bytes": self._options["payload_bytes"]}
        if not self.block_size:
            return declined
        return {"block_size": self.block_size, **declined, **({"prompt_blocks": ends} if ends else {})}

    def _declined(self) -> dict[str, bool]:
        """Said only of a profile that has models of sessions."""
        return {"conversations": False} if self._pool.profile.session_models() else {}

    def __repr__(self) -> str:
        name, seconds = self._pool.name, f"{self.duration:g} s"
        return f"<Job {name}: {self.expected:,.0f} requests expected in {seconds}, seed {self.seed}>"

    def __eq__(self, other: object) -> bool:
        return self.metadata() == other.metadata() if isinstance(other, Job) else NotImplemented

    def __hash__(self) -> int:
        return hash(json.dumps(self.metadata(), sort_keys=True))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._pool, self._options)


def _restore(pool: ClientPool, options: dict[str, Any]) -> Job:
    job = Job.__new__(Job)
    job._pool = pool
    job._options = options
    job._core = job._resolve()
    return job


def _span(pool: ClientPool) -> dict[str, Any]:
    return {} if pool.is_whole else {"span_start": pool.start, "span_end": pool.end}


def _window_edges(pool: ClientPool, duration: float) -> npt.NDArray[np.float64]:
    """Of a job whose rates are still to be asked for: the core refuses a duration that it does not make."""
    return _edges_of(
        _core.Job(
            pool.profile, **_span(pool), duration=duration, rate=1.0, conversations=False, prefixes=False
        )
    )


def _edges_of(core: _core.Job) -> npt.NDArray[np.float64]:
    return core.window_starts_ns / NS


def _choice(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is not allowed; it must be one of {', '.join(allowed)}")
    return value


def _coupling(coupling: str | Mapping[tuple[str, str], float]) -> dict[str, Any]:
    if isinstance(coupling, str):
        return {"coupling": _choice("coupling", coupling, COUPLINGS)}
    if not isinstance(coupling, Mapping) or not coupling:
        raise ValueError(f"coupling: {coupling!r} is not allowed; {_COUPLING_HELP}")
    pairs = []
    for pair, spearman in coupling.items():
        if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(name, str) for name in pair)):
            raise ValueError(f"coupling: {pair!r} is not allowed; {_COUPLING_HELP}")
        try:
            pairs.append((*pair, float(spearman)))
        except (TypeError, ValueError):
            raise ValueError(
                f"coupling: {spearman!r} for {pair!r} is not allowed; it must be a number above -1, below 1"
            ) from None
    return {"coupling": "copula", "correlations": pairs}


def _flag(name: str, value: bool | None) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"{name}: {value!r} is not allowed; it must be True, False or None")
    return value


def _block_size(value: int | None) -> int | None:
    if value is None:
        return None
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if isinstance(value, bool) or not 1 <= number < 2**32:
        raise ValueError(
            f"block_size: {value!r} is not allowed; it must be a whole number of tokens from 1 on"
        )
    return number


def _payload_bytes(given: Mapping[str, float] | None) -> list[float]:
    """Bytes a token by kind; 0 where they are not given."""
    found = dict.fromkeys(("image", "audio", "video"), 0.0)
    if not isinstance(given, Mapping | None) or (given and not given.keys() <= found.keys()):
        raise ValueError(
            f'payload_bytes: {given!r} is not allowed; it must be a mapping such as {{"image": 240}} of '
            "image, audio and video"
        )
    for kind, bytes_per_token in (given or {}).items():
        found[kind] = _real("payload_bytes", bytes_per_token)
        if not 0 < found[kind] <= 1e9:
            raise ValueError(
                f"payload_bytes: {bytes_per_token!r} for {kind!r} is not allowed; it must be a number above "
                "0, at most 1e9"
            )
    return list(found.values())


def _seed(seed: int) -> int:
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number <= _LARGEST_SEED:
        raise ValueError(f"seed: {seed!r} is not allowed; it must be a whole number from 0 to 2^64 - 1")
    return number


def _real(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name}: {value!r} is not allowed; it must be a number above 0") from None
