"""Types of the extension module."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

COLUMNS: tuple[tuple[str, str, str, str, bool], ...]
"""Of native traces, in their order in files: name, kind (real, u16, u32, u64 or list), which jobs have it
("", which is all; reason or multimodal; sessions, hash_ids or payload_bytes), unit, and whether values may
be missing.
"""
NO_SESSION: int
CATEGORY_FIELDS: dict[str, tuple[str, ...]]
FAMILIES: tuple[str, ...]
COUNTS: tuple[str, ...]
ITEM_KINDS: tuple[str, ...]
MISSING: int

class ProfileError(ValueError): ...

class Profile:
    @staticmethod
    def open(path: str) -> Profile: ...
    @staticmethod
    def from_bytes(image: bytes, origin: str = "<memory>") -> Profile: ...
    @staticmethod
    def read_servegen(folder: str, threads: int = 0) -> Profile: ...
    def to_bytes(self) -> bytes: ...
    def write(self, path: str) -> None: ...
    @property
    def category(self) -> str: ...
    @property
    def default_counts(self) -> str: ...
    @property
    def metadata(self) -> str: ...
    @property
    def fields(self) -> list[str]: ...
    @property
    def clients(self) -> int: ...
    @property
    def client_names(self) -> list[str]: ...
    @property
    def window_ns(self) -> int: ...
    @property
    def windows(self) -> int: ...
    @property
    def epoch_ns(self) -> int: ...
    @property
    def epochs(self) -> int: ...
    @property
    def period_ns(self) -> int: ...
    @property
    def distributions(self) -> int: ...
    def cells(self) -> dict[str, npt.NDArray[Any]]:
        """All active windows: `window`, `client` uint32, `rate`, `shape`, `cv` float64, `family` uint8."""
    def recorded(self, epoch: int, client: int, field: str) -> int | None: ...
    def resolved(self, epoch: int, client: int, field: str) -> int | None: ...
    def ids(self, resolved: bool) -> npt.NDArray[np.uint32]:
        """Distributions by epoch, client and field, or `MISSING`."""
    def distribution(self, id: int) -> dict[str, Any]:
        """`kind` ("integer_pmf", "real_pmf", "quantiles", "bins"), `values`, `probabilities` (all but
        quantiles), `minimum`, `maximum`. Bin i holds the whole numbers from values[i] to before
        values[i + 1], the last one to `maximum`.
        """
    def statistics(self, p: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
        """Of every distribution: `mean`, `minimum`, `maximum`; `quantiles` at the probabilities `p`."""
    def with_cells(self, keep: npt.NDArray[np.bool_]) -> Profile:
        """The same profile with only those of its cells(), one flag each."""
    def with_gaps(self, family: int, shape: float, cv: float) -> Profile:
        """The same profile with gaps of one law in every window: 0 Exponential, 1 Gamma, 2 Weibull."""
    def gap_tables(self) -> list[tuple[int, npt.NDArray[np.float64]]]:
        """Of every table the first bin and the probabilities; cells of the family Table have its number as
        their shape.
        """
    def rate_noise(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint32]]:
        """By client, `rho` and `levels` of the noise of its rate inside windows."""
    def correlations(self) -> dict[str, npt.NDArray[Any]]:
        """`client` uint32, `field_a`, `field_b` uint8 (positions in `fields`), `spearman` float64."""
    def session_models(self) -> list[dict[str, Any]]:
        """Each as `ProfileBuilder.add_session_model` takes it, with its steps as `steps`."""
    def client_sessions(self) -> npt.NDArray[np.uint32]:
        """The number of each client's model of sessions, or `MISSING`."""
    def without_sessions(self) -> Profile: ...
    def prompt_models(self) -> list[dict[str, Any]]:
        """Each with `share` and `levels`, of (exponent, prompts, distribution of the tokens) each."""
    def client_prompts(self) -> npt.NDArray[np.uint32]:
        """The number of each client's model of prompts, or `MISSING`."""
    def without_prompts(self) -> Profile: ...

