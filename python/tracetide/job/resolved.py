"""A job as the core knows it: pool and options, resolved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide._version import __version__
from tracetide.base.grid import NS
from tracetide.base.numbers import check_threads, check_whole
from tracetide.job.options import block_size_of
from tracetide.profile.pool import ClientPool
from tracetide.profile.source import digest_of
from tracetide.trace import Batch, Trace

Self = TypeVar("Self", bound="ResolvedJob")


class ResolvedJob:
    """A job's clients and options, and the requests that they make.

    `tracetide.Job` checks the options and adds shards and files, which are made of this.
    """

    def __init__(self, pool: ClientPool, options: dict[str, Any]) -> None:
        """Options are those of the core's job."""
        self._pool = pool
        self._options = options
        self._core = self._resolve()

    def _like(self: Self, pool: ClientPool, options: dict[str, Any]) -> Self:
        """Another one of this class, which warns of nothing."""
        return _restore(type(self), pool, options)

    def _resolve(self) -> _core.Job:
        return _core.Job(self._pool.profile, **_span(self._pool), **self._options)

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

    def with_block_size(self: Self, block_size: int) -> Self:
        """The same requests with `hash_ids` of blocks of so many tokens."""
        return self._like(self._pool, {**self._options, "block_size": block_size_of(block_size)})

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

    def by_path(self: Self) -> Self:
        """The same job, whose pool is found `by_path` in other processes; see `ClientPool.by_path`."""
        return self._like(self._pool.by_path(), self._options)

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
            **({"modulation": self._options["modulation"]} if self._options["modulation"] != 1 else {}),
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
        return self.metadata() == other.metadata() if isinstance(other, ResolvedJob) else NotImplemented

    def __hash__(self) -> int:
        return hash(json.dumps(self.metadata(), sort_keys=True))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self._pool, self._options)


def window_edges_of(pool: ClientPool, duration: float) -> npt.NDArray[np.float64]:
    """Of a job whose rates are still to be asked for: the core refuses a duration that it does not make."""
    return _edges_of(
        _core.Job(
            pool.profile, **_span(pool), duration=duration, rate=1.0, conversations=False, prefixes=False
        )
    )


def _span(pool: ClientPool) -> dict[str, Any]:
    return {} if pool.is_whole else {"span_start": pool.start, "span_end": pool.end}


def _edges_of(core: _core.Job) -> npt.NDArray[np.float64]:
    return core.window_starts_ns / NS


def _restore(kind: type[Self], pool: ClientPool, options: dict[str, Any]) -> Self:
    job = kind.__new__(kind)
    ResolvedJob.__init__(job, pool, options)
    return job
