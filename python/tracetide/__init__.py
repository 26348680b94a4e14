"""Realistic request traces for benchmarking LLM serving, client by client.

    import tracetide as tt

    trace = tt.generate(tt.load("m-small"), rate=100, duration="1h", seed=0)

The work is done by the C++ core; these modules say what it should do and carry its results on.
"""

from tracetide._core import trace_version as TRACE_VERSION
from tracetide._version import __version__
from tracetide.clientpool import ClientPool, load
from tracetide.columns import ListColumn
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
from tracetide.errors import IdleWindowWarning, MissingDataWarning, ProfileError
from tracetide.generate import generate, stream
from tracetide.job import Job
from tracetide.trace import Batch, Trace

__all__ = [
    "TRACE_VERSION",
    "AliasTable",
    "Batch",
    "ClientPool",
    "Constant",
    "Distribution",
    "Exponential",
    "Gamma",
    "IdleWindowWarning",
    "Job",
    "ListColumn",
    "LogNormal",
    "MissingDataWarning",
    "Mixture",
    "Pareto",
    "ProfileError",
    "QuantileTable",
    "Trace",
    "Uniform",
    "Weibull",
    "Zipf",
    "__version__",
    "generate",
    "load",
    "stream",
]