class ProfileBuilder:
    def __init__(
        self,
        category: str,
        *,
        window_ns: int,
        windows: int,
        epoch_ns: int,
        epochs: int,
        default_counts: str,
        metadata: str,
    ) -> None: ...
    def add_client(self, name: str) -> int: ...
    def repeat_client(self, names: Sequence[str]) -> None: ...
    def add_cells(
        self,
        client: int,
        windows: npt.NDArray[np.uint32],
        rates: npt.NDArray[np.float64],
        shapes: npt.NDArray[np.float64],
        cvs: npt.NDArray[np.float64],
        families: npt.NDArray[np.uint8],
    ) -> None: ...
    def add_gap_table(self, first_bin: int, probabilities: npt.NDArray[np.float64]) -> int:
        """Bin i has gaps from 2^((first_bin + i)/16) on, in any unit; the number of the table."""
    def set_rate_noise(self, client: int, rho: float, levels: int) -> None: ...
    def add_integer_pmf(
        self, values: npt.NDArray[np.uint32], probabilities: npt.NDArray[np.float64]
    ) -> int: ...
    def add_real_pmf(
        self, values: npt.NDArray[np.float64], probabilities: npt.NDArray[np.float64]
    ) -> int: ...
    def add_quantiles(self, quantiles: npt.NDArray[np.float64], minimum: float, maximum: float) -> int: ...
    def add_bins(
        self, values: npt.NDArray[np.uint32], probabilities: npt.NDArray[np.float64], maximum: float
    ) -> int: ...
    def set_fields(self, client: int, ids: npt.NDArray[np.uint32]) -> None:
        """Distributions by epoch and field; `MISSING` leaves one as it is."""
    def set_correlation(self, client: int, field_a: str, field_b: str, spearman: float) -> None: ...
    @property
    def session_models(self) -> int:
        """How many have been added."""
    def add_session_model(self, model: dict[str, Any], steps: Sequence[dict[str, Any]]) -> int:
        """`persistence` of the model, (share, memory) by field, and `wait_output` and `wait_tokens` of its
        steps may be left out.
        """
    def set_session(self, client: int, model: int) -> None: ...
    def add_prompt_model(self, share: float, levels: Sequence[tuple[float, int, int]]) -> int: ...
    def set_prompts(self, client: int, model: int) -> None: ...
    def copy_models(self, profile: Profile) -> None:
        """The models of sessions and prompts of a profile with as many clients, for the client of the same
        number each.
        """
    def add_clients(
        self,
        profile: Profile,
        clients: npt.NDArray[np.uint32],
        names: Sequence[str],
        rate_factors: npt.NDArray[np.float64],
    ) -> int:
        """Copies of clients, which may repeat, of a profile on the same grid; the number of the first."""
    def set_field(self, epoch: int, client: int, field: str, distribution: int) -> None: ...
    def build(self) -> Profile: ...

