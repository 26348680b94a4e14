"""Realistic request traces for benchmarking LLM serving, client by client.

    import tracetide as tt

    trace = tt.generate(tt.load("m-small"), rate=100, duration="1h", seed=0)

The work is done by the C++ core; these modules say what it should do and carry its results on.
"""

from typing import TYPE_CHECKING, Any

from tracetide.base.address_space import check_address_space

check_address_space()  # before anything that needs much of it is imported

from tracetide._core import trace_version as TRACE_VERSION
from tracetide._version import __version__
from tracetide.base.errors import (
    DispersionWarning,
    EmptyRequestWarning,
    FlattenedRateWarning,
    IdleWindowWarning,
    MissingDataWarning,
    MissingPackageError,
    ProfileError,
    TraceError,
    TracetideWarning,
)
from tracetide.base.paths import get_cmake_dir, get_include
from tracetide.characterize import characterize
from tracetide.columns import NO_SESSION, ListColumn
from tracetide.compare import compare
from tracetide.fit import fit, fit_with_report
from tracetide.job import Job
from tracetide.job.generate import generate, stream
from tracetide.job.shards import Shard
from tracetide.profile.distributions import (
    AliasTable,
    Constant,
    Distribution,
    Exponential,
    Gamma,
    LogNormal,
    Mixture,
    Pareto,
    QuantileTable,
    Uniform,
    Weibull,
    Zipf,
)
from tracetide.profile.gap_table import GapTable
from tracetide.profile.handmade import Client, Daily, Linear, RateCurve, Spike, Steps, Weekly
from tracetide.profile.load import load
from tracetide.profile.pool import ClientPool
from tracetide.profile.rate_noise import RateNoise
from tracetide.report import report
from tracetide.trace import Batch, Trace

if TYPE_CHECKING:
    from tracetide import provision
    from tracetide.characterize import Characterization
    from tracetide.compare import TraceComparison
    from tracetide.conversion import convert
    from tracetide.io.reading import TraceScan, scan
    from tracetide.job.dataset import DatasetWritten
    from tracetide.job.pacing import pace, pace_async
    from tracetide.measures.prefixes import PrefixStatistics, prefix_statistics
    from tracetide.profile.prompts import Prefixes, PromptLevel
    from tracetide.profile.sessions import ServiceTime, Sessions, SubAgent, Tool, User, agents, conversations
    from tracetide.report import Report
    from tracetide.trace.read import read
    from tracetide.upsampling import compare_upsampling, upsample
    from tracetide.validation import ValidationReport, validate

__all__ = [
    "NO_SESSION",
    "TRACE_VERSION",
    "AliasTable",
    "Batch",
    "Characterization",
    "Client",
    "ClientPool",
    "Constant",
    "Daily",
    "DatasetWritten",
    "DispersionWarning",
    "Distribution",
    "EmptyRequestWarning",
    "Exponential",
    "FlattenedRateWarning",
    "Gamma",
    "GapTable",
    "IdleWindowWarning",
    "Job",
    "Linear",
    "ListColumn",
    "LogNormal",
    "MissingDataWarning",
    "MissingPackageError",
    "Mixture",
    "Pareto",
    "PrefixStatistics",
    "Prefixes",
    "ProfileError",
    "PromptLevel",
    "QuantileTable",
    "RateCurve",
    "RateNoise",
    "Report",
    "ServiceTime",
    "Sessions",
    "Shard",
    "Spike",
    "Steps",
    "SubAgent",
    "Tool",
    "Trace",
    "TraceComparison",
    "TraceError",
    "TraceScan",
    "TracetideWarning",
    "Uniform",
    "User",
    "ValidationReport",
    "Weekly",
    "Weibull",
    "Zipf",
    "__version__",
    "agents",
    "characterize",
    "compare",
    "compare_upsampling",
    "conversations",
    "convert",
    "fit",
    "fit_with_report",
    "generate",
    "get_cmake_dir",
    "get_include",
    "load",
    "pace",
    "pace_async",
    "prefix_statistics",
    "provision",
    "read",
    "report",
    "scan",
    "stream",
    "upsample",
    "validate",
]

_LAZY = {
    "DatasetWritten": "tracetide.job.dataset",
    "Characterization": "tracetide.characterize",
    "PrefixStatistics": "tracetide.measures.prefixes",
    "Prefixes": "tracetide.profile.prompts",
    "PromptLevel": "tracetide.profile.prompts",
    "Report": "tracetide.report",
    "ServiceTime": "tracetide.profile.sessions",
    "Sessions": "tracetide.profile.sessions",
    "SubAgent": "tracetide.profile.sessions",
    "Tool": "tracetide.profile.sessions",
    "TraceComparison": "tracetide.compare",
    "TraceScan": "tracetide.io.reading",
    "User": "tracetide.profile.sessions",
    "ValidationReport": "tracetide.validation",
    "agents": "tracetide.profile.sessions",
    "compare_upsampling": "tracetide.upsampling",
    "conversations": "tracetide.profile.sessions",
    "convert": "tracetide.conversion",
    "pace": "tracetide.job.pacing",
    "pace_async": "tracetide.job.pacing",
    "prefix_statistics": "tracetide.measures.prefixes",
    "read": "tracetide.trace.read",
    "scan": "tracetide.io.reading",
    "upsample": "tracetide.upsampling",
    "validate": "tracetide.validation",
}
"""Names whose modules import pyarrow or more, which `import tracetide` does not wait for."""


_LAZY_MODULES = ("provision",)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _LAZY_MODULES:
        return import_module(f"tracetide.{name}")
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_LAZY_MODULES})
