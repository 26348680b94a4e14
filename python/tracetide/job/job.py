"""A job: everything that determines a trace."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tracetide.base.durations import parse_duration
from tracetide.base.errors import IdleWindowWarning, MissingDataWarning, outside
from tracetide.base.numbers import check_threads
from tracetide.base.vocabulary import COUNTS
from tracetide.job.options import (
    MISSING,
    block_size_of,
    choice,
    coupling_options,
    flag,
    modulation_of,
    payload_bytes_of,
    real,
    seed_of,
)
from tracetide.job.rates import Rate, rate_options
from tracetide.job.resolved import ResolvedJob, window_edges_of
from tracetide.job.shards import Shard, make_shards
from tracetide.profile.flattened import warn_of_points
from tracetide.profile.pool import ClientPool

if TYPE_CHECKING:
    from tracetide.io.writing import Format, Progress, Written
    from tracetide.job.dataset import DatasetWritten

_CELLS_TO_COUNT = 20_000_000


class Job(ResolvedJob):
    """Pool, target rate, duration, options and seed. Immutable; the same job gives the same trace.

    Args:
        pool: the clients.
        rate: total requests per second over the job's time, as one of

            - a number;
            - a mapping {time: rate}: from that time on, until the next; the first time is 0 (seconds, or
              text as for `ClientPool.span`);
            - an array with one rate per window of the job;
            - a list of (time, rate) points, linear in between and constant outside;
            - a function of the time in seconds, looked at where it bends, to a thousandth of its highest.

            Points, mappings and functions are followed inside the windows of the profile too, however short
            their changes are: the number of requests of a window is that of its mean rate, and where they
            fall in it follows the curve, exactly in expectation. Only `counts="servegen"` cannot, and warns.

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
        modulation: a factor from 0 to 1 on the `rho` of every client's `tracetide.RateNoise`; 0 keeps rates
            constant inside windows.
        payload_bytes: bytes that stand for a token, by kind of item, such as {"image": 240}: adds the columns
            `image_bytes`, `audio_bytes` or `video_bytes`, the bytes of every item, to be downloaded and
            decoded. For multimodal profiles only.

    Raises:
        ValueError: naming the argument, the value and what is allowed; also for a job with no requests.
        ProfileError: for what `missing="error"` refuses.

    Warns:
        MissingDataWarning: if clients are left out, with their share of the rate.
        IdleWindowWarning: if a rate is asked for in windows where no client is active.
        FlattenedRateWarning: with `counts="servegen"`, if the rate moves within a window by more than a tenth
            of its highest.
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
        modulation: float = 1.0,
        payload_bytes: Mapping[str, float] | None = None,
    ) -> None:
        if not isinstance(pool, ClientPool):
            raise TypeError(f"pool: {pool!r} is not allowed; it must be a ClientPool, as from tracetide.load")
        seconds = pool.duration if duration is None else parse_duration(duration)
        options: dict[str, Any] = {
            "duration": seconds,
            "seed": seed_of(seed),
            "counts": choice("counts", counts, COUNTS),
            **coupling_options(coupling),
            "missing": choice("missing", missing, MISSING),
            "conversations": flag("conversations", conversations),
            "prefixes": flag("prefixes", prefixes),
            "block_size": block_size_of(block_size),
            "modulation": modulation_of(modulation),
            "payload_bytes": payload_bytes_of(payload_bytes),
        }
        given = {"rate": rate, "scale": scale, "max_rate": max_rate}
        names = [name for name, value in given.items() if value is not None]
        if len(names) > 1:
            raise ValueError(f"{' and '.join(names)}: at most one of rate, scale and max_rate may be given")
        if rate is not None:
            options |= rate_options(rate, lambda: window_edges_of(pool, seconds))
        else:
            options |= {name: real(name, given[name]) for name in names}
        super().__init__(pool, options)
        self._warn()
        if self.counts == "servegen" and "rate_points" in options:
            warn_of_points(pool, self.duration, options["rate_points"])

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
            format: the format, whatever the ending, or that of another tool, as in docs/formats.md: text
                (also with `.gz` or `.zst`) but for baseten (`.parquet` or `.arrow`) and servegen (a folder).
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
        from tracetide.io.writing import Written, format_of, write_source
        from tracetide.io.writing.base import ToolOptions
        from tracetide.job.source import GeneratedSource, no_requests

        if os.fspath(path).endswith(("/", os.sep)):
            if format not in (None, "parquet"):
                raise ValueError(f"format: {format!r} is not allowed for a data set; its files are parquet")
            made = self.write_dataset(path, threads=threads, progress=progress)
            return Written(made.rows, made.bytes)
        check_threads(threads)
        chosen = format_of(path, format)
        if chosen.container == "servegen":
            from tracetide.profile.servegen_folder import write_folder

            return write_folder(self._core, (self._pool.start, self._pool.end), path)
        if self.windows * len(self._pool) <= _CELLS_TO_COUNT and self.count() == 0:
            raise ValueError(no_requests(self._core))
        job = self._with_blocks_for(chosen) if hash_ids else self
        source = GeneratedSource(job.core, job.metadata(), threads)
        return write_source(source, chosen, ToolOptions(hash_ids, job.block_size), path, threads, progress)

    def _with_blocks_for(self, format: Format) -> Job:
        """The same job with the hash ids that a format expects, where it was not said which it has."""
        wanted = format.block_size
        if not wanted or self.has_own_block_size:
            return self
        if format.container.startswith("baseten") and not self.block_size:
            return self  # they are optional there, and ids that are never seen again would tell nothing
        return self.with_block_size(wanted)

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