class Job:
    def __init__(
        self,
        profile: Profile,
        *,
        rate: float | None = None,
        rate_steps: Sequence[float] | None = None,
        rate_points: Sequence[tuple[float, float]] | None = None,
        scale: float | None = None,
        max_rate: float | None = None,
        span_start: float | None = None,
        span_end: float | None = None,
        duration: float | None = None,
        seed: int = 0,
        counts: str = "profile",
        coupling: str = "profile",
        missing: str = "nearest",
        correlations: Sequence[tuple[str, str, float]] = (),
        conversations: bool | None = None,
        prefixes: bool | None = None,
        block_size: int | None = None,
        modulation: float = 1.0,
        payload_bytes: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> None: ...
    @property
    def block_size(self) -> int:
        """Tokens of a block of a prompt; 0: no hash ids."""
    @property
    def prompt_blocks(self) -> list[int]:
        """Ends of the hash ids of system prompts, by level."""
    @property
    def conversations(self) -> bool: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def counts(self) -> str: ...
    @property
    def coupling(self) -> str: ...
    @property
    def duration_ns(self) -> int: ...
    @property
    def windows(self) -> int: ...
    @property
    def window_starts_ns(self) -> npt.NDArray[np.int64]:
        """Starts of the job's windows, and the job's end: `windows + 1` entries."""
    @property
    def expected(self) -> float: ...
    def window_factors(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float64]]:
        """Of every window, that of the profile and the factor on its clients' rates."""
    def count(self) -> int | None: ...
    def window_expected(self) -> npt.NDArray[np.float64]:
        """Of every window, the expected number of requests."""
    def window_counts(self) -> npt.NDArray[np.uint64] | None:
        """Of every window, the exact number of requests, where `count` knows it."""
    @property
    def left_out(self) -> list[int]: ...
    @property
    def left_out_share(self) -> float: ...
    @property
    def empty_windows(self) -> int: ...

class Batch:
    """Columns of consecutive requests. The arrays are read-only views that keep the batch alive."""

    def __len__(self) -> int: ...
    @property
    def first_request(self) -> int: ...
    @property
    def category(self) -> str: ...
    @property
    def names(self) -> list[str]:
        """Column names, in the order of a native trace."""
    def column(self, name: str) -> npt.NDArray[Any] | tuple[npt.NDArray[np.int32], npt.NDArray[np.uint32]]:
        """An array, or (offsets, values) of a list column."""

class Stream:
    """Iterator of batches. Waits without the GIL and honours signals."""

    def __init__(
        self,
        job: Job,
        *,
        threads: int = 0,
        batch_size: int = 0,
        kernels: str = "",
        first_window: int = 0,
        last_window: int | None = None,
        first_request: int = 0,
    ) -> None:
        """Of windows first_window .. last_window - 1 only, as in the whole job.

        `Batch.first_request` counts from `first_request`.
        """
    def __iter__(self) -> Stream: ...
    def __next__(self) -> Batch: ...

class TextStream:
    """Iterator of formatted text, made on the worker threads; each item is `(rows, text)`.

    The text is a read-only view of bytes; let go of it soon, its memory is reused.
    """

    def __init__(
        self,
        job: Job,
        *,
        format: str,
        hash_ids: str = "fill",
        threads: int = 0,
        kernels: str = "",
        first_window: int = 0,
        last_window: int | None = None,
    ) -> None:
        """Native formats may be of windows first_window .. last_window - 1 only."""
    @property
    def rows_without_tokens(self) -> int:
        """As of `RowWriter`, when the end has been reached."""
    @property
    def split_turns(self) -> int:
        """As of `RowWriter`, when the end has been reached."""
    def __iter__(self) -> TextStream: ...
    def __next__(self) -> tuple[int, memoryview]: ...

class TextChunk:
    """Bytes, through the buffer protocol."""

    def __buffer__(self, flags: int, /) -> memoryview: ...

class RowWriter:
    """Rows of arrays in a text format of another tool; what it writes may depend on the rows before.

    Columns are pairs of a native name and a kind: real, u16, u32, u64, i64 (its bits as uint64), list or
    text. A list is a pair of offsets (int32) and values (uint32), a text of offsets and bytes (uint8).
    """

    def __init__(
        self,
        format: str,
        columns: Sequence[tuple[str, str]],
        *,
        hash_ids: str = "fill",
        block_size: int = 0,
    ) -> None: ...
    @property
    def header(self) -> bytes: ...
    @property
    def left_out(self) -> list[str]: ...
    @property
    def rows_without_tokens(self) -> int:
        """Rows written so far without input or output, where the format wants at least 1: they have 1."""
    @property
    def split_turns(self) -> int:
        """Turns so far that begin a session of their own, as they cannot be told as what they add."""
    def write(self, rows: int, columns: list[Any]) -> TextChunk: ...
    def finish(self) -> TextChunk: ...

