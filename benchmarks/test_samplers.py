"""How fast are single laws, and how fast is NumPy's Generator at them?

pytest benchmarks/test_samplers.py --benchmark-group-by=group --benchmark-columns=min,median,ops

One thread, one million values a round into memory that is used again; NumPy too where it takes `out=`.
Read the ratios inside a group, of minima: machines are shared.
"""

from collections.abc import Callable

import numpy as np
import pytest
import tracetide as tt

N = 1_000_000
VALUES = np.arange(1, 4097)
PROBABILITIES = 1 / VALUES / (1 / VALUES).sum()

Draw = Callable[[np.random.Generator, np.ndarray], np.ndarray]

LAWS: dict[str, tuple[tt.Distribution, Draw]] = {
    "alias table, 4,096 values": (
        tt.AliasTable(VALUES, PROBABILITIES),
        lambda rng, _: rng.choice(VALUES, p=PROBABILITIES, size=N),
    ),
    "quantile table, 4,096 values": (
        tt.QuantileTable(VALUES, PROBABILITIES),
        lambda rng, _: rng.choice(VALUES, p=PROBABILITIES, size=N),
    ),
    "exponential": (tt.Exponential(), lambda rng, out: rng.standard_exponential(N, out=out)),
    "gamma 0.05": (tt.Gamma(0.05), lambda rng, out: rng.standard_gamma(0.05, N, out=out)),
    "gamma 0.5": (tt.Gamma(0.5), lambda rng, out: rng.standard_gamma(0.5, N, out=out)),
    "gamma 2": (tt.Gamma(2), lambda rng, out: rng.standard_gamma(2, N, out=out)),
    "weibull 0.7": (tt.Weibull(0.7), lambda rng, _: rng.weibull(0.7, N)),
    "pareto 1.5": (tt.Pareto(1.5), lambda rng, _: rng.pareto(1.5, N)),
    "log-normal": (tt.LogNormal(1, 0.5), lambda rng, _: rng.lognormal(1, 0.5, N)),
    "zipf 1.5": (tt.Zipf(1.5), lambda rng, _: rng.zipf(1.5, N)),
    "uniform": (tt.Uniform(), lambda rng, out: rng.random(N, out=out)),
    "mixture of an exponential and a log-normal": (
        tt.Mixture([(0.7, tt.Exponential(300)), (0.3, tt.LogNormal(1, 0.5))]),
        lambda rng, _: np.where(rng.random(N) < 0.7, rng.exponential(300, N), rng.lognormal(1, 0.5, N)),
    ),
}


@pytest.mark.parametrize("peer", ["tracetide", "numpy"])
@pytest.mark.parametrize("name", LAWS)
def test_sampler(benchmark, name, peer):
    law, numpy_draw = LAWS[name]
    benchmark.group = f"samplers: {name}"
    benchmark.extra_info["values"] = N
    if peer == "tracetide":
        out = np.empty(N, law.dtype)
        drawn = benchmark(law.sample, N, 1, out=out)
    else:
        drawn = benchmark(numpy_draw, np.random.default_rng(1), np.empty(N))
    assert len(drawn) == N
