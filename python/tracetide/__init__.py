"""Realistic request traces for benchmarking LLM serving, client by client.

    import tracetide as tt

    trace = tt.generate(tt.load("m-small"), rate=100, duration="1h", seed=0)

The work is done by the C++ core; these modules say what it should do and carry its results on.
"""

from typing import TYPE_CHECKING, Any

from tracetide.address_space import check_address_space

check_address_space()  # before anything that needs much of it is imported

from tracetide._core import trace_version as TRACE_VERSION
from tracetide._version import __version__
from tracetide.characterize import characterize
from tracetide.clientpool import ClientPool, load
from tracetide.columns import NO_SESSION, ListColumn
from tracetide.compare import compare
from tracetide.distributions import (
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
from tracetide.errors import (
    EmptyRequestWarning,
    FlattenedRateWarning,
    IdleWindowWarning,
    MissingDataWarning,
    MissingPackageError,
    ProfileError,
    TraceError,
    TracetideWarning,
)
from tracetide.fit import fit, fit_with_report
from tracetide.generate import generate, stream
from tracetide.handmade import Client, Daily, Linear, RateCurve, Spike, Steps, Weekly
from tracetide.job import Job
from tracetide.paths import get_cmake_dir, get_include
from tracetide.report import report
from tracetide.shards import Shard
from tracetide.trace import Batch, Trace

if TYPE_CHECKING:
    from tracetide import provision
    from tracetide.characterize import Characterization
    from tracetide.compare import TraceComparison
    from tracetide.conversion import convert
    from tracetide.dataset import DatasetWritten
    from tracetide.pacing import pace, pace_async
    from tracetide.prefixes import PrefixStatistics, prefix_statistics
    from tracetide.prompts import Prefixes, PromptLevel
    from tracetide.readers import TraceScan, read, scan
    from tracetide.report import Report
    from tracetide.sessions import ServiceTime, Sessions, SubAgent, Tool, User, agents, conversations
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
    "Distribution",
    "EmptyRequestWarning",
    "Exponential",
    "FlattenedRateWarning",
    "Gamma",
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
    "DatasetWritten": "tracetide.dataset",
    "Characterization": "tracetide.characterize",
    "PrefixStatistics": "tracetide.prefixes",
    "Prefixes": "tracetide.prompts",
    "PromptLevel": "tracetide.prompts",
    "Report": "tracetide.report",
    "ServiceTime": "tracetide.sessions",
    "Sessions": "tracetide.sessions",
    "SubAgent": "tracetide.sessions",
    "Tool": "tracetide.sessions",
    "TraceComparison": "tracetide.compare",
    "TraceScan": "tracetide.readers",
    "User": "tracetide.sessions",
    "ValidationReport": "tracetide.validation",
    "agents": "tracetide.sessions",
    "compare_upsampling": "tracetide.upsampling",
    "conversations": "tracetide.sessions",
    "convert": "tracetide.conversion",
    "pace": "tracetide.pacing",
    "pace_async": "tracetide.pacing",
    "prefix_statistics": "tracetide.prefixes",
    "read": "tracetide.readers",
    "scan": "tracetide.readers",
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