def columns_of(job: Job) -> list[tuple[str, str]]:
    """Names and kinds of a job's columns, as of `RowWriter`."""

def left_out(job: Job, *, format: str, hash_ids: str = "fill") -> list[str]:
    """Columns that a text format of another tool does not tell, or only in part."""

def text_header(job: Job, format: str, hash_ids: str = "fill") -> bytes:
    """What precedes the rows: the CSV header line, or nothing for JSON lines."""

class PacedRequest:
    """A request when it is due. Further columns of its job are attributes as well."""

    @property
    def number(self) -> int:
        """Its position in the job."""
    @property
    def timestamp(self) -> float:
        """In seconds, of the job."""
    @property
    def due(self) -> float:
        """In seconds of the clock, since the start."""
    @property
    def late(self) -> float:
        """Seconds from `due` until it was handed out."""
    @property
    def client_id(self) -> int: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    def __getattr__(self, name: str) -> Any: ...

class PacedStream:
    """Requests of a job in step with a clock; see `tracetide.pace`."""

    def __init__(self, job: Job, *, speed: float = 1.0, threads: int = 0, ahead: int = 4) -> None: ...
    def next_due(self, now: float) -> list[PacedRequest]:
        """Those due at `now`, in seconds since the start, at most the rest of a batch."""
    def next_time(self) -> float:
        """When the next is due; infinity behind the last, 0 while it is not made yet."""
    def done(self) -> bool: ...
    @property
    def starved(self) -> int: ...

def arrow_array(
    columns: list[tuple[str, str, bool, Any]], rows: int, metadata: str = ""
) -> tuple[object, object]:
    """PyCapsules of the schema and the array of columns, each (name, Arrow format, nullable, values)."""

def arrow_table_stream(
    columns: list[tuple[str, str, bool, Any]], rows: int, metadata: str = ""
) -> object: ...
def arrow_job_stream(
    job: Job,
    metadata: str,
    *,
    threads: int = 0,
    batch_size: int = 0,
    first_window: int = 0,
    last_window: int | None = None,
) -> object: ...
def arrow_job_schema(job: Job, metadata: str) -> object: ...
def collect(
    job: Job, *, threads: int = 0, kernels: str = "", first_window: int = 0, last_window: int | None = None
) -> Batch:
    """All requests of a job, or of some of its windows, as one batch."""

def kernel_levels() -> list[str]: ...

class Law:
    @property
    def dtype(self) -> str: ...
    def mean(self) -> float: ...
    def cdf(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]: ...
    def sample(self, out: npt.NDArray[Any], seed: int, stream: int, kernels: str = "") -> None: ...

class Exponential(Law):
    def __init__(self, mean: float) -> None: ...
    def quantile(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]: ...

class Gamma(Law):
    def __init__(self, shape: float, scale: float) -> None: ...

class Weibull(Law):
    def __init__(self, shape: float, scale: float) -> None: ...
    @staticmethod
    def with_mean(shape: float, mean: float) -> Weibull: ...
    @property
    def scale(self) -> float: ...
    def quantile(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]: ...

class Pareto(Law):
    def __init__(self, alpha: float, minimum: float) -> None: ...
    def quantile(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]: ...

class LogNormal(Law):
    def __init__(self, mu: float, sigma: float) -> None: ...
    @staticmethod
    def with_mean(mean: float, sigma: float) -> LogNormal: ...
    @staticmethod
    def with_median(median: float, sigma: float) -> LogNormal: ...
    @staticmethod
    def with_mean_and_median(mean: float, median: float) -> LogNormal: ...
    @property
    def mu(self) -> float: ...
    @property
    def sigma(self) -> float: ...

class Uniform(Law):
    def __init__(self, low: float, high: float) -> None: ...
    def quantile(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]: ...

class Constant(Law):
    def __init__(self, value: float) -> None: ...
    def quantile(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]: ...

class Zipf(Law):
    def __init__(self, exponent: float, maximum: int | None) -> None: ...

class Pmf(Law):
    @property
    def values(self) -> npt.NDArray[np.float64]: ...
    @property
    def probabilities(self) -> npt.NDArray[np.float64]: ...
    def quantile(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]: ...

class AliasTable(Pmf):
    """Values of uint32 are drawn as uint32, those of float64 as float64."""

    def __init__(self, values: npt.NDArray[Any], probabilities: npt.NDArray[np.float64]) -> None: ...

class QuantileTable(Pmf):
    """As AliasTable."""

    def __init__(self, values: npt.NDArray[Any], probabilities: npt.NDArray[np.float64]) -> None: ...

class Mixture(Law):
    def __init__(self, components: Sequence[tuple[float, Law]]) -> None: ...

def bins(law: Law, minimum: int, maximum: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float64], int]:
    """The law rounded half up and clamped, as bins: first numbers, probabilities, and the last number."""

def quantiles(law: Law, count: int, minimum: float, maximum: float) -> npt.NDArray[np.float64]:
    """The quantile function at k / (count - 1), clamped."""

class PrefixCache:
    """Hits of prefix caches of given sizes, in one pass."""

    def __init__(self, sizes: Sequence[int]) -> None: ...
    def add(self, offsets: npt.NDArray[np.int32], blocks: npt.NDArray[np.uint32]) -> None: ...
    def result(self) -> dict[str, Any]:
        """`requests`, `blocks`, `different_blocks`, `hits`, `hits_by_size`, `distances` by digits."""

class CostModel:
    def __init__(
        self,
        *,
        base_s: float,
        prefill_token_s: float,
        prefill_pair_s: float,
        decode_sequence_s: float,
        context_token_s: float,
    ) -> None: ...

class InstanceOptions:
    def __init__(
        self,
        *,
        cost: CostModel,
        kv_tokens: int,
        max_batch_tokens: int,
        max_sequences: int,
        chunked_prefill: bool,
    ) -> None: ...

class LatencyHistogram:
    """Seconds; NaN of nothing."""

    @property
    def count(self) -> int: ...
    @property
    def mean(self) -> float: ...
    @property
    def min(self) -> float: ...
    @property
    def max(self) -> float: ...
    def quantile(self, q: float) -> float: ...

class ServingResult:
    @property
    def requests(self) -> int: ...
    @property
    def rejected(self) -> int: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def preemptions(self) -> int: ...
    @property
    def recomputed_tokens(self) -> int: ...
    @property
    def iterations(self) -> int: ...
    @property
    def peak_kv_tokens(self) -> int: ...
    @property
    def end(self) -> float: ...
    @property
    def busy(self) -> float: ...
    @property
    def ttft(self) -> LatencyHistogram: ...
    @property
    def tbt(self) -> LatencyHistogram: ...
    @property
    def tpot(self) -> LatencyHistogram: ...
    @property
    def latency(self) -> LatencyHistogram: ...
    def served(self) -> dict[str, npt.NDArray[Any]]:
        """`request`, `instance`, `preemptions`, `arrival`, `first_token`, `end`; seconds."""

class ServingSimulator:
    """Serves requests in the order of their times."""

    def __init__(
        self,
        instance: InstanceOptions,
        *,
        instances: int = 1,
        routing: str = "round-robin",
        closed_loop: bool = False,
        keep_requests: bool = False,
    ) -> None: ...
    def add(
        self,
        timestamp: npt.NDArray[np.float64],
        input_tokens: npt.NDArray[np.uint32],
        output_tokens: npt.NDArray[np.uint32],
        session_id: npt.NDArray[np.uint64] | None = None,
        delay: npt.NDArray[np.float64] | None = None,
    ) -> None: ...
    def finish(self) -> ServingResult: ...

trace_version: int
